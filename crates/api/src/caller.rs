//! Who asks, and whether they may.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{StatusCode, header};
use tokio::time::{Instant, interval_at};
use windlass_access::{Noted, Outcome, Principal, Resource, Seated, Verb};
use windlass_contract::CSRF_HEADER;
use windlass_model::{Value, code};

use crate::answer::Problem;
use crate::api::Api;
use crate::sessions::cookie_name;

/// How often it is looked whether who follows a stream is still known.
const KNOWN_EVERY: Duration = Duration::from_secs(2);

/// Where a request comes from, as whoever listens notes on it.
#[derive(Clone, Copy, Debug)]
pub struct Remote(pub SocketAddr);

/// Somebody who has shown who they are.
#[derive(Clone, Debug)]
pub(crate) struct Caller {
    pub(crate) who: Principal,
    /// The session that they are in, where they showed no token.
    pub(crate) session: Option<Seated>,
    /// The id of the token that they showed.
    token: Option<String>,
    from: String,
    api: Api,
    /// What they were found to be allowed to.
    granted: Arc<Mutex<Vec<Right>>>,
}

/// To do something to something.
#[derive(Clone, Debug)]
pub(crate) struct Right {
    verb: Verb,
    kind: String,
    namespace: Option<String>,
    name: Option<String>,
}

impl FromRequestParts<Api> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, api: &Api) -> Result<Self, Problem> {
        let token = parts
            .headers
            .get(header::AUTHORIZATION)
            .and_then(|value| value.to_str().ok())
            .and_then(|value| value.split_once(' '))
            .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
            .map(|(_, token)| token.trim());
        let (who, session) = match token {
            Some(token) => {
                let who = api.parts().tokens.check(token, api.now()).await?;
                (who.ok_or_else(Problem::unauthenticated)?, None)
            }
            None => {
                let seated = seated(parts, api).await?;
                (seated.who.clone(), Some(seated))
            }
        };
        if !api.parts().rights.people().is_welcome(&who.user) {
            return Err(Problem::unauthenticated());
        }
        if let Err(wait) = api.turns().take(&who.user, std::time::Instant::now()) {
            return Err(Problem::too_often(wait));
        }
        let from =
            parts.extensions.get::<Remote>().map_or_else(String::new, |Remote(address)| address.to_string());
        let token = token.and_then(|token| token.split('_').nth(1)).map(str::to_owned);
        Ok(Self { who, session, token, from, api: api.clone(), granted: Arc::default() })
    }
}

/// Who is in the session of the cookie. What changes something has to be asked by a page of ours.
async fn seated(parts: &Parts, api: &Api) -> Result<Seated, Problem> {
    let name = cookie_name(api.parts().is_secure);
    let cookies = parts.headers.get_all(header::COOKIE).into_iter().filter_map(|value| value.to_str().ok());
    let mut cookies =
        cookies.flat_map(|value| value.split(';')).filter_map(|pair| pair.trim().split_once('='));
    let (_, cookie) = cookies.find(|(key, _)| *key == name).ok_or_else(Problem::unauthenticated)?;
    let seated = api.parts().sessions.check(cookie, api.now()).await?.ok_or_else(Problem::unauthenticated)?;
    let shown = parts.headers.get(CSRF_HEADER).and_then(|value| value.to_str().ok());
    if !parts.method.is_safe() && shown != Some(seated.csrf.as_str()) {
        let detail = "what changes something in a session is asked with its X-Windlass-CSRF, and another one was sent, or none";
        let problem = Problem::new(StatusCode::FORBIDDEN, &code::FORBIDDEN, detail);
        return Err(problem.hint("GET /api/v1/sessions/current says which; programs rather use a token"));
    }
    Ok(seated)
}

// === impl Right ===

impl Right {
    fn new(verb: Verb, what: &Resource<'_>) -> Self {
        let Resource { kind, namespace, name } = *what;
        Self {
            verb,
            kind: kind.to_owned(),
            namespace: namespace.map(str::to_owned),
            name: name.map(str::to_owned),
        }
    }

    fn resource(&self) -> Resource<'_> {
        Resource { kind: &self.kind, namespace: self.namespace.as_deref(), name: self.name.as_deref() }
    }
}

