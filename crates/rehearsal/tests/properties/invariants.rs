//! What holds of every log, checked event by event by counting again from nothing.

use std::collections::{BTreeMap, BTreeSet};

use windlass_model::element::{ElementId, Level, Slot, Work};
use windlass_model::event::{Command, Event, Phase, Wait, What};
use windlass_model::fact::PluginKind;
use windlass_model::layout::Layout;
use windlass_model::outcome::{Outcome, ReasonKind, RunStatus, Skip};

use windlass_rehearsal::Asked;

use crate::stage::{Seen, sound};

/// A log read again, slowly and without any of the engine's code.
struct Reader<'a> {
    layout: &'a Layout,
    running: BTreeSet<ElementId>,
    flying: BTreeSet<ElementId>,
    block: Option<u32>,
    active: BTreeSet<u32>,
    failed: u32,
    racks: BTreeMap<String, u32>,
    paused: bool,
    stopped: bool,
    caused: bool,
    gate_open: bool,
    closing: bool,
    attempts: BTreeMap<ElementId, u32>,
    failures: BTreeMap<ElementId, u32>,
    next_block: u32,
    /// Blocks whose targets were chosen as they began.
    chosen: BTreeSet<u32>,
    /// Whose attempts were in flight when Windlass died, and may be made again.
    recovered: BTreeSet<ElementId>,
}

pub(crate) fn hold(seen: &Seen) {
    sound(seen);
    assert!(seen.run().is_terminal(), "the run did not end: {:?}", seen.rehearsed.run);
    let mut reader = Reader {
        layout: seen.layout(),
        running: BTreeSet::new(),
        flying: BTreeSet::new(),
        block: None,
        active: BTreeSet::new(),
        failed: 0,
        racks: BTreeMap::new(),
        paused: false,
        stopped: false,
        caused: false,
        gate_open: false,
        closing: false,
        attempts: BTreeMap::new(),
        failures: BTreeMap::new(),
        next_block: 0,
        chosen: BTreeSet::new(),
        recovered: BTreeSet::new(),
    };
    for event in seen.events() {
        reader.read(event);
    }
    let status = seen.run();
    let kind = seen.reason().map(|(kind, ..)| kind);
    match status {
        RunStatus::Succeeded => assert_eq!(kind, None),
        RunStatus::Stopped => assert_eq!(kind, Some(ReasonKind::Stopped)),
        RunStatus::Failed => assert!(kind.is_some_and(|kind| kind != ReasonKind::Stopped)),
        other => panic!("ended {other:?}"),
    }
    no_overlap(seen);
    finished_once(seen);
}

/// What holds of a run that only looks.
pub(crate) fn looked_only(seen: &Seen) {
    sound(seen);
    assert!(seen.run().is_terminal(), "the run did not end: {:?}", seen.rehearsed.run);
    for execution in &seen.rehearsed.executions {
        let acts = seen.layout().action(execution.element).unwrap().facts.kind == PluginKind::Acting;
        let asked = if acts { Asked::ToForesee } else { Asked::ToAct };
        assert_eq!(execution.asked, asked, "{execution:?}");
        assert!(!matches!(execution.element, ElementId::Work(Work::Undo { .. })), "an undo is only listed");
    }
    for event in seen.events() {
        match &event.what {
            What::Ended { outcome, .. } | What::ActionEnded { outcome, .. } => {
                assert_ne!(*outcome, Outcome::CHANGED, "{event:?}");
            }
            What::AttemptEnded { end, .. } => assert!(!end.changed, "{event:?}"),
            What::Waiting { wait, .. } => assert!(*wait == Wait::Backoff, "a noop waits: {event:?}"),
            What::LockAwaited { .. } | What::Asked { .. } => panic!("a noop waits for others: {event:?}"),
            _ => {}
        }
    }
    no_overlap(seen);
}

