//! Limits that limit nothing, now that it is known how many targets there are, and which.

use windlass_model::amount::Amount;
use windlass_model::code;
use windlass_model::plan::{Block, Plan};
use windlass_model::problem::Problem;
use windlass_model::target::Frozen;
use windlass_model::validate::walk::{self, BlockAt};

/// What is odd about the limits of a step set's blocks. Blocks of which the targets are not known are left out.
pub(crate) fn limits<'a>(
    plan: &Plan,
    step_set: &str,
    targets: impl Iterator<Item = Option<&'a Frozen>>,
) -> Vec<Problem> {
    let mut warnings = Vec::new();
    let mut targets = targets;
    let of_set = plan.step_set(step_set).unwrap_or_default();
    walk::blocks(plan, &mut |at| {
        if of_set.iter().any(|block| std::ptr::eq(block, at.block))
            && let Some(Some(targets)) = targets.next()
        {
            block(&at, targets, &mut warnings);
        }
    });
    warnings
}

fn block(at: &BlockAt<'_>, targets: &Frozen, warnings: &mut Vec<Problem>) {
    let Block { canary, failures, max_per, sequences, .. } = at.block;
    let total = match &at.block.targets {
        Some(_) => targets.len(),
        None => u32::try_from(sequences.len()).unwrap_or(u32::MAX),
    };
    if total == 0 {
        return;
    }
    let all = if total == 1 { "there is only 1".to_owned() } else { format!("there are only {total}") };
    let mut warn = |key: &str, message: String, help: &str| {
        let pointer = format!("{}/{key}", at.pointer);
        warnings.push(Problem::new(code::LIMITS_NOTHING, at.address.as_str(), pointer, message).help(help));
    };
    if let Some(Amount::Count(max)) = failures.and_then(|failures| failures.max)
        && max >= total
    {
        let message = format!("{max} may fail, and {all}: no number of failures ends this block");
        warn("failures", message, "write a smaller number, or `unlimited` if that is meant");
    }
    if let Some(canary) = canary.map(|canary| canary.0).filter(|canary| *canary >= total) {
        let message = format!("the canary takes {canary}, and {all}: nothing is left to come after it");
        warn("canary", message, "write a smaller number, or leave the canary out");
    }
    for label in max_per.iter().flat_map(|labels| labels.keys()).filter(|label| !is_known(targets, label)) {
        let message = format!("no target has a label `{label}`, so nothing is limited by it");
        let key = format!("maxPer/{}", windlass_model::schema::escape(label));
        warn(&key, message, "give the nodes the label: {name: web01, labels: {rack: r1}}");
    }
}

fn is_known(targets: &Frozen, label: &str) -> bool {
    (0..targets.len()).any(|at| {
        targets
            .details(at)
            .is_some_and(|node| node.labels.contains_key(label) || node.facts.contains_key(label))
    })
}
