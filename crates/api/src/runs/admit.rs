//! Whether policies let a run begin.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use axum::http::StatusCode;
use serde_json::json;
use windlass_access::admission::{self, Proposed};
use windlass_access::{Principal, Resource, Verb};
use windlass_contract::OneProblem;
use windlass_model::code;
use windlass_model::element::Slot;
use windlass_model::layout::{Choice, Layout};
use windlass_model::validate::walk;

use super::RUN;
use crate::answer::Problem;
use crate::api::Api;
use crate::caller::Caller;

/// Refuses what a policy forbids, and notes that it did.
pub(crate) async fn admit(
    api: &Api,
    caller: &Caller,
    namespace: &str,
    is_start: bool,
    layout: impl AsyncFnOnce() -> Result<Arc<Layout>, Problem>,
) -> Result<(), Problem> {
    let policies = api.gathered().policies(namespace).await?;
    if policies.is_empty() {
        return Ok(());
    }
    let layout = layout().await?;
    let Some(problem) = judged(api, &caller.who, namespace, is_start, &layout, &policies) else {
        return Ok(());
    };
    let resource = Resource::within(RUN, namespace).named(&layout.submission.plan.metadata.name);
    let why = json!({"policies": problem.problems.iter().map(|it| &it.address).collect::<Vec<_>>()});
    caller.refused(Verb::Submit, &resource, why).await?;
    Err(problem)
}

/// What policies find wrong with a run.
pub(crate) fn judged(
    api: &Api,
    who: &Principal,
    namespace: &str,
    is_start: bool,
    layout: &Layout,
    policies: &[(String, windlass_objects::kinds::PolicySpec)],
) -> Option<Problem> {
    let proposed = proposed(api, who, namespace, is_start, layout);
    let policies = policies.iter().map(|(name, spec)| (&**name, &*spec.cedar, &*spec.message));
    let forbidden = admission::judge(policies, &proposed);
    let say =
        |it: &admission::Forbidden| format!("the policy `{}` does not let it begin: {}", it.policy, it.why);
    let first = forbidden.first()?;
    let detail = match forbidden.as_slice() {
        [_] => say(first),
        all => format!("{} policies do not let it begin", all.len()),
    };
    let mut problem = Problem::new(StatusCode::FORBIDDEN, &code::POLICY, detail)
        .hint("change the plan, or ask whoever made the policy: `windlass describe policy NAME`");
    let one = |it: &admission::Forbidden| OneProblem {
        code: code::POLICY.to_string(),
        address: it.policy.clone(),
        pointer: String::new(),
        message: say(it),
        hint: None,
    };
    problem.problems = forbidden.iter().map(one).collect();
    Some(problem)
}

fn proposed(api: &Api, who: &Principal, namespace: &str, is_start: bool, layout: &Layout) -> Proposed {
    let submission = &layout.submission;
    let plan = &submission.plan;
    let people = api.parts().rights.people();
    let mut proposed = Proposed {
        user: who.user.clone(),
        groups: people.groups(who),
        is_start,
        namespace: namespace.to_owned(),
        plan: plan.metadata.name.clone(),
        labels: plan.metadata.labels.iter().map(|(name, value)| (name.clone(), value.clone())).collect(),
        step_set: submission.step_set.clone(),
        noop: submission.noop,
        blocks: layout.blocks.len(),
        is_gated: true,
        has_canary: true,
        limits_failures: true,
        approvals: plan.spec.approval.as_ref().map_or(0, |approval| approval.quorum as usize),
        at: api.now(),
        ..Proposed::default()
    };
    walk::actions(plan, &mut |at| {
        proposed.plugins.insert(at.action.uses.clone());
    });
    let is_whole_gated = !layout.checks.slot(Slot::Pre).is_empty();
    let (mut counts, mut all): (BTreeMap<String, usize>, BTreeSet<String>) = Default::default();
    for block in &layout.blocks {
        let total = block.sequences.len();
        proposed.largest_block = proposed.largest_block.max(total as usize);
        proposed.concurrency = proposed.concurrency.max(block.concurrency.min(total.max(1)) as usize);
        proposed.is_gated &= is_whole_gated || !block.checks.slot(Slot::Pre).is_empty();
        proposed.has_canary &= block.canary.is_some() || total <= 1;
        proposed.limits_failures &= block.failures.is_some_and(|most| most < total.max(1));
        proposed.chooses_late |= block.choice == Choice::Open;
        for seq in 0..total {
            let Some(body) = block.sequences.body(seq) else { continue };
            proposed.actions = proposed.actions.max(body.actions.len());
            let uses = |action: Option<&windlass_model::layout::ActionDef>| {
                action.map(|action| action.action.uses.clone())
            };
            proposed.first_plugins.extend(uses(body.actions.first()));
            proposed.last_plugins.extend(uses(body.actions.last()));
            if block.sequences.targets().is_some() {
                // They are all alike.
                break;
            }
        }
        let Some(targets) = block.sequences.targets() else { continue };
        for index in 0..targets.len() {
            let Some(name) = targets.name(index) else { continue };
            if !all.insert(name.to_owned()) {
                continue;
            }
            for (label, value) in targets.details(index).iter().flat_map(|node| &node.labels) {
                *counts.entry(label.clone()).or_default() += 1;
                proposed.node_labels.entry(label.clone()).or_default().insert(value.clone());
            }
        }
    }
    // What some of them do not have is not the same on all of them.
    let alike = proposed.node_labels.iter().filter(|(label, values)| {
        values.len() == 1 && counts.get(*label).is_some_and(|count| *count == all.len())
    });
    proposed.alike = alike.map(|(label, _)| label.clone()).collect();
    proposed.nodes = all;
    proposed
}