impl Reader<'_> {
    fn read(&mut self, event: &Event) {
        match &event.what {
            What::Began(element) => {
                self.running.insert(*element);
                self.began(*element, event);
            }
            What::Ended { element, outcome } => {
                self.running.remove(element);
                self.ended(*element, *outcome, event);
            }
            What::ActionBegan { element, .. } => {
                self.running.insert(*element);
                self.attempts.insert(*element, 0);
                self.failures.insert(*element, 0);
                self.may_begin(*element, event);
            }
            What::AttemptBegan { element, n } => {
                let before = self.attempts.insert(*element, *n).unwrap();
                assert_eq!(*n, before + 1, "attempts are numbered: {event:?}");
                assert!(self.flying.insert(*element), "attempts overlap: {event:?}");
                let retries = self.layout.action(*element).unwrap().retries;
                let asked_again = matches!(element, ElementId::Work(Work::Undo { .. }))
                    || self.failures[element] <= retries;
                assert!(asked_again, "more attempts than there are retries: {event:?}");
                self.may_be_done(*element, event);
                if !self.recovered.remove(element) {
                    self.may_attempt(*element, event);
                }
            }
            What::AttemptEnded { element, end, .. } => {
                assert!(self.flying.remove(element), "an end without a beginning: {event:?}");
                let counts = end.failure.as_ref().is_some_and(|failure| failure.code != "interrupted");
                *self.failures.get_mut(element).unwrap() += u32::from(counts);
            }
            What::ActionEnded { element, .. } => {
                self.running.remove(element);
                assert!(
                    !self.flying.contains(element),
                    "an action ended with an attempt in flight: {event:?}"
                );
            }
            What::Phase { level: Level::Plan, phase } => {
                self.gate_open |= *phase >= Phase::Work;
                if *phase >= Phase::DeferredBatches {
                    self.closing = true;
                    assert!(
                        self.flying.is_empty(),
                        "something is in flight behind the end of the work: {event:?}"
                    );
                    assert_eq!(self.block, None);
                }
            }
            What::Phase { level: Level::Block(_), phase: Phase::Undo | Phase::Post } => {
                assert!(self.active.is_empty(), "sequences are active behind the work: {event:?}");
            }
            What::Commanded { command, .. } => match command {
                Command::Pause => self.paused = true,
                Command::Resume => self.paused = false,
                Command::Stop | Command::Cancel | Command::Kill => {
                    self.stopped = true;
                    self.paused = false;
                }
            },
            What::Caused(reason) => {
                assert!(!self.caused, "two first causes");
                self.caused = true;
                // The cause of a stop is written before the command, and stops as well.
                if reason.kind == ReasonKind::Stopped {
                    (self.stopped, self.paused) = (true, false);
                }
                self.true_cause(reason.kind, reason.element);
            }
            What::Selected { block, more, .. } => {
                assert_eq!(self.block, Some(*block), "chosen for a block that does not run: {event:?}");
                assert!(self.chosen.insert(*block) || *more, "chosen twice: {event:?}");
                assert!(self.active.is_empty());
            }
            What::Recovered { .. } => self.recovered.extend(self.flying.iter().copied()),
            What::Finished { .. } => {
                assert!(self.running.is_empty() && self.flying.is_empty());
            }
            _ => {}
        }
    }

    fn began(&mut self, element: ElementId, event: &Event) {
        match element {
            ElementId::Block(block) => {
                assert_eq!(self.block, None, "blocks overlap");
                assert_eq!(block, self.next_block, "blocks are out of order");
                assert!(self.gate_open && !self.closing);
                (self.block, self.failed) = (Some(block), 0);
                self.racks.clear();
            }
            ElementId::Sequence { block, seq } => {
                assert_eq!(Some(block), self.block);
                let is_late = self.layout.submission.late.blocks.contains(&block);
                assert_eq!(is_late, self.chosen.contains(&block), "its targets are not frozen: {event:?}");
                assert!(!self.paused && !self.stopped, "a sequence began against a person's word: {event:?}");
                let def = self.layout.block(block).unwrap();
                if let Some(most) = def.failures {
                    assert!(self.failed <= most, "a sequence began behind the crossing: {event:?}");
                    let active = u32::try_from(self.active.len()).unwrap();
                    assert!(!def.strict || self.failed + active <= most, "strict: {event:?}");
                }
                self.active.insert(seq);
                assert!(self.active.len() <= def.concurrency as usize, "too many at once: {event:?}");
                if let Some(most) = def.max_per.get("rack") {
                    let count = self.racks.entry(def.value_of("rack", seq).unwrap()).or_default();
                    *count += 1;
                    assert!(*count <= *most, "maxPer: {event:?}");
                }
            }
            _ => {}
        }
    }

    fn ended(&mut self, element: ElementId, outcome: Outcome, event: &Event) {
        match element {
            ElementId::Block(block) => {
                assert!(
                    self.active.is_empty() && self.flying_in(block) == 0,
                    "a block ended around its work: {event:?}"
                );
                self.block = None;
                self.next_block = block + 1;
                let def = self.layout.block(block).unwrap();
                if outcome == Outcome::UNCHANGED || outcome == Outcome::CHANGED {
                    assert!(def.failures.is_none_or(|most| self.failed <= most), "{event:?}");
                }
                if let Some(most) = def.failures {
                    let bound = if def.strict { most + 1 } else { most + def.concurrency };
                    assert!(self.failed <= bound, "{} failed, at most {bound} can: {event:?}", self.failed);
                }
            }
            ElementId::Sequence { block, seq } => {
                self.active.remove(&seq);
                self.failed += u32::from(outcome == Outcome::Failed);
                let rack = self.layout.block(block).and_then(|def| def.value_of("rack", seq));
                if let Some(count) = self.racks.get_mut(&rack.unwrap_or_default()) {
                    *count -= u32::from(outcome != Outcome::Skipped(Skip::DoneBefore));
                }
            }
            _ => {}
        }
    }

    fn flying_in(&self, block: u32) -> usize {
        self.flying.iter().filter(|element| element.work().and_then(Work::block) == Some(block)).count()
    }

    /// What its condition or the lock of its sequence keeps from being done is never attempted.
    fn may_be_done(&self, element: ElementId, event: &Event) {
        let when = self.layout.action(element).and_then(|def| def.action.when.as_deref());
        assert!(matches!(when, None | Some("true")), "done though it is not to be: {event:?}");
        if let Some(Work::Action { block, seq, .. } | Work::Undo { block, seq, .. }) = element.work() {
            let lock = self.layout.block(block).and_then(|def| def.sequences.body(seq)?.lock.as_deref());
            assert!(lock != Some("{{ nothing }}"), "done without its lock: {event:?}");
            let others = self.flying.iter().filter_map(|other| other.work()?.sequence());
            let alone = lock != Some("one") || others.filter(|other| *other != (block, seq)).count() == 0;
            assert!(alone, "two hold one lock: {event:?}");
        }
    }

    /// What may begin when.
    fn may_begin(&self, element: ElementId, event: &Event) {
        let Some(work) = element.work() else { return };
        match work {
            Work::Action { block, seq, .. } => {
                assert!(self.gate_open, "work before the gate: {event:?}");
                assert!(self.block == Some(block) && self.active.contains(&seq), "{event:?}");
            }
            Work::Undo { .. } => assert!(self.active.is_empty(), "undo among the work: {event:?}"),
            Work::Deferred { .. } => assert!(self.closing, "{event:?}"),
            Work::Check { .. } => {}
        }
    }

    /// Nothing new starts when paused or stopped, but for loops and what closes the run.
    fn may_attempt(&self, element: ElementId, event: &Event) {
        let Some(work) = element.work() else { return };
        let looping = matches!(work, Work::Check { slot: Slot::Continuous, .. });
        let closing = matches!(work, Work::Deferred { .. } | Work::Check { slot: Slot::Deferred, .. });
        assert!(!self.paused || looping, "something began in a paused run: {event:?}");
        assert!(!self.stopped || closing, "something began in a stopped run: {event:?}");
    }

    fn true_cause(&self, kind: ReasonKind, element: ElementId) {
        let fits = match kind {
            ReasonKind::Action => matches!(element, ElementId::Work(Work::Action { .. })),
            ReasonKind::Deadline | ReasonKind::Interrupted => {
                matches!(element, ElementId::Work(_) | ElementId::Run)
            }
            ReasonKind::PreCheck => is_check(element, Slot::Pre),
            ReasonKind::ContinuousCheck => is_check(element, Slot::Continuous),
            ReasonKind::PostCheck => is_check(element, Slot::Post),
            ReasonKind::DeferredCheck => is_check(element, Slot::Deferred),
            ReasonKind::DeferredBatch => matches!(element, ElementId::Work(Work::Deferred { .. })),
            ReasonKind::Stopped => element == ElementId::Run,
            ReasonKind::Storage => false,
            ReasonKind::Selection => matches!(element, ElementId::Block(_)),
        };
        assert!(fits, "{kind:?} {element:?}");
    }
}

fn is_check(element: ElementId, wanted: Slot) -> bool {
    matches!(element, ElementId::Work(Work::Check { slot, .. }) if slot == wanted)
}

/// Two executions of one action never overlap, apart from those that a crash hid from us.
fn no_overlap(seen: &Seen) {
    let mut last = BTreeMap::new();
    for execution in &seen.rehearsed.executions {
        if let Some(Some(ended)) = last.insert(execution.element, execution.ended) {
            assert!(ended <= execution.began, "{execution:?} overlaps the one before");
        }
    }
}

/// An action that ended is never executed again.
fn finished_once(seen: &Seen) {
    let mut ended = BTreeSet::new();
    for event in seen.events() {
        match &event.what {
            What::ActionEnded { element: element @ ElementId::Work(work), .. }
                if !matches!(work, Work::Check { .. }) =>
            {
                ended.insert(*element);
            }
            What::AttemptBegan { element, .. } => {
                assert!(!ended.contains(element), "executed again: {event:?}");
            }
            _ => {}
        }
    }
}
