//! Which locks a block takes, as far as they can be named before the run.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use windlass_engine::{LockTable, Run};
use windlass_lang::Evaluator;
use windlass_model::element::Work;
use windlass_model::eval::{Evaluate, Scope, is_template};
use windlass_model::time::Time;
use windlass_report::legible;
use windlass_report::words::count;

use crate::prepare::Prepared;

/// How many names are listed.
const LISTED: usize = 5;

/// The locks of a block.
#[derive(Debug, Default)]
pub(super) struct Locks {
    /// How many sequences hold the lock of their node.
    nodes: u32,
    /// How many hold none.
    none: u32,
    /// How many hold each lock that has a name of its own.
    named: BTreeMap<String, u32>,
    /// How many locks cannot be named, and why the first one cannot.
    unnamed: Option<(u32, String)>,
}

// === impl Locks ===

impl Locks {
    pub(super) fn of(prepared: &Prepared, block: u32) -> Self {
        let mut locks = Self::default();
        let Some(def) = prepared.layout.block(block) else { return locks };
        let (eval, mut run) = (Evaluator::new(), None);
        for seq in 0..def.sequences.len() {
            let Some(body) = def.sequences.body(seq) else { continue };
            let name = match body.lock.as_deref() {
                None if def.sequences.target(seq).is_some() => {
                    locks.nodes += 1;
                    continue;
                }
                None | Some("" | "none") => {
                    locks.none += 1;
                    continue;
                }
                Some(lock) if !is_template(lock) => Ok(lock.to_owned()),
                Some(lock) => {
                    let run = run.get_or_insert_with(|| before(prepared));
                    let scope = scope(run, Work::Action { block, seq, action: 0 });
                    eval.render(&Value::from(lock), &scope).map(|lock| {
                        let shown = lock.shown.unwrap_or(lock.clear);
                        shown.as_str().map_or_else(|| shown.to_string(), str::to_owned)
                    })
                }
            };
            match name {
                Ok(name) => *locks.named.entry(name).or_default() += 1,
                Err(why) => {
                    let (count, _) = locks.unnamed.get_or_insert((0, why.to_string()));
                    *count += 1;
                }
            }
        }
        locks
    }

    /// `None` where there is nothing to say.
    pub(super) fn in_words(&self) -> Option<String> {
        let mut parts = Vec::new();
        if self.nodes > 0 {
            parts.push("each target's own (`node/NAME`), also against other runs".to_owned());
        }
        if !self.named.is_empty() {
            let mut named: Vec<(&String, &u32)> = self.named.iter().collect();
            named.sort_by_key(|(name, count)| (std::cmp::Reverse(**count), *name));
            let listed = named.iter().take(LISTED).map(|(name, held)| match **held {
                1 => format!("`{}`", legible::line(name, 100)),
                held => format!(
                    "`{}` of {}, one at a time",
                    legible::line(name, 100),
                    count(u64::from(held), "sequence")
                ),
            });
            let mut text = listed.collect::<Vec<_>>().join(", ");
            if let Some(more) = named.len().checked_sub(LISTED).filter(|more| *more > 0) {
                text.push_str(&format!(" and {more} more"));
            }
            parts.push(format!("{text}, also against other runs"));
        }
        if self.none > 0 && (self.nodes > 0 || !self.named.is_empty()) {
            parts.push(format!("none for {}", count(u64::from(self.none), "sequence")));
        }
        if let Some((held, why)) = &self.unnamed {
            parts.push(format!(
                "{} cannot be named: {}",
                count(u64::from(*held), "lock"),
                legible::line(why, 200)
            ));
        }
        if parts.is_empty() { None } else { Some(parts.join("; ")) }
    }

    pub(super) fn document(&self) -> Value {
        json!({
            "nodes": self.nodes,
            "none": self.none,
            "named": self.named,
            "unnamed": self.unnamed.as_ref().map_or(0, |(count, _)| *count),
        })
    }
}

/// The run as it would be before its start.
pub(super) fn before(prepared: &Prepared) -> Run {
    Run::submit(prepared.setup(), Time::ZERO, &mut LockTable::default()).0
}

/// What templates of an element can see before the run: not what only the run knows.
pub(super) fn scope(run: &mut Run, work: Work) -> Scope {
    Scope { run: Default::default(), ..run.scope_of(work.into()) }
}
