//! The preview for people.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::time::Duration;

use windlass_model::Value;
use windlass_model::element::{ElementId, Slot};
use windlass_model::layout::{ActionDef, BlockDef, Choice, Layout, Sequences, SlotDefs};
use windlass_model::plan::{OnFailure, When};
use windlass_model::span::Span;
use windlass_report::legible;
use windlass_report::limits;
use windlass_report::words::{count, grouped};

use super::locks::Locks;
use crate::prepare::Prepared;
use crate::printer::{BAD, FAINT, GOOD, STRONG, Styled, WARN};

/// How long a value or a request may be on its line.
const VALUE: usize = 100;

pub(super) fn text(prepared: &Prepared, show: usize) -> String {
    let layout = &*prepared.layout;
    let mut page = Page { text: String::new(), show };
    page.head(layout);
    page.params(prepared);
    page.slots("Checks of the plan", &layout.checks, "");
    for (index, block) in (0_u32..).zip(&layout.blocks) {
        page.block(prepared, index, block);
    }
    page.deferred(layout);
    page.text
}

struct Page {
    text: String,
    show: usize,
}

// === impl Page ===

impl Page {
    fn line(&mut self, line: impl std::fmt::Display) {
        let _ = writeln!(self.text, "{line}");
    }

    fn field(&mut self, name: &str, value: impl std::fmt::Display) {
        self.line(format_args!("   {} {value}", Styled(FAINT, format_args!("{name:<12}"))));
    }

    fn head(&mut self, layout: &Layout) {
        let submission = &layout.submission;
        let plan = &submission.plan;
        let targets: u64 = layout.blocks.iter().map(|block| u64::from(block.sequences.len())).sum();
        self.line(format_args!(
            "{}  {}",
            Styled(STRONG, &plan.metadata.name),
            Styled(
                FAINT,
                format_args!(
                    "step set {} · {} · {}",
                    submission.step_set,
                    count(layout.blocks.len() as u64, "block"),
                    count(targets, "sequence")
                )
            )
        ));
        if !plan.metadata.description.is_empty() {
            self.line(legible::line(&plan.metadata.description, 400));
        }
        if let Some(approval) = &plan.spec.approval {
            let who =
                if approval.allow_author { "the author may be one of them" } else { "other than the author" };
            let people =
                if approval.quorum == 1 { "1 person".into() } else { format!("{} people", approval.quorum) };
            self.line(format_args!(
                "{} {people}, {who}, must agree within {} before it begins",
                Styled(WARN, "approval:"),
                approval.expires
            ));
        }
    }

    fn params(&mut self, prepared: &Prepared) {
        let submission = &prepared.layout.submission;
        if submission.plan.spec.params.is_empty() {
            return;
        }
        self.line(format_args!("\n{}", Styled(STRONG, "Parameters")));
        let width = submission.plan.spec.params.keys().map(String::len).max().unwrap_or(0);
        for name in submission.plan.spec.params.keys() {
            let value = match submission.params.get(name) {
                None => Styled(FAINT, "not given").to_string(),
                Some(_) if prepared.secrets.get(name).is_some() => Styled(FAINT, "(secret)").to_string(),
                Some(Value::String(text)) => legible::line(text, VALUE),
                Some(value) => legible::line(&value.to_string(), VALUE),
            };
            self.line(format_args!("   {name:<width$}  {value}"));
        }
    }

    fn slots(&mut self, title: &str, checks: &SlotDefs, indent: &str) {
        if Slot::ALL.iter().all(|slot| checks.slot(*slot).is_empty()) {
            return;
        }
        if !title.is_empty() {
            self.line(format_args!("\n{}", Styled(STRONG, title)));
        }
        for slot in Slot::ALL {
            let names: Vec<String> = checks.slot(slot).iter().map(call).collect();
            if names.is_empty() {
                continue;
            }
            let every = match slot {
                Slot::Continuous => format!(", every {}", Span(checks.every)),
                _ => String::new(),
            };
            self.field(&format!("{indent}{}", slot.key()), format_args!("{}{every}", names.join(", ")));
        }
    }