// === impl Caller ===

impl Caller {
    /// What they ask.
    pub(crate) fn api(&self) -> &Api {
        &self.api
    }

    /// From where they ask.
    pub(crate) fn from(&self) -> &str {
        &self.from
    }

    /// Waits until what they showed is good no more, they are shut out, or they may not do any more what they were allowed to; says which
    /// it is. What goes on for them ends then.
    pub(crate) async fn gone(&self) -> Problem {
        let mut ticks = interval_at(Instant::now() + KNOWN_EVERY, KNOWN_EVERY);
        loop {
            ticks.tick().await;
            if !self.is_known().await {
                return Problem::unauthenticated();
            }
            let granted = self.granted.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(lost) = granted.iter().find(|right| !self.may(right.verb, &right.resource())) {
                return Problem::forbidden(&self.who.user, lost.verb, lost.resource());
            }
        }
    }

    /// Whether what they showed is still good. What cannot be looked up now is looked up later.
    async fn is_known(&self) -> bool {
        let (parts, now) = (self.api.parts(), self.api.now());
        if !parts.rights.people().is_welcome(&self.who.user) {
            return false;
        }
        match (&self.session, &self.token) {
            (Some(seated), _) => parts.sessions.stands(&seated.id, now).await.unwrap_or(true),
            (None, Some(id)) => match parts.tokens.view(id).await {
                Ok(Some(view)) => view.expires_at.is_none_or(|at| at > now),
                Ok(None) => false,
                Err(_) => true,
            },
            (None, None) => true,
        }
    }

    pub(crate) fn may(&self, verb: Verb, what: &Resource<'_>) -> bool {
        self.api.parts().rights.may(&self.who, verb, what)
    }

    /// Refuses what they may not do. What they may not even look at, they are told is not there.
    pub(crate) async fn must(&self, verb: Verb, what: &Resource<'_>) -> Result<(), Problem> {
        if self.may(verb, what) {
            self.granted.lock().unwrap_or_else(PoisonError::into_inner).push(Right::new(verb, what));
            return Ok(());
        }
        self.denied(verb, what).await?;
        if verb != Verb::View && self.may(Verb::View, what) || self.knows(what) {
            return Err(Problem::forbidden(&self.who.user, verb, what));
        }
        Err(match (what.namespace, what.name) {
            (Some(namespace), None) => Problem::not_found(format!("Namespace {namespace}")),
            _ => Problem::not_found(what),
        })
    }

    /// Notes what they wanted to do and may not.
    pub(crate) async fn denied(&self, verb: Verb, what: &Resource<'_>) -> Result<(), Problem> {
        let noted = Noted { outcome: Outcome::Denied, ..self.noted(verb, what) };
        self.api.parts().audit.note(noted).await?;
        Ok(())
    }

    /// Notes what they may do, and could not.
    pub(crate) async fn refused(&self, verb: Verb, what: &Resource<'_>, why: Value) -> Result<(), Problem> {
        let noted = Noted { outcome: Outcome::Failed, after: why, ..self.noted(verb, what) };
        self.api.parts().audit.note(noted).await?;
        Ok(())
    }

    /// Whether they may know that there are such things, and only not see or change them: that a kind of the whole cluster
    /// exists is no secret, what of it there is, is one.
    fn knows(&self, what: &Resource<'_>) -> bool {
        what.namespace.is_none() && what.name.is_none()
    }

    /// Notes what they did; it is durable when this returns.
    pub(crate) async fn did(
        &self,
        verb: Verb,
        what: &Resource<'_>,
        before: Value,
        after: Value,
    ) -> Result<(), Problem> {
        self.api.parts().audit.note(Noted { before, after, ..self.noted(verb, what) }).await?;
        Ok(())
    }

    fn noted(&self, verb: Verb, what: &Resource<'_>) -> Noted {
        Noted {
            at: self.api.now(),
            user: self.who.user.clone(),
            from: self.from.clone(),
            verb: verb.word().to_owned(),
            resource: what.to_string(),
            outcome: Outcome::Done,
            before: Value::Null,
            after: Value::Null,
        }
    }
}
