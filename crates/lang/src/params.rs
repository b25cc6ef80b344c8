//! The parameters of a run: what was given, read, checked and filled up from the plan.

use std::collections::BTreeMap;

use windlass_model::code;
use windlass_model::param::{ParamSpec, ParamType};
use windlass_model::plan::Plan;
use windlass_model::problem::{Problem, Problems};
use windlass_model::schema::{Patterns as _, escape};
use windlass_model::secret::{Secrets, token};
use windlass_model::{Map, Value, name};

use crate::patterns::Regexes;

/// The parameters of a run, complete.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Params {
    /// Every parameter that has a value, in the order of the plan; secrets in clear.
    pub values: Map,
    /// Which of them are secrets.
    pub secrets: Vec<String>,
}

/// The value of a parameter as it was given.
#[derive(Clone, Debug, PartialEq)]
pub enum Given {
    /// As a value.
    Value(Value),
    /// As a text, such as that of a command line, which the type of the parameter says how to read.
    Text(String),
}

// === impl Params ===

impl Params {
    /// The parameters as they may be kept, with tokens in the place of secrets, and the secrets.
    #[must_use]
    pub fn sealed(self) -> (Map, Secrets) {
        let Self { mut values, secrets: names } = self;
        let mut secrets = Secrets::default();
        for name in names {
            if let Some(value) = values.get_mut(&name)
                && let Value::String(clear) = std::mem::replace(value, Value::String(token(&name)))
            {
                secrets.insert(name, clear);
            }
        }
        // A secret that was also given as part of something else is one there, too.
        let values = values.iter().map(|(name, value)| {
            let is_token = value.as_str() == Some(&*token(name));
            (name.clone(), if is_token { value.clone() } else { secrets.hide_value(value) })
        });
        let values = values.collect();
        (values, secrets)
    }
}

/// Checks parameters that were given as values.
///
/// # Errors
///
/// Everything that is wrong with any of them.
pub fn params(plan: &Plan, given: &Map) -> Result<Params, Problems> {
    let written = given.iter().map(|(name, value)| (name.clone(), Given::Value(value.clone())));
    let (params, problems) = read(plan, written.collect());
    Problems::check(problems).map(|()| params)
}

/// Those parameters that are acceptable, and everything that is wrong with the others.
pub(crate) fn read(plan: &Plan, mut given: BTreeMap<String, Given>) -> (Params, Vec<Problem>) {
    let known = &plan.spec.params;
    let (mut params, mut problems) = (Params::default(), Vec::new());
    for name in given.keys().filter(|name| !known.contains_key(*name)) {
        let help = match name::nearest(name, known.keys().map(String::as_str)) {
            Some(near) => format!("did you mean `{near}`?"),
            None if known.is_empty() => "this plan has no parameters".to_owned(),
            None => format!("there are: {}", known.keys().cloned().collect::<Vec<_>>().join(", ")),
        };
        let message = format!("there is no parameter `{name}`");
        problems.push(Problem::new(code::UNKNOWN_PARAM, format!("params.{name}"), "", message).help(help));
    }
    let patterns = Regexes::default();
    for (name, spec) in known {
        if spec.kind == ParamType::Secret {
            params.secrets.push(name.clone());
        }
        let value = match given.remove(name) {
            // YAML and JSON read 1.10 as a number, which is no text any more.
            Some(Given::Value(Value::Number(number))) if spec.kind == ParamType::String => {
                Err(format!("expected string, got the number {number}; a text stands in quotes"))
            }
            Some(Given::Value(value)) => Ok(value),
            Some(Given::Text(text)) => spec.kind.read(&text),
            None if spec.required => {
                problems.push(missing(name, spec));
                continue;
            }
            // Where that of a secret comes from is for whoever has the secrets.
            None if spec.kind == ParamType::Secret => continue,
            None => {
                if let Some(default) = &spec.default {
                    params.values.insert(name.clone(), default.clone());
                }
                continue;
            }
        };
        match value.and_then(|value| fits(spec, &value, &patterns).map(|()| value)) {
            Ok(value) => {
                params.values.insert(name.clone(), value);
            }
            Err(why) => problems.push(bad(name, spec, &why)),
        }
    }
    (params, problems)
}

fn missing(name: &str, spec: &ParamSpec) -> Problem {
    let message = format!("the parameter `{name}` ({}) is missing", spec.kind.word());
    let pointer = format!("/spec/params/{}", escape(name));
    let problem = Problem::new(code::MISSING_PARAM, format!("params.{name}"), pointer, message);
    if spec.description.is_empty() { problem } else { problem.help(spec.description.clone()) }
}

/// A value that is not acceptable. What was given for a secret is never quoted.
fn bad(name: &str, spec: &ParamSpec, why: &str) -> Problem {
    let why =
        if spec.kind == ParamType::Secret && why.contains('`') { "the value is not acceptable" } else { why };
    let problem = Problem::new(
        code::BAD_PARAM,
        format!("params.{name}"),
        format!("/spec/params/{}", escape(name)),
        why,
    );
    if spec.description.is_empty() { problem } else { problem.help(spec.description.clone()) }
}

fn fits(spec: &ParamSpec, value: &Value, patterns: &Regexes) -> Result<(), String> {
    spec.check(value)?;
    let (Some(pattern), Some(text)) = (&spec.pattern, value.as_str()) else { return Ok(()) };
    match patterns.matches(pattern, text) {
        Some(true) => Ok(()),
        Some(false) if spec.kind == ParamType::Secret => {
            Err(format!("the value does not match the pattern {pattern}"))
        }
        Some(false) => Err(format!("`{text}` does not match the pattern {pattern}")),
        None => Err(format!("the pattern {pattern} is not understood")),
    }
}

#[cfg(test)]
mod tests;
