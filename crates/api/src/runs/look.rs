//! Runs are listed, looked at and followed.

use std::collections::HashMap;
use std::time::Duration;

use axum::Json;
use axum::body::Body as HttpBody;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures_util::stream;
use indexmap::IndexMap;
use serde::Deserialize;
use serde_json::json;
use windlass_access::{Resource, Verb};
use windlass_contract::{NAMESPACE_LABEL, RecordedEvent, Run, RunApproval, RunPage, RunReason};
use windlass_logs::{Filter as LogFilter, Reader, RunFiles};
use windlass_model::Value;
use windlass_model::event::Event;
use windlass_model::log_level::LogLevel;
use windlass_model::outcome::RunStatus;
use windlass_model::submission::Submission;
use windlass_model::time::Time;
use windlass_report::{Clock, HtmlOptions, JsonOptions, Palette, TextOptions};
use windlass_runtime::{Condition, Cursor, Filter, RunView};

use super::{RUN, meant};
use crate::answer::Problem;
use crate::api::Api;
use crate::caller::Caller;
use crate::stream::{event, sse};

/// What stands behind the `?` of a list.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Listing {
    status: Option<String>,
    id: Option<String>,
    plan: Option<String>,
    user: Option<String>,
    group: Option<String>,
    labels: Option<String>,
    text: Option<String>,
    since: Option<String>,
    until: Option<String>,
    limit: Option<usize>,
    cursor: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Following {
    from: Option<u64>,
    follow: Option<bool>,
    node: Option<String>,
    level: Option<String>,
    format: Option<String>,
    form: Option<String>,
    tail: Option<usize>,
}

type Places = Path<HashMap<String, String>>;
type Asked<T> = Result<Query<T>, QueryRejection>;

const USUAL: usize = 100;
const MOST: usize = 1000;
/// How often a file is looked at for more: nothing else tells of lines on every file system.
const LOOK_EVERY: Duration = Duration::from_millis(20);
/// How much is sent at a time.
const PORTION: usize = 64 << 10;

fn query<T>(asked: Asked<T>) -> Result<T, Problem> {
    asked.map(|Query(asked)| asked).map_err(|why| Problem::bad(why.body_text()))
}

pub(crate) async fn list(
    State(api): State<Api>,
    caller: Caller,
    Path(places): Places,
    asked: Asked<Listing>,
) -> Result<Json<RunPage>, Problem> {
    let namespace = places.get("name").map_or("", String::as_str);
    caller.must(Verb::View, &Resource::within(RUN, namespace)).await?;
    listed(&api, Some(namespace), query(asked)?).await
}

pub(crate) async fn list_all(
    State(api): State<Api>,
    caller: Caller,
    asked: Asked<Listing>,
) -> Result<Json<RunPage>, Problem> {
    caller.must(Verb::View, &Resource::global(RUN)).await?;
    listed(&api, None, query(asked)?).await
}

async fn listed(api: &Api, namespace: Option<&str>, asked: Listing) -> Result<Json<RunPage>, Problem> {
    let limit = asked.limit.unwrap_or(USUAL).clamp(1, MOST);
    let before = asked.cursor.as_deref().map(cursor).transpose()?;
    let mut filter = filter(asked)?;
    if let Some(namespace) = namespace {
        filter.labels.insert(NAMESPACE_LABEL.to_owned(), vec![namespace.to_owned()]);
    }
    let runs = &api.parts().runs;
    let mut found = match filter.is_empty() {
        true => runs.list(limit.saturating_add(1), before).await?,
        false => runs.search(&filter, limit.saturating_add(1), before).await?,
    };
    let is_more = found.len() > limit;
    found.truncate(limit);
    let next = found.last().filter(|_| is_more).map(|last| format!("{}.{}", last.submitted_at.0, last.id));
    let mut items = Vec::with_capacity(found.len());
    for view in found {
        items.push(now(api, view).await?);
    }
    Ok(Json(RunPage { items, next }))
}

