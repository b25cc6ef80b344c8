//! Whether a run may begin, as policies say that were made for that: in Cedar, about the plan, its size and its nodes.
//!
//! A run is allowed by itself; each policy forbids what it forbids, by itself, and one that cannot be evaluated forbids
//! everything that it is asked about.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::fmt;
use std::str::FromStr as _;
use std::sync::OnceLock;

use cedar_policy::{
    Authorizer, Context, Decision, Entities, Entity, EntityUid, PolicySet, Request, RestrictedExpression,
    Schema, ValidationMode, Validator,
};
use windlass_model::time::Time;

use crate::cedar::uid;

/// A run that somebody wants to begin.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Proposed {
    /// Who.
    pub user: String,
    /// The groups of people that they belong to.
    pub groups: Vec<String>,
    /// Whether it is begun that was submitted before.
    pub is_start: bool,
    /// The namespace.
    pub namespace: String,
    /// The name of the plan.
    pub plan: String,
    /// The labels of the plan.
    pub labels: BTreeMap<String, String>,
    /// The step set.
    pub step_set: String,
    /// Whether it only looks.
    pub noop: bool,
    /// How many blocks.
    pub blocks: usize,
    /// How many actions the longest sequence has.
    pub actions: usize,
    /// The plugins of all actions and checks.
    pub plugins: BTreeSet<String>,
    /// Those of the first actions of sequences.
    pub first_plugins: BTreeSet<String>,
    /// Those of the last ones.
    pub last_plugins: BTreeSet<String>,
    /// The names of the nodes.
    pub nodes: BTreeSet<String>,
    /// How many nodes the largest block has.
    pub largest_block: usize,
    /// The values that each label has on the nodes.
    pub node_labels: BTreeMap<String, BTreeSet<String>>,
    /// The labels that have the same value on every node.
    pub alike: BTreeSet<String>,
    /// The most sequences at once in a block.
    pub concurrency: usize,
    /// Whether every block has something that must pass before it begins.
    pub is_gated: bool,
    /// Whether every block of more than one target begins with a canary.
    pub has_canary: bool,
    /// Whether every block fails before all of its sequences have.
    pub limits_failures: bool,
    /// Whether a block chooses its nodes only when it begins.
    pub chooses_late: bool,
    /// How many people must agree.
    pub approvals: usize,
    /// When it is asked.
    pub at: Time,
}

/// Why a policy does not let it begin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Forbidden {
    /// The name of the policy.
    pub policy: String,
    /// In words.
    pub why: String,
}

const SCHEMA: &str = include_str!("admission.cedarschema");
/// What is not forbidden may be.
const ALLOWED: &str = "permit (principal, action, resource);";
const WEEKDAYS: [&str; 7] = ["thursday", "friday", "saturday", "sunday", "monday", "tuesday", "wednesday"];
const A_DAY: u64 = 24 * 3600;

/// Everything that is wrong with the text of a policy, so that it can be said when it is made.
#[must_use]
pub fn problems(text: &str) -> Vec<String> {
    let policies = match PolicySet::from_str(text) {
        Ok(policies) => policies,
        Err(error) => return error.iter().map(ToString::to_string).collect(),
    };
    if policies.templates().next().is_some() {
        return vec!["it has slots such as `?principal`; name who is meant, or leave it open".to_owned()];
    }
    if policies.policies().count() == 0 {
        return vec!["it holds no policy; write one such as `forbid (principal, action, resource) when { context.targets > 100 };`"
            .to_owned()];
    }
    match schema() {
        Ok(schema) => {
            let validated = Validator::new(schema.clone()).validate(&policies, ValidationMode::default());
            let mut found: Vec<String> =
                validated.validation_errors().map(|it| plain(&it.to_string())).collect();
            found.dedup();
            found
        }
        Err(error) => vec![error.clone()],
    }
}

/// What Cedar says, without names that nobody gave, and the same for each action.
fn plain(text: &str) -> String {
    let text = match text.strip_prefix("for policy `").and_then(|rest| rest.split_once("`, ")) {
        Some((_, rest)) => rest,
        None => text,
    };
    text.replace(" for Action::\"submit\"", "").replace(" for Action::\"start\"", "")
}

/// Which of these policies do not let it begin. Each is a name, a text, and what to say of what it forbids.
#[must_use]
pub fn judge<'a>(
    policies: impl IntoIterator<Item = (&'a str, &'a str, &'a str)>,
    proposed: &Proposed,
) -> Vec<Forbidden> {
    let asked = Asked::of(proposed);
    let mut forbidden = Vec::new();
    for (name, text, message) in policies {
        let why = match &asked {
            Ok(asked) => asked.judge(text, message),
            Err(error) => Some(format!("it cannot be evaluated: {error}")),
        };
        forbidden.extend(why.map(|why| Forbidden { policy: name.to_owned(), why }));
    }
    forbidden
}

