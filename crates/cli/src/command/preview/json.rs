//! The preview for programs.

use serde_json::{Value, json};
use windlass_lang::Findings;
use windlass_model::element::{ElementId, Slot};
use windlass_model::layout::{ActionDef, BlockDef, Choice, Sequences, SlotDefs};
use windlass_report::limits;

use super::locks::Locks;
use super::node::NodeSeen;
use crate::prepare::Prepared;

pub(super) fn document(prepared: &Prepared, nodes: &[NodeSeen], warnings: &Findings) -> Value {
    let layout = &*prepared.layout;
    let submission = &layout.submission;
    let plan = &submission.plan;
    let blocks: Vec<Value> =
        (0_u32..).zip(&layout.blocks).map(|(index, def)| block(prepared, index, def)).collect();
    let deferred: Vec<Value> = layout
        .batches
        .iter()
        .map(|batch| {
            json!({
                "name": batch.name,
                "when": batch.when,
                "failPlan": batch.fail_plan,
                "actions": actions(&batch.actions),
            })
        })
        .collect();
    json!({
        "plan": plan.metadata.name,
        "stepSet": submission.step_set,
        "digest": submission.digest().to_string(),
        "params": submission.params,
        "approval": plan.spec.approval,
        "checks": checks(&layout.checks),
        "blocks": blocks,
        "deferred": deferred,
        "nodes": nodes.iter().map(NodeSeen::document).collect::<Vec<_>>(),
        "warnings": warnings.to_json_list(),
    })
}

fn block(prepared: &Prepared, index: u32, def: &BlockDef) -> Value {
    let layout = &*prepared.layout;
    let sizes = limits::sizes(def);
    let targets: Option<Vec<&str>> = def.sequences.targets().map(|targets| targets.names().collect());
    let sequences: Vec<Value> = match &def.sequences {
        Sequences::Template { body, .. } => {
            vec![json!({"name": null, "lock": body.lock, "actions": actions(&body.actions)})]
        }
        Sequences::Explicit(sequences) => sequences
            .iter()
            .map(|sequence| {
                json!({
                    "name": sequence.name,
                    "lock": sequence.body.lock,
                    "actions": actions(&sequence.body.actions),
                })
            })
            .collect(),
    };
    json!({
        "address": layout.address(ElementId::Block(index)),
        "total": def.sequences.len(),
        "targets": targets,
        "resolve": if def.choice == Choice::AtSubmit { "submit" } else { "late" },
        "sequences": sequences,
        "concurrency": def.concurrency,
        "batches": {"count": sizes.count, "first": sizes.first, "largest": sizes.largest},
        "locks": Locks::of(prepared, index).document(),
        "canary": def.canary,
        "maxPer": def.max_per,
        "failures": {"limit": def.failures, "strict": def.strict},
        "worstCase": {
            "failed": limits::worst(def).failed,
            "total": limits::worst(def).total,
            "words": limits::in_words(def),
        },
        "onFailure": def.on_failure,
        "soakMs": millis(def.soak),
        "entranceDelayMs": millis(def.entrance_delay),
        "exitDelayMs": millis(def.exit_delay),
        "checks": checks(&def.checks),
    })
}

fn checks(checks: &SlotDefs) -> Value {
    let mut slots = serde_json::Map::new();
    for slot in Slot::ALL {
        if !checks.slot(slot).is_empty() {
            slots.insert(slot.key().to_owned(), actions(checks.slot(slot)));
        }
    }
    if slots.contains_key(Slot::Continuous.key()) {
        slots.insert("everyMs".to_owned(), millis(checks.every).into());
    }
    Value::Object(slots)
}

fn actions(defs: &[ActionDef]) -> Value {
    defs.iter()
        .map(|def| {
            json!({
                "name": def.action.name,
                "use": def.action.uses,
                "with": def.action.with,
                "attempts": def.retries.saturating_add(1),
                "timeoutMs": millis(def.timeout),
                "deadlineMs": def.deadline.map(millis),
                "when": def.action.when,
                "verify": def.verify.len(),
                "undo": def.undo.as_ref().map(|undo| &undo.action.uses),
                "on": def.action.on,
            })
        })
        .collect()
}

fn millis(span: std::time::Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}
