//! Runs are listed, looked at and followed.

use std::time::Duration;

use futures_util::stream::{self, Stream};
use indexmap::IndexMap;
use serde_json::json;
use windlass_access::{Resource, Verb};
use windlass_contract::{NAMESPACE_LABEL, RecordedEvent, Run, RunApproval, RunPage, RunReason};
use windlass_logs::{Filter as LogFilter, Found, Log, Reader, RunFiles};
use windlass_model::Value;
use windlass_model::event::Event;
use windlass_model::id::GroupId;
use windlass_model::submission::Submission;
use windlass_model::time::Time;
use windlass_report::{Clock, HtmlOptions, JsonOptions, Palette, TextOptions};
use windlass_runtime::{Condition, Cursor, Filter, RunView};

use super::{RUN, meant};
use crate::answer::Problem;
use crate::api::Api;
use crate::caller::Caller;

/// Which runs are listed.
#[derive(Debug, Default)]
pub(crate) struct Listing {
    pub(crate) filter: Filter,
    pub(crate) limit: Option<usize>,
    pub(crate) cursor: Option<String>,
    /// Only those that have this node among their targets.
    pub(crate) node: Option<String>,
}

/// Which events of a run are told.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Events {
    /// The number to begin at.
    pub(crate) from: Option<u64>,
    /// Only those that there are.
    pub(crate) is_finite: bool,
    /// As they are kept.
    pub(crate) is_record: bool,
}

/// An event on its way to somebody.
#[derive(Clone, Debug)]
pub(crate) struct ToldEvent {
    pub(crate) seq: u64,
    pub(crate) at: Time,
    /// What sort it is, in one word.
    pub(crate) kind: String,
    pub(crate) value: Value,
}

/// In which form a report is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ReportForm {
    Json,
    Text,
    Html,
}

/// Which lines of a log are told.
#[derive(Debug, Default)]
pub(crate) struct LogPart {
    pub(crate) filter: LogFilter,
    pub(crate) from: Option<u64>,
    pub(crate) tail: Option<usize>,
    pub(crate) follow: bool,
    /// Behind what offset nothing is wanted.
    pub(crate) until: Option<u64>,
    /// How many lines are wanted at the most.
    pub(crate) most: Option<usize>,
}

/// Where what is told of a log begins in its file, and how long that is by now.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LogPlace {
    pub(crate) from: u64,
    pub(crate) size: u64,
}

/// Some lines, taken in the way of whoever asked, and the offset behind them.
#[derive(Debug)]
pub(crate) struct LogPortion<T> {
    pub(crate) lines: T,
    pub(crate) next: u64,
}

const USUAL: usize = 100;
/// How many runs are looked through for a node at a time.
const LOOKED: usize = 2000;
const MOST: usize = 1000;
/// How often a file is looked at for more: nothing else tells of lines on every file system.
const LOOK_EVERY: Duration = Duration::from_millis(20);
/// How much is sent at a time.
const PORTION: usize = 64 << 10;
/// How much of a file is looked through at a stretch: a thread that serves others reads it.
const STRETCH: u64 = 1 << 20;

/// Runs of a namespace, or of all.
pub(crate) async fn list(
    caller: &Caller,
    namespace: Option<&str>,
    asked: impl FnOnce() -> Result<Listing, Problem>,
) -> Result<RunPage, Problem> {
    let resource = namespace.map_or_else(|| Resource::global(RUN), |it| Resource::within(RUN, it));
    caller.must(Verb::View, &resource).await?;
    let Listing { mut filter, limit, cursor, node } = asked()?;
    let limit = limit.unwrap_or(USUAL).clamp(1, MOST);
    let before = cursor.as_deref().map(place).transpose()?;
    if let Some(namespace) = namespace {
        filter.labels.insert(NAMESPACE_LABEL.to_owned(), vec![namespace.to_owned()]);
    }
    let (found, next) = match node {
        None => page(caller.api(), &filter, limit, before).await?,
        Some(node) => of_node(caller.api(), &filter, &node, limit, before).await?,
    };
    let next = next.map(|last| format!("{}.{}", last.at.0, last.run));
    let mut items = Vec::with_capacity(found.len());
    for view in found {
        items.push(now(caller.api(), view).await?);
    }
    Ok(RunPage { items, next })
}

