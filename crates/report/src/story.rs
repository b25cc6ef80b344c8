//! What happened, as moments in the order of time: the timelines of text and HTML reports.

use windlass_model::element::{ElementId, Level, Slot};
use windlass_model::event::{Author, Phase};
use windlass_model::outcome::{RunStatus, Status};
use windlass_model::time::Time;

use crate::clock::{Clock, Length, Stamp};
use crate::fold::Fold;
use crate::view::{BatchView, Delay};
use crate::{legible, words};

/// How long a person's reason may be on a line.
const LINE: usize = 300;

/// One moment.
pub(crate) struct Moment {
    pub(crate) at: Time,
    pub(crate) tone: Tone,
    pub(crate) text: String,
}

/// What sort of moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tone {
    Plain,
    Good,
    Bad,
    Person,
    Quiet,
}

/// The moments of the run as a whole: people, processes, and the phases of the plan.
pub(crate) fn of_run(fold: &Fold, clock: Clock) -> Vec<Moment> {
    let (run, layout) = (fold.run(), fold.layout());
    let mut story = Story::default();
    let user = legible::line(&layout.submission.user, LINE);
    story.maybe(run.submitted_at, Tone::Person, format!("submitted by {user}"));
    if let (Some(at), Some(approval)) = (run.submitted_at, run.approval) {
        let people = if approval.quorum == 1 { "person" } else { "people" };
        let until = Stamp(clock, approval.until);
        story.add(at, Tone::Quiet, format!("{} {people} must agree until {until}", approval.quorum));
    }
    for signed in &run.approvals {
        story.add(signed.at, Tone::Person, format!("approved by {}", author(&signed.by)));
    }
    for signed in &run.rejections {
        story.add(signed.at, Tone::Bad, format!("rejected by {}", author(&signed.by)));
    }
    let starter = run.started_by.as_ref().map_or_else(String::new, author);
    story.maybe(run.started_at, Tone::Person, format!("started by {starter}"));
    for commanded in &run.commands {
        let text = format!("{} by {}", words::command(commanded.command), author(&commanded.by));
        story.add(commanded.at, Tone::Person, text);
    }
    for settled in &run.verdicts {
        let address = legible::line(&layout.address(settled.element), LINE);
        let text =
            format!("{address} settled as {} by {}", words::verdict(settled.verdict), author(&settled.by));
        story.add(settled.at, Tone::Person, text);
    }
    for recovery in &run.recoveries {
        let text = format!("taken over by {}", legible::line(&recovery.by, LINE));
        story.add(recovery.at, Tone::Bad, text);
    }
    // Moments of one time stay in this order.
    let phases = |of: fn(&Phase) -> bool| run.phases.iter().filter(move |(phase, _)| of(phase));
    story.phases(phases(|phase| matches!(phase, Phase::Bypass | Phase::Gate)));
    for (index, block) in (0_u32..).zip(&layout.blocks) {
        let view = fold.element(ElementId::Block(index));
        let name = legible::line(&block.name, LINE);
        story.maybe(view.started_at, Tone::Plain, format!("block {name} began"));
        story.ended(fold, ElementId::Block(index), &format!("block {name}"));
    }
    let late =
        |phase: &Phase| !matches!(phase, Phase::Bypass | Phase::Gate | Phase::Work | Phase::DeferredChecks);
    story.phases(phases(late));
    story.slots(fold, Level::Plan);
    for index in 0..u16::try_from(layout.batches.len()).unwrap_or(u16::MAX) {
        let element = ElementId::Batch(index);
        story.ended(fold, element, &legible::line(&layout.address(element), LINE));
    }
    story.phases(phases(|phase| *phase == Phase::DeferredChecks));
    let tone = match run.status {
        RunStatus::Succeeded => Tone::Good,
        _ => Tone::Bad,
    };
    story.maybe(run.ended_at, tone, format!("the run {}", words::run_status(run.status)));
    story.told()
}

