//! Objects over HTTP with JSON: what stands in paths, behind `?` and in headers becomes what is asked, and what is answered becomes
//! a response. What is decided stands in the module above.

use std::collections::HashMap;
use std::future::Future;
use std::pin::Pin;

use axum::Json;
use axum::body::Bytes;
use axum::extract::{FromRequest, Path, Query, Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use windlass_contract::{APPLY, Applied, JSON_PATCH, MERGE_PATCH, Name, Object};
use windlass_model::{Value, code};
use windlass_objects::{Kind, Scope, Write};

use super::{Change, Listing, Watching};
use crate::answer::Problem;
use crate::api::Api;
use crate::caller::Caller;
use crate::socket::Form;
use crate::stream;

/// What stands behind the `?` of a list.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase", deny_unknown_fields)]
struct Listed {
    labels: Option<String>,
    fields: Option<String>,
    limit: Option<usize>,
    cursor: Option<String>,
    watch: bool,
    from: Option<u64>,
    after: Option<u64>,
}

/// What stands behind the `?` of a change.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase", deny_unknown_fields)]
struct Writing {
    dry_run: bool,
    version: Option<u64>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Numbers {
    limit: Option<usize>,
    before: Option<u64>,
    from: Option<u64>,
    to: Option<u64>,
}

/// What was sent. It is read when whoever sent it was found to be allowed to.
pub(crate) struct Sent(Bytes);

type Answer = Pin<Box<dyn Future<Output = Result<Response, Problem>> + Send>>;
type Places = Path<HashMap<String, String>>;
type Asking<T> = Result<Query<T>, axum::extract::rejection::QueryRejection>;

impl FromRequest<Api> for Sent {
    type Rejection = Problem;

    async fn from_request(request: Request, api: &Api) -> Result<Self, Problem> {
        let within = api.parts().limits.body_within;
        let bytes = tokio::time::timeout(within, Bytes::from_request(request, api)).await;
        let bytes = bytes.map_err(|_| Problem::too_slow())?;
        bytes.map(Self).map_err(|why| Problem::new(why.status(), &code::TOO_LARGE, why.body_text()))
    }
}

impl Sent {
    /// As JSON of a type. Nothing at all is an empty map.
    pub(crate) fn read<T: DeserializeOwned>(&self) -> Result<T, Problem> {
        let bytes = if self.0.is_empty() { b"{}" } else { &self.0[..] };
        serde_json::from_slice(bytes).map_err(|error| {
            Problem::new(StatusCode::BAD_REQUEST, &code::BAD_QUERY, format!("the body: {error}"))
        })
    }
}

/// Where objects are, or one of them, by what stands in the path.
fn place(kind: &Kind, places: &HashMap<String, String>) -> (Option<String>, Option<Name>) {
    let at = |key: &str| places.get(key).cloned();
    match kind.scope {
        Scope::Global => (None, at("name").map(Name::global)),
        Scope::Namespaced => {
            let namespace = at("name");
            let name =
                namespace.clone().zip(at("object")).map(|(namespace, name)| Name::within(namespace, name));
            (namespace, name)
        }
    }
}

fn named(kind: &Kind, places: &HashMap<String, String>) -> Result<Name, Problem> {
    place(kind, places).1.ok_or_else(|| Problem::not_found("object without a name"))
}

fn query<T>(asking: Asking<T>) -> Result<T, Problem> {
    asking.map(|Query(asked)| asked).map_err(|why| Problem::bad(why.body_text()))
}

fn write(request: &Request) -> Result<Write, Problem> {
    let asked: Writing = query(Query::try_from_uri(request.uri()))?;
    let tag = request.headers().get(header::IF_MATCH).and_then(|value| value.to_str().ok());
    let tag = tag.map(|tag| tag.trim_matches('"').parse::<u64>());
    let tag = tag.transpose().map_err(|_| Problem::bad("If-Match: a version is a number"))?;
    Ok(Write { is_dry: asked.dry_run, version: asked.version.or(tag) })
}

fn media(headers: &HeaderMap) -> String {
    let media = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    media.unwrap_or_default().split(';').next().unwrap_or_default().trim().to_owned()
}

fn shown(status: StatusCode, object: &Object, body: impl Serialize) -> Response {
    let tag = format!("\"{}\"", object.metadata.version);
    (status, [(header::ETAG, tag)], Json(body)).into_response()
}

pub(crate) fn list(
    kind: &'static Kind,
) -> impl Fn(State<Api>, Caller, Places, Form, Request) -> Answer + Clone {
    move |_, caller, Path(places), form, request| {
        let (namespace, _) = place(kind, &places);
        Box::pin(listed(caller, kind, namespace, form, request))
    }
}

pub(crate) fn list_all(kind: &'static Kind) -> impl Fn(State<Api>, Caller, Form, Request) -> Answer + Clone {
    move |_, caller, form, request| Box::pin(listed(caller, kind, None, form, request))
}

async fn listed(
    caller: Caller,
    kind: &'static Kind,
    namespace: Option<String>,
    form: Form,
    request: Request,
) -> Result<Response, Problem> {
    let Listed { labels, fields, limit, cursor, watch, from, after } =
        query(Query::try_from_uri(request.uri()))?;
    if watch {
        let last = request.headers().get("last-event-id").and_then(|id| id.to_str().ok()?.parse().ok());
        let watching = Watching { labels, fields, from: last.or(after).or(from) };
        let watch = super::watch(&caller, kind, namespace, watching).await?;
        return Ok(form.answer(&caller, stream::objects(watch)));
    }
    form.must_be_none()?;
    let listing = Listing { labels, fields, limit, cursor };
    Ok(Json(super::list(&caller, kind, namespace, listing).await?).into_response())
}

pub(crate) fn get(kind: &'static Kind) -> impl Fn(State<Api>, Caller, Places) -> Answer + Clone {
    move |_, caller, Path(places)| {
        Box::pin(async move {
            let object = super::get(&caller, kind, &named(kind, &places)?).await?;
            Ok(shown(StatusCode::OK, &object, &object))
        })
    }
}

pub(crate) fn create(kind: &'static Kind) -> impl Fn(State<Api>, Caller, Places, Request) -> Answer + Clone {
    move |State(api), caller, Path(places), request| {
        Box::pin(async move {
            let (namespace, _) = place(kind, &places);
            let write = write(&request)?;
            let document = async { Sent::from_request(request, &api).await?.read() };
            let object = super::create(&caller, kind, namespace, write, document).await?;
            Ok(shown(StatusCode::CREATED, &object, &object))
        })
    }
}

pub(crate) fn replace(kind: &'static Kind) -> impl Fn(State<Api>, Caller, Places, Request) -> Answer + Clone {
    move |State(api), caller, Path(places), request| {
        Box::pin(change(api, caller, kind, places, request, true))
    }
}

pub(crate) fn patch(kind: &'static Kind) -> impl Fn(State<Api>, Caller, Places, Request) -> Answer + Clone {
    move |State(api), caller, Path(places), request| {
        Box::pin(change(api, caller, kind, places, request, false))
    }
}

async fn change(
    api: Api,
    caller: Caller,
    kind: &'static Kind,
    places: HashMap<String, String>,
    request: Request,
    whole: bool,
) -> Result<Response, Problem> {
    let name = named(kind, &places)?;
    let write = write(&request)?;
    let change = async {
        let media = media(request.headers());
        let document: Value = Sent::from_request(request, &api).await?.read()?;
        match media.as_str() {
            _ if whole => Ok(Change::Replace(document)),
            APPLY => Ok(Change::Apply(document)),
            MERGE_PATCH => Ok(Change::Merge(document)),
            JSON_PATCH => Ok(Change::Operations(document)),
            other => {
                let detail = format!("`{other}` is no way to change an object");
                let problem = Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, &code::BAD_PATCH, detail);
                Err(problem.hint(format!("send {APPLY}, {MERGE_PATCH} or {JSON_PATCH}")))
            }
        }
    };
    let changed = super::change(&caller, kind, &name, write, change).await?;
    let status = if changed.applied == Applied::Created { StatusCode::CREATED } else { StatusCode::OK };
    Ok(shown(status, &changed.object, &changed))
}

pub(crate) fn delete(kind: &'static Kind) -> impl Fn(State<Api>, Caller, Places, Request) -> Answer + Clone {
    move |_, caller, Path(places), request| {
        Box::pin(async move {
            let name = named(kind, &places)?;
            let object = super::delete(&caller, kind, &name, write(&request)?).await?;
            Ok(Json(object).into_response())
        })
    }
}

pub(crate) fn revisions(
    kind: &'static Kind,
) -> impl Fn(State<Api>, Caller, Places, Request) -> Answer + Clone {
    move |_, caller, Path(places), request| {
        Box::pin(async move {
            let name = named(kind, &places)?;
            let asked: Numbers = query(Query::try_from_uri(request.uri()))?;
            let page = super::revisions(&caller, kind, &name, asked.before, asked.limit).await?;
            Ok(Json(page).into_response())
        })
    }
}

pub(crate) fn diff(kind: &'static Kind) -> impl Fn(State<Api>, Caller, Places, Request) -> Answer + Clone {
    move |_, caller, Path(places), request| {
        Box::pin(async move {
            let name = named(kind, &places)?;
            let asked: Numbers = query(Query::try_from_uri(request.uri()))?;
            Ok(Json(super::diff(&caller, kind, &name, asked.from, asked.to).await?).into_response())
        })
    }
}