/// So many runs at the most, and what the next page is behind.
async fn page(
    api: &Api,
    filter: &Filter,
    limit: usize,
    before: Option<Cursor>,
) -> Result<(Vec<RunView>, Option<Cursor>), Problem> {
    let runs = &api.parts().runs;
    let mut found = match filter.is_empty() {
        true => runs.list(limit.saturating_add(1), before).await?,
        false => runs.search(filter, limit.saturating_add(1), before).await?,
    };
    let is_more = found.len() > limit;
    found.truncate(limit);
    let next = found.last().filter(|_| is_more).map(Cursor::after);
    Ok((found, next))
}

/// The same, of runs that have a node among their targets. Their submissions say so, which are looked through one by one: a
/// page may come to its end before it is full.
async fn of_node(
    api: &Api,
    filter: &Filter,
    node: &str,
    limit: usize,
    before: Option<Cursor>,
) -> Result<(Vec<RunView>, Option<Cursor>), Problem> {
    let (mut found, mut next, mut looked) = (Vec::new(), before, 0_usize);
    loop {
        let (views, more) = page(api, filter, USUAL, next).await?;
        for view in views {
            looked = looked.saturating_add(1);
            let at = Cursor::after(&view);
            let submission = api.parts().runs.submission(view.id).await?;
            if submission.targets.iter().any(|targets| targets.names().any(|name| name == node)) {
                found.push(view);
            }
            if found.len() == limit || looked == LOOKED {
                return Ok((found, Some(at)));
            }
        }
        next = more;
        if next.is_none() {
            return Ok((found, None));
        }
    }
}

/// A run in short, as it stands now.
pub(super) async fn now(api: &Api, view: RunView) -> Result<Run, Problem> {
    // Only what is under way stands otherwise than its record says.
    let view = match view.status.is_terminal() {
        true => view,
        false => api.parts().runs.status(view.id).await?,
    };
    let why = api.parts().rates.why(&view);
    let run = shown(view);
    Ok(Run { trouble: run.trouble.or(why), ..run })
}

pub(crate) fn shown(view: RunView) -> Run {
    let (driven, trouble) = (view.condition.is_driven(), view.condition.trouble());
    let needs_person = view.condition.needs_person();
    let asked = view.condition.asked().to_vec();
    let reason = view.reason.map(|it| RunReason { kind: it.kind, address: it.address, message: it.message });
    let approval = view.approval.map(|it| RunApproval { quorum: it.quorum, until: it.until, by: it.by });
    Run {
        id: view.id,
        group: view.group,
        retry_of: view.retry_of,
        plan: view.plan,
        description: view.description,
        labels: view.labels,
        step_set: view.step_set,
        user: view.user,
        targets: view.targets,
        noop: view.noop,
        submitted_at: view.submitted_at,
        started_at: view.started_at,
        ended_at: view.ended_at,
        status: view.status,
        reason,
        approval,
        seq: view.seq,
        driven,
        asked,
        needs_person,
        trouble,
    }
}

fn place(text: &str) -> Result<Cursor, Problem> {
    let read = text
        .split_once('.')
        .and_then(|(at, run)| Some(Cursor { at: Time(at.parse().ok()?), run: run.parse().ok()? }));
    read.ok_or_else(|| Problem::bad(format!("`{text}` is no cursor; give back `next` of the page before")))
}

/// Labels as they are asked for: `team=web,env=prod`, or only a name.
pub(crate) fn labels(text: &str) -> IndexMap<String, Vec<String>> {
    let mut labels: IndexMap<String, Vec<String>> = IndexMap::new();
    for word in text.split(',').map(str::trim).filter(|word| !word.is_empty()) {
        match word.split_once('=') {
            Some((name, value)) => labels.entry(name.to_owned()).or_default().push(value.to_owned()),
            None => drop(labels.entry(word.to_owned()).or_default()),
        }
    }
    labels
}

pub(crate) fn groups(ids: &[String]) -> Result<Vec<GroupId>, Problem> {
    ids.iter().map(|id| id.parse().map_err(|_| Problem::bad(format!("`{id}` is no group")))).collect()
}