/// What is asked, as Cedar has it.
struct Asked {
    request: Request,
    entities: Entities,
}

// === impl Asked ===

impl Asked {
    fn of(proposed: &Proposed) -> Result<Self, String> {
        let say = |error: &dyn fmt::Display| error.to_string();
        let words = |words: &BTreeSet<String>| {
            RestrictedExpression::new_set(words.iter().cloned().map(RestrictedExpression::new_string))
        };
        let user = uid("User", &proposed.user)?;
        let groups: HashSet<EntityUid> =
            proposed.groups.iter().map(|group| uid("Group", group)).collect::<Result<_, _>>()?;
        let namespace = uid("Namespace", &proposed.namespace)?;
        let plan = uid("Plan", &format!("{}/{}", proposed.namespace, proposed.plan))?;
        let labels = uid("Labels", "nodes")?;
        let tags = |(name, value): (&String, &String)| {
            (name.clone(), RestrictedExpression::new_string(value.clone()))
        };
        let values = |(name, values): (&String, &BTreeSet<String>)| (name.clone(), words(values));
        let entities = Entities::from_entities(
            [
                Entity::new_no_attrs(user.clone(), groups.clone()),
                Entity::new_no_attrs(namespace.clone(), HashSet::new()),
                Entity::new_with_tags(plan.clone(), [], [namespace], proposed.labels.iter().map(tags))
                    .map_err(|error| say(&error))?,
                Entity::new_with_tags(labels.clone(), [], [], proposed.node_labels.iter().map(values))
                    .map_err(|error| say(&error))?,
            ]
            .into_iter()
            .chain(groups.into_iter().map(|group| Entity::new_no_attrs(group, HashSet::new()))),
            None,
        );
        let number =
            |number: usize| RestrictedExpression::new_long(i64::try_from(number).unwrap_or(i64::MAX));
        let text = |text: &str| RestrictedExpression::new_string(text.to_owned());
        let flag = RestrictedExpression::new_bool;
        let seconds = proposed.at.as_millis() / 1000;
        let day = usize::try_from(seconds / A_DAY % 7).unwrap_or_default();
        let in_day = usize::try_from(seconds % A_DAY).unwrap_or_default();
        let date = proposed.at.to_string();
        let context = [
            ("stepSet", text(&proposed.step_set)),
            ("noop", flag(proposed.noop)),
            ("blocks", number(proposed.blocks)),
            ("actions", number(proposed.actions)),
            ("plugins", words(&proposed.plugins)),
            ("firstPlugins", words(&proposed.first_plugins)),
            ("lastPlugins", words(&proposed.last_plugins)),
            ("targets", number(proposed.nodes.len())),
            ("largestBlock", number(proposed.largest_block)),
            ("nodes", words(&proposed.nodes)),
            ("nodeLabels", RestrictedExpression::new_entity_uid(labels)),
            ("alike", words(&proposed.alike)),
            ("concurrency", number(proposed.concurrency)),
            ("everyBlockIsGated", flag(proposed.is_gated)),
            ("everyBlockHasCanary", flag(proposed.has_canary)),
            ("everyBlockLimitsFailures", flag(proposed.limits_failures)),
            ("choosesLate", flag(proposed.chooses_late)),
            ("approvals", number(proposed.approvals)),
            ("date", text(date.split('T').next().unwrap_or_default())),
            ("weekday", text(WEEKDAYS.get(day).copied().unwrap_or_default())),
            ("hour", number(in_day / 3600)),
            ("minute", number(in_day / 60 % 60)),
        ];
        let context = Context::from_pairs(context.map(|(name, value)| (name.to_owned(), value)));
        let action = uid("Action", if proposed.is_start { "start" } else { "submit" })?;
        let request = Request::new(user, action, plan, context.map_err(|error| say(&error))?, None);
        Ok(Self {
            request: request.map_err(|error| say(&error))?,
            entities: entities.map_err(|error| say(&error))?,
        })
    }

    /// Why a policy forbids it; `None` where it does not.
    fn judge(&self, text: &str, message: &str) -> Option<String> {
        let policies = match PolicySet::from_str(&format!("{ALLOWED}\n{text}")) {
            Ok(policies) => policies,
            Err(error) => return Some(format!("it cannot be read: {error}")),
        };
        let answer = Authorizer::new().is_authorized(&self.request, &policies, &self.entities);
        if let Some(error) = answer.diagnostics().errors().next() {
            return Some(format!("it cannot be evaluated: {error}"));
        }
        (answer.decision() != Decision::Allow).then(|| match message.trim() {
            "" => "it forbids this".to_owned(),
            message => message.to_owned(),
        })
    }
}

