//! Judges an answer, and says what there is to say of it.

use std::collections::BTreeMap;

use hyper::StatusCode;
use hyper::header::{CONTENT_TYPE, HeaderMap, RETRY_AFTER};
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;
use windlass_model::eval::pick;
use windlass_plugin::{CallError, Value};

use super::exchange::Answer;
use super::prepared::Prepared;
use super::request::Expect;
use super::retry_after;
use crate::look::CHECK;

/// What was answered.
#[derive(Clone, Debug, Default, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Response {
    /// The status.
    pub status: u16,
    /// The headers, their names in lower case; one that came several times is joined by commas.
    pub headers: BTreeMap<String, String>,
    /// The body: the first MiB of it, with what is no UTF-8 replaced.
    pub body: String,
    /// The body as JSON, where it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub json: Option<Value>,
    /// Whether the body was longer than what is kept here.
    pub truncated: bool,
    /// Where the answer came from, after redirects.
    pub url: String,
}

/// What a status that is not accepted means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// For good, except for the statuses that say otherwise.
    Final,
    /// Another look may find it changed.
    Passing,
}

// === impl Response ===

impl Response {
    /// What a rehearsal is answered: just what was hoped for.
    pub(super) fn simulated(expect: &Expect) -> Self {
        let status = expect.status.0.first().map_or(200, |range| range.from);
        Self { status, body: expect.contains.clone().unwrap_or_default(), ..Self::default() }
    }

    fn of(answer: Answer) -> Self {
        let Answer { status, headers, body, is_truncated, url, method: _ } = answer;
        let says_json = headers.get(CONTENT_TYPE).is_some_and(|kind| {
            let kind = kind.to_str().unwrap_or_default().split(';').next().unwrap_or_default().trim();
            kind.eq_ignore_ascii_case("application/json") || kind.to_ascii_lowercase().ends_with("+json")
        });
        let json = if says_json { serde_json::from_slice(&body).ok() } else { None };
        Self {
            status: status.as_u16(),
            headers: texts(&headers),
            body: String::from_utf8(body)
                .unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned()),
            json,
            truncated: is_truncated,
            url: url.to_string(),
        }
    }
}

/// The response, or why it is not what was asked for, with the response kept.
pub(super) fn judge(answer: Answer, prepared: &Prepared, verdict: Verdict) -> Result<Response, CallError> {
    let (status, method) = (answer.status, answer.method.clone());
    let wait = answer.headers.get(RETRY_AFTER).and_then(|header| header.to_str().ok()).map(str::to_owned);
    let response = Response::of(answer);
    if !prepared.expect.status.accept(status.as_u16()) {
        let mut message = format!("{method} {} answers {}", response.url, named(status));
        if let Some(line) = response.body.lines().map(str::trim).find(|line| !line.is_empty()) {
            message = format!("{message}: {}", shortened(line));
        }
        let mut error = CallError::retryable("status", message);
        error.permanent = verdict == Verdict::Final && !may_pass(status);
        error.retry_after = wait
            .filter(|_| matches!(status.as_u16(), 429 | 503))
            .and_then(|header| retry_after::parse(&header, Timestamp::now()));
        return Err(error.with_response(response));
    }
    match misses(&response, prepared) {
        Some(what) => {
            let code = if verdict == Verdict::Passing { CHECK } else { "body" };
            Err(CallError::retryable(code, format!("{method} {} {what}", response.url))
                .with_response(response))
        }
        None => Ok(response),
    }
}

/// What the body should have and does not.
fn misses(response: &Response, prepared: &Prepared) -> Option<String> {
    let expect = &prepared.expect;
    if let Some(text) = expect.contains.as_ref().filter(|text| !response.body.contains(text.as_str())) {
        return Some(format!("answers without the text `{text}`"));
    }
    if let Some(regex) = prepared.regex.as_ref().filter(|regex| !regex.is_match(&response.body)) {
        return Some(format!("answers without a match of `{}`", regex.as_str()));
    }
    if expect.json.is_empty() {
        return None;
    }
    let parsed;
    let json = match &response.json {
        Some(json) => json,
        // Many services send JSON and call it text.
        None => match serde_json::from_str::<Value>(&response.body) {
            Ok(json) => {
                parsed = json;
                &parsed
            }
            Err(_) => return Some("answers with something else than JSON".into()),
        },
    };
    expect.json.iter().find_map(|(path, wanted)| match pick(json, path) {
        Some(found) if found == wanted => None,
        Some(found) => Some(format!("answers with `{path}` {}, not {wanted}", shortened(&found.to_string()))),
        None => Some(format!("answers without `{path}`")),
    })
}

/// Whether a status says that the same request may be answered otherwise later.
fn may_pass(status: StatusCode) -> bool {
    status.is_server_error() || matches!(status.as_u16(), 408 | 425 | 429)
}

fn named(status: StatusCode) -> String {
    match status.canonical_reason() {
        Some(reason) => format!("{} {reason}", status.as_u16()),
        None => status.as_u16().to_string(),
    }
}

fn texts(headers: &HeaderMap) -> BTreeMap<String, String> {
    let mut texts: BTreeMap<String, String> = BTreeMap::new();
    for (name, value) in headers {
        let value = String::from_utf8_lossy(value.as_bytes());
        texts
            .entry(name.as_str().to_owned())
            .and_modify(|text| {
                text.push_str(", ");
                text.push_str(&value);
            })
            .or_insert_with(|| value.into_owned());
    }
    texts
}

fn shortened(text: &str) -> String {
    const LONGEST: usize = 200;
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text.to_owned(),
    }
}
