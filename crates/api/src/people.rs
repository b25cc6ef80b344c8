//! Who you are, and your tokens.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::Path;
use axum::http::StatusCode;
use serde_json::json;
use windlass_access::{Resource, Verb, Wanted};
use windlass_contract::{Me, NewToken, NewTokenMade, TokenView, Tokens};
use windlass_model::Value;
use windlass_objects::{Query, kinds};

use crate::answer::Problem;
use crate::caller::Caller;
use crate::objects::Sent;

const TOKEN: &str = "Token";

/// What people ask about what they may do in a namespace.
const WITHIN: [(Verb, &str); 13] = [
    (Verb::View, "Run"),
    (Verb::Submit, "Run"),
    (Verb::Command, "Run"),
    (Verb::Approve, "Run"),
    (Verb::Resolve, "Run"),
    (Verb::View, "Plan"),
    (Verb::Write, "Plan"),
    (Verb::View, "Inventory"),
    (Verb::View, "Budget"),
    (Verb::Write, "Budget"),
    (Verb::View, "Variables"),
    (Verb::Write, "Variables"),
    (Verb::View, "Secret"),
];
/// And of the whole cluster.
const ABOVE: [(Verb, &str); 17] = [
    (Verb::View, "Run"),
    (Verb::View, "Node"),
    (Verb::Write, "Node"),
    (Verb::View, "Freeze"),
    (Verb::Write, "Freeze"),
    (Verb::View, "Policy"),
    (Verb::Write, "Policy"),
    (Verb::View, "User"),
    (Verb::Write, "User"),
    (Verb::View, "RoleBinding"),
    (Verb::View, "Token"),
    (Verb::Write, "Token"),
    (Verb::View, "Audit"),
    (Verb::View, "Agent"),
    (Verb::Write, "Agent"),
    (Verb::View, "Server"),
    (Verb::Write, "Server"),
];
/// In so many namespaces it is looked.
const NAMESPACES: usize = 500;

pub(crate) async fn me(caller: Caller) -> Result<Json<Me>, Problem> {
    Ok(Json(who(&caller).await?))
}

/// Who somebody is, and what they may do.
pub(crate) async fn who(caller: &Caller) -> Result<Me, Problem> {
    let api = caller.api();
    let people = api.parts().rights.people();
    let user = people.user(&caller.who.user).cloned().unwrap_or_default();
    let cluster = Resource::global("Run");
    let may = Verb::ALL.into_iter().filter(|verb| people.may(&caller.who, *verb, &cluster));
    let said = |(verb, kind): &(Verb, &str)| format!("{} {kind}", verb.word());
    let above = ABOVE.iter().filter(|(verb, kind)| people.may(&caller.who, *verb, &Resource::global(kind)));
    let mut rights = BTreeMap::from([(String::new(), above.map(said).collect::<Vec<_>>())]);
    let query = Query { limit: NAMESPACES, ..Query::default() };
    for object in api.parts().objects.list(&kinds::NAMESPACE, &query).await?.objects {
        let name = object.metadata.name;
        let may =
            |(verb, kind): &&(Verb, &str)| people.may(&caller.who, *verb, &Resource::within(kind, &name));
        let within: Vec<String> = WITHIN.iter().filter(may).map(said).collect();
        if !within.is_empty() {
            rights.insert(name, within);
        }
    }
    Ok(Me {
        user: caller.who.user.clone(),
        display_name: user.display_name,
        groups: people.groups(&caller.who),
        namespaces: caller.who.namespaces.clone(),
        cluster: may.map(|verb| verb.word().to_owned()).collect(),
        rights,
    })
}

pub(crate) async fn tokens(caller: Caller) -> Result<Json<Tokens>, Problem> {
    Ok(Json(Tokens { items: list(&caller).await? }))
}

/// One's tokens; everybody's, for those who may see them.
pub(crate) async fn list(caller: &Caller) -> Result<Vec<TokenView>, Problem> {
    let all = caller.may(Verb::View, &Resource::global(TOKEN));
    let whose = (!all).then_some(caller.who.user.as_str());
    Ok(caller.api().parts().tokens.list(whose).await?)
}

pub(crate) async fn issue(caller: Caller, sent: Sent) -> Result<(StatusCode, Json<NewTokenMade>), Problem> {
    Ok((StatusCode::CREATED, Json(make(&caller, sent.read()?).await?)))
}

/// Makes a token.
pub(crate) async fn make(caller: &Caller, wanted: NewToken) -> Result<NewTokenMade, Problem> {
    let api = caller.api();
    let user = wanted.user.unwrap_or_else(|| caller.who.user.clone());
    let resource = Resource::global(TOKEN).named(&user);
    if user != caller.who.user {
        caller.must(Verb::Write, &resource).await?;
    }
    if api.parts().rights.people().user(&user).is_none() {
        return Err(Problem::not_found(format!("User {user}")));
    }
    let wanted = Wanted {
        user: user.clone(),
        note: wanted.note,
        expires_at: wanted.expires_in.map(|span| api.now() + span.0),
        // What is confined makes nothing that is less so.
        namespaces: narrowed(caller.who.namespaces.clone(), wanted.namespaces),
        verbs: narrowed(caller.who.verbs.clone(), wanted.verbs),
        // What a provider said once would be said for as long as the token lives, whoever has left by then.
        groups: Vec::new(),
    };
    let issued = api.parts().tokens.issue(wanted, api.now()).await?;
    caller.did(Verb::Write, &resource, Value::Null, json!({"id": issued.id})).await?;
    Ok(NewTokenMade { id: issued.id, token: issued.token })
}

pub(crate) async fn revoke(caller: Caller, Path(id): Path<String>) -> Result<StatusCode, Problem> {
    end(&caller, &id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Ends a token.
pub(crate) async fn end(caller: &Caller, id: &str) -> Result<(), Problem> {
    let tokens = &caller.api().parts().tokens;
    let unknown = || Problem::not_found(format!("token {id}"));
    let token = tokens.view(id).await?.ok_or_else(unknown)?;
    let resource = Resource::global(TOKEN).named(&token.user);
    if token.user != caller.who.user && !caller.may(Verb::Write, &resource) {
        return Err(unknown());
    }
    tokens.revoke(id).await?;
    caller.did(Verb::Write, &resource, json!({"id": id}), Value::Null).await?;
    Ok(())
}

fn narrowed<T: PartialEq>(own: Option<Vec<T>>, wanted: Option<Vec<T>>) -> Option<Vec<T>> {
    match (own, wanted) {
        (None, wanted) => wanted,
        (Some(own), None) => Some(own),
        (Some(own), Some(wanted)) => Some(wanted.into_iter().filter(|one| own.contains(one)).collect()),
    }
}
