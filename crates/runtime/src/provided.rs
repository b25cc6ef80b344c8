//! The secrets that a plan refers to by name: asked for once, when a run is submitted, and sealed with it.

use std::collections::{BTreeMap, BTreeSet};

use windlass_lang::{SecretUse, secret_uses};
use windlass_model::Value;
use windlass_model::code;
use windlass_model::name::nearest;
use windlass_model::problem::{Problem, Problems};
use windlass_model::schema::escape;
use windlass_model::secret::{Secrets, token};
use windlass_model::submission::Submission;
use windlass_plugin::{SecretError, SecretProvider};

use crate::error::Error;

/// The references in what is to be submitted that nothing that was given answers.
pub(crate) fn wanted(submission: &Submission, given: &Secrets) -> Vec<SecretUse> {
    // Hardly any submission refers to one, and some have a million targets.
    let text = serde_json::to_string(submission).unwrap_or_default();
    if !text.contains("secret(") && !text.contains("secret (") {
        return Vec::new();
    }
    let document: Value = serde_json::from_str(&text).unwrap_or_default();
    let mut uses = secret_uses(&document);
    let params = &submission.plan.spec.params;
    let needless: BTreeSet<String> = params
        .keys()
        .filter(|name| submission.params.contains_key(*name))
        .map(|name| format!("/plan/spec/params/{}/default", escape(name)))
        .collect();
    uses.retain(|one| given.get(&one.name).is_none() && !needless.contains(&one.pointer) && !one.is_login());
    for one in &mut uses {
        if let Some(of_plan) = one.pointer.strip_prefix("/plan") {
            one.pointer = of_plan.to_owned();
        }
    }
    uses
}

/// Asks for each of them, once.
pub(crate) async fn ask(
    uses: Vec<SecretUse>,
    provider: Option<&dyn SecretProvider>,
) -> Result<BTreeMap<String, String>, Error> {
    let mut clear = BTreeMap::new();
    let mut problems = Vec::new();
    let mut asked = BTreeSet::new();
    for SecretUse { name, pointer } in uses {
        if !asked.insert(name.clone()) {
            continue;
        }
        let answer = match provider {
            None => Err(SecretError::Unknown { name: name.clone() }),
            Some(provider) => provider.resolve(&name).await,
        };
        match answer {
            Ok(secret) => drop(clear.insert(name, secret.expose().to_owned())),
            Err(error) => problems.push(problem(&error, provider, pointer)),
        }
    }
    if problems.is_empty() { Ok(clear) } else { Err(Error::Invalid(Problems(problems))) }
}

/// Why a run cannot have a secret.
fn problem(error: &SecretError, provider: Option<&dyn SecretProvider>, pointer: String) -> Problem {
    match error {
        SecretError::Unknown { name } => unknown_secret(name, provider, pointer),
        SecretError::Failed { .. } => Problem::new(code::SECRET_UNAVAILABLE, "", pointer, error.to_string())
            .help("nothing was begun; see to it that it can be had, and submit again"),
    }
}

/// A reference to a secret that nobody knows.
#[must_use]
pub fn unknown_secret(name: &str, provider: Option<&dyn SecretProvider>, pointer: String) -> Problem {
    let problem = Problem::new(code::UNKNOWN_SECRET, "", pointer, format!("there is no secret `{name}`"));
    let Some(provider) = provider else {
        return problem
            .help("nothing says where secrets come from: declare it in secrets.yaml beside the plan");
    };
    let known = provider.names();
    let place = provider.place();
    problem.help(match nearest(name, known.iter().map(String::as_str)) {
        Some(near) => format!("did you mean `{near}`?"),
        None if known.is_empty() => format!("declare it in {place}"),
        None => format!("declare it in {place}; there are: {}", known.join(", ")),
    })
}

/// Puts stand-ins in the places of secrets, for a rehearsal, in which nobody is asked for one.
pub fn stand_in_for_secrets(submission: &mut Submission, secrets: &mut Secrets) {
    let wanted = wanted(submission, secrets).into_iter();
    let clear = wanted.map(|one| (one.name.clone(), format!("rehearsed-{}", one.name))).collect();
    put(submission, secrets, &clear);
}

/// Puts what was had into what is submitted: parameters that have their values from there, and tokens wherever else one
/// of the secrets stands.
pub(crate) fn put(submission: &mut Submission, secrets: &mut Secrets, clear: &BTreeMap<String, String>) {
    if clear.is_empty() {
        return;
    }
    for (name, text) in clear {
        secrets.insert(name.clone(), text.clone());
    }
    for (name, spec) in &submission.plan.spec.params {
        let from = spec.default_secret().and_then(|from| clear.get(&from.0));
        if let Some(text) = from.filter(|_| !submission.params.contains_key(name)) {
            secrets.insert(name.clone(), text.clone());
            submission.params.insert(name.clone(), token(name).into());
        }
    }
    let own: BTreeSet<String> = submission.plan.spec.params.keys().map(|name| token(name)).collect();
    for (_, value) in &mut submission.params {
        // What is a token already must stay one.
        if !value.as_str().is_some_and(|text| own.contains(text)) {
            *value = secrets.redact_value(value);
        }
    }
}
