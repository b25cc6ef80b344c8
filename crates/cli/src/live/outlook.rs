//! How fast a block goes now, and how much longer it takes if it goes on like this: estimates from the sequences that
//! ended last, so that a picture of a million targets costs no more than one of a thousand.

use std::time::Duration;

use windlass_model::element::ElementId;
use windlass_model::event::{Phase, Wait};
use windlass_model::layout::BlockDef;
use windlass_model::outcome::{RunStatus, Status};
use windlass_model::time::Time;
use windlass_report::view::BlockView;
use windlass_report::{Fold, Length};

/// How many sequences are looked at, counted back from the last one that began.
const LOOKED_AT: u32 = 1_024;
/// Over how long a rate is taken, where enough ended meanwhile.
const WINDOW: Duration = Duration::from_secs(30);
/// From how few ends on there is something to go by.
const FEW: usize = 2;
/// How many batches to come are counted one by one.
const BATCHES: usize = 1_000;

/// What can be said of a block that goes on.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Outlook {
    /// Sequences that end in a second.
    pub(crate) rate: Option<f64>,
    /// Until the last of them has ended.
    pub(crate) left: Option<Duration>,
}

/// Looks at a block that runs.
pub(crate) fn of(fold: &Fold, index: u32, now: Time) -> Outlook {
    let (Some(def), Some(view)) = (fold.layout().block(index), fold.blocks().get(index as usize)) else {
        return Outlook::default();
    };
    let lately = Lately::of(fold, index, view);
    let began = fold.element(ElementId::Block(index)).started_at.unwrap_or(now);
    Outlook { rate: lately.rate(began, now), left: left(fold, index, def, view, &lately, now) }
}

/// The sequences that ended last.
struct Lately {
    /// When, the last one first.
    ends: Vec<Time>,
    /// How long they took on average.
    mean: Duration,
}

// === impl Lately ===

impl Lately {
    fn of(fold: &Fold, block: u32, view: &BlockView) -> Self {
        let begun = view.total.saturating_sub(view.not_started);
        let (mut ends, mut took, mut measured) = (Vec::new(), Duration::ZERO, 0);
        // They begin in order, but for canaries and those that wait for a lock.
        for seq in (0..begun).rev().take(LOOKED_AT as usize) {
            let sequence = fold.element(ElementId::Sequence { block, seq });
            let (Some(start), Some(end)) = (sequence.started_at, sequence.ended_at) else { continue };
            ends.push(end);
            if sequence.status == Status::Succeeded {
                took += end.since(start);
                measured += 1;
            }
        }
        ends.sort_unstable_by(|one, other| other.cmp(one));
        Self { ends, mean: took.checked_div(measured).unwrap_or_default() }
    }

    fn rate(&self, began: Time, now: Time) -> Option<f64> {
        let recent = self.ends.iter().take_while(|end| now.since(**end) <= WINDOW).count();
        let counted = recent.max(FEW).min(self.ends.len());
        let since = match self.ends.get(counted) {
            // The end before those that are counted says since when.
            Some(before) => *before,
            None if counted < LOOKED_AT as usize => began,
            None => *self.ends.last()?,
        };
        let seconds = now.since(since).as_secs_f64();
        (counted >= FEW && seconds >= 1.0).then(|| counted as f64 / seconds)
    }
}

