//! Runs over HTTP with JSON: what stands in paths, behind `?` and in headers becomes what is asked, and what is answered becomes a
//! response. What is decided stands in the modules beside.

use std::collections::HashMap;

use axum::body::Body as HttpBody;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use bytes::Bytes;
use futures_util::StreamExt as _;
use serde::Deserialize;
use serde_json::json;
use windlass_contract::{Board, ElementPage, Rehearsed, Run, RunPage, RunPreview, Submitted};
use windlass_logs::Found;
use windlass_model::log_level::LogLevel;
use windlass_model::outcome::RunStatus;
use windlass_model::submission::Submission;
use windlass_model::time::Time;
use windlass_runtime::Filter;

use super::look::{self, Events, Listing, LogPart, ReportForm};
use crate::answer::Problem;
use crate::caller::Caller;
use crate::objects::Sent;
use crate::socket::Form;
use crate::stream::{Told, broken, until_end, while_known};
use crate::traced::Began;

/// What stands behind the `?` of a list.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Listed {
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
    node: Option<String>,
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
    after: Option<u64>,
    until: Option<u64>,
    most: Option<usize>,
    offsets: Option<bool>,
    text: Option<String>,
}

/// What stands behind the `?` of elements.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Under {
    under: String,
}

/// Where what is sent of a log begins in its file, and how long that is.
const FROM_HEADER: &str = "windlass-from";
const SIZE_HEADER: &str = "windlass-size";

type Places = Path<HashMap<String, String>>;
type Asked<T> = Result<Query<T>, QueryRejection>;

fn query<T>(asked: Asked<T>) -> Result<T, Problem> {
    asked.map(|Query(asked)| asked).map_err(|why| Problem::bad(why.body_text()))
}

/// The namespace and the run that stand in a path.
fn place(places: &HashMap<String, String>) -> (&str, &str) {
    let at = |key: &str| places.get(key).map_or("", String::as_str);
    (at("name"), at("run"))
}

pub(crate) async fn list(
    caller: Caller,
    Path(places): Places,
    asked: Asked<Listed>,
) -> Result<Json<RunPage>, Problem> {
    Ok(Json(look::list(&caller, Some(place(&places).0), || listing(query(asked)?)).await?))
}

pub(crate) async fn list_all(caller: Caller, asked: Asked<Listed>) -> Result<Json<RunPage>, Problem> {
    Ok(Json(look::list(&caller, None, || listing(query(asked)?)).await?))
}

fn listing(asked: Listed) -> Result<Listing, Problem> {
    let (limit, cursor, node) = (asked.limit, asked.cursor.clone(), asked.node.clone());
    Ok(Listing { filter: filter(asked)?, limit, cursor, node })
}

fn filter(asked: Listed) -> Result<Filter, Problem> {
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
    let groups = look::groups(&words(&asked.group))?;
    Ok(Filter {
        id_begins: asked.id.map(|id| id.to_ascii_lowercase()).filter(|id| !id.is_empty()),
        groups,
        statuses: words(&asked.status).iter().map(status).collect::<Result<_, _>>()?,
        plans: words(&asked.plan),
        users: words(&asked.user),
        labels: look::labels(asked.labels.as_deref().unwrap_or_default()),
        text: asked.text.filter(|text| !text.is_empty()),
        since: time(&asked.since, "since")?,
        until: time(&asked.until, "until")?,
        ..Filter::default()
    })
}

pub(crate) async fn show(caller: Caller, Path(places): Places) -> Result<Json<Run>, Problem> {
    let (namespace, run) = place(&places);
    Ok(Json(look::show(&caller, namespace, run).await?))
}

pub(crate) async fn events(
    caller: Caller,
    Path(places): Places,
    headers: HeaderMap,
    form: Form,
    asked: Asked<Following>,
) -> Result<Response, Problem> {
    let (namespace, run) = place(&places);
    let asked = || {
        let asked = query(asked)?;
        // A reconnect goes on behind the last that was received.
        let last = headers.get("last-event-id").and_then(|id| id.to_str().ok()?.parse::<u64>().ok());
        let is_record = match asked.form.as_deref() {
            None | Some("shown") => false,
            Some("record") => true,
            Some(other) => {
                let detail = format!("`{other}` is no form of events; there are shown and record");
                return Err(Problem::bad(detail));
            }
        };
        let from = last.or(asked.after).map(|last| last.saturating_add(1)).or(asked.from);
        Ok(Events { from, is_finite: asked.follow == Some(false), is_record })
    };
    let events = look::events(&caller, namespace, run, asked).await?;
    let told = events.map(|event| {
        let look::ToldEvent { seq, kind, value, .. } = event?;
        Ok(Told { kind, id: Some(seq.to_string()), data: value })
    });
    Ok(form.answer(&caller, told))
}

pub(crate) async fn submission(caller: Caller, Path(places): Places) -> Result<Json<Submission>, Problem> {
    let (namespace, run) = place(&places);
    Ok(Json(look::submission(&caller, namespace, run).await?))
}

pub(crate) async fn report(
    caller: Caller,
    Path(places): Places,
    asked: Asked<Following>,
) -> Result<Response, Problem> {
    let (namespace, run) = place(&places);
    let form = || match query(asked)?.format.as_deref() {
        None | Some("json") => Ok(ReportForm::Json),
        Some("text") => Ok(ReportForm::Text),
        Some("html") => Ok(ReportForm::Html),
        Some(other) => {
            let detail = format!("`{other}` is no form of a report; there are json, text and html");
            Err(Problem::bad(detail))
        }
    };
    let (media, report) = look::report(&caller, namespace, run, form).await?;
    Ok(typed(media, HttpBody::from(report)))
}