fn schema() -> &'static Result<Schema, String> {
    static PARSED: OnceLock<Result<Schema, String>> = OnceLock::new();
    PARSED.get_or_init(|| {
        Schema::from_cedarschema_str(SCHEMA).map(|(schema, _)| schema).map_err(|error| error.to_string())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn proposed() -> Proposed {
        let set = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<BTreeSet<_>>();
        Proposed {
            user: "ann".into(),
            groups: vec!["web".into()],
            namespace: "web".into(),
            plan: "patch".into(),
            labels: [("tier".to_owned(), "prod".to_owned())].into(),
            step_set: "default".into(),
            blocks: 1,
            actions: 3,
            plugins: set(&["shell", "http"]),
            first_plugins: set(&["http"]),
            last_plugins: set(&["shell"]),
            nodes: set(&["web01", "web02"]),
            largest_block: 2,
            node_labels: [("site".to_owned(), set(&["ams", "fra"])), ("os".to_owned(), set(&["linux"]))]
                .into(),
            alike: set(&["os"]),
            concurrency: 2,
            is_gated: true,
            // Sunday, 2026-11-29, 21:30.
            at: Time(1_795_987_800_000_000),
            ..Proposed::default()
        }
    }

    fn forbids(when: &str) -> bool {
        let text = format!("forbid (principal, action, resource) when {{ {when} }};");
        assert_eq!(problems(&text), [""; 0], "{when}");
        let found = judge([("p", text.as_str(), "not like that")], &proposed());
        assert!(found.iter().all(|it| it.why == "not like that"), "{found:?}");
        !found.is_empty()
    }

    #[test]
    fn what_a_plan_is_like_can_be_asked() {
        assert!(forbids("context.targets > 1") && !forbids("context.targets > 2"));
        assert!(forbids("!context.alike.contains(\"site\")") && !forbids("!context.alike.contains(\"os\")"));
        assert!(forbids(
            "context.nodeLabels.hasTag(\"site\") && context.nodeLabels.getTag(\"site\").contains(\"fra\")"
        ));
        assert!(!forbids(
            "context.nodeLabels.hasTag(\"rack\") && context.nodeLabels.getTag(\"rack\").isEmpty()"
        ));
        assert!(forbids(
            "resource.hasTag(\"tier\") && resource.getTag(\"tier\") == \"prod\" && !context.everyBlockHasCanary"
        ));
        assert!(!forbids("!context.everyBlockIsGated") && forbids("context.approvals == 0"));
        assert!(forbids("![\"shell\"].containsAll(context.plugins)"), "an allow-list");
        assert!(!forbids("![\"http\"].containsAll(context.firstPlugins)"), "it begins as it must");
        assert!(forbids("context.weekday == \"sunday\" || context.hour >= 18"));
        assert!(forbids("context.date == \"2026-11-29\" && context.hour == 21 && context.minute == 30"));
        assert!(forbids("principal in Group::\"web\" && resource in Namespace::\"web\""));
        assert!(!forbids("principal in Group::\"db\"") && forbids("action == Action::\"submit\""));
    }

    #[test]
    fn what_is_wrong_with_a_text_is_said_when_it_is_made() {
        let wrong = |text: &str| problems(text).join("; ");
        assert!(
            wrong("forbid (principal, action, resource) when { context.targetz > 1 };").contains("targetz")
        );
        assert!(
            wrong("forbid (principal, action, resource) when { context.targets > \"1\" };").contains("Long")
        );
        assert!(wrong("forbid (principal").contains("unexpected"));
        assert!(wrong("").contains("holds no policy") && wrong("// nothing").contains("holds no policy"));
        assert!(wrong("forbid (principal == ?principal, action, resource);").contains("slots"));
    }

    #[test]
    fn what_cannot_be_evaluated_forbids() {
        let found = judge(
            [("broken", "forbid (", ""), ("fine", "permit (principal, action, resource);", "")],
            &proposed(),
        );
        assert_eq!(found.len(), 1);
        assert!(found[0].policy == "broken" && found[0].why.contains("cannot be read"), "{found:?}");
        let missing = "forbid (principal, action, resource) when { context.nothing };";
        assert!(judge([("odd", missing, "")], &proposed())[0].why.contains("cannot be evaluated"));
    }
}
