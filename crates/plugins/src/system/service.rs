//! `service` and `service.running`: services, whoever keeps them.
//!
//! What an init system is asked and what it answers is known in one file each.

mod init;
mod openrc;
mod systemd;
mod sysv;

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;
use windlass_plugin::{About, Call, CallError, Diff, Foresight, Plugin, Reply, Simulated, Simulation, Span};

pub use self::init::Init;
use self::init::{Found, Keeper, Verb};
use super::state::judged;
use crate::look;

/// Sees to a service.
#[derive(Clone, Copy, Debug, Default)]
pub struct Service;

/// Passes when a service runs.
#[derive(Clone, Copy, Debug, Default)]
pub struct ServiceRunning;

/// What `service` is asked.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Request {
    /// The service: `nginx`. With systemd, any unit: `nightly.timer`.
    pub name: String,
    /// What is wanted of it now; left out, it is left as it is.
    #[serde(default)]
    pub state: Option<ServiceState>,
    /// Whether it shall start with the machine; left out, that is left as it is.
    #[serde(default)]
    pub enabled: Option<bool>,
    /// Whether systemd reads its unit files again first. Where one has changed since, it does anyway.
    #[serde(default)]
    pub reload_units: bool,
    /// The init system; the one that runs where this is left out.
    #[serde(default)]
    pub init: Option<Init>,
    /// Whether it is a service of the user that is logged in, and not of the machine. Only systemd has these.
    #[serde(default)]
    pub user: bool,
}

/// What is wanted of a service.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum ServiceState {
    /// It runs.
    Running,
    /// It does not run.
    Stopped,
    /// It was restarted; where it did not run, it runs now.
    Restarted,
    /// It has read its configuration again; where it did not run, it runs now.
    Reloaded,
}

/// What was found and done.
#[derive(Clone, Debug, Default, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Response {
    /// The init system.
    pub init: Option<Init>,
    /// Whether it runs now.
    pub running: bool,
    /// Whether it starts with the machine; null where that cannot be told.
    pub enabled: Option<bool>,
    /// What the init system says of it: `active (running)`.
    pub says: Option<String>,
    /// What was changed; null where nothing was.
    pub diff: Option<Diff>,
}

/// What `service.running` is asked.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CheckRequest {
    /// The service: `nginx`.
    pub name: String,
    /// Whether it passes when the service does not run.
    #[serde(default)]
    pub stopped: bool,
    /// The init system; the one that runs where this is left out.
    #[serde(default)]
    pub init: Option<Init>,
    /// Whether it is a service of the user that is logged in. Only systemd has these.
    #[serde(default)]
    pub user: bool,
}

/// A service may take its time to stop.
const TIMEOUT: Span = Span::secs(5 * 60);

const ABOUT_INITS: &str = "\
Works with systemd, OpenRC and the scripts in `/etc/init.d`. With systemd, a service that is being started or stopped counts as \
what it is about to be only when it is there. `enabled` says nothing to units that other units start (systemd calls them \
static): these are left as they are.";

// === impl Request ===

impl Request {
    fn keeper(&self) -> Result<Keeper, CallError> {
        Keeper::find(self.init, self.user)
    }

    /// What is to be done about a service as it was found, in this order, and what that changes.
    fn steps(&self, found: &Found) -> (Vec<Verb>, Diff) {
        let running = |is| if is { "running" } else { "stopped" };
        let mut steps = Vec::new();
        let mut diff = Diff::default();
        let enabled = self.enabled.filter(|_| !found.is_fixed);
        if enabled == Some(true) && found.enabled != Some(true) {
            steps.push(Verb::Enable);
            diff = diff.line(format_args!(
                "{}: starts with the machine: {} -> yes",
                self.name,
                yes(found.enabled)
            ));
        }
        if enabled == Some(false) && found.enabled != Some(false) {
            steps.push(Verb::Disable);
            diff = diff.line(format_args!(
                "{}: starts with the machine: {} -> no",
                self.name,
                yes(found.enabled)
            ));
        }
        let change = match (self.state, found.running) {
            (Some(ServiceState::Stopped), true) => Some((Verb::Stop, "stopped")),
            (Some(ServiceState::Stopped), false) | (None, _) | (Some(ServiceState::Running), true) => None,
            (Some(_), false) => Some((Verb::Start, "running")),
            (Some(ServiceState::Restarted), true) => Some((Verb::Restart, "restarted")),
            (Some(ServiceState::Reloaded), true) => Some((Verb::Reload, "reloaded")),
        };
        if let Some((verb, becomes)) = change {
            steps.push(verb);
            diff = diff.line(format_args!("{}: {} -> {becomes}", self.name, running(found.running)));
        }
        (steps, diff)
    }
}

// === impl Service ===

impl Plugin for Service {
    type Request = Request;
    type Response = Response;

    fn about(&self) -> About {
        About::acting("service", "sees to it that a service runs, starts with the machine, or not")
            .on_target()
            .description(format!(
                "{ABOUT_INITS}\n\nAfter a start it is looked at again: a service that ended at once is a failure, with \
                 what it last said where systemd knows it. A restart that a crash interrupted is made again."
            ))
            .idempotent()
            .timeout(TIMEOUT)
            .example("run it now and at every start", json!({"name": "nginx", "state": "running", "enabled": true}))
            .example("restart it", json!({"name": "nginx", "state": "restarted"}))
            .example("turn it off", json!({"name": "rpcbind", "state": "stopped", "enabled": false}))
    }