pub(crate) async fn logs(
    caller: Caller,
    Path(places): Places,
    form: Form,
    asked: Asked<Following>,
) -> Result<Response, Problem> {
    let (namespace, run) = place(&places);
    let with_offsets = asked.as_ref().is_ok_and(|asked| asked.offsets == Some(true));
    let take = if with_offsets { line_at } else { line };
    let (place, lines) = look::logs(&caller, namespace, run, || part(query(asked)?), take).await?;
    if form.is_socket() {
        let told = lines.map(|portion| {
            let portion = portion.map_err(|error| Problem::unreadable(&error))?;
            let text = String::from_utf8_lossy(&portion.lines).into_owned();
            Ok(Told { kind: "lines".to_owned(), id: Some(portion.next.to_string()), data: text.into() })
        });
        return Ok(form.answer(&caller, told));
    }
    let lines = lines.map(|portion| portion.map(|portion| Bytes::from(portion.lines)));
    let lines = while_known(&caller, lines, |lost| std::io::Error::other(lost.detail.clone()));
    let lines = until_end(caller.api(), lines, broken);
    let mut response = typed("text/plain; charset=utf-8", HttpBody::from_stream(lines));
    for (name, value) in [(FROM_HEADER, place.from), (SIZE_HEADER, place.size)] {
        response.headers_mut().insert(name, HeaderValue::from(value));
    }
    Ok(response)
}

pub(crate) async fn board(caller: Caller, Path(places): Places) -> Result<Json<Board>, Problem> {
    let (namespace, run) = place(&places);
    Ok(Json(super::board::board(&caller, namespace, run).await?))
}

pub(crate) async fn elements(
    caller: Caller,
    Path(places): Places,
    asked: Asked<Under>,
) -> Result<Json<ElementPage>, Problem> {
    let (namespace, run) = place(&places);
    Ok(Json(super::board::elements(&caller, namespace, run, || Ok(query(asked)?.under)).await?))
}

pub(crate) async fn rehearse(
    caller: Caller,
    Path(places): Places,
    sent: Sent,
) -> Result<Json<Rehearsed>, Problem> {
    Ok(Json(super::rehearse::rehearse(&caller, place(&places).0, || sent.read()).await?))
}

fn part(asked: Following) -> Result<LogPart, Problem> {
    let mut part = LogPart {
        from: asked.after.or(asked.from),
        tail: asked.tail,
        follow: asked.follow == Some(true),
        until: asked.until,
        most: asked.most,
        ..LogPart::default()
    };
    if let Some(level) = asked.level.as_deref() {
        part.filter.level =
            level.parse::<LogLevel>().map_err(|_| Problem::bad("level: it is debug, info, warn or error"))?;
    }
    part.filter.text = asked.text.unwrap_or_default();
    let nodes = asked.node.as_deref().unwrap_or_default().split(',').map(str::trim);
    part.filter.nodes.extend(nodes.filter(|node| !node.is_empty()).map(str::to_owned));
    Ok(part)
}

/// A line as it stands in the file.
fn line(found: &Found<'_>, lines: &mut Vec<u8>) {
    lines.extend_from_slice(found.line);
    lines.push(b'\n');
}

/// The same, with where it is in front.
fn line_at(found: &Found<'_>, lines: &mut Vec<u8>) {
    lines.extend_from_slice(format!("{}\t", found.offset).as_bytes());
    line(found, lines);
}

pub(crate) async fn submit(
    caller: Caller,
    Path(places): Places,
    sent: Sent,
) -> Result<(StatusCode, Extension<Began>, Json<Submitted>), Problem> {
    let submitted = super::submit::submit(&caller, place(&places).0, || sent.read()).await?;
    Ok((StatusCode::CREATED, Extension(Began(submitted.run)), Json(submitted)))
}

pub(crate) async fn preview(
    caller: Caller,
    Path(places): Places,
    sent: Sent,
) -> Result<Json<RunPreview>, Problem> {
    Ok(Json(super::submit::preview(&caller, place(&places).0, || sent.read()).await?))
}

pub(crate) async fn retry(
    caller: Caller,
    Path(places): Places,
    sent: Sent,
) -> Result<(StatusCode, Extension<Began>, Json<Submitted>), Problem> {
    let (namespace, run) = place(&places);
    let submitted = super::submit::retry(&caller, namespace, run, || sent.read()).await?;
    Ok((StatusCode::CREATED, Extension(Began(submitted.run)), Json(submitted)))
}

pub(crate) async fn command(caller: Caller, Path(places): Places, sent: Sent) -> Result<StatusCode, Problem> {
    let (namespace, run) = place(&places);
    let word = places.get("command").map_or("", String::as_str);
    super::command::command(&caller, namespace, run, word, || sent.read()).await?;
    Ok(StatusCode::NO_CONTENT)
}

pub(crate) async fn resolve(caller: Caller, Path(places): Places, sent: Sent) -> Result<StatusCode, Problem> {
    let (namespace, run) = place(&places);
    super::command::resolve(&caller, namespace, run, || sent.read()).await?;
    Ok(StatusCode::NO_CONTENT)
}

fn typed(media: &'static str, body: HttpBody) -> Response {
    let mut response = body.into_response();
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(media));
    // What actions printed is text, whatever it looks like.
    response.headers_mut().insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}
