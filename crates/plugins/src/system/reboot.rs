//! `reboot`: reboots a node, and sees it go down and come back.
//!
//! ```text
//!   look: which start is this? ──▶ note it on the node, ask for the reboot ──▶ look again, each time over a new
//!     │                                                                        connection, until it is another start
//!     └── noted by an earlier attempt, and another start by now ──▶ done ─────▶ the test ──▶ a pause
//! ```
//!
//! A start is known by the kernel's id of it and by when the first process began, so that containers have
//! starts, too. What was noted survives us: whoever goes on after our own death sees whether it was done.
//! And the node reboots only if it still is in the start that was noted, so no attempt can reboot it twice.

mod node;

use std::path::PathBuf;
use std::time::{Duration, Instant};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;
use windlass_plugin::{
    About, Call, CallError, Diff, Foresight, Line, Plugin, Reply, Simulated, Simulation, Span,
};

use self::node::{Asked, Node};
use super::state::judged;
use crate::look::unless_cancelled;

/// Reboots a node.
#[derive(Clone, Copy, Debug, Default)]
pub struct Reboot;

/// What `reboot` is asked.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Request {
    /// Reboots only where this exists: `/run/reboot-required`.
    #[serde(default)]
    pub only_if: Option<PathBuf>,
    /// What reboots it; `shutdown -r now` or `reboot`, whichever is there, where this is left out.
    #[serde(default)]
    pub argv: Vec<String>,
    /// How long to wait before.
    #[serde(default)]
    pub pre_delay: Span,
    /// How long to wait after it is back and the test has passed.
    #[serde(default)]
    pub post_delay: Span,
    /// How long it may take until it goes down.
    #[serde(default = "down_within")]
    pub down_within: Span,
    /// How long it may take until it is back and the test passes.
    #[serde(default = "back_within")]
    pub back_within: Span,
    /// How long to wait between two looks.
    #[serde(default = "every")]
    pub every: Span,
    /// How long one look may take: a machine that does not answer at all holds up the next one.
    #[serde(default = "each")]
    pub each: Span,
    /// A script that must succeed when it is back: `systemctl is-system-running --wait`.
    #[serde(default)]
    pub test: Option<String>,
}

/// What happened.
#[derive(Clone, Debug, Default, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Response {
    /// Whether it was rebooted.
    pub rebooted: bool,
    /// Which start it was in before.
    pub before: Option<String>,
    /// Which start it is in now.
    pub after: Option<String>,
    /// How long it took from the order until it was back.
    pub took_ms: Option<u64>,
    /// Why nothing was done, where nothing was.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub skipped: Option<String>,
}

/// Large machines test their memory for half an hour.
const TIMEOUT: Span = Span::secs(2 * 60 * 60);

fn down_within() -> Span {
    Span::secs(300)
}

fn back_within() -> Span {
    Span::secs(900)
}

fn every() -> Span {
    Span::secs(3)
}

fn each() -> Span {
    Span::secs(15)
}

// === impl Reboot ===

impl Plugin for Reboot {
    type Request = Request;
    type Response = Response;

    fn about(&self) -> About {
        About::acting("reboot", "reboots a node, and sees it go down and come back")
            .beside_target()
            .description(
                "It is back when it can be logged in to and is in another start than before, whatever was missed in between. Before the \
                 order, the start is noted on the node (`/var/lib/windlass/reboots`, or the state directory of whoever is not root): \
                 a retry, or a Windlass that was restarted meanwhile, sees by that whether it was done, and no attempt reboots it a \
                 second time. Where the node is the machine that Windlass runs on, the run is continued when that is started again.",
            )
            .verifiable()
            .timeout(TIMEOUT)
            .example("after updates, where these ask for it", json!({"onlyIf": "/run/reboot-required"}))
            .example(
                "wait until everything has started",
                json!({"backWithin": "30m", "test": "systemctl is-system-running --wait", "postDelay": "1m"}),
            )
    }

