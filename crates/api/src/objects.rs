//! Objects: listed, watched, made, changed, deleted. The same for every kind, and whoever asks in whatever way: REST and gRPC
//! both come here.

pub(crate) mod http;

use std::future::Future;

use serde_json::json;
use windlass_access::{Resource, Verb};
use windlass_contract::{
    Applied, AppliedObject, Differences, Name, Object, ObjectPage, OneRevision, RevisionPage,
};
use windlass_model::Value;
use windlass_objects::{Kind, ObjectWatch, Patch, Query, Scope, Selector, Write, kinds};

pub(crate) use self::http::Sent;
use crate::answer::Problem;
use crate::api::Api;
use crate::caller::Caller;

/// Which objects of a kind are listed.
#[derive(Debug, Default)]
pub(crate) struct Listing {
    pub(crate) labels: Option<String>,
    pub(crate) fields: Option<String>,
    pub(crate) limit: Option<usize>,
    pub(crate) cursor: Option<String>,
}

/// Which objects of a kind are watched, and behind which version.
#[derive(Debug, Default)]
pub(crate) struct Watching {
    pub(crate) labels: Option<String>,
    pub(crate) fields: Option<String>,
    pub(crate) from: Option<u64>,
}

/// How an object is to be changed.
#[derive(Debug)]
pub(crate) enum Change {
    /// It is this, and nothing else.
    Replace(Value),
    /// What is said here is so.
    Apply(Value),
    /// A JSON Merge Patch.
    Merge(Value),
    /// A JSON Patch.
    Operations(Value),
}

const USUAL: usize = 100;
const MOST: usize = 1000;

fn resource<'a>(kind: &'a Kind, namespace: Option<&'a str>, name: Option<&'a Name>) -> Resource<'a> {
    // What a namespace is, whoever may look into it may know.
    let own = name.filter(|_| kind.plural == "namespaces").map(|name| name.name.as_str());
    Resource { kind: kind.name, namespace: namespace.or(own), name: name.map(|name| name.name.as_str()) }
}

fn of<'a>(kind: &'a Kind, name: &'a Name) -> Resource<'a> {
    resource(kind, name.namespace.as_deref(), Some(name))
}

/// Some objects, those of all namespaces where none is named.
pub(crate) async fn list(
    caller: &Caller,
    kind: &'static Kind,
    namespace: Option<String>,
    asked: Listing,
) -> Result<ObjectPage, Problem> {
    let api = caller.api();
    caller.must(Verb::View, &resource(kind, namespace.as_deref(), None)).await?;
    let selector = Selector::read(asked.labels.as_deref(), asked.fields.as_deref())?;
    let after = asked.cursor.map(|cursor| match cursor.split_once('/') {
        Some((namespace, name)) => Name::within(namespace, name),
        None => match &namespace {
            Some(namespace) => Name::within(namespace, cursor),
            None => Name::global(cursor),
        },
    });
    let limit = asked.limit.unwrap_or(USUAL).clamp(1, MOST);
    let mut page = api.parts().objects.list(kind, &Query { namespace, selector, limit, after }).await?;
    api.parts().budgets.show(kind, &mut page.objects).await?;
    let next = page.next.map(|name| name.to_string());
    Ok(ObjectPage { items: page.objects, next, version: page.version })
}

/// What becomes of objects.
pub(crate) async fn watch(
    caller: &Caller,
    kind: &'static Kind,
    namespace: Option<String>,
    asked: Watching,
) -> Result<ObjectWatch, Problem> {
    caller.must(Verb::View, &resource(kind, namespace.as_deref(), None)).await?;
    let selector = Selector::read(asked.labels.as_deref(), asked.fields.as_deref())?;
    Ok(caller.api().parts().objects.watch(kind, namespace, None, selector, asked.from).await?)
}

/// An object.
pub(crate) async fn get(caller: &Caller, kind: &'static Kind, name: &Name) -> Result<Object, Problem> {
    caller.must(Verb::View, &of(kind, name)).await?;
    let parts = caller.api().parts();
    let mut object = parts.objects.get(kind, name).await?;
    parts.budgets.show(kind, std::slice::from_mut(&mut object)).await?;
    Ok(object)
}

/// Makes an object. The document is waited for when whoever sends it was found to be allowed to.
pub(crate) async fn create(
    caller: &Caller,
    kind: &'static Kind,
    namespace: Option<String>,
    write: Write,
    document: impl Future<Output = Result<Value, Problem>>,
) -> Result<Object, Problem> {
    // Of the namespaces themselves, the name is none of theirs.
    let namespace = if kind.scope == Scope::Namespaced { namespace } else { None };
    caller.must(Verb::Write, &resource(kind, namespace.as_deref(), None)).await?;
    let document = document.await?;
    let at = document.pointer("/metadata/name").and_then(Value::as_str).unwrap_or_default().to_owned();
    let at = namespace.map(|namespace| Name::within(namespace, at));
    let api = caller.api();
    let author = api.author(caller);
    let object = api.parts().objects.create(kind, document, at.as_ref(), write, &author).await?;
    if !write.is_dry {
        note(caller, kind, &object.name(), None, Some(&object)).await?;
    }
    Ok(object)
}

