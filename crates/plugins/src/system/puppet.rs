//! `puppet.agent` and `puppet.apply`: run Puppet once, and say what it did.
//!
//! ```text
//!   paths ──▶ wait for an agent that runs ──▶ puppet ──▶ exit code, error lines ──▶ what it reported
//!                      ▲                                        │
//!                      └── somebody was faster, or: run it again (changes, errors; bounded)
//! ```

mod apply;
mod lock;
mod report;
mod run;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;
use windlass_plugin::{About, Call, CallError, Diff, Foresight, Plugin, Reply, Simulated, Simulation, Span};

pub use self::apply::{ApplyRequest, PuppetApply};
pub use self::report::Resources;
use self::run::Puppet;
use super::state::judged;
use crate::program::{ExitCodes, OutputRules};

/// Runs the agent of Puppet once.
#[derive(Clone, Copy, Debug, Default)]
pub struct PuppetAgent;

/// What `puppet.agent` is asked.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Request {
    /// The environment; the one that the agent is configured for where this is left out.
    #[serde(default)]
    pub environment: Option<String>,
    /// The server; the one that the agent is configured for where this is left out.
    #[serde(default)]
    pub server: Option<String>,
    /// How it is run, and what its end means.
    #[serde(flatten)]
    pub ways: Ways,
}

/// How Puppet is run, and what its end means.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Ways {
    /// Only resources with one of these tags.
    #[serde(default)]
    pub tags: Vec<String>,
    /// Whether it only says what it would do: then nothing is changed, and a run that finds differences succeeds.
    #[serde(default)]
    pub noop: bool,
    /// How long to wait while an agent runs already; none at all is a failure at once.
    #[serde(default = "lock_wait")]
    pub lock_wait: Span,
    /// Whether it is run again when it changed something, until it changes nothing.
    #[serde(default)]
    pub rerun_on_change: bool,
    /// Whether it is run again when it failed.
    #[serde(default)]
    pub rerun_on_error: bool,
    /// How often it is run again at most.
    #[serde(default = "one")]
    #[schemars(range(min = 1, max = 100))]
    pub most_reruns: u32,
    /// The exit codes that count as success: 0 is no change, 2 a change, 4 a failure, 6 both, 1 no run at all.
    #[serde(default = "exit_codes")]
    pub exit_codes: ExitCodes,
    /// What lines of its output mean.
    #[serde(default = "output")]
    pub output: OutputRules,
    /// Variables to add to its environment, such as `FACTER_role`; null removes one.
    #[serde(default)]
    pub env: BTreeMap<String, Option<String>>,
    /// Settings by their names: `{confdir: /etc/puppet, certname: web03}`.
    #[serde(default)]
    pub settings: BTreeMap<String, String>,
    /// Further arguments, as they are.
    #[serde(default)]
    pub args: Vec<String>,
    /// The program; found in PATH and in `/opt/puppetlabs/bin` where this is left out.
    #[serde(default)]
    pub program: Option<PathBuf>,
}

/// What Puppet did.
#[derive(Clone, Debug, Default, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Response {
    /// The exit code of the last run.
    pub exit_code: Option<i32>,
    /// How often it was run.
    pub runs: u32,
    /// How many resources there are, and what became of them in the last run, by its own summary.
    pub resources: Resources,
    /// The resources that some run changed, at most 200.
    pub changed: Vec<String>,
    /// The resources that failed in the last run, at most 200.
    pub failed: Vec<String>,
    /// The version of the configuration.
    pub config_version: Option<String>,
    /// Lines that match `output.warning`, at most 100.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<String>,
    /// What it changed, or would: a line for each property.
    pub diff: Option<Diff>,
}

/// A run of Puppet may take its time.
const TIMEOUT: Span = Span::secs(30 * 60);

const ABOUT_RUNS: &str = "\
It waits while an agent runs (by its lock, of which a dead agent leaves an old one behind), and again where one was faster. A run that \
changes something reports a change; failed resources and error lines are a failure, with the resources by name. With `rerunOnChange` a \
configuration that needs several runs gets them; one that still changes something after the last is a success, and says so.\n\n\
Looking only runs Puppet with its own `--noop`.";

fn lock_wait() -> Span {
    Span::secs(600)
}

fn one() -> u32 {
    1
}

fn exit_codes() -> ExitCodes {
    ExitCodes::These(vec![0, 2])
}

fn output() -> OutputRules {
    OutputRules { error: vec!["^Error:".into()], warning: vec!["^Warning:".into()], ..OutputRules::default() }
}

// === impl Ways ===

impl Ways {
    fn problems(&self) -> Vec<String> {
        let mut problems = self.output.watch().err().unwrap_or_default();
        if matches!(&self.exit_codes, ExitCodes::These(codes) if codes.is_empty()) {
            problems.push("`exitCodes`: the list is empty, so no end could be a success".into());
        }
        let is_name =
            |name: &str| !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
        let bad = self.settings.keys().filter(|name| !is_name(name));
        problems.extend(bad.map(|name| format!("`settings`: `{name}` is no name of a setting")));
        if !(1..=100).contains(&self.most_reruns) {
            problems.push("`mostReruns`: from 1 to 100".into());
        }
        let is_variable = |name: &&String| name.is_empty() || name.contains(['=', '\0']);
        problems.extend(
            self.env.keys().filter(is_variable).map(|name| format!("`env`: `{name}` cannot name a variable")),
        );
        problems
    }
}

// === impl PuppetAgent ===

impl Plugin for PuppetAgent {
    type Request = Request;
    type Response = Response;

    fn about(&self) -> About {
        About::acting("puppet.agent", "runs the agent of Puppet once")
            .on_target()
            .description(ABOUT_RUNS)
            .idempotent()
            .timeout(TIMEOUT)
            .example("apply what the server says", json!({}))
            .example(
                "until nothing changes any more, at most four times",
                json!({"environment": "production", "rerunOnChange": true, "rerunOnError": true, "mostReruns": 3}),
            )
            .example("fail unless something changed", json!({"tags": ["web"], "exitCodes": [2]}))
    }

    fn validate(&self, request: &Request) -> Result<(), Vec<String>> {
        judged(request.ways.problems())
    }

    async fn call(&self, call: Call, request: Request) -> Result<Reply<Response>, CallError> {
        request.puppet(&call)?.run(request.ways.noop).await
    }

    async fn noop(&self, call: Call, request: Request) -> Result<Foresight, CallError> {
        request.puppet(&call)?.foresee().await
    }

    fn simulate(&self, simulation: &Simulation<'_>, request: &Request) -> Simulated<Response> {
        simulated(simulation, &request.ways)
    }
}

// === impl Request ===

impl Request {
    fn puppet<'a>(&'a self, call: &'a Call) -> Result<Puppet<'a>, CallError> {
        let mut args = vec!["agent".to_owned(), "--test".to_owned()];
        args.extend(self.environment.iter().flat_map(|name| ["--environment".to_owned(), name.clone()]));
        args.extend(self.server.iter().flat_map(|name| ["--server".to_owned(), name.clone()]));
        Puppet::new(&self.ways, args, None, call)
    }
}

fn simulated(simulation: &Simulation<'_>, ways: &Ways) -> Simulated<Response> {
    let after = simulation.plausible(Duration::from_secs(8), Duration::from_secs(90));
    let response =
        Response { exit_code: Some(if ways.noop { 0 } else { 2 }), runs: 1, ..Response::default() };
    if ways.noop {
        Simulated::unchanged(after, Some(response))
    } else {
        Simulated::changed(after, Some(response))
    }
}
