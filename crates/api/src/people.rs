//! Who you are, and your tokens.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use serde_json::json;
use windlass_access::{Resource, Verb, Wanted};
use windlass_contract::{Me, NewToken, NewTokenMade, Tokens};
use windlass_model::Value;

use crate::answer::Problem;
use crate::api::Api;
use crate::caller::Caller;
use crate::objects::Sent;

const TOKEN: &str = "Token";

pub(crate) async fn me(State(api): State<Api>, caller: Caller) -> Json<Me> {
    let people = api.parts().rights.people();
    let user = people.user(&caller.who.user).cloned().unwrap_or_default();
    let cluster = Resource::global("Run");
    let may = Verb::ALL.into_iter().filter(|verb| people.may(&caller.who, *verb, &cluster));
    Json(Me {
        user: caller.who.user.clone(),
        display_name: user.display_name,
        groups: people.groups(&caller.who),
        namespaces: caller.who.namespaces.clone(),
        cluster: may.map(|verb| verb.word().to_owned()).collect(),
    })
}

pub(crate) async fn tokens(State(api): State<Api>, caller: Caller) -> Result<Json<Tokens>, Problem> {
    let all = caller.may(Verb::View, &Resource::global(TOKEN));
    let whose = (!all).then_some(caller.who.user.as_str());
    Ok(Json(Tokens { items: api.parts().tokens.list(whose).await? }))
}

pub(crate) async fn issue(
    State(api): State<Api>,
    caller: Caller,
    sent: Sent,
) -> Result<(StatusCode, Json<NewTokenMade>), Problem> {
    let wanted: NewToken = sent.read()?;
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
    Ok((StatusCode::CREATED, Json(NewTokenMade { id: issued.id, token: issued.token })))
}

pub(crate) async fn revoke(
    State(api): State<Api>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<StatusCode, Problem> {
    let unknown = || Problem::not_found(format!("token {id}"));
    let token = api.parts().tokens.view(&id).await?.ok_or_else(unknown)?;
    let resource = Resource::global(TOKEN).named(&token.user);
    if token.user != caller.who.user && !caller.may(Verb::Write, &resource) {
        return Err(unknown());
    }
    api.parts().tokens.revoke(&id).await?;
    caller.did(Verb::Write, &resource, json!({"id": id}), Value::Null).await?;
    Ok(StatusCode::NO_CONTENT)
}

fn narrowed<T: PartialEq>(own: Option<Vec<T>>, wanted: Option<Vec<T>>) -> Option<Vec<T>> {
    match (own, wanted) {
        (None, wanted) => wanted,
        (Some(own), None) => Some(own),
        (Some(own), Some(wanted)) => Some(wanted.into_iter().filter(|one| own.contains(one)).collect()),
    }
}