/// A run in short, as it stands now.
async fn now(api: &Api, view: RunView) -> Result<Run, Problem> {
    // Only what is under way stands otherwise than its record says.
    let view = match view.status.is_terminal() {
        true => view,
        false => api.parts().runs.status(view.id).await?,
    };
    Ok(shown(view))
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

fn cursor(text: &str) -> Result<Cursor, Problem> {
    let read = text
        .split_once('.')
        .and_then(|(at, run)| Some(Cursor { at: Time(at.parse().ok()?), run: run.parse().ok()? }));
    read.ok_or_else(|| Problem::bad(format!("`{text}` is no cursor; give back `next` of the page before")))
}

fn filter(asked: Listing) -> Result<Filter, Problem> {
    let words = |text: &Option<String>| -> Vec<String> {
        let words = text.as_deref().unwrap_or_default().split(',').map(str::trim);
        words.filter(|word| !word.is_empty()).map(str::to_owned).collect()
    };
    let status = |word: &String| {
        serde_json::from_value::<RunStatus>(json!(word))
            .map_err(|_| Problem::bad(format!("`{word}` is no status of a run")))
    };
    let time = |text: &Option<String>, key: &str| {
        let read = text.as_deref().map(str::parse::<Time>).transpose();
        read.map_err(|why| Problem::bad(format!("{key}: {why}")))
    };
    let mut labels: IndexMap<String, Vec<String>> = IndexMap::new();
    for word in words(&asked.labels) {
        match word.split_once('=') {
            Some((name, value)) => labels.entry(name.to_owned()).or_default().push(value.to_owned()),
            None => drop(labels.entry(word).or_default()),
        }
    }
    let groups = words(&asked.group)
        .iter()
        .map(|id| id.parse().map_err(|_| Problem::bad(format!("`{id}` is no group"))))
        .collect::<Result<_, _>>()?;
    Ok(Filter {
        id_begins: asked.id.map(|id| id.to_ascii_lowercase()).filter(|id| !id.is_empty()),
        groups,
        statuses: words(&asked.status).iter().map(status).collect::<Result<_, _>>()?,
        plans: words(&asked.plan),
        users: words(&asked.user),
        labels,
        text: asked.text.filter(|text| !text.is_empty()),
        since: time(&asked.since, "since")?,
        until: time(&asked.until, "until")?,
        ..Filter::default()
    })
}

pub(crate) async fn show(
    State(api): State<Api>,
    caller: Caller,
    Path(places): Places,
) -> Result<Json<Run>, Problem> {
    Ok(Json(shown(meant(&api, &caller, Verb::View, &places).await?)))
}

pub(crate) async fn events(
    State(api): State<Api>,
    caller: Caller,
    Path(places): Places,
    headers: HeaderMap,
    asked: Asked<Following>,
) -> Result<Response, Problem> {
    let view = meant(&api, &caller, Verb::View, &places).await?;
    let asked = query(asked)?;
    let runs = &api.parts().runs;
    let layout = runs.layout(view.id).await?;
    // A reconnect goes on behind the last that was received.
    let last = headers.get("last-event-id").and_then(|id| id.to_str().ok()?.parse::<u64>().ok());
    let from = last.map(|last| last.saturating_add(1)).or(asked.from).unwrap_or(1).max(1);
    let events = runs.events(view.id, from).await?;
    // Of what is only to be read, nothing is waited for.
    let until = match (asked.follow, &view.condition) {
        (Some(false), Condition::Driven { seq, .. }) => Some(*seq),
        (Some(false), _) if view.status.is_terminal() => Some(view.seq),
        (Some(false), _) => Some(runs.fold(view.id).await?.seq()),
        _ => None,
    };
    if until.is_some_and(|until| until < from) {
        return Ok(sse(stream::empty()));
    }
    let is_record = match asked.form.as_deref() {
        None | Some("shown") => false,
        Some("record") => true,
        Some(other) => {
            return Err(Problem::bad(format!("`{other}` is no form of events; there are shown and record")));
        }
    };
    let stream = stream::unfold(Some((events, layout)), move |state| async move {
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
                    false => {
                        let value = windlass_report::event_json(&told, &layout, Clock::Wall);
                        (value.get("kind").and_then(Value::as_str).unwrap_or("event").to_owned(), value)
                    }
                };
                let is_last = until.is_some_and(|until| told.seq >= until);
                let rest = (!is_last).then_some((events, layout));
                Some((event(&kind, Some(told.seq), &value), rest))
            }
            Err(error) => Some((event("problem", None, &Problem::from(error)), None)),
        }
    });
    Ok(sse(stream))
}