    fn block(&mut self, prepared: &Prepared, index: u32, block: &BlockDef) {
        let layout = &*prepared.layout;
        let address = layout.address(ElementId::Block(index));
        let total = u64::from(block.sequences.len());
        let what = match &block.sequences {
            Sequences::Template { .. } => count(total, "target"),
            Sequences::Explicit(_) => count(total, "sequence"),
        };
        self.line(format_args!(
            "\n{} {} {}",
            Styled(FAINT, index + 1),
            Styled(STRONG, address),
            Styled(FAINT, what)
        ));
        self.waits(block);
        if block.choice != Choice::AtSubmit {
            let now = if prepared.foretold.contains(&index) {
                "now these would be:"
            } else {
                "which ones, cannot be said before the run:"
            };
            self.field(
                "resolve",
                format_args!("{} {now}", Styled(WARN, "late: targets are chosen when the block begins;")),
            );
        }
        self.targets(block);
        let sizes = limits::sizes(block);
        if sizes.count > 1 {
            let canary = match block.canary {
                Some(n) => {
                    format!(" (the first is the canary: {n} chosen at random, none of which may fail)")
                }
                None => String::new(),
            };
            self.field("batches", format_args!("{}{canary}", sizes.in_words()));
            self.batches(block);
        }
        if !block.soak.is_zero() && sizes.count > 1 {
            self.field(
                "soak",
                format_args!("{} between batches, then the continuous checks once more", Span(block.soak)),
            );
        }
        self.field("at once", count(u64::from(block.concurrency), "sequence"));
        for (label, most) in &block.max_per {
            self.field("max per", max_per(block, label, *most));
        }
        if let Some(words) = Locks::of(prepared, index).in_words() {
            self.field("locks", words);
        }
        let tone = match limits::worst(block) {
            limits::Worst { failed, total } if failed >= total && total > 1 => BAD,
            _ => GOOD,
        };
        self.field("worst case", Styled(tone, limits::in_words(block)));
        if let Some(words) = limits::whatever_is_chosen(layout, index, prepared.most) {
            self.field("", Styled(WARN, words));
        }
        let on_failure = match block.on_failure {
            OnFailure::Stop => "nothing new begins; sequences in flight run on to their own end",
            OnFailure::Halt => "nothing new begins; sequences in flight end after their current action",
            OnFailure::Undo => "nothing new begins; then what succeeded is undone, in reverse order",
        };
        self.field("on failure", on_failure);
        self.slots("", &block.checks, "");
        self.sequences(block);
    }

    fn waits(&mut self, block: &BlockDef) {
        for (name, wait) in [("waits before", block.entrance_delay), ("waits after", block.exit_delay)] {
            if wait != Duration::ZERO {
                self.field(name, Span(wait));
            }
        }
    }

    fn targets(&mut self, block: &BlockDef) {
        let Some(targets) = block.sequences.targets() else { return };
        let shown = if self.show == 0 { usize::MAX } else { self.show };
        let names: Vec<&str> = targets.names().take(shown).collect();
        let more = (targets.len() as usize).saturating_sub(names.len()) as u64;
        let names = legible::line(&names.join(", "), 100_000);
        match more {
            0 if names.is_empty() => self.field("targets", "none"),
            0 => self.field("targets", names),
            more => {
                let last =
                    targets.len().checked_sub(1).and_then(|last| targets.name(last)).unwrap_or_default();
                self.field("targets", format_args!("{names}, … {last} ({more} more; --show 0 lists all)"));
            }
        }
    }

    /// Who is in which batch, where that is known and few.
    fn batches(&mut self, block: &BlockDef) {
        let total = block.sequences.len();
        // Canaries are drawn when the block begins, and what was done before is not gone through again.
        let known = block.canary.is_none() && block.done.is_empty();
        if !known || self.show != 0 && total as usize > self.show {
            return;
        }
        let (mut from, mut n) = (0, 1);
        while from < total {
            let to = from.saturating_add(block.batch_size(n).max(1)).min(total);
            let names: Vec<&str> = (from..to).filter_map(|seq| block.sequences.name(seq)).collect();
            let names = legible::line(&names.join(", "), 100_000);
            self.field("", Styled(FAINT, format_args!("{n}: {names}")));
            (from, n) = (to, n + 1);
        }
    }

