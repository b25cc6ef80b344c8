//! What a browser does: it follows where it is led, keeps cookies, and fills forms in.

use std::collections::BTreeMap;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::Request;
use hyper_util::client::legacy::Client as Hyper;
use hyper_util::rt::TokioExecutor;

use super::provider::REDIRECT;
use crate::server::client::Place;

pub(crate) struct Browser {
    /// The host and port of the server.
    server: String,
    /// Those of the server.
    pub(crate) cookies: BTreeMap<String, String>,
    /// Those of the provider, which are good for a path each.
    others: BTreeMap<(String, String), String>,
}

/// What was answered.
#[derive(Debug)]
pub(crate) struct Page {
    pub(crate) status: u16,
    /// Where it leads on to.
    pub(crate) location: String,
    pub(crate) text: String,
}

impl Browser {
    pub(crate) fn new(place: &Place) -> Self {
        let server = format!("http://{}", place.server.address());
        Self { server, cookies: BTreeMap::new(), others: BTreeMap::new() }
    }

    /// Looks at a page of the server.
    pub(crate) async fn get(&mut self, path: &str) -> Page {
        self.send(&format!("{}{path}", self.server), None).await
    }

    /// Signs in with an account; what the server answered at the end.
    pub(crate) async fn signs_in(&mut self, login: &str, account: &str) -> Page {
        let back = self.comes_back(login, account).await;
        self.get(&back).await
    }

    /// Signs in at the provider; the path that it leads back to.
    pub(crate) async fn comes_back(&mut self, login: &str, account: &str) -> String {
        let page = self.get(login).await;
        assert_eq!(page.status, 303, "{}", page.text);
        let back = self.goes_on(&page.location, account).await.location;
        let path = back.strip_prefix(REDIRECT.trim_end_matches("/api/v1/oidc/callback"));
        assert!(path.is_some(), "it leads to {back}");
        path.unwrap().to_owned()
    }

    /// Types a code of a terminal.
    pub(crate) async fn types(&mut self, url: &str, account: &str) {
        let page = self.send(url, None).await;
        // The page sends its only form by itself.
        let origin = url.split('/').take(3).collect::<Vec<_>>().join("/");
        let page = self.send(&field(&page.text, "action=\"").unwrap(), Some(hidden(&page.text))).await;
        let page = self.send(&field(&page.text, "action=\"").unwrap(), Some(hidden(&page.text))).await;
        let next = page.location.strip_prefix(&origin).unwrap_or(&page.location);
        let end = self.goes_on(&format!("{origin}{next}"), account).await;
        assert!(end.status == 200 && end.text.contains("Success"), "{end:?}");
    }

    /// Goes through the pages of the provider until it leads to another host, or nowhere.
    async fn goes_on(&mut self, url: &str, account: &str) -> Page {
        let origin = url.split('/').take(3).collect::<Vec<_>>().join("/");
        let mut url = url.to_owned();
        for step in 0.. {
            assert!(step < 20, "the provider leads in circles");
            let mut page = self.send(&url, None).await;
            if page.text.contains("name=\"prompt\" value=\"login\"") {
                let form = format!("prompt=login&login={}&password=x", account.replace('@', "%40"));
                page = self.send(&field(&page.text, "action=\"").unwrap(), Some(form)).await;
            } else if page.text.contains("name=\"prompt\" value=\"consent\"") {
                let form = "prompt=consent".to_owned();
                page = self.send(&field(&page.text, "action=\"").unwrap(), Some(form)).await;
            }
            let next = match page.location.starts_with('/') {
                true => format!("{origin}{}", page.location),
                false => page.location.clone(),
            };
            if !next.starts_with(&origin) {
                return page;
            }
            url = next;
        }
        unreachable!("it goes on until it returns")
    }

    pub(crate) async fn send(&mut self, url: &str, form: Option<String>) -> Page {
        let client = Hyper::builder(TokioExecutor::new()).build_http::<Full<Bytes>>();
        let is_ours = url.starts_with(&self.server);
        let path = format!("/{}", url.splitn(4, '/').nth(3).unwrap_or_default());
        let ours = self.cookies.iter().filter(|_| is_ours);
        let others = self.others.iter().filter(|((at, _), _)| !is_ours && path.starts_with(at.as_str()));
        let cookies = ours.chain(others.map(|((_, name), value)| (name, value)));
        let cookies: Vec<String> = cookies.map(|(name, value)| format!("{name}={value}")).collect();
        let mut request = Request::builder()
            .uri(url)
            .method(if form.is_some() { "POST" } else { "GET" })
            .header("accept", "text/html")
            .header("cookie", cookies.join("; "));
        if form.is_some() {
            request = request.header("content-type", "application/x-www-form-urlencoded");
        }
        let request = request.body(Full::new(Bytes::from(form.unwrap_or_default()))).unwrap();
        let answer = client.request(request).await.unwrap();
        for cookie in answer.headers().get_all("set-cookie") {
            let cookie = cookie.to_str().unwrap();
            let (name, rest) = cookie.split_once('=').unwrap();
            let value = rest.split(';').next().unwrap();
            let at = rest.split("path=").nth(1).and_then(|it| it.split(';').next()).unwrap_or("/").to_owned();
            let (name, value, place) = (name.to_owned(), value.to_owned(), (at, name.to_owned()));
            match (is_ours, value.is_empty()) {
                (true, true) => drop(self.cookies.remove(&name)),
                (true, false) => drop(self.cookies.insert(name, value)),
                (false, true) => drop(self.others.remove(&place)),
                (false, false) => drop(self.others.insert(place, value)),
            }
        }
        let status = answer.status().as_u16();
        let location = answer.headers().get("location").map(|it| it.to_str().unwrap().to_owned());
        let bytes = answer.into_body().collect().await.unwrap().to_bytes();
        Page { status, location: location.unwrap_or_default(), text: String::from_utf8_lossy(&bytes).into() }
    }
}

fn field(text: &str, before: &str) -> Option<String> {
    text.split_once(before).map(|(_, rest)| rest.split('"').next().unwrap().to_owned())
}

/// What a form sends that nobody fills in.
fn hidden(text: &str) -> String {
    let inputs = text.split("<input").skip(1).filter(|input| input.contains("type=\"hidden\""));
    let pairs = inputs
        .filter_map(|input| Some(format!("{}={}", field(input, "name=\"")?, field(input, "value=\"")?)));
    pairs.collect::<Vec<_>>().join("&")
}