/// How long the rest takes: waves of sequences that each take as long as the last ones did, and the soaks in between.
fn left(
    fold: &Fold,
    index: u32,
    def: &BlockDef,
    view: &BlockView,
    lately: &Lately,
    now: Time,
) -> Option<Duration> {
    let works = view.phases.last().is_some_and(|(phase, _)| *phase == Phase::Work);
    let goes_on = fold.status() == RunStatus::Running && fold.run().ending.is_none();
    if lately.ends.len() < FEW || lately.mean.is_zero() || !works || !goes_on {
        return None;
    }
    let batch = view.batches.last()?;
    let waiting = batch.size.saturating_sub(batch.ended).saturating_sub(view.active);
    // Where fewer than `concurrency` are active all the time, something else limits it: locks, `maxPer`, strict limits.
    let is_steady = waiting > 0 && now.since(batch.began_at) > lately.mean;
    let at_once = if is_steady { view.active.max(1) } else { def.concurrency.max(1) };
    let active = active(fold, index, now);
    // Those that run may take longer than those that ended.
    let mean =
        lately.mean.max(active.iter().sum::<Duration>() / u32::try_from(active.len()).unwrap_or(1).max(1));
    let youngest = active.iter().min().map_or(Duration::ZERO, |age| mean.saturating_sub(*age));
    let mut left = youngest + soak_left(view, now) + mean * waiting.div_ceil(at_once);
    let mut rest = view.not_started.saturating_sub(waiting);
    if rest > 0 && batch.ended < batch.size {
        left += def.soak;
    }
    let canary = u32::from(def.canary.is_some());
    for n in (batch.n.saturating_add(1)..).take(BATCHES) {
        if rest == 0 {
            return Some(left);
        }
        let size = def.batch_size(n.saturating_sub(canary)).clamp(1, rest);
        rest -= size;
        left += mean * size.div_ceil(def.concurrency.max(1));
        if rest > 0 {
            left += def.soak;
        }
    }
    // The sizes of so many batches no longer differ.
    let size = def.batch_size(batch.n.saturating_add(1)).max(1);
    Some(left + (mean * size.div_ceil(def.concurrency.max(1)) + def.soak) * rest.div_ceil(size))
}

/// For how long each of those that run has done so.
fn active(fold: &Fold, index: u32, now: Time) -> Vec<Duration> {
    let ages = fold.running().filter_map(|(element, view)| match element {
        ElementId::Sequence { block, .. } if block == index => Some(now.since(view.started_at?)),
        _ => None,
    });
    ages.collect()
}

fn soak_left(view: &BlockView, now: Time) -> Duration {
    let soak = view.delays.last().filter(|delay| delay.wait == Wait::Soak && delay.ended_at.is_none());
    soak.map(|soak| soak.until.since(now)).unwrap_or_default()
}

// === impl Outlook ===

impl Outlook {
    /// `14/s`, `35/min`, `4/h`.
    pub(crate) fn rate_in_words(self) -> Option<String> {
        let per_second = self.rate.filter(|rate| *rate > 0.0)?;
        Some(if per_second >= 2.0 {
            format!("{per_second:.0}/s")
        } else if per_second * 60.0 >= 2.0 {
            format!("{:.0}/min", per_second * 60.0)
        } else {
            format!("{:.0}/h", (per_second * 3600.0).max(1.0))
        })
    }

    /// `about 3m left`: no more exact than it is.
    pub(crate) fn left_in_words(self) -> Option<String> {
        let left = self.left?.as_millis().div_ceil(1_000);
        let step = match left {
            0..=10 => 1,
            11..=60 => 5,
            61..=600 => 30,
            601..=3_600 => 60,
            3_601..=86_400 => 600,
            _ => 3_600,
        };
        let rounded = u64::try_from(left.div_ceil(step) * step).unwrap_or(u64::MAX);
        Some(format!("about {} left", Length(Duration::from_secs(rounded.max(1)))).replace(".0s", "s"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_no_more_exact_than_they_are() {
        let check = |millis, text: &str| {
            let outlook = Outlook { rate: None, left: Some(Duration::from_millis(millis)) };
            assert_eq!(outlook.left_in_words().as_deref(), Some(text));
        };
        check(0, "about 1s left");
        check(3_100, "about 4s left");
        check(43_000, "about 45s left");
        check(61_000, "about 1m 30s left");
        check(1_234_000, "about 21m left");
        check(12_345_000, "about 3h 30m left");
        check(400_000_000, "about 4d 16h left");
    }

    #[test]
    fn rates_are_said_in_the_unit_that_suits_them() {
        let check = |rate, text| {
            assert_eq!(Outlook { rate: Some(rate), left: None }.rate_in_words().as_deref(), text);
        };
        check(54.4, Some("54/s"));
        check(0.5, Some("30/min"));
        check(0.01, Some("36/h"));
        check(0.0, None);
    }
}