/// How a run stands.
pub(crate) async fn show(caller: &Caller, namespace: &str, run: &str) -> Result<Run, Problem> {
    let view = meant(caller, Verb::View, namespace, run).await?;
    now(caller.api(), view).await
}

/// The events of a run, from a number on.
pub(crate) async fn events(
    caller: &Caller,
    namespace: &str,
    run: &str,
    asked: impl FnOnce() -> Result<Events, Problem>,
) -> Result<impl Stream<Item = Result<ToldEvent, Problem>> + Send + 'static, Problem> {
    let view = meant(caller, Verb::View, namespace, run).await?;
    let Events { from, is_finite, is_record } = asked()?;
    let runs = &caller.api().parts().runs;
    let layout = runs.layout(view.id).await?;
    let from = from.unwrap_or(1).max(1);
    let events = runs.events(view.id, from).await?;
    // Of what is only to be read, nothing is waited for.
    let until = match (is_finite, &view.condition) {
        (true, Condition::Driven { seq, .. }) => Some(*seq),
        (true, _) if view.status.is_terminal() => Some(view.seq),
        (true, _) => Some(runs.fold(view.id).await?.seq()),
        _ => None,
    };
    let is_none = until.is_some_and(|until| until < from);
    let begun = (!is_none).then_some((events, layout));
    Ok(stream::unfold(begun, move |state| async move {
        let (mut events, layout) = state?;
        match events.next().await? {
            Ok(told) => {
                if until.is_some_and(|until| told.seq > until) {
                    return None;
                }
                let (kind, value) = match is_record {
                    true => {
                        let Event { seq, at, what } = (*told).clone();
                        ("record".to_owned(), json!(RecordedEvent { seq, at, what }))
                    }
                    false => as_shown(&told, &layout),
                };
                let is_last = until.is_some_and(|until| told.seq >= until);
                let rest = (!is_last).then_some((events, layout));
                Some((Ok(ToldEvent { seq: told.seq, at: told.at, kind, value }), rest))
            }
            Err(error) => Some((Err(error.into()), None)),
        }
    }))
}

/// An event with addresses and words, and what sort it is.
pub(crate) fn as_shown(event: &Event, layout: &windlass_model::layout::Layout) -> (String, Value) {
    let value = windlass_report::event_json(event, layout, Clock::Wall);
    (value.get("kind").and_then(Value::as_str).unwrap_or("event").to_owned(), value)
}

/// What was submitted.
pub(crate) async fn submission(caller: &Caller, namespace: &str, run: &str) -> Result<Submission, Problem> {
    let view = meant(caller, Verb::View, namespace, run).await?;
    Ok((*caller.api().parts().runs.submission(view.id).await?).clone())
}

/// Everything that is known of a run, and the media type that it is written in.
pub(crate) async fn report(
    caller: &Caller,
    namespace: &str,
    run: &str,
    form: impl FnOnce() -> Result<ReportForm, Problem>,
) -> Result<(&'static str, Vec<u8>), Problem> {
    let view = meant(caller, Verb::View, namespace, run).await?;
    let fold = caller.api().parts().runs.fold(view.id).await?;
    let mut out = Vec::new();
    let (media, written) = match form()? {
        ReportForm::Json => {
            ("application/json", windlass_report::write_json(&fold, &JsonOptions::default(), &mut out))
        }
        ReportForm::Text => {
            let options = TextOptions { clock: Clock::Wall, palette: Palette::PLAIN, flags: "" };
            ("text/plain; charset=utf-8", windlass_report::write_text(&fold, &options, &mut out))
        }
        ReportForm::Html => (
            "text/html; charset=utf-8",
            windlass_report::write_html(&fold, &HtmlOptions::default(), &mut out),
        ),
    };
    written.map_err(|error| Problem::bad(format!("the report cannot be written: {error}")))?;
    Ok((media, out))
}