/// Changes an object. What is to change is waited for when whoever sends it was found to be allowed to.
pub(crate) async fn change(
    caller: &Caller,
    kind: &'static Kind,
    name: &Name,
    write: Write,
    change: impl Future<Output = Result<Change, Problem>>,
) -> Result<AppliedObject, Problem> {
    caller.must(Verb::Write, &of(kind, name)).await?;
    let change = change.await?;
    let api = caller.api();
    let (objects, author) = (&api.parts().objects, api.author(caller));
    let before = objects.get(kind, name).await.ok();
    let (object, applied) = match change {
        Change::Replace(document) => objects.replace(kind, document, name, write, &author).await?,
        Change::Apply(document) => objects.apply(kind, document, Some(name), write, &author).await?,
        Change::Merge(document) => objects.patch(kind, name, &Patch::Merge(document), write, &author).await?,
        Change::Operations(document) => {
            objects.patch(kind, name, &Patch::Operations(document), write, &author).await?
        }
    };
    if applied != Applied::Unchanged && !write.is_dry {
        note(caller, kind, name, before.as_ref(), Some(&object)).await?;
    }
    Ok(AppliedObject { applied, object })
}

/// Deletes an object that nothing needs.
pub(crate) async fn delete(
    caller: &Caller,
    kind: &'static Kind,
    name: &Name,
    write: Write,
) -> Result<Object, Problem> {
    caller.must(Verb::Write, &of(kind, name)).await?;
    let api = caller.api();
    let object = api.parts().objects.delete(kind, name, write, &api.author(caller)).await?;
    if !write.is_dry {
        note(caller, kind, name, Some(&object), None).await?;
    }
    Ok(object)
}

/// What was wanted of an object.
pub(crate) async fn revisions(
    caller: &Caller,
    kind: &'static Kind,
    name: &Name,
    before: Option<u64>,
    limit: Option<usize>,
) -> Result<RevisionPage, Problem> {
    caller.must(Verb::View, &of(kind, name)).await?;
    let limit = limit.unwrap_or(USUAL).clamp(1, MOST);
    let page = caller.api().parts().objects.revisions(kind, name, before, limit).await?;
    let items = page.revisions.into_iter().map(|it| OneRevision {
        number: it.number,
        by: it.by,
        at: it.at.to_string(),
        spec: it.spec,
    });
    Ok(RevisionPage { items: items.collect(), next: page.next })
}

/// What two revisions differ in.
pub(crate) async fn diff(
    caller: &Caller,
    kind: &'static Kind,
    name: &Name,
    from: Option<u64>,
    to: Option<u64>,
) -> Result<Differences, Problem> {
    caller.must(Verb::View, &of(kind, name)).await?;
    let objects = &caller.api().parts().objects;
    let newest = objects.revisions(kind, name, None, 1).await?.revisions.first().map_or(1, |it| it.number);
    let to = to.unwrap_or(newest);
    let from = from.unwrap_or_else(|| to.saturating_sub(1).max(1));
    Ok(Differences { items: objects.diff(kind, name, from, to).await? })
}

/// Notes a change of an object, and lets what follows from it be so at once.
async fn note(
    caller: &Caller,
    kind: &'static Kind,
    name: &Name,
    before: Option<&Object>,
    after: Option<&Object>,
) -> Result<(), Problem> {
    let value = |object: Option<&Object>| object.map_or(Value::Null, |object| json!(object));
    caller.did(Verb::Write, &of(kind, name), value(before), value(after)).await?;
    let api: &Api = caller.api();
    if kind.plural == kinds::USER.plural && after.is_none() {
        forget(api, &name.name).await?;
    }
    if ["users", "rolebindings"].contains(&kind.plural) {
        api.parts().rights.refresh(&api.parts().objects).await?;
    }
    if kind.plural == "freezes" && after.is_some() {
        crate::runs::freeze(api).await;
    }
    Ok(())
}

/// Takes away what somebody signed in by who is gone: another one of the same name is another one.
async fn forget(api: &Api, user: &str) -> Result<(), Problem> {
    let parts = api.parts();
    parts.passwords.remove(user).await?;
    parts.sessions.end_all(user, None).await?;
    for token in parts.tokens.list(Some(user)).await? {
        parts.tokens.revoke(&token.id).await?;
    }
    Ok(())
}
