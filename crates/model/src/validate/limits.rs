//! Numbers: none negative, none absurd.

use super::{Checker, LARGEST, Place};
use crate::amount::Amount;
use crate::code;
use crate::limit::{Backoff, Batches};
use crate::plan::{Block, Limits};

// === impl Checker ===

impl Checker<'_> {
    pub(super) fn limits(&mut self, block: &Block, place: Place<'_>) {
        self.limits_of(Limits::of(block), place);
        self.span(block.entrance_delay, "a delay", place, "/entranceDelay", false);
        self.span(block.exit_delay, "a delay", place, "/exitDelay", false);
    }

    pub(super) fn limits_of(&mut self, limits: Limits<'_>, place: Place<'_>) {
        if let Some(concurrency) = limits.concurrency {
            self.amount(concurrency, "a concurrency", place, "/concurrency", 1);
        }
        match limits.batches {
            Batches::Sizes(sizes) if sizes.is_empty() => {
                self.push(code::EMPTY_CONTAINER, place, "/batches", "the list of batches is empty");
            }
            Batches::Sizes(sizes) => {
                for (index, size) in sizes.iter().enumerate() {
                    self.amount(*size, "a batch", place, &format!("/batches/{index}"), 1);
                }
            }
            Batches::Whole | Batches::Auto => {}
        }
        if let Some(max) = limits.failures.and_then(|failures| failures.max) {
            self.amount(max, "a failure limit", place, "/failures", 0);
        }
        if let Some(canary) = limits.canary {
            self.amount(Amount::Count(canary.0), "a canary", place, "/canary", 0);
        }
        for (label, most) in limits.max_per.into_iter().flatten() {
            let key = format!("/maxPer/{}", crate::schema::escape(label));
            if label.trim().is_empty() {
                self.push(code::BLANK_NAME, place, &key, "the label has no name");
            }
            self.amount(Amount::Count(*most), "a limit", place, &key, 1);
        }
        self.span(limits.soak, "a soak", place, "/soak", false);
    }

    fn amount(&mut self, amount: Amount, what: &str, place: Place<'_>, key: &str, least: u32) {
        let why = match amount {
            Amount::Count(count) if count < least => format!("it must be at least {least}"),
            Amount::Count(count) if count > LARGEST => format!("the most is {LARGEST}"),
            Amount::Percent(percent) if percent < least => format!("it must be at least {least}%"),
            Amount::Percent(percent) if percent > 100 => "the most is 100%".to_owned(),
            _ => return,
        };
        self.push(code::BAD_NUMBER, place, key, format!("{what} of {amount} makes no sense: {why}"));
    }

    pub(super) fn backoff(&mut self, backoff: Backoff, place: Place<'_>) {
        let mut bad = |key: &str, message: String| {
            self.push(code::BAD_NUMBER, place, &format!("/backoff/{key}"), message);
        };
        if !(1.0..=100.0).contains(&backoff.factor) {
            bad("factor", format!("a factor of {} makes no sense: write 1 to 100", backoff.factor));
        }
        if !(0.0..=1.0).contains(&backoff.jitter) {
            bad("jitter", format!("a jitter of {} makes no sense: write 0 to 1", backoff.jitter));
        }
        if backoff.max < backoff.initial {
            bad(
                "max",
                format!("the longest wait, {}, is shorter than the first, {}", backoff.max, backoff.initial),
            );
        }
        self.span(Some(backoff.max), "a wait", place, "/backoff/max", false);
    }
}
