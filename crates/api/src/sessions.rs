//! Signing in with a browser, and passwords.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::json;
use windlass_access::{Begun, Noted, Outcome, PasswordError, Principal, Resource, Tried, Verb};
use windlass_contract::{NewPassword, Session, SignIn, TokenView};
use windlass_model::{Value, code};

use crate::answer::Problem;
use crate::api::Api;
use crate::caller::{Caller, Remote};
use crate::endpoint::{Endpoint, Needs, endpoint};
use crate::objects::Sent;

const SESSION: &str = "Session";
const PASSWORD: &str = "Password";

/// What can be asked about sessions and passwords.
pub(crate) fn endpoints() -> Vec<Endpoint> {
    let own = "/api/v1/sessions/current";
    let password = "/api/v1/users/{name}/password";
    vec![
        endpoint(
            "POST",
            "/api/v1/sessions",
            "signIn",
            "signs in with a browser: sets a cookie",
            Needs::Nothing,
            "people",
        )
        .takes("SignIn")
        .gives(201, "Session"),
        endpoint(
            "GET",
            own,
            "getSession",
            "the session of the cookie that was sent",
            Needs::SomeToken,
            "people",
        )
        .gives(200, "Session"),
        endpoint(
            "DELETE",
            own,
            "signOut",
            "ends the session of the cookie that was sent",
            Needs::SomeToken,
            "people",
        )
        .nothing(),
        endpoint(
            "PUT",
            password,
            "setPassword",
            "gives a user a password; other sessions of theirs end",
            Needs::SomeToken,
            "people",
        )
        .takes("NewPassword")
        .nothing(),
        endpoint(
            "DELETE",
            password,
            "removePassword",
            "takes the password of a user away, and ends their sessions",
            Needs::SomeToken,
            "people",
        )
        .nothing(),
    ]
}

pub(crate) async fn sign_in(
    State(api): State<Api>,
    remote: Option<axum::Extension<Remote>>,
    headers: HeaderMap,
    sent: Sent,
) -> Result<Response, Problem> {
    // Another site must not sign somebody in as somebody else.
    let site = headers.get("sec-fetch-site").and_then(|site| site.to_str().ok());
    if site.is_some_and(|site| site != "same-origin" && site != "none") {
        let problem = Problem::new(
            StatusCode::FORBIDDEN,
            &code::FORBIDDEN,
            "another site may not sign anybody in here",
        );
        return Err(problem);
    }
    let wanted: SignIn = sent.read()?;
    let from = remote.map_or_else(String::new, |axum::Extension(Remote(address))| address.to_string());
    let (who, by) = match wanted {
        SignIn { user: Some(user), password: Some(password), token: None } => {
            by_password(&api, &user, &password, &from).await?;
            (Principal { user, namespaces: None, verbs: None, groups: Vec::new() }, None)
        }
        SignIn { user: None, password: None, token: Some(token) } => {
            let (who, by) = by_token(&api, &token).await?;
            (who, Some(by))
        }
        _ => return Err(Problem::bad("give `user` and `password`, or a `token`")),
    };
    if !api.parts().rights.people().is_welcome(&who.user) {
        note(&api, &who.user, &from, Outcome::Denied).await?;
        return Err(wrong());
    }
    let user = who.user.clone();
    let begun = api.parts().sessions.begin(who, by.as_ref(), None, api.now()).await?;
    note(&api, &user, &from, Outcome::Done).await?;
    let cookie = session_cookie(&api, &begun);
    let body = Session { user, csrf: begun.csrf, ends_at: begun.ends_at };
    Ok((StatusCode::CREATED, [(header::SET_COOKIE, cookie)], Json(body)).into_response())
}

async fn by_password(api: &Api, user: &str, password: &str, from: &str) -> Result<(), Problem> {
    match api.parts().passwords.check(user, password, api.now()).await? {
        Tried::Right => Ok(()),
        Tried::Wrong => {
            note(api, user, from, Outcome::Denied).await?;
            Err(wrong())
        }
        Tried::Wait(wait) => {
            let seconds = wait.as_secs().saturating_add(1);
            let detail = format!("too many wrong passwords in a row: none is tried for {seconds} s");
            let problem = Problem::new(StatusCode::TOO_MANY_REQUESTS, &code::UNAUTHENTICATED, detail);
            Err(problem.hint("somebody else may be guessing; a token works all the same"))
        }
    }
}

async fn by_token(api: &Api, token: &str) -> Result<(Principal, TokenView), Problem> {
    let tokens = &api.parts().tokens;
    let who = tokens.check(token, api.now()).await?.ok_or_else(Problem::unauthenticated)?;
    let id = token.split('_').nth(1).unwrap_or_default();
    // It may have been ended in between.
    let view = tokens.view(id).await?.ok_or_else(Problem::unauthenticated)?;
    Ok((who, view))
}

