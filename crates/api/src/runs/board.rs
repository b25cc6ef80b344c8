//! A run as it is drawn, and everything about one of its targets.

use std::collections::{BTreeMap, HashMap};

use serde::Serialize;
use serde_json::Value;
use windlass_access::Verb;
use windlass_contract::{
    Board, BoardAction, BoardBatch, BoardBlock, BoardFailure, BoardHeld, BoardLabel, BoardNote, BoardPart,
    BoardPhase, BoardRetries, BoardWait, Element, ElementAttempt, ElementError, ElementPage,
};
use windlass_model::element::{ElementId, ElementKind, Level, Slot};
use windlass_model::layout::{BlockDef, Choice};
use windlass_model::outcome::Status;
use windlass_model::payload::Payload;
use windlass_model::time::Time;
use windlass_report::Fold;
use windlass_report::view::{BlockView, ElementView, RunView as Told};

use super::look::now;
use super::meant;
use crate::answer::Problem;
use crate::caller::Caller;

/// How many failures, and how many waits, are named.
const NAMED: usize = 200;
/// How many different values a label may have to be one that targets are grouped by.
const VALUES: usize = 500;
/// How many elements are shown at once.
const ELEMENTS: usize = 5000;

/// A run as it is drawn now.
pub(crate) async fn board(caller: &Caller, namespace: &str, run: &str) -> Result<Board, Problem> {
    let view = meant(caller, Verb::View, namespace, run).await?;
    let api = caller.api();
    let mut fold = api.parts().runs.fold(view.id).await?;
    let at = api.now();
    fold.as_of(at);
    let run = now(api, view).await?;
    tokio::task::spawn_blocking(move || drawn(&fold, run, at)).await.map_err(Problem::lost)
}

/// An element of a run, and what is in it.
pub(crate) async fn elements(
    caller: &Caller,
    namespace: &str,
    run: &str,
    under: impl FnOnce() -> Result<String, Problem>,
) -> Result<ElementPage, Problem> {
    let view = meant(caller, Verb::View, namespace, run).await?;
    let under = under()?;
    if under.is_empty() {
        return Err(Problem::bad("under: say of which element, such as `block/node`"));
    }
    let fold = caller.api().parts().runs.fold(view.id).await?;
    let Some(top) = fold.layout().find(&under) else {
        return Err(Problem::not_found(format!("element `{under}`")));
    };
    let items = match top {
        ElementId::Sequence { block, seq } => {
            fold.sequence(block, seq).take(ELEMENTS).map(|(id, view)| element(&fold, id, &view)).collect()
        }
        _ => {
            let within = format!("{under}/");
            let own = |id: &ElementId| *id == top || fold.layout().address(*id).starts_with(&within);
            let all = fold.elements().filter(|(id, _)| own(id)).take(ELEMENTS);
            all.map(|(id, view)| element(&fold, id, &view)).collect()
        }
    };
    Ok(ElementPage { items })
}

pub(super) fn drawn(fold: &Fold, run: windlass_contract::Run, at: Time) -> Board {
    let layout = fold.layout();
    let address = |id: ElementId| layout.address(id);
    let first = fold
        .run()
        .reason
        .as_ref()
        .map(|reason| BoardFailure { address: address(reason.element), message: reason.message.clone() });
    let others = fold
        .failing()
        .filter(|failing| fold.run().reason.as_ref().is_none_or(|reason| reason.element != failing.element));
    let failure = |id: ElementId, message: Option<&str>| BoardFailure {
        address: address(id),
        message: message.unwrap_or_default().to_owned(),
    };
    let others = others.map(|it| failure(it.element, it.failure.map(|failure| failure.message.as_str())));
    let asked = fold.asked().take(NAMED);
    Board {
        digest: layout.submission.digest().to_string(),
        seq: fold.seq(),
        at: millis(at),
        phases: phases(fold.run().phases.iter()),
        checks: checks(fold, Level::Plan),
        blocks: (0_u32..)
            .zip(&layout.blocks)
            .zip(fold.blocks())
            .map(|((index, def), view)| block(fold, index, def, view))
            .collect(),
        deferred: deferred(fold),
        notes: notes(fold.run(), fold),
        failures: first.into_iter().chain(others).take(NAMED).collect(),
        failed: u32::try_from(fold.failing().count()).unwrap_or(u32::MAX),
        asked: asked
            .map(|(id, view)| failure(id, view.asked().map(|failure| failure.message.as_str())))
            .collect(),
        held: fold
            .held()
            .take(NAMED)
            .map(|(id, lock)| BoardHeld {
                address: address(id),
                lock: lock.lock.clone(),
                holder: lock.holder.clone(),
                since: millis(lock.since),
            })
            .collect(),
        run,
    }
}

