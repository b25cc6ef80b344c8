//! Signing in by a provider of identities: with a browser, and for programs at terminals. What the provider proves becomes a
//! session or a token of ours; nothing of its own is taken anywhere else.
//!
//! ```text
//!   Identity ─► the User that says it is theirs ─► session of a browser
//!                 │                             └► token of a program
//!                 └► none: refused, or made without any right, as the settings say
//! ```

mod known;

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Json;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use windlass_access::{Principal, Wanted};
use windlass_contract::{ComeFor, DeviceQuestion, DeviceSignIn, DeviceStands, Provided, SignedIn};
use windlass_model::code;
use windlass_oidc::{After, Answer, Codes, Error, Polled, Provider, is_challenge};

use self::known::known;
use crate::answer::Problem;
use crate::api::Api;
use crate::caller::Remote;
use crate::endpoint::{Endpoint, Needs, endpoint};
use crate::objects::Sent;
use crate::sessions::session_cookie;

/// Signing in by a provider of identities.
#[derive(Clone, Debug)]
pub struct SignOn {
    /// The provider.
    pub provider: Provider,
    /// What people call it.
    pub name: String,
    /// Whether somebody whom nobody here knows becomes a user, without any right.
    pub create: bool,
    /// How long a sign-in is good for.
    pub lasts: Duration,
    /// What waits for programs to come for it.
    pub codes: Arc<Codes<Principal>>,
}

/// Where a provider sends browsers back to.
pub const CALLBACK: &str = "/api/v1/oidc/callback";
/// What groups that a provider names begin with, so that none of them is one of ours.
const GROUP_MARK: &str = "oidc:";
/// How long a browser keeps what belongs to a sign-in, in seconds.
const PATIENCE: u64 = 600;
/// The longest path of a page, and address of a program.
const LONGEST: usize = 2000;

type Asking<T> = Result<Query<T>, axum::extract::rejection::QueryRejection>;
type From = Option<axum::Extension<Remote>>;

/// What is asked of the beginning of a sign-in.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Login {
    return_to: Option<String>,
    redirect: Option<String>,
    challenge: Option<String>,
    state: Option<String>,
}

/// What can be asked about signing in by a provider.
pub(crate) fn endpoints() -> Vec<Endpoint> {
    let ask = |method, path, id, about| endpoint(method, path, id, about, Needs::Nothing, "people");
    vec![
        ask("GET", "/api/v1/oidc", "getProvider", "how one signs in by the provider of identities")
            .gives(200, "Provided"),
        ask("GET", "/api/v1/oidc/login", "signInByProvider", "sends a browser to the provider of identities")
            .query(&[
                ("returnTo", "the path of the page to come back to; `/` unless given"),
                ("redirect", "for a program: where it listens on the machine of the browser"),
                ("challenge", "with `redirect`: what it can answer, by PKCE with `S256`"),
                ("state", "with `redirect`: the word by which it knows its browser again"),
            ])
            .leads_on(),
        ask(
            "GET",
            CALLBACK,
            "comeBackFromProvider",
            "where the provider sends a browser back to: begins a session",
        )
        .query(&[
            ("state", "of which sign-in it is"),
            ("code", "what the provider gives a token for"),
            ("iss", "who says so"),
            ("error", "why there is no code"),
            ("error_description", "the same in words"),
        ])
        .leads_on(),
        ask(
            "POST",
            "/api/v1/oidc/token",
            "comeForToken",
            "gives a program the token that its browser signed in for",
        )
        .takes("ComeFor")
        .gives(201, "SignedIn"),
        ask(
            "POST",
            "/api/v1/oidc/device",
            "signInAtTerminal",
            "begins a sign-in by a code that is typed elsewhere",
        )
        .gives(200, "DeviceSignIn"),
        ask(
            "POST",
            "/api/v1/oidc/device/token",
            "pollSignIn",
            "how a sign-in at a terminal stands; its token, once it was done",
        )
        .takes("DeviceQuestion")
        .gives(200, "DeviceStands"),
    ]
}

pub(crate) async fn offered(State(api): State<Api>) -> Result<Json<Provided>, Problem> {
    let on = sign_on(&api)?;
    // A provider that does not answer offers nothing for now.
    let device = on.provider.has_device().await.unwrap_or(false);
    Ok(Json(Provided {
        name: on.name.clone(),
        issuer: on.provider.issuer().to_owned(),
        login: "/api/v1/oidc/login".to_owned(),
        device,
    }))
}

pub(crate) async fn login(State(api): State<Api>, query: Asking<Login>) -> Result<Response, Problem> {
    let on = sign_on(&api)?;
    let Query(login) = query.map_err(|error| Problem::bad(error.body_text()))?;
    let begun = on.provider.begin(login.after()?).await?;
    let cookie = cookie(&api, &begun.state, &begun.sealed, PATIENCE)?;
    leads_to(&begun.location, vec![cookie])
}

