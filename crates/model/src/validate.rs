//! Whether a plan makes sense: every problem at once, each with its address and its place.
//!
//! What needs neither a template engine nor an engine for regular expressions is decided here; the
//! latter comes in as [`Patterns`]. Nothing here looks into templates: a text that is one passes.
//!
//! ```text
//! plan ─┬─ walk ──► every action with its address ─► action, request
//!       ├─ blocks: what goes together, limits, names
//!       └─ params, approval, deferred batches
//! ```

use std::collections::BTreeSet;

use crate::code::{self, Code};
use crate::fact::Catalog;
use crate::name;
use crate::plan::{API_VERSION, Plan};
use crate::problem::Problem;
use crate::schema::Patterns;
use crate::span::Span;

mod action;
mod block;
mod limits;
mod params;
pub mod walk;

/// The longest time that a plan may wait or let something take.
pub const LONGEST: Span = Span::secs(30 * 86_400);
/// The largest number of nodes, sequences or attempts that makes sense.
pub const LARGEST: u32 = 1_000_000;

/// Everything that is wrong with a plan, apart from what stands in its templates.
#[must_use]
pub fn plan(plan: &Plan, catalog: &Catalog, patterns: &dyn Patterns) -> Vec<Problem> {
    let mut checker = Checker { catalog, patterns, found: Vec::new() };
    checker.head(plan);
    checker.params(&plan.spec.params);
    walk::blocks(plan, &mut |at| checker.block(&at));
    checker.containers(plan);
    walk::actions(plan, &mut |at| checker.action(at));
    checker.found
}

struct Checker<'a> {
    catalog: &'a Catalog,
    patterns: &'a dyn Patterns,
    found: Vec<Problem>,
}

/// Where something stands, in words of addresses and of JSON pointers.
#[derive(Clone, Copy)]
struct Place<'a> {
    address: &'a str,
    pointer: &'a str,
}

// === impl Checker ===

impl Checker<'_> {
    fn push(&mut self, code: Code, place: Place<'_>, key: &str, message: impl Into<String>) {
        self.found.push(Problem::new(code, place.address, format!("{}{key}", place.pointer), message));
    }

    fn push_help(&mut self, code: Code, place: Place<'_>, key: &str, message: impl Into<String>, help: &str) {
        self.push(code, place, key, message);
        if let Some(problem) = self.found.last_mut() {
            problem.help = Some(help.to_owned());
        }
    }

    fn head(&mut self, plan: &Plan) {
        let root = Place { address: "", pointer: "" };
        if plan.api_version != API_VERSION {
            let message = format!("expected `{API_VERSION}`, got `{}`", plan.api_version);
            self.push(code::WRONG_KIND, root, "/apiVersion", message);
        }
        if plan.kind != "Plan" {
            let message = format!("expected `Plan`, got `{}`", plan.kind);
            self.push(code::WRONG_KIND, root, "/kind", message);
        }
        self.name(&plan.metadata.name, "the plan", root, "/metadata/name");
        if plan.spec.group.as_ref().is_some_and(|group| group.trim().is_empty()) {
            self.push(code::BLANK_NAME, root, "/spec/group", "the group has no name");
        }
        if let Some(approval) = &plan.spec.approval {
            if approval.quorum == 0 || approval.quorum > 100 {
                let message = format!("a quorum of {} makes no sense", approval.quorum);
                self.push_help(code::BAD_NUMBER, root, "/spec/approval/quorum", message, "write 1 to 100");
            }
            self.span(Some(approval.expires), "the approval's time", root, "/spec/approval/expires", true);
        }
    }

    /// What must hold something, and must hold nothing twice.
    fn containers(&mut self, plan: &Plan) {
        let root = Place { address: "", pointer: "" };
        let spec = &plan.spec;
        if !spec.blocks.is_empty() && !spec.stepsets.is_empty() {
            let help = "move the blocks into the step set `default`";
            let message = "`blocks` and `stepsets` do not go together";
            self.push_help(code::BAD_COMBINATION, root, "/spec/blocks", message, help);
        }
        if spec.blocks.is_empty() && spec.stepsets.is_empty() {
            let help = "a plan needs `blocks`, or `stepsets` that have some";
            self.push_help(code::EMPTY_CONTAINER, root, "/spec", "the plan has no blocks", help);
        }
        self.unique(spec.blocks.iter().map(|block| block.name.as_str()), "block", root, "/spec/blocks");
        for (set, blocks) in &spec.stepsets {
            let pointer = format!("/spec/stepsets/{}", crate::schema::escape(set));
            let place = Place { address: set, pointer: &pointer };
            self.name(set, "a step set", place, "");
            if blocks.blocks.is_empty() {
                self.push(code::EMPTY_CONTAINER, place, "", format!("the step set `{set}` has no blocks"));
            }
            self.unique(blocks.blocks.iter().map(|block| block.name.as_str()), "block", place, "/blocks");
        }
        self.unique(
            spec.deferred.iter().map(|batch| batch.name.as_str()),
            "deferred batch",
            root,
            "/spec/deferred",
        );
        for (index, batch) in spec.deferred.iter().enumerate() {
            let address = walk::child("deferred", &batch.name, index);
            let pointer = format!("/spec/deferred/{index}");
            let place = Place { address: &address, pointer: &pointer };
            self.name(&batch.name, "the deferred batch", place, "/name");
            if batch.actions.is_empty() {
                self.push(code::EMPTY_CONTAINER, place, "", "the deferred batch has no actions");
            }
            self.unique(batch.actions.iter().map(|action| action.name.as_str()), "action", place, "/actions");
        }
        self.slots(&spec.checks, root, "/spec/checks");
        self.limits_of((&spec.defaults).into(), Place { pointer: "/spec/defaults", ..root });
    }

    /// A name that must be there and be well-formed.
    fn name(&mut self, name: &str, what: &str, place: Place<'_>, key: &str) {
        if name.trim().is_empty() {
            self.push(code::BLANK_NAME, place, key, format!("{what} has no name"));
        } else if !name::is_slug(name) {
            let help = "use letters, digits and - _ . , beginning with a letter or digit, at most 128";
            self.push_help(
                code::BAD_NAME,
                place,
                key,
                format!("`{name}` cannot be the name of {what}"),
                help,
            );
        }
    }

    /// Names of siblings, each of which must be there once. Blank ones are reported elsewhere.
    fn unique<'n>(&mut self, names: impl Iterator<Item = &'n str>, what: &str, place: Place<'_>, list: &str) {
        let mut seen = BTreeSet::new();
        for (index, name) in names.enumerate() {
            if !name.trim().is_empty() && !seen.insert(name) {
                let message = format!("there is already a {what} named `{name}` here");
                let key = format!("{list}/{index}/name");
                let address = match place.address {
                    "" => name.to_owned(),
                    parent => format!("{parent}/{name}"),
                };
                self.push(code::DUPLICATE_NAME, Place { address: &address, ..place }, &key, message);
            }
        }
    }

    /// A length of time that must be sensible.
    fn span(&mut self, span: Option<Span>, what: &str, place: Place<'_>, key: &str, positive: bool) {
        let Some(span) = span else { return };
        if span > LONGEST {
            self.push(code::BAD_NUMBER, place, key, format!("{what} of {span} is longer than {LONGEST}"));
        } else if positive && span.is_zero() {
            self.push(code::BAD_NUMBER, place, key, format!("{what} must be longer than 0"));
        }
    }
}

#[cfg(test)]
mod tests;
