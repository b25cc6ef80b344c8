//! What failed alike is told once: of a thousand targets most fail for the same reason, and the few that do not matter.

use std::borrow::Cow;
use std::collections::HashMap;

use windlass_model::element::{ElementId, Work};

use crate::fold::Fold;
use crate::view::Failing;
use crate::{legible, noop, words};

/// From how many on they are told together; fewer are named one by one.
const TOGETHER: usize = 3;
/// How many targets are named.
const NAMED: usize = 8;
/// How long an address may be.
const ADDRESS: usize = 160;

/// Elements that failed for the same reason at the same place of the plan; the first of them is the one told.
#[derive(Debug)]
pub(crate) struct Alike<'a> {
    fold: &'a Fold,
    pub(crate) rows: Vec<Failing<'a>>,
}

/// Everything that failed and did not recover, alike ones together, in the order in which the first of each failed.
pub(crate) fn alike<'a>(fold: &'a Fold, failing: impl Iterator<Item = Failing<'a>>) -> Vec<Alike<'a>> {
    let mut known: HashMap<_, usize> = HashMap::new();
    let mut all: Vec<Alike<'a>> = Vec::new();
    for row in failing {
        let code = row.failure.map_or("", |failure| failure.code.as_str());
        let key = (noop::any(fold, row.element), code, message(fold, &row));
        let at = *known.entry(key).or_insert(all.len());
        match all.get_mut(at) {
            Some(alike) => alike.rows.push(row),
            None => all.push(Alike { fold, rows: vec![row] }),
        }
    }
    let told = |alike: Alike<'a>| match alike.rows.len() {
        TOGETHER.. => vec![alike],
        _ => alike.rows.into_iter().map(|row| Alike { fold, rows: vec![row] }).collect(),
    };
    all.into_iter().flat_map(told).collect()
}

/// What a failure says, with a star in the place of the name of its target.
fn message<'a>(fold: &Fold, row: &Failing<'a>) -> Cow<'a, str> {
    let message = row.failure.map_or("", |failure| failure.message.as_str());
    match target(fold, row.element).filter(|name| message.contains(name)) {
        Some(name) => message.replace(name, "*").into(),
        None => message.into(),
    }
}

fn target(fold: &Fold, element: ElementId) -> Option<&str> {
    let (block, seq) = element.work().and_then(Work::sequence)?;
    fold.layout().block(block)?.sequences.name(seq)
}

// === impl Alike ===

impl Alike<'_> {
    /// `roll/web01/deploy`, or `roll/*/deploy`.
    pub(crate) fn place(&self) -> String {
        let Some(first) = self.rows.first() else { return String::new() };
        match self.rows.len() {
            1 => legible::line(&self.fold.layout().address(first.element), ADDRESS),
            _ => noop::any(self.fold, first.element),
        }
    }

    /// What all of them say.
    pub(crate) fn message(&self) -> Cow<'_, str> {
        match self.rows.as_slice() {
            [] => Cow::Borrowed(""),
            [only] => only.failure.map_or("", |failure| failure.message.as_str()).into(),
            [first, ..] => message(self.fold, first),
        }
    }

    /// `on 120 targets: web01, web02, …` where they are told together.
    pub(crate) fn who(&self) -> Option<String> {
        if self.rows.len() < TOGETHER {
            return None;
        }
        let count = self.rows.len() as u64;
        let named = self.rows.iter().filter_map(|row| target(self.fold, row.element)).take(NAMED);
        let named: Vec<String> = named.map(|name| legible::line(name, ADDRESS)).collect();
        let more = if self.rows.len() > NAMED { ", …" } else { "" };
        Some(format!("on {}: {}{more}", words::count(count, "target"), named.join(", ")))
    }

    /// `2`, or `1-3`.
    pub(crate) fn attempts(&self) -> String {
        let attempts = self.rows.iter().map(|row| self.fold.element(row.element).attempts.len());
        let (least, most) = attempts.fold((usize::MAX, 0), |(least, most), n| (least.min(n), most.max(n)));
        if least < most { format!("{least}-{most}") } else { most.to_string() }
    }
}