fn block(fold: &Fold, index: u32, def: &BlockDef, view: &BlockView) -> BoardBlock {
    let own = fold.element(ElementId::Block(index));
    let begun = fold.run().started_at.or(fold.run().submitted_at);
    let since = |at: Option<Time>| match (at, begun) {
        (Some(at), Some(begun)) => i64::try_from(at.since(begun).as_millis()).unwrap_or(i64::MAX),
        _ => -1,
    };
    let total = def.sequences.len();
    let (mut states, mut names) = (String::with_capacity(total as usize), Vec::with_capacity(total as usize));
    let (mut begans, mut endeds) = (Vec::new(), Vec::new());
    let asked: Vec<u32> = fold.asked().filter_map(|(id, _)| sequence_of(id, index)).collect();
    for seq in 0..total {
        let view = fold.element(ElementId::Sequence { block: index, seq });
        names.push(def.sequences.name(seq).unwrap_or_default().to_owned());
        states.push(letter(&view, asked.contains(&seq)));
        begans.push(since(view.started_at));
        endeds.push(since(view.ended_at));
    }
    let body = def.sequences.body(0);
    let action = |def: &windlass_model::layout::ActionDef| BoardAction {
        name: def.action.name.clone(),
        uses: def.action.uses.clone(),
    };
    BoardBlock {
        name: def.name.clone(),
        address: fold.layout().address(ElementId::Block(index)),
        state: word(&own.status),
        began: own.started_at.map(millis),
        ended: own.ended_at.map(millis),
        concurrency: def.concurrency,
        failures: def.failures,
        peak: view.peak_active,
        batch_count: view.batches.count(),
        batches: view
            .batches
            .iter()
            .map(|batch| BoardBatch {
                n: batch.n,
                size: batch.size,
                failed: batch.failed,
                canary: batch.canary,
                began: millis(batch.began_at),
                ended: batch.ended_at.map(millis),
            })
            .collect(),
        waits: view
            .delays
            .iter()
            .map(|delay| BoardWait {
                wait: word(&delay.wait),
                from: millis(delay.from),
                until: millis(delay.ended_at.unwrap_or(delay.until)),
            })
            .collect(),
        retries: view
            .retries
            .iter()
            .map(|retries| BoardRetries {
                actions: retries.actions,
                began: millis(retries.began_at),
                ended: retries.ended_at.map(millis),
            })
            .collect(),
        phases: phases(view.phases.iter()),
        checks: checks(fold, Level::Block(index)),
        actions: body.map_or_else(Vec::new, |body| body.actions.iter().map(action).collect()),
        chooses_late: def.choice == Choice::Open,
        names,
        states,
        begans,
        endeds,
        labels: labels(def),
    }
}

/// The sequence of a block that an element is in.
fn sequence_of(element: ElementId, index: u32) -> Option<u32> {
    let (block, seq) = match element {
        ElementId::Work(work) | ElementId::Verify { of: work, .. } => work.sequence()?,
        ElementId::Sequence { block, seq } => (block, seq),
        _ => return None,
    };
    (block == index).then_some(seq)
}

fn letter(view: &ElementView, is_asked: bool) -> char {
    match view.status {
        _ if is_asked => '?',
        _ if view.lock().is_some() => 'w',
        Status::Pending => '.',
        Status::Running => 'r',
        Status::Succeeded if view.changed => 'c',
        Status::Succeeded => 's',
        Status::Failed => 'f',
        Status::Skipped => 'k',
        Status::Stopped => 'x',
    }
}

fn labels(def: &BlockDef) -> BTreeMap<String, BoardLabel> {
    let Some(targets) = def.sequences.targets() else { return BTreeMap::new() };
    let mut labels: BTreeMap<String, (BoardLabel, HashMap<String, i32>)> = BTreeMap::new();
    for index in 0..targets.len() {
        let Some(node) = targets.details(index) else { continue };
        for (name, value) in &node.labels {
            let (label, known) = labels.entry(name.clone()).or_default();
            label.of.resize(index as usize, -1);
            let next = i32::try_from(label.values.len()).unwrap_or(i32::MAX);
            let at = *known.entry(value.clone()).or_insert_with(|| {
                label.values.push(value.clone());
                next
            });
            label.of.push(at);
        }
    }
    let total = targets.len() as usize;
    labels
        .into_iter()
        .filter(|(_, (label, _))| label.values.len() <= VALUES)
        .map(|(name, (mut label, _))| {
            label.of.resize(total, -1);
            (name, label)
        })
        .collect()
}

fn checks(fold: &Fold, level: Level) -> Vec<BoardPart> {
    let Some(defs) = fold.layout().checks(level) else { return Vec::new() };
    let mut parts = Vec::new();
    for slot in [Slot::Bypass, Slot::Pre, Slot::Continuous, Slot::Post, Slot::Deferred] {
        if defs.slot(slot).is_empty() {
            continue;
        }
        let id = ElementId::Slot { level, slot };
        let view = fold.element(id);
        let rounds = view.details().map_or(0, |details| details.rounds.count());
        parts.push(BoardPart { rounds, ..part(fold, id, &word(&slot)) });
        for (index, _) in (0_u16..).zip(defs.slot(slot)) {
            let work = windlass_model::element::Work::Check { level, slot, index };
            parts.push(part(fold, ElementId::Work(work), &word(&slot)));
        }
    }
    parts
}

