//! `http` and `http.check`: make a request, and judge the answer.
//!
//! ```text
//!   Request ──▶ Prepared (url, headers, body) ──▶ exchange: connect, TLS, send, follow ──▶ Answer
//!                                                                                          │
//!   Response ◀── judge: status, texts, JSON ◀───────────────────────────────────────────────┘
//! ```
//!
//! HTTP/1.1 with one connection for each request: a runbook makes few, and a connection that was
//! kept open and has died in between is one more way to fail.

mod answer;
mod exchange;
mod prepared;
mod request;
mod retry_after;
mod tls;
mod url;

use std::time::Duration;

use serde_json::json;
use windlass_plugin::{About, Call, CallError, Foresight, Plugin, Reply, Simulated, Simulation};

use crate::look;
use answer::Verdict;
use prepared::Prepared;

pub use answer::Response;
pub use request::{BasicAuth, CheckRequest, Expect, Method, Request, StatusRange, Statuses, Tls, Wire};

/// Makes a request.
#[derive(Clone, Copy, Debug, Default)]
pub struct Http;

/// Passes when a request is answered as it should be.
#[derive(Clone, Copy, Debug, Default)]
pub struct HttpCheck;

const WAYS: &str = "\
Names are resolved and certificates checked by the machine's own means; a proxy is not used. Redirects are followed up to ten \
times, and credentials are not sent to another host than the one that was asked.";

// === impl Http ===

impl Plugin for Http {
    type Request = Request;
    type Response = Response;

    fn about(&self) -> About {
        About::acting("http", "makes an HTTP request")
            .on_target()
            .description(format!(
                "{WAYS}\n\nNo answer, 408, 425, 429 and 5xx may be retried, no sooner than the server's `Retry-After` says; any \
                 other status that is not accepted fails for good. The code is `connect`, `tls`, `status` or `body`. GET, HEAD \
                 and OPTIONS report no change, every other method does. With those others the header `Idempotency-Key` is sent with the action's key, the same \
                 for every attempt, unless the request has one."
            ))
            .example(
                "tell a chat",
                json!({"url": "https://chat.example/hook", "method": "POST", "body": {"text": "patch begins"}}),
            )
            .example(
                "take a node out of a load balancer",
                json!({"url": "https://lb.example/pools/web/web01", "method": "DELETE", "status": ["2xx", 404],
                       "bearer": "{{ params.lb_token }}"}),
            )
    }

    fn validate(&self, request: &Request) -> Result<(), Vec<String>> {
        Prepared::of(&request.wire, request.method, request.body.as_ref(), &request.expect).map(drop)
    }

    async fn call(&self, call: Call, request: Request) -> Result<Reply<Response>, CallError> {
        let mut prepared =
            Prepared::of(&request.wire, request.method, request.body.as_ref(), &request.expect)
                .map_err(refuse)?;
        if !request.method.is_safe() {
            prepared.add_key(&call.key);
        }
        let answer = look::unless_cancelled(&call, exchange::exchange(&prepared)).await??;
        let response = answer::judge(answer, &prepared, Verdict::Final)?;
        Ok(Reply { response, changed: !request.method.is_safe() })
    }

    async fn noop(&self, _: Call, request: Request) -> Result<Foresight, CallError> {
        let what = format!("{} {}", format!("{:?}", request.method).to_uppercase(), request.wire.url);
        Ok(match request.method.is_safe() {
            true => Foresight::nothing().because(format!("it would only read: {what}")),
            false => Foresight::unknown(format!("it would send {what}")),
        })
    }

    fn simulate(&self, _: &Simulation<'_>, request: &Request) -> Simulated<Response> {
        let changed = !request.method.is_safe();
        let reply = Reply { response: Some(Response::simulated(&request.expect)), changed };
        Simulated { after: SIMULATED, result: Ok(reply) }
    }
}

// === impl HttpCheck ===

impl Plugin for HttpCheck {
    type Request = CheckRequest;
    type Response = Response;

    fn about(&self) -> About {
        About::check("http.check", "passes when a request is answered as it should be")
            .on_target()
            .description(format!(
                "{WAYS}\n\nWhatever the answer, another look may find it changed, so a check that does not pass may be retried."
            ))
            .example("look whether a service is healthy", json!({"url": "http://web01:8080/healthz"}))
            .example(
                "see that a change was approved",
                json!({"url": "https://changes.example/api/CHG-42", "json": {"state": "approved"}}),
            )
    }

    fn validate(&self, request: &CheckRequest) -> Result<(), Vec<String>> {
        Prepared::of(&request.wire, request.method, request.body.as_ref(), &request.expect).map(drop)
    }

    async fn call(&self, call: Call, request: CheckRequest) -> Result<Reply<Response>, CallError> {
        let prepared = Prepared::of(&request.wire, request.method, request.body.as_ref(), &request.expect)
            .map_err(refuse)?;
        let answer = look::unless_cancelled(&call, exchange::exchange(&prepared)).await??;
        answer::judge(answer, &prepared, Verdict::Passing).map(Reply::unchanged)
    }

    fn simulate(&self, _: &Simulation<'_>, request: &CheckRequest) -> Simulated<Response> {
        Simulated::unchanged(SIMULATED, Some(Response::simulated(&request.expect)))
    }
}

const SIMULATED: Duration = Duration::from_millis(50);

fn refuse(problems: Vec<String>) -> CallError {
    CallError::permanent(CallError::REQUEST, problems.join("; "))
}