/// The lines of a run's log, each taken by `take`.
pub(crate) async fn logs<T: Default + Send + 'static>(
    caller: &Caller,
    namespace: &str,
    run: &str,
    asked: impl FnOnce() -> Result<LogPart, Problem>,
    take: fn(&Found<'_>, &mut T),
) -> Result<(LogPlace, impl Stream<Item = std::io::Result<LogPortion<T>>> + Send + 'static), Problem> {
    let view = meant(caller, Verb::View, namespace, run).await?;
    let LogPart { filter, from, tail, follow, until, most } = asked()?;
    let Some(directory) = caller.api().parts().runs.logs(view.id).await? else {
        return Err(Problem::not_found("output: none is kept here"));
    };
    let log = Log::of(&RunFiles::within(directory), &filter);
    let wanted = filter.clone();
    // Of what is rare, the whole file may have to be looked through.
    let found = tokio::task::spawn_blocking(move || {
        let begin = match (from, tail) {
            (Some(offset), _) => offset,
            (None, Some(lines)) => log.last(lines, &wanted)?,
            (None, None) => 0,
        };
        Ok((LogPlace { from: begin, size: log.size()? }, log.reader(begin)))
    });
    let unread = |error: std::io::Error| Problem::not_found(format!("output that can be read: {error}"));
    let (place, reader) = found.await.map_err(Problem::lost)?.map_err(unread)?;
    let follows = follow && !view.status.is_terminal();
    let (until, left) = (until.unwrap_or(u64::MAX), most.unwrap_or(usize::MAX));
    let state = Lines { reader, filter, api: caller.api().clone(), view, follows, until, left, take };
    let lines = stream::unfold(Some(state), |state| async {
        let mut lines = state?;
        match lines.next().await? {
            Ok(portion) => Some((Ok(portion), Some(lines))),
            Err(error) => Some((Err(error), None)),
        }
    });
    Ok((place, lines))
}

/// The lines of a log, on their way.
struct Lines<T> {
    reader: Reader,
    filter: LogFilter,
    api: Api,
    view: RunView,
    follows: bool,
    until: u64,
    /// How many more lines are wanted.
    left: usize,
    take: fn(&Found<'_>, &mut T),
}

// === impl Lines ===

impl<T: Default> Lines<T> {
    /// Some lines; none behind the last.
    async fn next(&mut self) -> Option<std::io::Result<LogPortion<T>>> {
        loop {
            let is_over = !self.follows;
            match self.portion() {
                Ok((Some(portion), _)) => return Some(Ok(portion)),
                // There is more, and nothing wanted in what was looked through: others have their turn.
                Ok((None, Reached::More)) => {
                    tokio::task::yield_now().await;
                    continue;
                }
                Ok((None, Reached::End)) => {}
                Err(error) => return Some(Err(error)),
            }
            if is_over || self.left == 0 || self.reader.position() >= self.until {
                return None;
            }
            tokio::time::sleep(LOOK_EVERY).await;
            let runs = &self.api.parts().runs;
            let ended = runs.status(self.view.id).await.map_or(true, |view| view.status.is_terminal());
            if ended {
                // What was printed last is in the file before anybody is told that there is no more.
                runs.flush_logs().await;
                self.follows = false;
            }
        }
    }

    /// What is wanted of the next stretch of the file, and whether that was the end of it.
    fn portion(&mut self) -> std::io::Result<(Option<LogPortion<T>>, Reached)> {
        let (mut lines, mut size, mut is_none) = (T::default(), 0_usize, true);
        let most = self.reader.looked_through().saturating_add(STRETCH);
        let mut reached = Reached::More;
        let is_near = |reader: &Reader, until| reader.looked_through() < most && reader.position() < until;
        while size < PORTION && self.left > 0 && is_near(&self.reader, self.until) {
            let Some(found) = self.reader.line_for(&self.filter)? else {
                reached = Reached::End;
                break;
            };
            if found.record.as_ref().is_some_and(|record| self.filter.wants(record)) {
                (self.take)(&found, &mut lines);
                size = size.saturating_add(found.line.len()).saturating_add(1);
                is_none = false;
                self.left -= 1;
            }
        }
        if self.left == 0 || self.reader.position() >= self.until {
            reached = Reached::End;
        }
        Ok(((!is_none).then(|| LogPortion { lines, next: self.reader.position() }), reached))
    }
}

/// Whether there is more of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reached {
    More,
    End,
}
