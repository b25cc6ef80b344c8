//! `noop` and `noop.check`: do nothing, for experiments, rehearsals and measurements.

use std::time::Duration;

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;
use windlass_plugin::{
    About, BackoffChoice, Call, CallError, Diff, Foresight, Plugin, Reply, Simulated, Simulation, Value,
};

/// Does nothing, and says what it is told to say.
#[derive(Clone, Copy, Debug, Default)]
pub struct Noop;

/// Passes.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoopCheck;

/// What `noop` is asked.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Request {
    /// What it answers.
    #[serde(default)]
    pub value: Value,
    /// Whether it says that it changed something.
    #[serde(default)]
    pub changed: bool,
}

/// What `noop.check` is asked.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CheckRequest {
    /// What it answers.
    #[serde(default)]
    pub value: Value,
}

const SIMULATED: Duration = Duration::from_millis(1);

// === impl Noop ===

impl Plugin for Noop {
    type Request = Request;
    type Response = Value;

    fn about(&self) -> About {
        About::acting("noop", "does nothing")
            .description("For experiments: it answers `value`, and says that it changed something where `changed` is true.")
            .idempotent()
            .backoff(BackoffChoice::Fast)
            .example("do nothing", json!({}))
            .example("hand a value on", json!({"value": {"kernel": "6.1"}, "changed": true}))
    }

    async fn call(&self, _: Call, request: Request) -> Result<Reply<Value>, CallError> {
        Ok(Reply { response: request.value, changed: request.changed })
    }

    async fn noop(&self, _: Call, request: Request) -> Result<Foresight, CallError> {
        Ok(match request.changed {
            true => Foresight::change(Diff::default()),
            false => Foresight::answer(request.value),
        })
    }

    fn simulate(&self, _: &Simulation<'_>, request: &Request) -> Simulated<Value> {
        let reply = Reply { response: Some(request.value.clone()), changed: request.changed };
        Simulated { after: SIMULATED, result: Ok(reply) }
    }
}

// === impl NoopCheck ===

impl Plugin for NoopCheck {
    type Request = CheckRequest;
    type Response = Value;

    fn about(&self) -> About {
        About::check("noop.check", "passes")
            .description("For experiments: a check that always passes and answers `value`.")
            .backoff(BackoffChoice::Fast)
            .example("pass", json!({}))
    }

    async fn call(&self, _: Call, request: CheckRequest) -> Result<Reply<Value>, CallError> {
        Ok(Reply::unchanged(request.value))
    }

    fn simulate(&self, _: &Simulation<'_>, request: &CheckRequest) -> Simulated<Value> {
        Simulated::unchanged(SIMULATED, Some(request.value.clone()))
    }
}