pub(crate) async fn submission(
    State(api): State<Api>,
    caller: Caller,
    Path(places): Places,
) -> Result<Json<Submission>, Problem> {
    let view = meant(&api, &caller, Verb::View, &places).await?;
    Ok(Json((*api.parts().runs.submission(view.id).await?).clone()))
}

pub(crate) async fn report(
    State(api): State<Api>,
    caller: Caller,
    Path(places): Places,
    asked: Asked<Following>,
) -> Result<Response, Problem> {
    let view = meant(&api, &caller, Verb::View, &places).await?;
    let fold = api.parts().runs.fold(view.id).await?;
    let format = query(asked)?.format.unwrap_or_else(|| "json".to_owned());
    let mut out = Vec::new();
    let (media, written) = match format.as_str() {
        "json" => ("application/json", windlass_report::write_json(&fold, &JsonOptions::default(), &mut out)),
        "text" => {
            let options = TextOptions { clock: Clock::Wall, palette: Palette::PLAIN, flags: "" };
            ("text/plain; charset=utf-8", windlass_report::write_text(&fold, &options, &mut out))
        }
        "html" => (
            "text/html; charset=utf-8",
            windlass_report::write_html(&fold, &HtmlOptions::default(), &mut out),
        ),
        other => {
            return Err(Problem::bad(format!(
                "`{other}` is no form of a report; there are json, text and html"
            )));
        }
    };
    written.map_err(|error| Problem::bad(format!("the report cannot be written: {error}")))?;
    Ok(typed(media, HttpBody::from(out)))
}

pub(crate) async fn logs(
    State(api): State<Api>,
    caller: Caller,
    Path(places): Places,
    asked: Asked<Following>,
) -> Result<Response, Problem> {
    let view = meant(&api, &caller, Verb::View, &places).await?;
    let asked = query(asked)?;
    let mut filter = LogFilter::default();
    if let Some(level) = asked.level.as_deref() {
        filter.level =
            level.parse::<LogLevel>().map_err(|_| Problem::bad("level: it is debug, info, warn or error"))?;
    }
    let nodes = asked.node.as_deref().unwrap_or_default().split(',').map(str::trim);
    filter.nodes.extend(nodes.filter(|node| !node.is_empty()).map(str::to_owned));
    let Some(directory) = api.parts().runs.logs(view.id).await? else {
        return Err(Problem::not_found("output: none is kept here"));
    };
    let files = RunFiles::within(directory);
    let path = match filter.nodes.first() {
        Some(node) if filter.nodes.len() == 1 => files.node(node),
        _ => files.all(),
    };
    let begin = match (asked.from, asked.tail) {
        (Some(offset), _) => offset,
        (None, Some(lines)) => windlass_logs::last(&path, lines, &filter)
            .map_err(|error| Problem::not_found(format!("output that can be read: {error}")))?,
        (None, None) => 0,
    };
    let reader = Reader::new(&path, begin);
    let follows = asked.follow == Some(true) && !view.status.is_terminal();
    let state = Lines { reader, filter, api: api.clone(), view, follows };
    let stream = stream::unfold(Some(state), |state| async {
        let mut lines = state?;
        let portion = lines.next().await?;
        Some((portion, Some(lines)))
    });
    Ok(typed("text/plain; charset=utf-8", HttpBody::from_stream(stream)))
}

/// The lines of a log, on their way.
struct Lines {
    reader: Reader,
    filter: LogFilter,
    api: Api,
    view: RunView,
    follows: bool,
}

// === impl Lines ===

impl Lines {
    /// Some lines; none behind the last.
    async fn next(&mut self) -> Option<std::io::Result<Bytes>> {
        loop {
            let is_over = !self.follows;
            let portion = match self.portion() {
                Ok(portion) => portion,
                Err(error) => return Some(Err(error)),
            };
            if !portion.is_empty() {
                return Some(Ok(portion.into()));
            }
            if is_over {
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

    fn portion(&mut self) -> std::io::Result<Vec<u8>> {
        let mut portion = Vec::new();
        while portion.len() < PORTION {
            let Some(found) = self.reader.line()? else { break };
            if found.record.as_ref().is_some_and(|record| self.filter.wants(record)) {
                portion.extend_from_slice(found.line);
                portion.push(b'\n');
            }
        }
        Ok(portion)
    }
}

fn typed(media: &'static str, body: HttpBody) -> Response {
    let mut response = body.into_response();
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(media));
    // What actions printed is text, whatever it looks like.
    response.headers_mut().insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}
