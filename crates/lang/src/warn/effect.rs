//! Keys that nothing heeds where they stand.

use windlass_model::code::{self, Code};
use windlass_model::fact::{Catalog, PluginKind, Recovery};
use windlass_model::limit::BackoffChoice;
use windlass_model::plan::{Action, Block, Checks, OnFailure, OnInterrupt, Plan, When};
use windlass_model::problem::Problem;
use windlass_model::span::Span;
use windlass_model::validate::walk::{self, ActionAt, Role};

pub(super) fn check(plan: &Plan, catalog: &Catalog) -> Vec<Problem> {
    let mut finder = Finder { plan, catalog, warnings: Vec::new() };
    finder.period(&plan.spec.checks, "", "/spec");
    walk::blocks(plan, &mut |at| finder.block(at.block, &at.address, &at.pointer));
    walk::actions(plan, &mut |at| finder.action(&at));
    for (index, batch) in plan.spec.deferred.iter().enumerate() {
        if batch.fail_plan && batch.when == When::Failure {
            let address = walk::child("deferred", &batch.name, index);
            let message = "`failPlan` has no effect: this batch runs only when the run has failed already";
            finder.warn(code::NO_EFFECT, &address, format!("/spec/deferred/{index}/failPlan"), message, "");
        }
    }
    finder.warnings
}

struct Finder<'a> {
    plan: &'a Plan,
    catalog: &'a Catalog,
    warnings: Vec<Problem>,
}

// === impl Finder ===

impl Finder<'_> {
    fn warn(&mut self, code: Code, address: &str, pointer: String, message: impl Into<String>, help: &str) {
        let warning = Problem::new(code, address, pointer, message);
        self.warnings.push(if help.is_empty() { warning } else { warning.help(help) });
    }

    fn period(&mut self, checks: &Checks, address: &str, pointer: &str) {
        if checks.every.is_some() && checks.continuous.is_empty() {
            let message = "`every` has no effect: there are no continuous checks here";
            self.warn(code::NO_EFFECT, address, format!("{pointer}/checks/every"), message, "");
        }
    }

    fn block(&mut self, block: &Block, address: &str, pointer: &str) {
        self.period(&block.checks, address, pointer);
        let soaks = block.soak.is_some_and(|soak| !soak.is_zero());
        let limits = self.plan.spec.limits_of(block);
        if soaks && limits.batches.is_whole() && limits.canary.is_none_or(|canary| canary.0 == 0) {
            let message = "`soak` has no effect: it is the wait between batches, and there is only one";
            let help = "add `batches`, such as [1, 10%, 50%], or a `canary`";
            self.warn(code::NO_EFFECT, address, format!("{pointer}/soak"), message, help);
        }
        let mut undo = None;
        let short = block.sequence.as_ref().is_some_and(|one| one.vars.is_empty() && one.lock.is_none());
        let template = block.sequence.iter().map(|one| {
            let list = if short { "sequence" } else { "sequence/actions" };
            (format!("{address}/*"), format!("{pointer}/{list}"), &one.actions)
        });
        let explicit = block.sequences.iter().enumerate().map(|(index, one)| {
            let pointer = format!("{pointer}/sequences/{index}/actions");
            (walk::child(address, &one.name, index), pointer, &one.actions)
        });
        for (address, pointer, actions) in template.chain(explicit) {
            let first = actions.iter().enumerate().find(|(_, action)| action.undo.is_some());
            if let Some((index, action)) = first {
                let address = walk::child(&address, &action.name, index);
                undo = undo.or(Some((format!("{address}!undo"), format!("{pointer}/{index}/undo"))));
            }
        }
        match (block.on_failure, undo) {
            (OnFailure::Undo, None) => {
                let message = "`onFailure: undo` takes nothing back: no action of this block has an `undo`";
                self.warn(code::NO_EFFECT, address, format!("{pointer}/onFailure"), message, "");
            }
            (OnFailure::Stop | OnFailure::Halt, Some((address, pointer))) => {
                let message = "nothing ever undoes this: the block does not say `onFailure: undo`";
                self.warn(
                    code::NO_EFFECT,
                    &address,
                    pointer,
                    message,
                    "write `onFailure: undo` beside the block's name",
                );
            }
            _ => {}
        }
    }

    fn action(&mut self, at: &ActionAt<'_>) {
        let Action { timeout, retries, backoff, deadline, .. } = at.action;
        let retries = retries.unwrap_or(0);
        let key = |key: &str| format!("{}/{key}", at.pointer);
        if retries == 0 && backoff.is_some() {
            let message = "`backoff` has no effect: without `retries` there is one attempt";
            self.warn(
                code::NO_EFFECT,
                at.address,
                key("backoff"),
                message,
                "add `retries: 3`, or as many as it may take",
            );
        }
        if let (Some(timeout), Some(deadline)) = (timeout, deadline)
            && timeout > deadline
        {
            let message =
                format!("an attempt may take {timeout}, and the deadline ends all attempts after {deadline}");
            let help =
                "the timeout is for one attempt; the deadline for all of them and the waits in between";
            self.warn(code::TIMEOUT_BEYOND_DEADLINE, at.address, key("timeout"), message, help);
        }
        if let (Some(deadline), Some(wait)) = (deadline, self.shortest_wait(at.action))
            && retries > 0
            && *deadline <= wait
        {
            let message = format!(
                "`retries` have no effect: the first wait takes at least {wait}, and the deadline is {deadline}"
            );
            self.warn(
                code::NO_EFFECT,
                at.address,
                key("retries"),
                message,
                "give a longer `deadline`, or a shorter `backoff`",
            );
        }
        self.interrupt(at);
    }

    /// The shortest time that may pass between the end of the first attempt and the second.
    fn shortest_wait(&self, action: &Action) -> Option<Span> {
        let of_plugin = self.catalog.get(&action.uses).map(|facts| facts.backoff);
        let backoff = action.backoff.map(BackoffChoice::numbers).or(of_plugin)?;
        Some(Span(backoff.initial.0.mul_f64((1.0 - backoff.jitter).clamp(0.0, 1.0))))
    }

    /// After a crash what is safe to repeat is repeated, whatever the plan says.
    fn interrupt(&mut self, at: &ActionAt<'_>) {
        let word = match at.action.on_interrupt {
            Some(OnInterrupt::Fail) => "fail",
            Some(OnInterrupt::Ask) => "ask",
            Some(OnInterrupt::Rerun) | None => return,
        };
        let Some(facts) = self.catalog.get(&at.action.uses) else { return };
        let why = match (at.role, facts.kind, facts.recovery) {
            (Role::Check(_) | Role::Verify | Role::VerifyAfter, ..) | (_, PluginKind::Check, _) => {
                "a check changes nothing"
            }
            (_, _, Recovery::Idempotent) => "its plugin promises that this is safe",
            _ => return,
        };
        let message = format!(
            "`onInterrupt: {word}` has no effect: after a crash `{}` is called again, because {why}",
            facts.name
        );
        let pointer = format!("{}/onInterrupt", at.pointer);
        self.warn(code::NO_EFFECT, at.address, pointer, message, "");
    }
}
