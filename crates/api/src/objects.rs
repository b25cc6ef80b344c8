//! Objects: listed, watched, made, changed, deleted. The same for every kind.

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
use serde_json::json;
use windlass_access::{Resource, Verb};
use windlass_contract::{
    APPLY, Applied, AppliedObject, Differences, JSON_PATCH, MERGE_PATCH, Name, Object, ObjectPage,
    OneRevision, RevisionPage,
};
use windlass_model::Value;
use windlass_model::code;
use windlass_objects::{Kind, Patch, Query as Asked, Scope, Selector, Write};

use crate::answer::Problem;
use crate::api::Api;
use crate::caller::Caller;
use crate::stream;

/// What stands behind the `?` of a list.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase", deny_unknown_fields)]
struct Listing {
    labels: Option<String>,
    fields: Option<String>,
    limit: Option<usize>,
    cursor: Option<String>,
    watch: bool,
    from: Option<u64>,
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

const USUAL: usize = 100;
const MOST: usize = 1000;

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

/// Where an object is, by what stands in the path.
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

fn resource<'a>(kind: &'a Kind, namespace: Option<&'a str>, name: Option<&'a Name>) -> Resource<'a> {
    // What a namespace is, whoever may look into it may know.
    let own = name.filter(|_| kind.plural == "namespaces").map(|name| name.name.as_str());
    Resource { kind: kind.name, namespace: namespace.or(own), name: name.map(|name| name.name.as_str()) }
}

fn named(name: Option<Name>) -> Result<Name, Problem> {
    name.ok_or_else(|| Problem::not_found("object without a name"))
}

fn query<T>(asking: Asking<T>) -> Result<T, Problem> {
    asking.map(|Query(asked)| asked).map_err(|why| Problem::bad(why.body_text()))
}

fn write(asked: &Writing, headers: &HeaderMap) -> Result<Write, Problem> {
    let tag = headers.get(header::IF_MATCH).and_then(|value| value.to_str().ok());
    let tag = tag.map(|tag| tag.trim_matches('"').parse::<u64>());
    let tag = tag.transpose().map_err(|_| Problem::bad("If-Match: a version is a number"))?;
    Ok(Write { is_dry: asked.dry_run, version: asked.version.or(tag) })
}

fn shown(status: StatusCode, object: &Object, body: impl Serialize) -> Response {
    let tag = format!("\"{}\"", object.metadata.version);
    (status, [(header::ETAG, tag)], Json(body)).into_response()
}

pub(crate) fn list(kind: &'static Kind) -> impl Fn(State<Api>, Caller, Places, Request) -> Answer + Clone {
    move |State(api), caller, Path(places), request| {
        let (namespace, _) = place(kind, &places);
        // Of the namespaces themselves, the name is none of theirs.
        let namespace = if kind.scope == Scope::Namespaced { namespace } else { None };
        Box::pin(listed(api, caller, kind, namespace, request))
    }
}

pub(crate) fn list_all(kind: &'static Kind) -> impl Fn(State<Api>, Caller, Request) -> Answer + Clone {
    move |State(api), caller, request| Box::pin(listed(api, caller, kind, None, request))
}

async fn listed(
    api: Api,
    caller: Caller,
    kind: &'static Kind,
    namespace: Option<String>,
    request: Request,
) -> Result<Response, Problem> {
    let asked: Listing = query(Query::try_from_uri(request.uri()))?;
    caller.must(Verb::View, &resource(kind, namespace.as_deref(), None)).await?;
    let objects = &api.parts().objects;
    let selector = Selector::read(asked.labels.as_deref(), asked.fields.as_deref())?;
    if asked.watch {
        let last = request.headers().get("last-event-id").and_then(|id| id.to_str().ok()?.parse().ok());
        let from = last.or(asked.from);
        return Ok(stream::objects(objects.watch(kind, namespace, None, selector, from).await?));
    }
    let after = asked.cursor.map(|cursor| match cursor.split_once('/') {
        Some((namespace, name)) => Name::within(namespace, name),
        None => match &namespace {
            Some(namespace) => Name::within(namespace, cursor),
            None => Name::global(cursor),
        },
    });
    let limit = asked.limit.unwrap_or(USUAL).clamp(1, MOST);
    let mut page = objects.list(kind, &Asked { namespace, selector, limit, after }).await?;
    api.parts().budgets.show(kind, &mut page.objects).await?;
    let next = page.next.map(|name| name.to_string());
    Ok(Json(ObjectPage { items: page.objects, next, version: page.version }).into_response())
}

pub(crate) fn get(kind: &'static Kind) -> impl Fn(State<Api>, Caller, Places) -> Answer + Clone {
    move |State(api), caller, Path(places)| {
        Box::pin(async move {
            let (namespace, name) = place(kind, &places);
            let name = named(name)?;
            caller.must(Verb::View, &resource(kind, namespace.as_deref(), Some(&name))).await?;
            let mut object = api.parts().objects.get(kind, &name).await?;
            api.parts().budgets.show(kind, std::slice::from_mut(&mut object)).await?;
            Ok(shown(StatusCode::OK, &object, &object))
        })
    }
}

