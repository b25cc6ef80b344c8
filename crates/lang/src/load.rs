//! A text to plans, or to everything that is wrong with it.
//!
//! ```text
//! text ─ documents ─ schema ─┬─ fits ────────────────► Plan ─ validate ─► Loaded
//!                            └─ does not ─ prune ─► what is left ─ validate ─► Findings
//! ```
//!
//! What is broken is cut out and the rest is validated all the same, so that one misspelt key does
//! not hide what else is wrong. What only follows from the cutting is not reported.

use std::sync::Arc;

use windlass_model::code;
use windlass_model::plan::{API_VERSION, Plan};
use windlass_model::problem::Problem;
use windlass_model::schema::{Rules, SchemaProblem, SchemaProblemKind, check};
use windlass_model::{Value, name};

use crate::findings::{Findings, Found};
use crate::inputs;
use crate::loaded::Loaded;
use crate::loaded::place::{self, address_of};
use crate::misfits::as_problem;
use crate::patterns::Regexes;
use crate::schema::plan_schema;
use crate::source::Source;
use crate::validate::{Surroundings, validate};
use crate::warn;
use crate::yaml::{self, Document};

mod prune;

use self::prune::Pruned;

/// The most problems of a file that are worth listing.
const MAX_PROBLEMS: usize = 1000;

/// Reads and validates the plans of a text.
///
/// # Errors
///
/// Everything that is wrong with any of them.
pub fn load<'a>(
    source_name: &str,
    text: &str,
    surroundings: impl Into<Surroundings<'a>>,
) -> Result<Vec<Loaded>, Findings> {
    let surroundings = surroundings.into();
    let source = Source::new(source_name, text);
    let (documents, mut all) = yaml::read_all(&source);
    if documents.is_empty() && all.is_empty() {
        let problem = Problem::new(code::WRONG_KIND, "", "", "there is nothing in this file")
            .help(format!("a plan begins with `apiVersion: {API_VERSION}` and `kind: Plan`"));
        return Err(Findings::of(&source, vec![Found::at(problem, 0..0)]));
    }
    let mut loaded = Vec::new();
    for document in documents {
        match one(document, &source, surroundings) {
            Ok(plan) => loaded.push(plan),
            Err(found) => all.extend(found),
        }
    }
    if all.is_empty() {
        return Ok(loaded);
    }
    all.truncate(MAX_PROBLEMS);
    Err(Findings::of(&source, all))
}

fn one(document: Document, source: &Source, surroundings: Surroundings<'_>) -> Result<Loaded, Vec<Found>> {
    let Document { value, spans } = document;
    let placed = |problem| place::found(problem, &value, &spans, source);
    kind(&value).map_err(|problem| vec![placed(problem)])?;
    let patterns = Regexes::default();
    let misfits = check(plan_schema(), &value, Rules { templates: false, patterns: &patterns });
    if !misfits.is_empty() {
        let rest = sound(&value, &misfits, surroundings);
        let misfits = misfits.iter().map(|misfit| described(misfit, &value));
        return Err(misfits.chain(rest).map(placed).collect());
    }
    let plan = Plan::deserialize_from(&value)
        .map_err(|why| vec![placed(Problem::new(code::WRONG_TYPE, "", "", why.to_string()))])?;
    let (problems, odd) = judge(&plan, surroundings);
    if !problems.is_empty() {
        return Err(problems.into_iter().map(placed).collect());
    }
    let mut warnings = warn::plan(&plan, &value, surroundings);
    warnings.extend(odd);
    Ok(Loaded { plan: Arc::new(plan), source: source.clone(), document: value, spans, warnings })
}

/// What is wrong with that part of a document which fits the schema.
fn sound(document: &Value, misfits: &[SchemaProblem], surroundings: Surroundings<'_>) -> Vec<Problem> {
    let pruned = Pruned::new(document, misfits);
    let Ok(plan) = Plan::deserialize_from(&pruned.value) else { return Vec::new() };
    let (problems, _) = judge(&plan, surroundings);
    problems.into_iter().filter_map(|problem| pruned.original(problem)).collect()
}

/// Everything that is wrong with a plan, its targets included as far as they are known; and what is odd about them.
fn judge(plan: &Plan, surroundings: Surroundings<'_>) -> (Vec<Problem>, Vec<Problem>) {
    let mut problems = validate(plan, surroundings);
    let (found, odd) = inputs::foreseen(plan, surroundings);
    problems.extend(found);
    (problems, odd)
}

/// Whether a document is a plan at all.
fn kind(value: &Value) -> Result<(), Problem> {
    let help = format!("a plan begins with `apiVersion: {API_VERSION}` and `kind: Plan`");
    let Value::Object(map) = value else {
        return Err(Problem::new(code::WRONG_KIND, "", "", "this is not a plan").help(help));
    };
    match map.get("kind") {
        Some(Value::String(kind)) if kind == "Plan" => {}
        Some(Value::String(kind)) => {
            let problem = Problem::new(
                code::WRONG_KIND,
                "",
                "/kind",
                format!("`{kind}` is not a kind that is known here"),
            );
            return Err(problem.help(match name::nearest(kind, ["Plan"]) {
                Some(near) => format!("did you mean `{near}`?"),
                None => help,
            }));
        }
        _ if map.contains_key("spec") || map.contains_key("apiVersion") => {}
        _ => return Err(Problem::new(code::WRONG_KIND, "", "", "this is not a plan").help(help)),
    }
    match map.get("apiVersion") {
        Some(Value::String(version)) if version != API_VERSION => {
            let message = format!("`{version}` is not a version that is known here");
            let problem = Problem::new(code::WRONG_KIND, "", "/apiVersion", message);
            Err(problem.help(format!("this program reads `{API_VERSION}`")))
        }
        _ => Ok(()),
    }
}

/// A misfit as a problem of the plan.
fn described(misfit: &SchemaProblem, document: &Value) -> Problem {
    let (parent, key) = misfit.pointer.rsplit_once('/').unwrap_or(("", ""));
    let nested = misfit.kind == SchemaProblemKind::UnknownKey && key == "undo" && parent.ends_with("/undo");
    let mut problem = if nested {
        let message = "an undo cannot have an undo";
        Problem::new(code::NESTED_UNDO, "", misfit.pointer.as_str(), message)
    } else {
        as_problem(misfit)
    };
    problem.address = address_of(document, if nested { parent } else { &misfit.pointer });
    problem
}

trait DeserializeFrom: Sized {
    fn deserialize_from(value: &Value) -> Result<Self, serde_json::Error>;
}

impl DeserializeFrom for Plan {
    fn deserialize_from(value: &Value) -> Result<Self, serde_json::Error> {
        serde::Deserialize::deserialize(value)
    }
}

#[cfg(test)]
mod tests;