    fn validate(&self, request: &Request) -> Result<(), Vec<String>> {
        let mut problems = named(&request.name, request.init, request.user);
        if request.state.is_none() && request.enabled.is_none() && !request.reload_units {
            problems.push("`state`: there is nothing to do; give `state`, `enabled` or both".into());
        }
        judged(problems)
    }

    async fn call(&self, call: Call, request: Request) -> Result<Reply<Response>, CallError> {
        let keeper = request.keeper()?;
        let found = keeper.look(&request.name, &call).await?;
        let (steps, diff) = request.steps(&found);
        if request.reload_units || (found.is_outdated && !steps.is_empty()) {
            keeper.reload_units(&call).await?;
        }
        for verb in &steps {
            keeper.act(*verb, &request.name, &call).await?;
        }
        let response = |found: Found, diff: Diff| Response {
            init: Some(keeper.init()),
            running: found.running,
            enabled: found.enabled,
            says: found.says,
            diff: diff.some(),
        };
        if steps.is_empty() {
            return Ok(Reply::unchanged(response(found, diff)));
        }
        let found = keeper.look(&request.name, &call).await?;
        let starts = |verb: &Verb| matches!(verb, Verb::Start | Verb::Restart | Verb::Reload);
        // Work that is done once and ends is no failure: systemd knows such services.
        let wrong = if steps.iter().any(starts) && !found.running && !found.is_done {
            Some("it was started and does not run")
        } else if steps.contains(&Verb::Stop) && found.running {
            Some("it was stopped and runs")
        } else {
            None
        };
        let says = found.says.clone();
        let response = response(found, diff);
        let Some(wrong) = wrong else { return Ok(Reply::changed(response)) };
        let says = says.map_or_else(String::new, |says| format!(": {says}"));
        let message = format!("`{}`: {wrong}{says}", request.name);
        let mut error = CallError::retryable("service", message).with_response(response);
        error.causes.extend(keeper.last_words(&request.name, &call).await);
        Err(error)
    }

    async fn noop(&self, call: Call, request: Request) -> Result<Foresight, CallError> {
        let keeper = request.keeper()?;
        match keeper.look(&request.name, &call).await {
            Ok(found) => Ok(Foresight::of(request.steps(&found).1)),
            // A package that an earlier action would install may bring it.
            Err(error) if error.code == init::UNKNOWN => Ok(Foresight::unknown(error.message)),
            Err(error) => Err(error),
        }
    }

    fn simulate(&self, simulation: &Simulation<'_>, request: &Request) -> Simulated<Response> {
        let after = simulation.plausible(Duration::from_millis(300), Duration::from_secs(6));
        let running = request.state != Some(ServiceState::Stopped);
        Simulated::changed(after, Some(Response { running, enabled: request.enabled, ..Response::default() }))
    }
}

// === impl ServiceRunning ===

impl Plugin for ServiceRunning {
    type Request = CheckRequest;
    type Response = Response;

    fn about(&self) -> About {
        About::check("service.running", "passes when a service runs, or does not")
            .on_target()
            .description(format!("{ABOUT_INITS}\n\nA service that does not exist does not pass, either way."))
            .example("see that it runs", json!({"name": "nginx"}))
            .example("see that it was stopped", json!({"name": "nginx", "stopped": true}))
    }

    fn validate(&self, request: &CheckRequest) -> Result<(), Vec<String>> {
        judged(named(&request.name, request.init, request.user))
    }

    async fn call(&self, call: Call, request: CheckRequest) -> Result<Reply<Response>, CallError> {
        let keeper = Keeper::find(request.init, request.user)?;
        let found = keeper.look(&request.name, &call).await?;
        let says = found.says.clone().map_or_else(String::new, |says| format!(": {says}"));
        let running = found.running;
        let response = Response {
            init: Some(keeper.init()),
            running,
            enabled: found.enabled,
            says: found.says,
            diff: None,
        };
        if running != request.stopped {
            return Ok(Reply::unchanged(response));
        }
        let what = if running { "runs" } else { "does not run" };
        Err(look::not_so(format!("`{}` {what}{says}", request.name), response))
    }

    fn simulate(&self, simulation: &Simulation<'_>, request: &CheckRequest) -> Simulated<Response> {
        look::passes(simulation, Response { running: !request.stopped, ..Response::default() })
    }
}

fn yes(enabled: Option<bool>) -> &'static str {
    match enabled {
        Some(true) => "yes",
        Some(false) => "no",
        None => "unknown",
    }
}

fn named(name: &str, init: Option<Init>, user: bool) -> Vec<String> {
    let mut problems = Vec::new();
    let is_part = |c: char| c.is_ascii_alphanumeric() || "._@:\\-".contains(c);
    if name.is_empty() || name.starts_with(['-', '.']) || !name.chars().all(is_part) {
        problems.push(format!("`name`: `{name}` is no name of a service"));
    }
    if user && init.is_some_and(|init| init != Init::Systemd) {
        problems.push("`user`: only systemd has services of users".into());
    }
    problems
}