fn deferred(fold: &Fold) -> Vec<BoardPart> {
    let mut parts = Vec::new();
    for (batch, def) in (0_u16..).zip(&fold.layout().batches) {
        let id = ElementId::Batch(batch);
        let slot = fold.layout().address(id);
        parts.push(part(fold, id, &slot));
        for (action, _) in (0_u16..).zip(&def.actions) {
            let work = windlass_model::element::Work::Deferred { batch, action };
            parts.push(part(fold, ElementId::Work(work), &slot));
        }
    }
    parts
}

fn part(fold: &Fold, id: ElementId, slot: &str) -> BoardPart {
    let view = fold.element(id);
    BoardPart {
        address: fold.layout().address(id),
        slot: slot.to_owned(),
        uses: fold.layout().action(id).map_or_else(String::new, |def| def.action.uses.clone()),
        state: word(&view.status),
        began: view.started_at.map(millis),
        ended: view.ended_at.map(millis),
        rounds: 0,
    }
}

fn notes(run: &Told, fold: &Fold) -> Vec<BoardNote> {
    let note = |at: Time, what: &str, by: &windlass_model::event::Author| BoardNote {
        at: millis(at),
        what: what.to_owned(),
        by: by.user.clone(),
        why: by.why.clone(),
    };
    let mut notes = Vec::new();
    if let (Some(by), Some(at)) = (&run.started_by, run.started_at) {
        notes.push(note(at, "started", by));
    }
    notes.extend(run.approvals.iter().map(|it| note(it.at, "approved", &it.by)));
    notes.extend(run.rejections.iter().map(|it| note(it.at, "rejected", &it.by)));
    notes.extend(run.commands.iter().map(|it| note(it.at, &word(&it.command), &it.by)));
    notes.extend(run.verdicts.iter().map(|it| {
        let why =
            format!("{} settled as {}. {}", fold.layout().address(it.element), word(&it.verdict), it.by.why);
        BoardNote { why: why.trim().to_owned(), ..note(it.at, "resolved", &it.by) }
    }));
    notes.extend(run.recoveries.iter().map(|it| BoardNote {
        at: millis(it.at),
        what: "recovered".to_owned(),
        by: it.by.clone(),
        why: String::new(),
    }));
    notes.sort_by_key(|note| note.at);
    notes
}

fn phases<'a, P: Serialize + 'a>(all: impl Iterator<Item = &'a (P, Time)>) -> Vec<BoardPhase> {
    all.map(|(phase, at)| BoardPhase { phase: word(phase), at: millis(*at) }).collect()
}

fn element(fold: &Fold, id: ElementId, view: &ElementView) -> Element {
    let kind: ElementKind = id.kind();
    let foreseen = view.foreseen.as_deref();
    let waits = view.wait().map(|wait| format!("{} until {}", word(&wait.wait), wait.until));
    let lock = view.lock().map(|lock| format!("{}, which {} has", lock.lock, lock.holder));
    Element {
        address: fold.layout().address(id),
        kind: word(&kind),
        uses: fold.layout().action(id).map_or_else(String::new, |def| def.action.uses.clone()),
        state: word(&view.status),
        skipped: view.skip.as_ref().map(word),
        changed: view.changed,
        would: view.would.as_ref().map(word),
        why: foreseen.and_then(|foreseen| foreseen.why.as_deref().map(str::to_owned)),
        diff: foreseen.and_then(|foreseen| foreseen.diff.as_deref().map(str::to_owned)),
        began: view.started_at.map(millis),
        ended: view.ended_at.map(millis),
        request: view.request.as_ref().map(value).unwrap_or_default(),
        saves: view
            .details()
            .map(|details| details.saves.iter().map(|(name, saved)| (name.clone(), value(saved))).collect())
            .unwrap_or_default(),
        attempts: view
            .attempts
            .iter()
            .map(|attempt| ElementAttempt {
                n: attempt.n,
                began: millis(attempt.started_at),
                ended: attempt.ended_at.map(millis),
                changed: attempt.changed,
                response: attempt.response.as_ref().map(value).unwrap_or_default(),
                error: attempt.failure.as_deref().map(|failure| ElementError {
                    code: failure.code.to_string(),
                    message: failure.message.clone(),
                    permanent: failure.permanent,
                    causes: failure.causes.clone(),
                }),
            })
            .collect(),
        abridged: view.abridged,
        asked: view.asked().map(|failure| failure.message.clone()),
        waits: lock.or(waits),
    }
}

fn value(payload: &Payload) -> Value {
    payload.value()
}

/// The word that something is written by.
fn word(of: &impl Serialize) -> String {
    serde_json::to_value(of).ok().and_then(|value| value.as_str().map(str::to_owned)).unwrap_or_default()
}

fn millis(at: Time) -> u64 {
    at.as_millis()
}
