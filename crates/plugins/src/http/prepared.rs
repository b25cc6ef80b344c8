//! A request with everything read and checked, ready to go.

use hyper::body::Bytes;
use hyper::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, USER_AGENT};
use regex::Regex;
use windlass_plugin::{Secret, Value};

use super::request::{BasicAuth, Expect, Method, Tls, Wire};
use super::url::Url;
use crate::program::one_line;

#[derive(Clone, Debug)]
pub(super) struct Prepared {
    pub(super) method: hyper::Method,
    pub(super) url: Url,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
    pub(super) follow_redirects: bool,
    pub(super) tls: Tls,
    pub(super) expect: Expect,
    pub(super) regex: Option<Regex>,
}

const KEY: HeaderName = HeaderName::from_static("idempotency-key");

// === impl Prepared ===

impl Prepared {
    /// Reads a request, or says everything that is wrong with it.
    pub(super) fn of(
        wire: &Wire,
        method: Method,
        body: Option<&Value>,
        expect: &Expect,
    ) -> Result<Self, Vec<String>> {
        let mut problems = Vec::new();
        let url = Url::parse(&wire.url).map_err(|problem| problems.push(format!("`url`: {problem}")));
        let mut headers = headers(wire, &mut problems);
        let body =
            body.filter(|body| !body.is_null()).map(|body| encoded(body, &mut headers)).unwrap_or_default();
        let regex = expect.regex.as_deref().map(Regex::new).transpose();
        let regex = regex.map_err(|error| problems.push(format!("`regex`: {}", one_line(&error))));
        if wire.bearer.is_some() && wire.basic_auth.is_some() {
            problems.push("`bearer` and `basicAuth` exclude each other".into());
        }
        if wire.tls.insecure && wire.tls.ca.is_some() {
            problems.push(
                "`tls`: with `insecure` nobody's certificate is checked, so `ca` would mean nothing".into(),
            );
        }
        match (url, regex) {
            (Ok(url), Ok(regex)) if problems.is_empty() => Ok(Self {
                method: method.into(),
                url,
                headers,
                body,
                follow_redirects: wire.follow_redirects,
                tls: wire.tls.clone(),
                expect: expect.clone(),
                regex,
            }),
            _ => Err(problems),
        }
    }

    /// Lets the other side recognise a request that it has seen.
    pub(super) fn add_key(&mut self, key: &str) {
        if let Ok(key) = HeaderValue::from_str(key) {
            self.headers.entry(KEY).or_insert(key);
        }
    }
}

fn headers(wire: &Wire, problems: &mut Vec<String>) -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert(USER_AGENT, HeaderValue::from_static(concat!("windlass/", env!("CARGO_PKG_VERSION"))));
    headers.insert(ACCEPT, HeaderValue::from_static("*/*"));
    for (name, value) in &wire.headers {
        match (HeaderName::try_from(name), HeaderValue::try_from(value)) {
            (Ok(name), _) if MANAGED.contains(&name.as_str()) => {
                problems.push(format!("`headers`: `{name}` is set by the connection itself"));
            }
            (Ok(name), Ok(value)) => {
                headers.insert(name, value);
            }
            (Err(_), _) => problems.push(format!("`headers`: `{name}` cannot name a header")),
            (_, Err(_)) => {
                problems.push(format!("`headers`: the value of `{name}` has a line break or the like"))
            }
        }
    }
    match authorization(wire.bearer.as_ref(), wire.basic_auth.as_ref()).map(HeaderValue::try_from) {
        Some(Ok(mut value)) => {
            value.set_sensitive(true);
            headers.insert(AUTHORIZATION, value);
        }
        Some(Err(_)) => problems.push("`bearer`: it holds a line break or the like".into()),
        None => {}
    }
    headers
}

/// Headers that would contradict what the connection does.
const MANAGED: &[&str] = &["content-length", "transfer-encoding", "connection"];

fn authorization(bearer: Option<&Secret>, basic: Option<&BasicAuth>) -> Option<String> {
    let bearer = bearer.map(|bearer| format!("Bearer {}", bearer.expose()));
    bearer.or_else(|| {
        let BasicAuth { user, password } = basic?;
        Some(format!("Basic {}", base64(format!("{user}:{}", password.expose()).as_bytes())))
    })
}

fn encoded(body: &Value, headers: &mut HeaderMap) -> Bytes {
    if let Value::String(text) = body {
        headers.entry(CONTENT_TYPE).or_insert(HeaderValue::from_static("text/plain; charset=utf-8"));
        return Bytes::from(text.clone());
    }
    headers.entry(CONTENT_TYPE).or_insert(HeaderValue::from_static("application/json"));
    Bytes::from(body.to_string())
}

fn base64(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for chunk in bytes.chunks(3) {
        let byte = |at: usize| u32::from(chunk.get(at).copied().unwrap_or(0));
        let word = (byte(0) << 16) | (byte(1) << 8) | byte(2);
        for place in 0..4 {
            let letter = ALPHABET.get(((word >> (18 - 6 * place)) & 63) as usize).copied().unwrap_or(b'A');
            text.push(if place <= chunk.len() { char::from(letter) } else { '=' });
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_pads() {
        for (text, encoded) in
            [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("u:p\u{ff}", "dTpww78=")]
        {
            assert_eq!(base64(text.as_bytes()), encoded);
        }
    }
}
