//! `puppet.apply`: Puppet without a server.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;
use windlass_plugin::{About, Call, CallError, Foresight, Plugin, Reply, Simulated, Simulation};

use super::run::Puppet;
use super::{ABOUT_RUNS, Response, TIMEOUT, Ways};
use crate::system::state::judged;

/// Applies a manifest that is on the machine, or that the plan holds.
#[derive(Clone, Copy, Debug, Default)]
pub struct PuppetApply;

/// What `puppet.apply` is asked.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ApplyRequest {
    /// A manifest on the machine, or a directory of them.
    #[serde(default)]
    pub manifest: Option<PathBuf>,
    /// A manifest itself, instead.
    #[serde(default)]
    pub code: Option<String>,
    /// Where modules are.
    #[serde(default)]
    pub module_path: Vec<PathBuf>,
    /// The configuration of Hiera.
    #[serde(default)]
    pub hiera_config: Option<PathBuf>,
    /// How it is run, and what its end means.
    #[serde(flatten)]
    pub ways: Ways,
}

// === impl ApplyRequest ===

impl ApplyRequest {
    fn puppet<'a>(&'a self, call: &'a Call) -> Result<Puppet<'a>, CallError> {
        let mut args: Vec<String> =
            ["apply", "--detailed-exitcodes", "--show_diff", "--verbose"].map(str::to_owned).into();
        if !self.module_path.is_empty() {
            let paths: Vec<String> = self.module_path.iter().map(|path| path.display().to_string()).collect();
            args.extend(["--modulepath".to_owned(), paths.join(":")]);
        }
        args.extend(
            self.hiera_config
                .iter()
                .flat_map(|path| ["--hiera_config".to_owned(), path.display().to_string()]),
        );
        // Without a file it reads a manifest from its standard input.
        args.extend(self.manifest.iter().map(|path| path.display().to_string()));
        Puppet::new(&self.ways, args, self.code.clone(), call)
    }
}

// === impl PuppetApply ===

impl Plugin for PuppetApply {
    type Request = ApplyRequest;
    type Response = Response;

    fn about(&self) -> About {
        About::acting("puppet.apply", "applies a manifest of Puppet, without a server")
            .on_target()
            .description(ABOUT_RUNS)
            .idempotent()
            .timeout(TIMEOUT)
            .example(
                "a manifest on the machine",
                json!({"manifest": "/etc/puppet/site.pp", "modulePath": ["/etc/puppet/modules"]}),
            )
            .example("a few lines", json!({"code": "file { '/etc/motd': content => \"patched\\n\" }\n"}))
    }

    fn validate(&self, request: &ApplyRequest) -> Result<(), Vec<String>> {
        let mut problems = request.ways.problems();
        match (&request.manifest, &request.code) {
            (None, None) => problems.push("`manifest`: it is missing, and so is `code`".into()),
            (Some(_), Some(_)) => {
                problems.push("`manifest`: it says the same as `code`; give one of them".into())
            }
            _ => {}
        }
        judged(problems)
    }

    async fn call(&self, call: Call, request: ApplyRequest) -> Result<Reply<Response>, CallError> {
        request.puppet(&call)?.run(request.ways.noop).await
    }

    async fn noop(&self, call: Call, request: ApplyRequest) -> Result<Foresight, CallError> {
        request.puppet(&call)?.foresee().await
    }

    fn simulate(&self, simulation: &Simulation<'_>, request: &ApplyRequest) -> Simulated<Response> {
        super::simulated(simulation, &request.ways)
    }
}