    fn validate(&self, request: &Request) -> Result<(), Vec<String>> {
        let mut problems = Vec::new();
        if request.every.0 < Duration::from_millis(10) {
            problems.push("`every`: less than 10ms would only keep the machine busy".into());
        }
        if request.each.is_zero() || request.back_within.is_zero() || request.down_within.is_zero() {
            problems.push("`each`, `downWithin` and `backWithin` are more than no time".into());
        }
        if request.argv.first().is_some_and(String::is_empty) {
            problems.push("`argv.0`: the program is missing".into());
        }
        judged(problems)
    }

    async fn call(&self, call: Call, request: Request) -> Result<Reply<Response>, CallError> {
        let node = Node { call: &call, request: &request };
        let found = node.look(Line::Warm, request.each).await?;
        let begun = Instant::now();
        let before = match found.noted.clone() {
            Some(noted) => noted,
            None => {
                if let Some(path) = request.only_if.as_ref().filter(|_| !found.is_wanted) {
                    let skipped = Some(format!("`{}` does not exist", path.display()));
                    let after = Some(found.start);
                    return Ok(Reply::unchanged(Response { skipped, after, ..Response::default() }));
                }
                if !request.pre_delay.is_zero() {
                    call.output.note(&format!("rebooting in {}", request.pre_delay));
                    unless_cancelled(&call, tokio::time::sleep(request.pre_delay.0)).await?;
                }
                found.start.clone()
            }
        };
        let begun = if request.pre_delay.is_zero() { begun } else { Instant::now() };
        let mut after = found.start;
        if after == before {
            call.output.note("rebooting");
            match node.order(&before).await? {
                Asked::Taken | Asked::Unknown => {}
                Asked::Refused(why) => return Err(CallError::retryable("refused", why)),
            }
            after = node.another(&before, begun).await?;
            call.output.note(&format!("it is back after {}", shown(begun.elapsed())));
        } else {
            call.output.note("an earlier attempt has rebooted it");
        }
        node.tested(begun).await?;
        if !request.post_delay.is_zero() {
            unless_cancelled(&call, tokio::time::sleep(request.post_delay.0)).await?;
        }
        Ok(Reply::changed(Response {
            rebooted: true,
            before: Some(before),
            after: Some(after),
            took_ms: Some(u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX)),
            skipped: None,
        }))
    }

    async fn noop(&self, call: Call, request: Request) -> Result<Foresight, CallError> {
        let found = Node { call: &call, request: &request }.look(Line::Warm, request.each).await?;
        if let Some(path) = request.only_if.as_ref().filter(|_| !found.is_wanted) {
            let why = format!("`{}` does not exist", path.display());
            // What asks for a reboot is mostly a package that an earlier action would install.
            return Ok(Foresight::unknown(format!("it would be left alone now: {why}")));
        }
        Ok(Foresight::change(Diff::default().line("the machine: running -> rebooted")))
    }

    async fn was_done(&self, call: Call, request: Request) -> Option<bool> {
        let node = Node { call: &call, request: &request };
        let begun = Instant::now();
        let found = node.look_patiently(begun).await.ok()?;
        match found.noted {
            // It was not ordered, or the order did not get through.
            None => Some(false),
            Some(noted) if noted == found.start => Some(false),
            Some(_) => {
                node.tested(begun).await.ok()?;
                Some(true)
            }
        }
    }

    fn simulate(&self, simulation: &Simulation<'_>, request: &Request) -> Simulated<Response> {
        let delays = request.pre_delay.0.saturating_add(request.post_delay.0);
        let most = request.back_within.0.min(Duration::from_secs(240));
        let after = simulation.plausible(Duration::from_secs(30).min(most), most).saturating_add(delays);
        let took_ms = Some(u64::try_from(after.as_millis()).unwrap_or(u64::MAX));
        Simulated::changed(after, Some(Response { rebooted: true, took_ms, ..Response::default() }))
    }
}

fn shown(duration: Duration) -> Span {
    Span::secs(duration.as_secs())
}
