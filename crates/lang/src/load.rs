//! A text to plans, or to everything that is wrong with it.
//!
//! ```text
//! text ─ documents ─ schema ─┬─ fits ────────────────► Plan ─ validate ─► Loaded
//!                            └─ does not ─ prune ─► what is left ─ validate ─► Invalid
//! ```
//!
//! What is broken is cut out and the rest is validated all the same, so that one misspelt key does
//! not hide what else is wrong. What only follows from the cutting is not reported.

use windlass_model::code;
use windlass_model::fact::Catalog;
use windlass_model::plan::{API_VERSION, Plan};
use windlass_model::problem::Problem;
use windlass_model::schema::{Rules, SchemaProblem, SchemaProblemKind, check};
use windlass_model::{Value, name};

use crate::invalid::{Found, Invalid};
use crate::patterns::Regexes;
use crate::schema::plan_schema;
use crate::source::Source;
use crate::spans::SpanTree;
use crate::validate::validate;
use crate::yaml::{self, Document};

mod place;
mod prune;

use self::place::{address_of, found};
use self::prune::Pruned;

/// A plan that was read from a text.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// The plan.
    pub plan: Plan,
    /// The document that it was read from.
    pub document: Value,
    /// Where each part of the document stood.
    pub spans: SpanTree,
    /// Not wrong, but worth a look.
    pub warnings: Vec<Problem>,
}

/// The most problems of a file that are worth listing.
const MAX_PROBLEMS: usize = 1000;

/// Reads and validates the plans of a text.
///
/// # Errors
///
/// Everything that is wrong with any of them.
pub fn load(source_name: &str, text: &str, catalog: &Catalog) -> Result<Vec<Loaded>, Invalid> {
    let source = Source::new(source_name, text);
    let documents = yaml::read(&source)?;
    if documents.is_empty() {
        let problem = Problem::new(code::WRONG_KIND, "", "", "there is nothing in this file")
            .help(format!("a plan begins with `apiVersion: {API_VERSION}` and `kind: Plan`"));
        return Err(Invalid::of(&source, vec![Found::at(problem, 0..0)]));
    }
    let mut loaded = Vec::new();
    let mut all = Vec::new();
    for document in documents {
        match one(document, &source, catalog) {
            Ok(plan) => loaded.push(plan),
            Err(found) => all.extend(found),
        }
    }
    if all.is_empty() {
        return Ok(loaded);
    }
    all.truncate(MAX_PROBLEMS);
    Err(Invalid::of(&source, all))
}

fn one(document: Document, source: &Source, catalog: &Catalog) -> Result<Loaded, Vec<Found>> {
    if let Err(problem) = kind(&document.value) {
        return Err(vec![found(problem, &document, source)]);
    }
    let patterns = Regexes::default();
    let misfits = check(plan_schema(), &document.value, Rules { templates: false, patterns: &patterns });
    if misfits.is_empty() {
        return match Plan::deserialize_from(&document.value) {
            Ok(plan) => {
                let problems = validate(&plan, catalog);
                if problems.is_empty() {
                    return Ok(Loaded {
                        plan,
                        document: document.value,
                        spans: document.spans,
                        warnings: Vec::new(),
                    });
                }
                Err(problems.into_iter().map(|problem| found(problem, &document, source)).collect())
            }
            Err(why) => {
                let problem = Problem::new(code::WRONG_TYPE, "", "", why.to_string());
                Err(vec![found(problem, &document, source)])
            }
        };
    }
    let mut problems: Vec<Problem> =
        misfits.iter().map(|misfit| described(misfit, &document.value)).collect();
    let pruned = Pruned::new(&document.value, &misfits);
    if let Ok(plan) = Plan::deserialize_from(&pruned.value) {
        let rest = validate(&plan, catalog).into_iter().filter_map(|problem| pruned.original(problem));
        problems.extend(rest);
    }
    Err(problems.into_iter().map(|problem| found(problem, &document, source)).collect())
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
    let code = match misfit.kind {
        SchemaProblemKind::UnknownKey => code::UNKNOWN_KEY,
        SchemaProblemKind::MissingKey => code::MISSING_KEY,
        SchemaProblemKind::WrongForm => code::WRONG_TYPE,
        SchemaProblemKind::OutOfRange => code::BAD_NUMBER,
    };
    let (parent, key) = misfit.pointer.rsplit_once('/').unwrap_or(("", ""));
    let nested = misfit.kind == SchemaProblemKind::UnknownKey && key == "undo" && parent.ends_with("/undo");
    let mut problem = if nested {
        let message = "an undo cannot have an undo";
        Problem::new(code::NESTED_UNDO, "", misfit.pointer.as_str(), message)
    } else {
        let problem = Problem::new(code, "", misfit.pointer.as_str(), misfit.message.as_str());
        Problem { help: misfit.help.clone(), ..problem }
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
