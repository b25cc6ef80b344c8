//! Where the secrets of a plan come from: `secrets.yaml` beside it, or the file that `--secrets` names.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use windlass_lang::{Loaded, secret_uses};
use windlass_model::code;
use windlass_model::plan::Plan;
use windlass_model::problem::Problem;
use windlass_model::submission::Submission;
use windlass_plugin::{BoxFuture, Secret, SecretError, SecretProvider};
use windlass_runtime::unknown_secret;
use windlass_secrets::SecretsFile;

use crate::exit::Exit;
use crate::failure::Failure;
use crate::printer::Printer;

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
    read(&path).map(Some)
}

fn read(path: &Path) -> Result<Arc<dyn SecretProvider>, Failure> {
    let text = std::fs::read_to_string(path).map_err(|error| Failure::file("read", path, &error))?;
    let file = SecretsFile::parse(path, &text).map_err(|error| {
        Failure::new(Exit::Invalid, code::BAD_SECRETS_FILE, error.to_string())
            .help("say for each name where it is: {env: VARIABLE}, {file: PATH}, {program: [NAME, ARGUMENT]} or {age: PATH}")
    })?;
    Ok(Arc::new(file))
}

/// The provider for runs that go on, or that are made again: the file that is named now, else those that they were
/// submitted with. One that cannot be read is said, and left out: what it declared may be in the environment.
pub(crate) fn again<'a>(
    flag: Option<&Path>,
    submitted: impl IntoIterator<Item = &'a Submission>,
    printer: &mut Printer,
) -> Result<Option<Arc<dyn SecretProvider>>, Failure> {
    if flag.is_some() {
        return provider(None, flag);
    }
    let paths: BTreeSet<&str> = submitted.into_iter().filter_map(|it| it.secrets_file.as_deref()).collect();
    let mut files = Vec::new();
    for path in paths {
        match read(Path::new(path)) {
            Ok(file) => files.push(file),
            Err(failure) => printer.warn(format_args!(
                "the file that says where secrets come from cannot be used: {}; name another with --secrets FILE",
                failure.in_words()
            )),
        }
    }
    Ok(match files.len() {
        0 | 1 => files.pop(),
        _ => Some(Arc::new(Several(files))),
    })
}

/// The files of several runs.
#[derive(Debug)]
struct Several(Vec<Arc<dyn SecretProvider>>);

impl SecretProvider for Several {
    fn names(&self) -> Vec<String> {
        let names: BTreeSet<String> = self.0.iter().flat_map(|file| file.names()).collect();
        names.into_iter().collect()
    }

    fn place(&self) -> String {
        self.0.iter().map(|file| file.place()).collect::<Vec<_>>().join(", ")
    }

    fn resolve<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<Secret, SecretError>> {
        Box::pin(async move {
            let mut found: Option<Secret> = None;
            for file in self.0.iter().filter(|file| file.names().iter().any(|known| known == name)) {
                let secret = file.resolve(name).await?;
                if found.as_ref().is_some_and(|found| found.expose() != secret.expose()) {
                    let why = "they do not say the same; name one with --secrets FILE".to_owned();
                    return Err(SecretError::Failed { name: name.to_owned(), from: self.place(), why });
                }
                found = Some(secret);
            }
            found.ok_or_else(|| SecretError::Unknown { name: name.to_owned() })
        })
    }
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
