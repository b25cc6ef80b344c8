//! The parameters of a run: what was given, read, checked and filled up from the plan.

use std::collections::BTreeMap;
use std::sync::Arc;

use windlass_model::code;
use windlass_model::eval::{Evaluate, Scope};
use windlass_model::freeze;
use windlass_model::param::{ParamSpec, ParamType};
use windlass_model::plan::Plan;
use windlass_model::problem::{Problem, Problems};
use windlass_model::schema::{Patterns as _, escape};
use windlass_model::secret::{Secrets, token};
use windlass_model::target::Frozen;
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

// === impl Params ===

impl Params {
    /// The targets of each block of a step set, frozen with these parameters, and what is odd about them.
    ///
    /// # Errors
    ///
    /// Everything that is wrong with any of them. A secret cannot name a node.
    pub fn targets(
        &self,
        plan: &Plan,
        step_set: &str,
        eval: &dyn Evaluate,
    ) -> Result<(Vec<Frozen>, Vec<Problem>), Vec<Problem>> {
        let scope = Scope {
            params: Arc::new(self.values.clone()),
            vars: Arc::new(plan.spec.vars.clone()),
            secret_params: Arc::new(self.secrets.clone()),
            ..Scope::default()
        };
        let render = |text: &str| {
            let rendered = eval.render(&Value::from(text), &scope).map_err(|error| error.to_string())?;
            match rendered.shown {
                None => Ok(rendered.clear),
                Some(_) => Err("a secret cannot name a node".to_owned()),
            }
        };
        freeze::step_set(plan, step_set, &render)
    }

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
        (values, secrets)
    }
}

/// Reads parameters that were given as texts, as on a command line.
///
/// # Errors
///
/// Everything that is wrong with any of them.
pub fn params_from_texts(plan: &Plan, given: &BTreeMap<String, String>) -> Result<Params, Problems> {
    let mut problems = Vec::new();
    let mut values = Map::new();
    for (name, text) in given {
        let Some(spec) = plan.spec.params.get(name) else {
            values.insert(name.clone(), Value::from(text.as_str()));
            continue;
        };
        match spec.kind.read(text) {
            Ok(value) => {
                values.insert(name.clone(), value);
            }
            Err(why) => problems.push(bad(name, spec, &why)),
        }
    }
    finish(plan, &values, problems, Some(given))
}

/// Checks parameters that were given as values.
///
/// # Errors
///
/// Everything that is wrong with any of them.
pub fn params(plan: &Plan, given: &Map) -> Result<Params, Problems> {
    finish(plan, given, Vec::new(), None)
}

fn finish(
    plan: &Plan,
    given: &Map,
    mut problems: Vec<Problem>,
    texts: Option<&BTreeMap<String, String>>,
) -> Result<Params, Problems> {
    let known = &plan.spec.params;
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
    let mut params = Params::default();
    for (name, spec) in known {
        if spec.kind == ParamType::Secret {
            params.secrets.push(name.clone());
        }
        let unreadable = texts.is_some_and(|texts| texts.contains_key(name)) && !given.contains_key(name);
        match given.get(name) {
            _ if unreadable => {}
            Some(value) => match fits(spec, value, &patterns) {
                Ok(()) => {
                    params.values.insert(name.clone(), value.clone());
                }
                Err(why) => problems.push(bad(name, spec, &why)),
            },
            None if spec.required => {
                let message = format!("the parameter `{name}` ({}) is missing", spec.kind.word());
                let pointer = format!("/spec/params/{}", escape(name));
                let mut problem =
                    Problem::new(code::MISSING_PARAM, format!("params.{name}"), pointer, message);
                if !spec.description.is_empty() {
                    problem = problem.help(spec.description.clone());
                }
                problems.push(problem);
            }
            None => {
                if let Some(default) = &spec.default {
                    params.values.insert(name.clone(), default.clone());
                }
            }
        }
    }
    Problems::check(problems).map(|()| params)
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
