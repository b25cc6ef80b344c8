//! Budgets: how many nodes may be worked on at a time, by all runs together.

use std::sync::OnceLock;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;
use windlass_model::Value;
use windlass_model::amount::Amount;
use windlass_model::code;
use windlass_model::problem::Problem;
use windlass_model::target::Targets;

use super::{alone, schema};
use crate::kind::{Kind, Scope, Surroundings};
use windlass_contract::Object;

/// How many of some nodes may be worked on at a time, by all runs together; it says `most`, `healthy`, or both.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct BudgetSpec {
    /// What it is for.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub description: String,
    /// The nodes that it counts, among those that its namespace may touch.
    pub targets: Targets,
    /// At most so many are worked on at a time; a percentage is rounded down, and is one at the least.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub most: Option<Amount>,
    /// At least so many are not worked on and, where they have an agent, connected; a percentage is rounded up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub healthy: Option<Amount>,
}

/// See [`BudgetSpec`].
pub static BUDGET: Kind = Kind {
    name: "Budget",
    plural: "budgets",
    short: &["bu"],
    about: "how many of some nodes may be worked on at a time, by all runs together",
    scope: Scope::Namespaced,
    schema: schema::<BudgetSpec>,
    check,
    refers: alone,
    secret: None,
    example: || json!({"targets": {"labels": "role=web"}, "most": "10%"}),
    whole: OnceLock::new(),
};

fn check(object: &Object, _: &Surroundings<'_>) -> Vec<Problem> {
    let says = |key: &str| object.spec.get(key).is_some_and(|value| !value.is_null());
    let mut problems = Vec::new();
    if !says("most") && !says("healthy") {
        let message = "it limits nothing: it says neither `most` nor `healthy`";
        problems.push(Problem::new(code::LIMITS_NOTHING, "", "/spec", message).help("such as `most: 10%`"));
    }
    for key in ["most", "healthy"] {
        let amount =
            object.spec.get(key).map(|value| serde_json::from_value::<Option<Amount>>(value.clone()));
        if let Some(Ok(Some(Amount::Percent(percent)))) = amount
            && percent > 100
        {
            let message = format!("{percent}% is more than there are");
            problems.push(Problem::new(code::LIMITS_NOTHING, "", format!("/spec/{key}"), message));
        }
    }
    if matches!(object.spec.get("targets"), Some(Value::Object(targets)) if targets.is_empty()) {
        problems.push(Problem::new(code::EMPTY_SELECTION, "", "/spec/targets", "it counts no nodes"));
    }
    problems
}

// === impl BudgetSpec ===

impl BudgetSpec {
    /// How many of so many nodes may be worked on, while so many of these are gone.
    #[must_use]
    pub fn seats(&self, nodes: u32, gone: u32) -> u32 {
        let most = self.most.map_or(nodes, |most| match most {
            Amount::Percent(1..) => most.at_most_of(nodes).max(1),
            amount => amount.at_most_of(nodes),
        });
        let healthy = self.healthy.map_or(0, |healthy| match healthy {
            Amount::Count(count) => count,
            Amount::Percent(0) => 0,
            amount => amount.at_least_one_of(nodes),
        });
        most.min(nodes.saturating_sub(gone).saturating_sub(healthy))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn amount() -> impl Strategy<Value = Option<Amount>> {
        let one = prop_oneof![(0..50u32).prop_map(Amount::Count), (0..=100u32).prop_map(Amount::Percent)];
        prop::option::of(one)
    }

    proptest! {
        #[test]
        fn no_more_than_most_and_never_fewer_healthy_than_asked_for(
            (nodes, gone) in (0..60u32).prop_flat_map(|nodes| (Just(nodes), 0..=nodes)),
            (most, healthy) in (amount(), amount()),
        ) {
            let seats = BudgetSpec { most, healthy, ..BudgetSpec::default() }.seats(nodes, gone);
            match most {
                Some(Amount::Count(count)) => prop_assert!(seats <= count),
                Some(Amount::Percent(0)) => prop_assert_eq!(seats, 0),
                Some(Amount::Percent(percent)) => prop_assert!(seats == 1 || seats * 100 <= percent * nodes),
                None => {}
            }
            if seats > 0 {
                let left = nodes - gone - seats;
                match healthy {
                    Some(Amount::Count(count)) => prop_assert!(left >= count),
                    Some(Amount::Percent(percent)) => prop_assert!(left * 100 >= percent * nodes),
                    None => {}
                }
            }
        }
    }

    #[test]
    fn what_a_share_is() {
        let seats =
            |spec: Value, nodes, gone| serde_json::from_value::<BudgetSpec>(spec).unwrap().seats(nodes, gone);
        let of = |more: Value| {
            let mut spec = json!({"targets": {"nodes": ["*"]}});
            spec.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            spec
        };
        assert_eq!(seats(of(json!({"most": "10%"})), 25, 0), 2);
        assert_eq!(seats(of(json!({"most": "10%"})), 5, 0), 1, "something must be able to begin");
        assert_eq!(seats(of(json!({"most": 0})), 5, 0), 0);
        assert_eq!(seats(of(json!({"healthy": "80%"})), 11, 0), 2);
        assert_eq!(seats(of(json!({"healthy": "80%"})), 11, 2), 0, "two are gone as it is");
        assert_eq!(seats(of(json!({"most": 3, "healthy": 9})), 10, 0), 1);
    }
}
