//! `sleep`: waits.

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;
use windlass_plugin::{About, Call, CallError, Foresight, Plugin, Reply, Simulated, Simulation, Span};

/// Waits for a while, and ends at once when it is told to.
#[derive(Clone, Copy, Debug, Default)]
pub struct Sleep;

/// What `sleep` is asked.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Request {
    /// For how long.
    pub duration: Span,
}

/// Longer than anybody waits, so that a wait of an hour is not cut off by a default meant for commands.
const TIMEOUT: Span = Span::secs(7 * 24 * 60 * 60);

// === impl Sleep ===

impl Plugin for Sleep {
    type Request = Request;
    type Response = ();

    fn about(&self) -> About {
        About::acting("sleep", "waits for a while")
            .description("Changes nothing. For waits between blocks and batches, `entranceDelay`, `exitDelay` and `soak` survive a restart with what is left of them; this one begins again.")
            .idempotent()
            .timeout(TIMEOUT)
            .example("give caches time to warm up", json!({"duration": "90s"}))
    }

    async fn call(&self, call: Call, request: Request) -> Result<Reply<()>, CallError> {
        tokio::select! {
            () = tokio::time::sleep(request.duration.0) => Ok(Reply::unchanged(())),
            _ = call.cancel.requested() => Err(CallError::cancelled()),
        }
    }

    async fn noop(&self, _: Call, request: Request) -> Result<Foresight, CallError> {
        Ok(Foresight::nothing().because(format!("it would wait for {}", request.duration)))
    }

    fn simulate(&self, _: &Simulation<'_>, request: &Request) -> Simulated<()> {
        Simulated::unchanged(request.duration.0, Some(()))
    }
}
