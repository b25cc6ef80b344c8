//! Signing in with a browser on this machine: it goes to the server, from there to the provider of identities, and comes back to
//! where we listen, with a code that only we can use.

use std::io;
use std::time::Duration;

use bytes::Bytes;
use data_encoding::BASE64URL_NOPAD;
use http_body_util::Full;
use hyper::header::{CONNECTION, CONTENT_TYPE, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Response, StatusCode, Uri};
use hyper_util::rt::TokioIo;
use sha2::{Digest as _, Sha256};
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use windlass_contract::{ComeFor, SignedIn};

use crate::client::{Client, escaped};
use crate::error::Error;

/// A sign-in that waits for its browser.
#[derive(Debug)]
pub struct BrowserSignIn {
    client: Client,
    listener: TcpListener,
    url: String,
    state: String,
    verifier: String,
}

/// How long somebody has to sign in.
const PATIENCE: Duration = Duration::from_secs(600);
/// How long a browser has to ask.
const ASKS_WITHIN: Duration = Duration::from_secs(10);
const CHANCE: usize = 32;

/// Listens for a browser that is to sign in to a server.
pub async fn browser_sign_in(client: &Client) -> Result<BrowserSignIn, Error> {
    let failed =
        |source| Error::Unreachable { url: "the port for the browser to come back to".to_owned(), source };
    let listener = TcpListener::bind("127.0.0.1:0").await.map_err(failed)?;
    let port = listener.local_addr().map_err(failed)?.port();
    let (state, verifier) = (word().map_err(failed)?, word().map_err(failed)?);
    let challenge = BASE64URL_NOPAD.encode(&Sha256::digest(verifier.as_bytes()));
    let redirect = escaped(&format!("http://127.0.0.1:{port}/"));
    let url =
        format!("{}/api/v1/oidc/login?redirect={redirect}&challenge={challenge}&state={state}", client.url());
    Ok(BrowserSignIn { client: client.clone(), listener, url, state, verifier })
}

// === impl BrowserSignIn ===

impl BrowserSignIn {
    /// What is opened in a browser.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Waits until somebody has signed in there.
    pub async fn finish(self) -> Result<SignedIn, Error> {
        let Self { client, listener, state, verifier, .. } = self;
        let code = tokio::time::timeout(PATIENCE, code(listener, state)).await;
        let code = code.ok().flatten().ok_or(Error::NotSignedIn("the browser did not come back in time"))?;
        client.come_for(&ComeFor { code, verifier }).await
    }
}

/// What the browser that has our word comes back with. Others may ask, too, and are told nothing.
async fn code(listener: TcpListener, state: String) -> Option<String> {
    let (found, mut codes) = mpsc::channel(1);
    loop {
        let stream = tokio::select! {
            code = codes.recv() => return code,
            Ok((stream, _)) = listener.accept() => stream,
        };
        let (found, state) = (found.clone(), state.clone());
        let service = service_fn(move |request: hyper::Request<hyper::body::Incoming>| {
            let code = code_of(request.uri(), &state);
            let found = found.clone();
            async move {
                let (status, text) = match &code {
                    Some(_) => (StatusCode::OK, "You have signed in. This page can be closed.\n"),
                    None => (StatusCode::NOT_FOUND, "Nobody is waited for here who comes like this.\n"),
                };
                let mut response = Response::new(Full::new(Bytes::from_static(text.as_bytes())));
                *response.status_mut() = status;
                let headers = response.headers_mut();
                headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
                headers.insert(CONNECTION, HeaderValue::from_static("close"));
                if let Some(code) = code {
                    // The first one counts.
                    let _ = found.try_send(code);
                }
                Ok::<_, std::convert::Infallible>(response)
            }
        });
        tokio::spawn(async move {
            let served = http1::Builder::new().serve_connection(TokioIo::new(stream), service);
            // Whoever does not ask is not waited for.
            let _ = tokio::time::timeout(ASKS_WITHIN, served).await;
        });
    }
}

/// The code of an answer that is ours.
fn code_of(uri: &Uri, state: &str) -> Option<String> {
    let pairs = uri.query()?.split('&').filter_map(|pair| pair.split_once('='));
    let of = |name: &str| pairs.clone().find(|(key, _)| *key == name).map(|(_, value)| value.to_owned());
    let is_plain =
        |code: &String| code.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte));
    of("code").filter(|code| !code.is_empty() && is_plain(code) && of("state").as_deref() == Some(state))
}

fn word() -> io::Result<String> {
    let mut bytes = [0_u8; CHANCE];
    getrandom::fill(&mut bytes).map_err(io::Error::other)?;
    Ok(BASE64URL_NOPAD.encode(&bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_browser_that_has_our_word_is_heard() {
        let code = |text: &str| code_of(&text.parse().unwrap(), "word");
        assert_eq!(code("/?code=a-b_c&state=word").as_deref(), Some("a-b_c"));
        for other in [
            "/",
            "/?code=a",
            "/?code=a&state=other",
            "/?state=word",
            "/?code=&state=word",
            "/?code=a%20&state=word",
        ] {
            assert_eq!(code(other), None, "{other}");
        }
    }
}
