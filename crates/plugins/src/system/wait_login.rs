//! `wait.login`: wait until a node can be logged in to.

use std::collections::BTreeMap;
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;
use windlass_plugin::{About, Call, CallError, Foresight, Line, Plugin, Reply, Simulated, Simulation, Span};

use super::at_node::Script;
use super::poll::Poll;
use super::state::judged;

/// Waits until a node can be logged in to.
#[derive(Clone, Copy, Debug, Default)]
pub struct WaitLogin;

/// What `wait.login` is asked.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Request {
    /// How long to wait at most. An attempt's `timeout` that is shorter counts.
    #[serde(default = "at_most")]
    pub at_most: Span,
    /// How long to wait between two looks.
    #[serde(default = "every")]
    pub every: Span,
    /// How long one look may take: a machine that does not answer at all holds up the next one.
    #[serde(default = "each")]
    pub each: Span,
    /// A script that must succeed there, too.
    #[serde(default)]
    pub script: Option<String>,
}

/// What came of it.
#[derive(Clone, Copy, Debug, Default, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Response {
    /// How long it took.
    pub waited_ms: u64,
    /// How often it was tried.
    pub looks: u64,
}

/// Longer than anybody waits: `atMost` says how long.
const TIMEOUT: Span = Span::secs(7 * 24 * 60 * 60);

fn at_most() -> Span {
    Span::secs(600)
}

fn every() -> Span {
    Span::secs(5)
}

fn each() -> Span {
    Span::secs(20)
}

// === impl Request ===

impl Request {
    async fn look(&self, call: &Call) -> Result<(), CallError> {
        let text = self.script.as_deref().unwrap_or(":");
        let within = Span(self.each.0.min(call.deadline_in));
        let script =
            Script { text, args: &[], env: BTreeMap::new(), within, line: Line::Fresh, shown: false };
        let ended = script.run(call).await.map_err(|error| CallError { permanent: false, ..error })?;
        match ended.code {
            0 => Ok(()),
            code => Err(CallError::retryable(
                "exit",
                format!("the script ended with exit code {code}: {}", ended.last_line),
            )),
        }
    }
}

// === impl WaitLogin ===

impl Plugin for WaitLogin {
    type Request = Request;
    type Response = Response;

    fn about(&self) -> About {
        About::acting("wait.login", "waits until a node can be logged in to")
            .beside_target()
            .description(
                "Every look makes a new connection and runs something over it, so that it proves a whole login. What is refused now, \
                 a password included, may be accepted later: a machine that starts lets nobody in for a while. It changes \
                 nothing; looking only looks once.",
            )
            .idempotent()
            .timeout(TIMEOUT)
            .example("a machine that was just made", json!({"atMost": "15m", "every": "10s"}))
            .example("and that is ready", json!({"script": "systemctl is-system-running --quiet"}))
    }

    fn validate(&self, request: &Request) -> Result<(), Vec<String>> {
        let mut problems = Vec::new();
        if request.every.0 < Duration::from_millis(10) {
            problems.push("`every`: less than 10ms would only keep the machine busy".into());
        }
        if request.each.is_zero() {
            problems.push("`each`: no look can be made in no time".into());
        }
        judged(problems)
    }

    async fn call(&self, call: Call, request: Request) -> Result<Reply<Response>, CallError> {
        let poll = Poll { at_most: request.at_most, every: request.every };
        let look = |call| {
            let request = &request;
            async move { request.look(&call).await }
        };
        let seen = poll.until(&call, look).await?;
        Ok(Reply::unchanged(Response {
            waited_ms: u64::try_from(seen.waited.as_millis()).unwrap_or(u64::MAX),
            looks: seen.looks,
        }))
    }

    async fn noop(&self, call: Call, request: Request) -> Result<Foresight, CallError> {
        match request.look(&call).await {
            Ok(()) => Ok(Foresight::nothing()),
            Err(error) => Ok(Foresight::unknown(format!("it would wait: {error}"))),
        }
    }

    fn simulate(&self, simulation: &Simulation<'_>, request: &Request) -> Simulated<Response> {
        let after =
            simulation.plausible(Duration::from_millis(200), request.at_most.0.min(Duration::from_secs(60)));
        let waited_ms = u64::try_from(after.as_millis()).unwrap_or(u64::MAX);
        Simulated::unchanged(after, Some(Response { waited_ms, looks: 1 }))
    }
}
