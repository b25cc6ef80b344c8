//! Where the secrets of a plan come from: `secrets.yaml` beside it, or the file that `--secrets` names.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use windlass_lang::{Loaded, secret_uses};
use windlass_model::code;
use windlass_model::plan::Plan;
use windlass_model::problem::Problem;
use windlass_plugin::SecretProvider;
use windlass_runtime::unknown_secret;
use windlass_secrets::SecretsFile;

use crate::exit::Exit;
use crate::failure::Failure;

/// What the file is called that is looked for beside a plan.
const BESIDE: &str = "secrets.yaml";

/// The provider for a plan; none where no file says where secrets come from.
pub(crate) fn provider(
    plan: Option<&Path>,
    flag: Option<&Path>,
) -> Result<Option<Arc<dyn SecretProvider>>, Failure> {
    let path: PathBuf = match (flag, plan) {
        (Some(path), _) => path.to_owned(),
        (None, Some(plan)) if plan.as_os_str() != "-" => {
            let beside = plan.parent().unwrap_or(Path::new("")).join(BESIDE);
            if !beside.exists() {
                return Ok(None);
            }
            beside
        }
        (None, _) => return Ok(None),
    };
    let text = std::fs::read_to_string(&path).map_err(|error| Failure::file("read", &path, &error))?;
    let file = SecretsFile::parse(&path, &text).map_err(|error| {
        Failure::new(Exit::Invalid, code::BAD_SECRETS_FILE, error.to_string())
            .help("say for each name where it is: {env: VARIABLE}, {file: PATH}, {program: [NAME, ARGUMENT]} or {age: PATH}")
    })?;
    Ok(Some(Arc::new(file)))
}

/// Whether the file that says where secrets come from, if there is one, knows all that a plan names.
pub(crate) fn check(loaded: &Loaded, plan: &Path, flag: Option<&Path>) -> Result<(), Failure> {
    let Some(provider) = provider(Some(plan), flag)? else { return Ok(()) };
    let unknown = unknown(&loaded.plan, Some(&*provider));
    if unknown.is_empty() { Ok(()) } else { Err(loaded.findings(unknown, &|_| None).into()) }
}

/// References of a plan to secrets that nothing declares.
pub(crate) fn unknown(plan: &Plan, provider: Option<&dyn SecretProvider>) -> Vec<Problem> {
    let document = serde_json::to_value(plan).unwrap_or_default();
    let names = provider.map(SecretProvider::names).unwrap_or_default();
    let params = &plan.spec.params;
    let uses = secret_uses(&document).into_iter();
    uses.filter(|one| !one.is_login() && !names.contains(&one.name) && !params.contains_key(&one.name))
        .map(|one| unknown_secret(&one.name, provider, one.pointer))
        .collect()
}
