//! What runs must be like to begin.

use std::sync::OnceLock;
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;
use windlass_contract::Object;
use windlass_model::problem::Problem;
use windlass_model::span::Span;
use windlass_model::texts::Texts;
use windlass_model::time::Time;
use windlass_model::{Value, code};

use super::{alone, schema};
use crate::kind::{Kind, Scope, Surroundings};

/// What runs must be like to begin: what it forbids is refused when it is submitted, and again when it is started.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PolicySpec {
    /// What to say to those whose runs are refused.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub message: String,
    /// Runs of these namespaces; of all of them, where it names none.
    #[serde(default, skip_serializing_if = "<[String]>::is_empty")]
    pub namespaces: Texts,
    /// What it forbids, in Cedar.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub cedar: String,
    /// How many of them may begin within some time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rate: Option<Rate>,
}

/// No more than so many runs begin within any span of so long. What only looks is not counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Rate {
    /// So many.
    pub most: u32,
    /// So long, 31 days at the most.
    pub every: Span,
    /// Which of them are counted together.
    #[serde(default)]
    pub per: Per,
    /// What becomes of one more.
    #[serde(default)]
    pub beyond: Beyond,
}

/// Which runs are counted together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Per {
    /// All that the policy covers.
    #[default]
    All,
    /// Those of a namespace.
    Namespace,
    /// Those of a plan.
    Plan,
    /// Those of a user.
    User,
}

/// What becomes of a run that may not begin yet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Beyond {
    /// It is refused.
    #[default]
    Refuse,
    /// It is taken in and begins by itself when it may, in the order of submission.
    Wait,
}

/// The longest time that a rate may speak of.
pub const LONGEST_RATE: Duration = Duration::from_secs(31 * 24 * 3600);

/// See [`PolicySpec`].
pub static POLICY: Kind = Kind {
    name: "Policy",
    plural: "policies",
    short: &["pol"],
    about: "what runs must be like to begin: how large, how careful, when",
    scope: Scope::Global,
    schema: schema::<PolicySpec>,
    check,
    refers: alone,
    secret: None,
    example: || {
        json!({
            "message": "more than 100 nodes need a canary",
            "cedar": "forbid (principal, action, resource) when { context.targets > 100 && !context.everyBlockHasCanary };",
        })
    },
    whole: OnceLock::new(),
};

fn check(object: &Object, surroundings: &Surroundings<'_>) -> Vec<Problem> {
    let mut problems = Vec::new();
    let says = |key: &str| object.spec.get(key).is_some_and(|value| !value.is_null());
    if !says("cedar") && !says("rate") {
        let message = "it limits nothing: it says neither `cedar` nor `rate`";
        problems.push(
            Problem::new(code::LIMITS_NOTHING, "", "/spec", message)
                .help("such as `rate: {most: 1, every: 1h}`"),
        );
    }
    if let Some(rate) =
        object.spec.get("rate").and_then(|rate| serde_json::from_value::<Rate>(rate.clone()).ok())
    {
        if rate.most == 0 {
            let message = "no run could ever begin";
            let problem = Problem::new(code::LIMITS_NOTHING, "", "/spec/rate/most", message);
            problems.push(problem.help("to stop everything for a while, apply a Freeze"));
        }
        if rate.every.is_zero() || rate.every.0 > LONGEST_RATE {
            let message = format!("{} is not between 1 ms and {}", rate.every, Span(LONGEST_RATE));
            problems.push(Problem::new(code::LIMITS_NOTHING, "", "/spec/rate/every", message));
        }
    }
    let Some(text) = object.spec.get("cedar").and_then(Value::as_str) else { return problems };
    let problem = |why: String| {
        Problem::new(code::BAD_POLICY, "", "/spec/cedar", why)
            .help("what can be asked about a run stands in the guide: policies")
    };
    problems.extend((surroundings.policies)(text).into_iter().map(problem));
    problems
}

// === impl PolicySpec ===

impl PolicySpec {
    /// Whether it is asked about runs of a namespace.
    #[must_use]
    pub fn covers(&self, namespace: &str) -> bool {
        self.namespaces.is_empty() || self.namespaces.has(namespace)
    }
}

// === impl Rate ===

impl Rate {
    /// When one more may begin that waits behind so many others; none when that is now.
    #[must_use]
    pub fn free_at(&self, mut begun: Vec<Time>, ahead: usize, now: Time) -> Option<Time> {
        let most = usize::try_from(self.most).unwrap_or(usize::MAX);
        begun.retain(|at| now.since(*at) < self.every.0);
        begun.sort_unstable();
        // Whoever goes first begins as soon as that may be.
        for _ in 0..=ahead {
            let free = begun.len().checked_sub(most).and_then(|oldest| begun.get(oldest));
            begun.push(free.map_or(now, |at| (*at + self.every.0).max(now)));
        }
        begun.pop().filter(|at| *at > now)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const EVERY: u64 = 50;

    proptest! {
        #[test]
        fn no_span_has_more_than_most_and_nobody_waits_for_nothing(
            most in 1..5_u32,
            asked in prop::collection::vec(0..400_u64, 1..60),
        ) {
            let rate = Rate { most, every: Span::millis(EVERY), per: Per::All, beyond: Beyond::Wait };
            let mut asked = asked;
            asked.sort_unstable();
            // Each begins at the moment that it is told, behind those that came first.
            let mut begun: Vec<Time> = Vec::new();
            for at in asked {
                let now = Time(0) + Duration::from_millis(at);
                let ahead = begun.iter().filter(|begins| **begins > now).count();
                let past: Vec<Time> = begun.iter().copied().filter(|begins| *begins <= now).collect();
                let begins = rate.free_at(past, ahead, now).unwrap_or(now);
                prop_assert!(begins >= begun.last().copied().unwrap_or_default());
                let in_span = |end: Time| begun.iter().filter(|at| end.since(**at) < rate.every.0).count();
                prop_assert!(in_span(begins) < most as usize);
                if begins > now {
                    let before = Time(begins.0 - 1);
                    prop_assert!(in_span(before) >= most as usize, "it could have begun before");
                }
                begun.push(begins);
            }
        }
    }
}