fn wrong() -> Problem {
    let detail = "there is no such user with that password";
    Problem::new(StatusCode::UNAUTHORIZED, &code::UNAUTHENTICATED, detail)
}

async fn note(api: &Api, user: &str, from: &str, outcome: Outcome) -> Result<(), Problem> {
    let noted = Noted {
        at: api.now(),
        user: user.to_owned(),
        from: from.to_owned(),
        verb: "signIn".to_owned(),
        resource: SESSION.to_owned(),
        outcome,
        before: Value::Null,
        after: Value::Null,
    };
    api.parts().audit.note(noted).await?;
    Ok(())
}

pub(crate) async fn current(caller: Caller) -> Result<Json<Session>, Problem> {
    let seated = caller.session.ok_or_else(no_session)?;
    Ok(Json(Session { user: seated.who.user, csrf: seated.csrf, ends_at: seated.ends_at }))
}

pub(crate) async fn sign_out(State(api): State<Api>, caller: Caller) -> Result<Response, Problem> {
    let seated = caller.session.ok_or_else(no_session)?;
    api.parts().sessions.end(&seated.id).await?;
    let cookie = cookie(api.parts().is_secure, "", 0);
    Ok((StatusCode::NO_CONTENT, [(header::SET_COOKIE, cookie)]).into_response())
}

fn no_session() -> Problem {
    Problem::not_found("session: a token was sent, and no cookie of one")
}

pub(crate) async fn set_password(
    caller: Caller,
    Path(user): Path<String>,
    sent: Sent,
) -> Result<StatusCode, Problem> {
    new_password(&caller, &user, sent.read()?).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Gives somebody a password.
pub(crate) async fn new_password(caller: &Caller, user: &str, wanted: NewPassword) -> Result<(), Problem> {
    let (api, resource) = (caller.api(), Resource::global(PASSWORD).named(user));
    may_change(api, caller, user, &resource).await?;
    let passwords = &api.parts().passwords;
    // Whoever finds a browser open must not be able to lock its owner out.
    if user == caller.who.user && passwords.has(user).await? {
        let from = caller.from().to_owned();
        by_password(api, user, wanted.current.as_deref().unwrap_or_default(), &from).await?;
    }
    passwords.set(user, &wanted.password).await.map_err(|error| match error {
        PasswordError::Store(error) => error.into(),
        PasswordError::Short | PasswordError::Long => Problem::bad(error.to_string()),
        PasswordError::Hash(_) => {
            Problem::new(StatusCode::INTERNAL_SERVER_ERROR, &code::SERVER, error.to_string())
        }
    })?;
    let own = caller.session.as_ref().map(|seated| seated.id.as_str());
    api.parts().sessions.end_all(user, own).await?;
    caller.did(Verb::Write, &resource, Value::Null, json!({"changed": true})).await?;
    Ok(())
}

pub(crate) async fn remove_password(caller: Caller, Path(user): Path<String>) -> Result<StatusCode, Problem> {
    no_password(&caller, &user).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Takes somebody's password away.
pub(crate) async fn no_password(caller: &Caller, user: &str) -> Result<(), Problem> {
    let (api, resource) = (caller.api(), Resource::global(PASSWORD).named(user));
    may_change(api, caller, user, &resource).await?;
    api.parts().passwords.remove(user).await?;
    api.parts().sessions.end_all(user, None).await?;
    caller.did(Verb::Write, &resource, json!({"removed": true}), Value::Null).await?;
    Ok(())
}

/// One's own, or anybody's where one may write passwords. What is confined changes no password, which would not be.
async fn may_change(api: &Api, caller: &Caller, user: &str, resource: &Resource<'_>) -> Result<(), Problem> {
    let is_own = user == caller.who.user && caller.who.namespaces.is_none() && caller.who.verbs.is_none();
    if !is_own {
        caller.must(Verb::Write, resource).await?;
    }
    if api.parts().rights.people().user(user).is_none() {
        return Err(Problem::not_found(format!("User {user}")));
    }
    Ok(())
}

/// The name of the cookie: a browser keeps one that begins so for this host alone.
pub(crate) fn cookie_name(is_secure: bool) -> &'static str {
    if is_secure { "__Host-windlass" } else { "windlass" }
}

/// What lets a browser keep a session.
pub(crate) fn session_cookie(api: &Api, begun: &Begun) -> HeaderValue {
    cookie(api.parts().is_secure, &begun.cookie, begun.ends_at.since(api.now()).as_secs())
}

fn cookie(is_secure: bool, value: &str, seconds: u64) -> HeaderValue {
    let secure = if is_secure { "; Secure" } else { "" };
    let name = cookie_name(is_secure);
    let text = format!("{name}={value}; Path=/; HttpOnly; SameSite=Strict; Max-Age={seconds}{secure}");
    // Letters, digits and signs that a header takes.
    HeaderValue::try_from(text).unwrap_or_else(|_| HeaderValue::from_static(""))
}