/// The moments of a block: checks, delays, batches, soaks, undo.
pub(crate) fn of_block(fold: &Fold, index: u32) -> Vec<Moment> {
    let Some(block) = fold.blocks().get(index as usize) else { return Vec::new() };
    let element = ElementId::Block(index);
    let mut story = Story::default();
    story.maybe(fold.element(element).started_at, Tone::Plain, "began".into());
    story.phases(block.phases.iter().filter(|(phase, _)| *phase != Phase::Work));
    for delay in &block.delays {
        story.add(delay.from, Tone::Quiet, delayed(delay, fold.at()));
    }
    for batch in &block.batches {
        let tone = if batch.failed > 0 { Tone::Bad } else { Tone::Plain };
        story.add(batch.began_at, tone, batched(batch, fold.at()));
    }
    let forgotten = block.batches.forgotten();
    if let Some(first) = block.batches.iter().next().filter(|_| forgotten > 0) {
        let text = format!("before this: {} of its batches", words::grouped(forgotten));
        story.add(first.began_at, Tone::Quiet, text);
    }
    story.slots(fold, Level::Block(index));
    story.ended(fold, element, "");
    story.told()
}

fn author(by: &Author) -> String {
    let user = legible::line(&by.user, LINE);
    let user = if user.is_empty() { "somebody".to_owned() } else { user };
    if by.why.is_empty() { user } else { format!("{user}: {}", legible::line(&by.why, LINE)) }
}

fn delayed(delay: &Delay, now: Time) -> String {
    let planned = Length(delay.until.since(delay.from));
    let took = delay.ended_at.unwrap_or(now).since(delay.from);
    let word = words::wait(delay.wait);
    match delay.ended_at {
        None => format!("{word} of {planned}, going on"),
        // A pause or a check can make a delay longer, a stop shorter; a second's difference is no news.
        Some(_) if took.abs_diff(delay.until.since(delay.from)).as_secs() >= 1 => {
            format!("{word} of {planned}, which took {}", Length(took))
        }
        Some(_) => format!("{word} of {planned}"),
    }
}

fn batched(batch: &BatchView, now: Time) -> String {
    let what = if batch.canary { "canary batch" } else { "batch" };
    let size = words::count(u64::from(batch.size), "sequence");
    let took = Length(batch.ended_at.unwrap_or(now).since(batch.began_at));
    let state = match batch.ended_at {
        Some(_) => format!("{took}"),
        None => format!("{} ended after {took}", batch.ended),
    };
    let failed = if batch.failed > 0 { format!(", {} failed", batch.failed) } else { String::new() };
    format!("{what} {}: {size}, {state}{failed}", batch.n)
}

#[derive(Default)]
struct Story(Vec<Moment>);

// === impl Story ===

impl Story {
    fn add(&mut self, at: Time, tone: Tone, text: String) {
        self.0.push(Moment { at, tone, text });
    }

    fn maybe(&mut self, at: Option<Time>, tone: Tone, text: String) {
        if let Some(at) = at {
            self.add(at, tone, text);
        }
    }

    fn phases<'a>(&mut self, phases: impl Iterator<Item = &'a (Phase, Time)>) {
        for (phase, at) in phases {
            if let Some(word) = words::phase(*phase) {
                self.add(*at, Tone::Quiet, word.to_owned());
            }
        }
    }

    fn ended(&mut self, fold: &Fold, element: ElementId, name: &str) {
        let view = fold.element(element);
        let tone = match view.status {
            Status::Pending | Status::Running => return,
            Status::Succeeded | Status::Skipped => Tone::Good,
            Status::Failed | Status::Stopped => Tone::Bad,
        };
        let word = view.skip.map_or(words::status(view.status), words::skip);
        self.maybe(view.ended_at, tone, format!("{name} {word}").trim_start().to_owned());
    }

    /// Only what did not pass is worth a line.
    fn slots(&mut self, fold: &Fold, level: Level) {
        for slot in Slot::ALL.into_iter().filter(|slot| *slot != Slot::Bypass) {
            let element = ElementId::Slot { level, slot };
            let view = fold.element(element);
            let Some(details) = view.details() else { continue };
            if let Some(round) = details.last_failed {
                let number =
                    if details.rounds.count() > 1 { format!(" in round {}", round.n) } else { String::new() };
                let text = format!("{} checks did not pass{number}", slot.key());
                self.add(round.ended_at.unwrap_or(round.began_at), Tone::Bad, text);
            }
        }
    }

    fn told(mut self) -> Vec<Moment> {
        self.0.sort_by_key(|moment| moment.at);
        self.0
    }
}