pub(crate) async fn callback(
    State(api): State<Api>,
    from: From,
    headers: HeaderMap,
    query: Asking<Answer>,
) -> Result<Response, Problem> {
    let on = sign_on(&api)?;
    let Query(answer) = query.map_err(|error| Problem::bad(error.body_text()))?;
    let state = answer.state.as_deref().filter(|state| is_challenge(state)).unwrap_or_default().to_owned();
    let sealed = kept(&api, &headers, &state);
    let from = address(from);
    let completed = on.provider.complete(sealed.as_deref(), &answer).await;
    let (identity, after) = match completed {
        Ok(completed) => completed,
        Err(error) => return Err(known::refused(&api, &from, error).await?),
    };
    let who = known(&api, on, identity, &from).await?;
    // It was good for this once.
    let gone = cookie(&api, &state, "", 0)?;
    match after {
        After::Page(path) => {
            let ends_at = api.now() + on.lasts;
            let begun = api.parts().sessions.begin(who, None, Some(ends_at), api.now()).await?;
            leads_to(&path, vec![gone, session_cookie(&api, &begun)])
        }
        After::Program { redirect, challenge, state } => {
            let code = on.codes.put(who, challenge, Instant::now())?;
            leads_to(&format!("{redirect}?code={code}&state={state}"), vec![gone])
        }
    }
}

pub(crate) async fn token(State(api): State<Api>, sent: Sent) -> Result<Response, Problem> {
    let on = sign_on(&api)?;
    let ComeFor { code, verifier } = sent.read()?;
    let who = on.codes.take(&code, &verifier, Instant::now());
    let who =
        who.ok_or_else(|| Problem::from(Error::Refused("the code is not good, or not any more".to_owned())))?;
    Ok((StatusCode::CREATED, NOT_KEPT, Json(issued(&api, on, who).await?)).into_response())
}

pub(crate) async fn device(State(api): State<Api>) -> Result<Response, Problem> {
    let begun = sign_on(&api)?.provider.device().await?;
    let body = DeviceSignIn {
        handle: begun.handle,
        user_code: begun.user_code,
        verification_uri: begun.verification_uri,
        verification_uri_complete: begun.verification_uri_complete,
        interval: begun.interval,
        expires_in: begun.expires_in,
    };
    Ok((NOT_KEPT, Json(body)).into_response())
}

pub(crate) async fn device_token(
    State(api): State<Api>,
    from: From,
    sent: Sent,
) -> Result<Response, Problem> {
    let on = sign_on(&api)?;
    let DeviceQuestion { handle } = sent.read()?;
    let from = address(from);
    let stands = match on.provider.poll(&handle).await {
        Ok(Polled::Wait(seconds)) => DeviceStands { wait: Some(seconds), signed_in: None },
        Ok(Polled::Known(identity)) => {
            let who = known(&api, on, identity, &from).await?;
            DeviceStands { wait: None, signed_in: Some(issued(&api, on, who).await?) }
        }
        Err(error) => return Err(known::refused(&api, &from, error).await?),
    };
    Ok((NOT_KEPT, Json(stands)).into_response())
}

/// Nobody on the way keeps what is secret.
const NOT_KEPT: [(HeaderName, HeaderValue); 1] =
    [(header::CACHE_CONTROL, HeaderValue::from_static("no-store"))];

/// Makes a token for somebody who has signed in.
async fn issued(api: &Api, on: &SignOn, who: Principal) -> Result<SignedIn, Problem> {
    let (user, expires_at) = (who.user.clone(), api.now() + on.lasts);
    let Principal { namespaces, verbs, groups, .. } = who;
    let note = format!("signed in by {}", on.name);
    let wanted = Wanted { user: user.clone(), note, expires_at: Some(expires_at), namespaces, verbs, groups };
    let issued = api.parts().tokens.issue(wanted, api.now()).await?;
    Ok(SignedIn { user, id: issued.id, token: issued.token, expires_at })
}

fn sign_on(api: &Api) -> Result<&SignOn, Problem> {
    api.parts().sign_on.as_ref().ok_or_else(|| {
        Problem::not_found("provider of identities here")
            .hint("sign in with a token, or with name and password; `oidc.issuer` in the server's settings names a provider")
    })
}

fn address(from: From) -> String {
    from.map_or_else(String::new, |axum::Extension(Remote(address))| address.to_string())
}

/// Sends a browser on. What it sends along of where it comes from is nothing.
fn leads_to(location: &str, cookies: Vec<HeaderValue>) -> Result<Response, Problem> {
    let location = HeaderValue::try_from(location).map_err(|_| Problem::bad("that is no place to go to"))?;
    let mut response = (StatusCode::SEE_OTHER, NOT_KEPT).into_response();
    let headers = response.headers_mut();
    headers.insert(header::LOCATION, location);
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    for cookie in cookies {
        headers.append(header::SET_COOKIE, cookie);
    }
    Ok(response)
}

/// The name of what a browser keeps of one sign-in: several may be under way in it.
fn name(api: &Api, state: &str) -> String {
    let host = if api.parts().is_secure { "__Host-" } else { "" };
    format!("{host}windlass-oidc-{}", state.get(..8).unwrap_or_default())
}