pub(crate) fn create(kind: &'static Kind) -> impl Fn(State<Api>, Caller, Places, Request) -> Answer + Clone {
    move |State(api), caller, Path(places), request| {
        Box::pin(async move {
            let (namespace, _) = place(kind, &places);
            let namespace = if kind.scope == Scope::Namespaced { namespace } else { None };
            let asked: Writing = query(Query::try_from_uri(request.uri()))?;
            let written = write(&asked, request.headers())?;
            caller.must(Verb::Write, &resource(kind, namespace.as_deref(), None)).await?;
            let document: Value = Sent::from_request(request, &api).await?.read()?;
            let at =
                document.pointer("/metadata/name").and_then(Value::as_str).unwrap_or_default().to_owned();
            let at = namespace.map(|namespace| Name::within(namespace, at));
            let author = api.author(&caller);
            let object = api.parts().objects.create(kind, document, at.as_ref(), written, &author).await?;
            if !written.is_dry {
                note(&api, &caller, kind, &object.name(), None, Some(&object)).await?;
            }
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
    let (namespace, name) = place(kind, &places);
    let name = named(name)?;
    let asked: Writing = query(Query::try_from_uri(request.uri()))?;
    let written = write(&asked, request.headers())?;
    caller.must(Verb::Write, &resource(kind, namespace.as_deref(), Some(&name))).await?;
    let media = request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let media = media.unwrap_or_default().split(';').next().unwrap_or_default().trim().to_owned();
    let document: Value = Sent::from_request(request, &api).await?.read()?;
    let (objects, author) = (&api.parts().objects, api.author(&caller));
    let before = objects.get(kind, &name).await.ok();
    let (object, applied) = match media.as_str() {
        _ if whole => objects.replace(kind, document, &name, written, &author).await?,
        APPLY => objects.apply(kind, document, Some(&name), written, &author).await?,
        MERGE_PATCH => objects.patch(kind, &name, &Patch::Merge(document), written, &author).await?,
        JSON_PATCH => objects.patch(kind, &name, &Patch::Operations(document), written, &author).await?,
        other => {
            let detail = format!("`{other}` is no way to change an object");
            let problem = Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, &code::BAD_PATCH, detail);
            return Err(problem.hint(format!("send {APPLY}, {MERGE_PATCH} or {JSON_PATCH}")));
        }
    };
    if applied != Applied::Unchanged && !written.is_dry {
        note(&api, &caller, kind, &name, before.as_ref(), Some(&object)).await?;
    }
    let status = if applied == Applied::Created { StatusCode::CREATED } else { StatusCode::OK };
    Ok(shown(status, &object, AppliedObject { applied, object: object.clone() }))
}

pub(crate) fn delete(kind: &'static Kind) -> impl Fn(State<Api>, Caller, Places, Request) -> Answer + Clone {
    move |State(api), caller, Path(places), request| {
        Box::pin(async move {
            let (namespace, name) = place(kind, &places);
            let name = named(name)?;
            let asked: Writing = query(Query::try_from_uri(request.uri()))?;
            let written = write(&asked, request.headers())?;
            caller.must(Verb::Write, &resource(kind, namespace.as_deref(), Some(&name))).await?;
            let object = api.parts().objects.delete(kind, &name, written, &api.author(&caller)).await?;
            if !written.is_dry {
                note(&api, &caller, kind, &name, Some(&object), None).await?;
            }
            Ok(Json(object).into_response())
        })
    }
}

pub(crate) fn revisions(
    kind: &'static Kind,
) -> impl Fn(State<Api>, Caller, Places, Request) -> Answer + Clone {
    move |State(api), caller, Path(places), request| {
        Box::pin(async move {
            let (namespace, name) = place(kind, &places);
            let name = named(name)?;
            let asked: Numbers = query(Query::try_from_uri(request.uri()))?;
            caller.must(Verb::View, &resource(kind, namespace.as_deref(), Some(&name))).await?;
            let limit = asked.limit.unwrap_or(USUAL).clamp(1, MOST);
            let page = api.parts().objects.revisions(kind, &name, asked.before, limit).await?;
            let items = page.revisions.into_iter().map(|it| OneRevision {
                number: it.number,
                by: it.by,
                at: it.at.to_string(),
                spec: it.spec,
            });
            Ok(Json(RevisionPage { items: items.collect(), next: page.next }).into_response())
        })
    }
}

pub(crate) fn diff(kind: &'static Kind) -> impl Fn(State<Api>, Caller, Places, Request) -> Answer + Clone {
    move |State(api), caller, Path(places), request| {
        Box::pin(async move {
            let (namespace, name) = place(kind, &places);
            let name = named(name)?;
            let asked: Numbers = query(Query::try_from_uri(request.uri()))?;
            caller.must(Verb::View, &resource(kind, namespace.as_deref(), Some(&name))).await?;
            let objects = &api.parts().objects;
            let newest =
                objects.revisions(kind, &name, None, 1).await?.revisions.first().map_or(1, |it| it.number);
            let to = asked.to.unwrap_or(newest);
            let from = asked.from.unwrap_or_else(|| to.saturating_sub(1).max(1));
            let items = objects.diff(kind, &name, from, to).await?;
            Ok(Json(Differences { items }).into_response())
        })
    }
}

/// Notes a change of an object, and lets what follows from it be so at once.
async fn note(
    api: &Api,
    caller: &Caller,
    kind: &'static Kind,
    name: &Name,
    before: Option<&Object>,
    after: Option<&Object>,
) -> Result<(), Problem> {
    let resource = resource(kind, name.namespace.as_deref(), Some(name));
    let value = |object: Option<&Object>| object.map_or(Value::Null, |object| json!(object));
    caller.did(Verb::Write, &resource, value(before), value(after)).await?;
    if ["users", "rolebindings"].contains(&kind.plural) {
        api.parts().rights.refresh(&api.parts().objects).await?;
    }
    if kind.plural == "freezes" && after.is_some() {
        crate::runs::freeze(api).await;
    }
    Ok(())
}
