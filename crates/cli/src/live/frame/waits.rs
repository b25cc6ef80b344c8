//! What a run waits for, a line each: delays, locks, and people.

use windlass_model::element::ElementId;
use windlass_model::outcome::RunStatus;
use windlass_report::words::{self, count, grouped};
use windlass_report::{Length, legible};

use super::Frame;
use crate::printer::{FAINT, Styled, WARN};

/// How many locks are named.
const LOCKS: usize = 2;
/// How long an address may be.
const ADDRESS: usize = 60;

impl Frame<'_> {
    pub(super) fn waits(&self) -> Vec<String> {
        let command = |words| self.typed.command(words);
        let mut lines = self.delays();
        lines.extend(self.locks());
        let asked = self.fold.asked().count() as u64;
        if asked > 0 && !self.fold.status().is_terminal() {
            let verb = if asked == 1 { "waits" } else { "wait" };
            lines.push(
                Styled(
                    WARN,
                    format_args!(
                        "  {} {verb} for a person: {}",
                        count(asked, "action"),
                        command("runs resolve")
                    ),
                )
                .to_string(),
            );
        }
        match self.fold.status() {
            RunStatus::AwaitingApproval => {
                let text = format!("  waits for approval: {}", command("runs approve"));
                lines.push(Styled(WARN, text).to_string());
            }
            RunStatus::Paused => {
                let text = format!("  paused: `{}` goes on", command("runs resume"));
                lines.push(Styled(WARN, text).to_string());
            }
            _ => {}
        }
        lines
    }

    fn delays(&self) -> Vec<String> {
        let mut lines = Vec::new();
        for (index, view) in (0_u32..).zip(self.fold.blocks()) {
            let delay = view.delays.last().filter(|delay| delay.ended_at.is_none() && delay.until > self.now);
            let Some(delay) = delay else { continue };
            let address = legible::line(&self.fold.layout().address(ElementId::Block(index)), ADDRESS);
            let left = Length(delay.until.since(self.now));
            lines.push(format!("  {address}: {}, {left} left", words::wait(delay.wait)));
        }
        lines
    }

    fn locks(&self) -> Vec<String> {
        let mut held = self.fold.held();
        let mut lines: Vec<String> = held
            .by_ref()
            .take(LOCKS)
            .map(|(element, lock)| {
                let address = legible::line(&self.fold.layout().address(element), ADDRESS);
                let (name, holder) =
                    (legible::line(&lock.lock, ADDRESS), legible::line(&lock.holder, ADDRESS));
                let text = format!("  {address} {}", words::awaited(&name, &holder));
                Styled(WARN, text).to_string()
            })
            .collect();
        let more = held.count() as u64;
        if more > 0 {
            lines.push(Styled(FAINT, format_args!("  {} more wait for locks", grouped(more))).to_string());
        }
        lines
    }
}