/// It has to come along when another site, the provider's, leads back here.
fn cookie(api: &Api, state: &str, value: &str, seconds: u64) -> Result<HeaderValue, Problem> {
    let secure = if api.parts().is_secure { "; Secure" } else { "" };
    let name = name(api, state);
    let text = format!("{name}={value}; Path=/; HttpOnly; SameSite=Lax; Max-Age={seconds}{secure}");
    HeaderValue::try_from(text).map_err(|_| Problem::bad("that cannot be kept by a browser"))
}

/// What a browser kept of a sign-in.
fn kept(api: &Api, headers: &HeaderMap, state: &str) -> Option<String> {
    let name = name(api, state);
    let cookies = headers.get_all(header::COOKIE).into_iter().filter_map(|value| value.to_str().ok());
    let mut pairs = cookies.flat_map(|value| value.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.find(|(key, _)| *key == name).map(|(_, value)| value.to_owned())
}

// === impl Login ===

impl Login {
    /// Where it goes on afterwards. To no other machine than ours and that of the browser.
    fn after(self) -> Result<After, Problem> {
        match self {
            Self { return_to, redirect: None, challenge: None, state: None } => {
                let path = return_to.unwrap_or_else(|| "/".to_owned());
                if is_path(&path) {
                    return Ok(After::Page(path));
                }
                Err(Problem::bad("`returnTo` is the path of a page here, such as `/runs`"))
            }
            Self {
                return_to: None,
                redirect: Some(redirect),
                challenge: Some(challenge),
                state: Some(state),
            } => {
                let redirect = program(&redirect).ok_or_else(|| {
                    Problem::bad("`redirect` is where a program listens on its own machine: http://127.0.0.1:PORT/PATH")
                })?;
                if !is_challenge(&challenge) {
                    return Err(Problem::bad("`challenge` is one by `S256`: 43 letters of base64url"));
                }
                if state.is_empty() || state.len() > 128 || !state.bytes().all(is_plain) {
                    return Err(Problem::bad("`state` is a word of letters, digits, `-` and `_`"));
                }
                Ok(After::Program { redirect, challenge, state })
            }
            _ => Err(Problem::bad("give `returnTo`, or for a program `redirect`, `challenge` and `state`")),
        }
    }
}

fn is_plain(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_'
}

/// Whether a text is the path of a page on this host, however a browser reads it: `//` and `\` begin another host.
fn is_path(text: &str) -> bool {
    let is_of_here = text.starts_with('/') && !text.starts_with("//") && !text.contains('\\');
    is_of_here && text.len() <= LONGEST && text.bytes().all(|byte| byte.is_ascii_graphic())
}

/// The address of a program on the machine of the browser, if it is one: by number, as names may lead elsewhere.
fn program(text: &str) -> Option<String> {
    let uri: Uri = text.parse().ok().filter(|_| text.len() <= LONGEST)?;
    let (port, path) = (uri.port_u16()?, uri.path());
    let host = uri.host().filter(|host| matches!(*host, "127.0.0.1" | "[::1]"))?;
    let is_good = uri.scheme_str() == Some("http")
        && !uri.authority()?.as_str().contains('@')
        && uri.query().is_none()
        && path.bytes().all(|byte| byte.is_ascii_graphic());
    is_good.then(|| format!("http://{host}:{port}{path}"))
}

// === impl Problem ===

impl std::convert::From<Error> for Problem {
    fn from(error: Error) -> Self {
        let detail = error.to_string();
        match error {
            Error::Provider(_) => Self::new(StatusCode::SERVICE_UNAVAILABLE, &code::NO_PROVIDER, detail)
                .hint("tokens, and names with passwords, are good meanwhile"),
            Error::Refused(_) => Self::new(StatusCode::UNAUTHORIZED, &code::UNAUTHENTICATED, detail)
                .hint("begin again: GET /api/v1/oidc/login, or `windlass login URL --oidc`"),
            Error::Missing(_) => Self::not_found(detail),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_is_sent_to_another_host() {
        for good in ["/", "/runs?status=failed#last", "/a//b", "/%2f%2fevil.example"] {
            assert!(is_path(good), "{good}");
        }
        let long = format!("/{}", "a".repeat(LONGEST));
        for evil in [
            "",
            "runs",
            "//evil.example",
            "/\\evil.example",
            "\\\\evil",
            "https://evil.example",
            "/a\nb",
            "/\t/e",
            &long,
        ] {
            assert!(!is_path(evil), "{evil:?}");
        }
    }

    #[test]
    fn a_program_listens_on_the_machine_of_the_browser() {
        assert_eq!(program("http://127.0.0.1:5000/back").as_deref(), Some("http://127.0.0.1:5000/back"));
        assert_eq!(program("http://[::1]:5000").as_deref(), Some("http://[::1]:5000/"));
        for evil in [
            "http://localhost:5000/",
            "http://127.0.0.1/",
            "https://127.0.0.1:5000/",
            "http://127.0.0.1:5000@evil.example:80/",
            "http://127.0.0.1.evil.example:80/",
            "http://10.0.0.1:80/",
            "http://127.0.0.1:5000/?code=mine",
            "javascript:alert(1)",
            "",
        ] {
            assert_eq!(program(evil), None, "{evil}");
        }
    }
}
