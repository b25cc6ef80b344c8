//! `fail` and `fail.check`: fail as they are told to, for experiments.

use std::time::Duration;

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;
use windlass_plugin::{
    About, BackoffChoice, Call, CallError, Plugin, Reply, Simulated, Simulation, Span, Value,
};

/// Fails.
#[derive(Clone, Copy, Debug, Default)]
pub struct Fail;

/// Does not pass.
#[derive(Clone, Copy, Debug, Default)]
pub struct FailCheck;

/// What `fail` and `fail.check` are asked.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Request {
    /// What it says went wrong.
    #[serde(default = "message")]
    pub message: String,
    /// The failure's code.
    #[serde(default = "code")]
    pub code: String,
    /// Whether it says that another attempt is pointless.
    #[serde(default)]
    pub permanent: bool,
    /// How many attempts fail before one succeeds; all of them where this is left out.
    #[serde(default)]
    pub times: Option<u32>,
    /// How long it asks to be left alone before the next attempt.
    #[serde(default)]
    pub retry_after: Option<Span>,
    /// What it answers, failing or not.
    #[serde(default)]
    pub response: Option<Value>,
}

const SIMULATED: Duration = Duration::from_millis(1);

fn message() -> String {
    "told to fail".into()
}

fn code() -> String {
    "fail".into()
}

// === impl Request ===

impl Request {
    fn answer(&self, attempt: u32) -> Result<Reply<Value>, CallError> {
        if self.times.is_some_and(|times| attempt > times) {
            return Ok(Reply::changed(self.response.clone().unwrap_or_default()));
        }
        let mut error = CallError::retryable(&self.code, &self.message);
        error.permanent = self.permanent;
        error.retry_after = self.retry_after;
        error.response = self.response.clone().map(Box::new);
        Err(error)
    }

    fn simulated(&self, simulation: &Simulation<'_>) -> Simulated<Value> {
        let result = self.answer(simulation.attempt).map(|reply| reply.map(Some));
        Simulated { after: SIMULATED, result }
    }
}

// === impl Fail ===

impl Plugin for Fail {
    type Request = Request;
    type Response = Value;

    fn about(&self) -> About {
        About::acting("fail", "fails as it is told to")
            .description("For experiments with retries, failure limits and undo.")
            .idempotent()
            .backoff(BackoffChoice::Fast)
            .example("fail", json!({"message": "the disk is full"}))
            .example("succeed at the third attempt", json!({"times": 2}))
            .example("be busy for a while", json!({"times": 1, "code": "busy", "retryAfter": "5s"}))
    }

    async fn call(&self, call: Call, request: Request) -> Result<Reply<Value>, CallError> {
        request.answer(call.attempt)
    }

    fn simulate(&self, simulation: &Simulation<'_>, request: &Request) -> Simulated<Value> {
        request.simulated(simulation)
    }
}

// === impl FailCheck ===

impl Plugin for FailCheck {
    type Request = Request;
    type Response = Value;

    fn about(&self) -> About {
        About::check("fail.check", "does not pass")
            .description("For experiments with checks.")
            .backoff(BackoffChoice::Fast)
            .example("do not pass", json!({"message": "too many errors"}))
            .example("pass at the second attempt", json!({"times": 1}))
    }

    async fn call(&self, call: Call, request: Request) -> Result<Reply<Value>, CallError> {
        request.answer(call.attempt)
    }

    fn simulate(&self, simulation: &Simulation<'_>, request: &Request) -> Simulated<Value> {
        request.simulated(simulation)
    }
}