    fn sequences(&mut self, block: &BlockDef) {
        match &block.sequences {
            Sequences::Template { body, .. } => {
                self.actions(&body.actions, "each");
            }
            Sequences::Explicit(sequences) => {
                let shown = if self.show == 0 { usize::MAX } else { self.show };
                for sequence in sequences.iter().take(shown) {
                    self.actions(&sequence.body.actions, &sequence.name);
                }
                if let Some(more) = sequences.len().checked_sub(shown).filter(|more| *more > 0) {
                    self.field("", format_args!("… and {more} more sequences; --show 0 lists all"));
                }
            }
        }
    }

    fn actions(&mut self, actions: &[ActionDef], title: &str) {
        for (index, def) in actions.iter().enumerate() {
            let title = if index == 0 { title } else { "" };
            let mut notes = vec![format!("{} each", Span(def.timeout))];
            if def.retries > 0 {
                notes.insert(0, format!("up to {} attempts", def.retries.saturating_add(1)));
            }
            if let Some(deadline) = def.deadline {
                notes.push(format!("{} in all", Span(deadline)));
            }
            if let Some(when) = &def.action.when {
                notes.push(format!("only when {when}"));
            }
            if !def.verify.is_empty() {
                notes.push("unless verified as done".into());
            }
            if let Some(undo) = &def.undo {
                notes.push(format!("undo: {}", undo.action.uses));
            }
            if let Some(node) = &def.action.on {
                notes.push(format!("on {node}"));
            }
            let notes = Styled(FAINT, notes.join(" · "));
            self.field(title, format_args!("{}. {}  {notes}", index + 1, call(def)));
        }
    }

    fn deferred(&mut self, layout: &Layout) {
        if layout.batches.is_empty() {
            return;
        }
        self.line(format_args!("\n{}", Styled(STRONG, "At the end")));
        for batch in &layout.batches {
            let when = match batch.when {
                When::Success => "after success",
                When::Failure => "after failure or stop",
                When::Always => "in any case",
            };
            let fails = if batch.fail_plan { ", and its failure fails the run" } else { "" };
            let calls: Vec<String> = batch.actions.iter().map(call).collect();
            self.line(format_args!(
                "   {}: {} {}",
                batch.name,
                calls.join(", "),
                Styled(FAINT, format_args!("({when}{fails})"))
            ));
        }
    }
}

/// How many of which value may be active at once, and how many values there are.
fn max_per(block: &BlockDef, label: &str, most: u32) -> String {
    let mut values: BTreeMap<String, u32> = BTreeMap::new();
    let (mut without, total) = (0_u32, block.sequences.len());
    for seq in 0..total {
        match block.value_of(label, seq) {
            Some(value) => *values.entry(value).or_default() += 1,
            None => without += 1,
        }
    }
    let largest = values.iter().max_by_key(|(_, count)| **count);
    let spread = match largest {
        None => "no target has one, so it limits nothing".to_owned(),
        Some((value, held)) => format!(
            "{}, the largest `{}` with {}{}",
            count(values.len() as u64, "value"),
            legible::line(value, VALUE),
            count(u64::from(*held), "target"),
            if without > 0 {
                format!("; {} without one are not limited", grouped(u64::from(without)))
            } else {
                String::new()
            }
        ),
    };
    format!("{most} active at once for each value of `{label}`: {spread}")
}

/// `drain (command)`.
pub(super) fn call(def: &ActionDef) -> String {
    let uses = &def.action.uses;
    match def.action.name.as_str() {
        "" => uses.clone(),
        name if name == uses => name.to_owned(),
        name => format!("{name} ({uses})"),
    }
}
