//! A plan.

use std::sync::OnceLock;

use serde_json::json;
use windlass_model::code;
use windlass_model::plan::{API_VERSION, Metadata, Plan, Spec};
use windlass_model::problem::Problem;

use super::{alone, schema};
use crate::kind::{Kind, Scope, Surroundings};
use windlass_contract::Object;

/// See [`Spec`].
pub static PLAN: Kind = Kind {
    name: "Plan",
    plural: "plans",
    short: &["pl"],
    about: "what is done, on which nodes, how many at once, and how much may fail",
    scope: Scope::Namespaced,
    schema: schema::<Spec>,
    check,
    refers: alone,
    secret: None,
    example: || {
        json!({
            "blocks": [{
                "name": "patch",
                "targets": {"labels": "role=web"},
                "concurrency": 3,
                "sequence": [{"name": "patch", "use": "command", "with": {"argv": ["patch"]}}],
            }],
        })
    },
    whole: OnceLock::new(),
};

/// Where a plan says what it is for: its own key of the metadata is one of objects in general here.
pub const DESCRIPTION: &str = "description";

/// The plan that an object is.
pub fn of(object: &Object) -> Result<Plan, String> {
    let spec: Spec = serde_json::from_value(object.spec.clone()).map_err(|error| error.to_string())?;
    Ok(Plan {
        api_version: API_VERSION.to_owned(),
        kind: PLAN.name.to_owned(),
        metadata: Metadata {
            name: object.metadata.name.clone(),
            description: object.metadata.annotations.get(DESCRIPTION).cloned().unwrap_or_default(),
            labels: object.metadata.labels.clone(),
        },
        spec,
    })
}

fn check(object: &Object, surroundings: &Surroundings<'_>) -> Vec<Problem> {
    match of(object) {
        Ok(plan) => windlass_lang::validate(&plan, surroundings.catalog),
        Err(why) => vec![Problem::new(code::WRONG_TYPE, "", "/spec", why)],
    }
}
