//! `windlass server` as a process: begun, asked, killed, begun again.

mod unwell;

use std::io::{Read, Write};
use std::net::TcpStream;

use serde_json::{Value, json};

use crate::harness::{Place, Running};

/// A server that goes on, where it listens, and a token.
pub(crate) struct Served {
    pub(crate) process: Running,
    pub(crate) address: String,
}

impl Served {
    pub(crate) fn begin(place: &Place) -> Self {
        Self::begin_at(place, "127.0.0.1:0")
    }

    pub(crate) fn begin_at(place: &Place, address: &str) -> Self {
        Self::of(place.start(&["server", "--listen", address]))
    }

    /// One that was begun.
    fn of(mut process: Running) -> Self {
        let line = process.line_with("listens on http://");
        let address = line.trim().rsplit('/').next().unwrap().to_owned();
        Self { process, address }
    }

    /// The token of the first start.
    pub(crate) fn token(&mut self) -> String {
        let line = self.process.line_with("token of `admin`");
        line.trim().rsplit(' ').next().unwrap().to_owned()
    }

    pub(crate) fn ask(
        &self,
        token: &str,
        method: &str,
        path: &str,
        media: &str,
        body: Option<&Value>,
    ) -> (u16, String) {
        let body = body.map(Value::to_string).unwrap_or_default();
        let mut stream = TcpStream::connect(&self.address).unwrap();
        let length = body.len();
        write!(
            stream,
            "{method} {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\nContent-Type: {media}\r\n\
             Content-Length: {length}\r\nConnection: close\r\n\r\n{body}"
        )
        .unwrap();
        let mut text = String::new();
        stream.read_to_string(&mut text).unwrap();
        let status = text.split(' ').nth(1).unwrap().parse().unwrap();
        (status, text.split_once("\r\n\r\n").map(|(_, body)| body.to_owned()).unwrap_or_default())
    }

    pub(crate) fn applies(&self, token: &str, path: &str, body: &Value) {
        let (status, text) = self.ask(token, "PATCH", path, "application/apply+json", Some(body));
        assert!((200..300).contains(&status), "{path}: {status} {text}");
    }
}

/// A plan that does something first, then this, then something last.
fn plan(script: &str) -> Value {
    json!({"spec": {"blocks": [{"name": "b", "sequences": [{"name": "s", "actions": [
        {"name": "first", "use": "shell", "with": {"script": "echo first >> done.log"}},
        {"name": "held", "use": "shell", "onInterrupt": "rerun", "timeout": "1h", "with": {"script": script}},
        {"name": "last", "use": "shell", "with": {"script": "echo last >> done.log"}},
    ]}]}]}})
}

#[test]
fn a_server_that_was_killed_goes_on_with_everything_that_it_had_acknowledged() {
    let place = Place::new();
    let mut served = Served::begin(&place);
    let token = served.token();
    let script = format!("echo held >> done.log; {}", place.until("gate"));
    served.applies(&token, "/api/v1/namespaces/default/plans/work", &plan(&script));
    let runs = "/api/v1/namespaces/default/runs";
    let (status, text) = served.ask(&token, "POST", runs, "application/json", Some(&json!({"plan": "work"})));
    assert_eq!(status, 201, "{text}");
    let submitted: Value = serde_json::from_str(&text).unwrap();
    let run = submitted["run"].as_str().unwrap();
    place.wait_for_line("done.log", "held");
    // Whoever has the files needs no token.
    let listed = place.json(&["runs", "list", "--output", "json"]);
    assert_eq!((&listed[0]["id"], &listed[0]["driven"]), (&json!(run), &json!(true)));
    served.process.signal("KILL");
    served.process.end();
    place.file("gate", "");
    place.run(&["server", "token", "nobody"]).exits(2).says(&["WL-0901", "no user `nobody`"]);
    let other = place.run(&["server", "token", "--good-for", "1h"]).exits(0).out;

    let served = Served::begin(&place);
    for token in [token.as_str(), other.trim()] {
        let events = format!("{runs}/{run}/events");
        let (status, text) = served.ask(token, "GET", &events, "", None);
        assert_eq!(status, 200, "{text}");
        assert!(text.contains("event: finished"), "followed to its end: {text}");
    }
    let (_, text) = served.ask(&token, "GET", &format!("{runs}/{run}"), "", None);
    let view: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(view["status"], "succeeded", "{view}");
    let done = std::fs::read_to_string(place.path("done.log")).unwrap();
    assert_eq!(done.matches("first").count(), 1, "nothing that was done is done again: {done}");
    assert_eq!(done.matches("last").count(), 1, "{done}");
    served.process.signal("TERM");
    served.process.end().exits(0).says(&["ending in good order"]);
}

#[test]
fn what_a_server_cannot_do_is_said_before_it_begins() {
    let place = Place::new();
    let ended = place.run(&["server", "--listen", "0.0.0.0:0"]).exits(2);
    ended.says(&["WL-1006", "can be reached from other machines", "--tls-cert"]);
    assert!(!place.data().join("FORMAT").exists(), "nothing was begun");
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    place
        .run(&["server", "--listen", &address])
        .exits(5)
        .says(&["cannot listen on", "choose another address"]);
    place.run(&["server", "--tls-cert", "x"]).exits(2);
    place.file("x.pem", "nonsense");
    let args = ["server", "--listen", "127.0.0.1:0", "--tls-cert", "x.pem", "--tls-key", "x.pem"];
    place.run(&args).exits(5).says(&["WL-1006"]);
}
