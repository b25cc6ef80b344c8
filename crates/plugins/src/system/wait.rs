//! `wait.port`, `wait.file`, `wait.http`, `wait.command`: wait until a check passes.
//!
//! Each is a check that there is, looked at again and again; so they are asked the same, and know the same.

use std::fmt;
use std::time::Duration;

use schemars::JsonSchema;
use serde::de::{DeserializeOwned, Error as _};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, json};
use windlass_plugin::{About, Call, CallError, Foresight, Plugin, Reply, Simulated, Simulation, Span, Value};

use super::poll::Poll;
use crate::command::CommandCheck;
use crate::file_exists::FileExists;
use crate::http::HttpCheck;
use crate::port_open::PortOpen;

/// Waits until a check passes.
#[derive(Clone, Copy, Default)]
pub struct Wait<C>(C);

/// Waits until a port is open, or is closed.
pub type WaitPort = Wait<PortOpen>;
/// Waits until a file is there, or is not.
pub type WaitFile = Wait<FileExists>;
/// Waits until a request is answered as it should be.
pub type WaitHttp = Wait<HttpCheck>;
/// Waits until a program succeeds.
pub type WaitCommand = Wait<CommandCheck>;

/// A check that can be waited for.
pub trait Awaited: Plugin<Request: Clone + Sync> {
    /// What waiting for it is called.
    const NAME: &'static str;
    /// What waiting for it does.
    const SUMMARY: &'static str;
    /// How it is used.
    fn examples() -> Vec<(&'static str, Value)>;
}

/// What a wait is asked: all that the check is asked, and how long and how often.
#[derive(Clone, Debug, JsonSchema)]
#[schemars(rename_all = "camelCase", deny_unknown_fields)]
pub struct Request<R> {
    /// How long to wait at most. An attempt's `timeout` that is shorter counts.
    #[schemars(default = "at_most")]
    pub at_most: Span,
    /// How long to wait between two looks.
    #[schemars(default = "every")]
    pub every: Span,
    /// What the check is asked.
    #[schemars(flatten)]
    pub check: R,
}

/// What came of it.
#[derive(Clone, Debug, Default, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Waited<R> {
    /// How long it took.
    pub waited_ms: u64,
    /// How often it was looked at.
    pub looks: u64,
    /// What the last look found.
    pub found: Option<R>,
}

/// Longer than anybody waits: `atMost` says how long.
const TIMEOUT: Span = Span::secs(7 * 24 * 60 * 60);

fn at_most() -> Span {
    Span::secs(300)
}

fn every() -> Span {
    Span::secs(2)
}

// === impl Request ===

impl<'de, R: DeserializeOwned> Deserialize<'de> for Request<R> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // What is not ours is the check's, which knows by itself what it is not asked.
        let mut fields = Map::deserialize(deserializer)?;
        let mut take = |name: &str, default: fn() -> Span| match fields.remove(name) {
            Some(value) => {
                serde_json::from_value(value).map_err(|error| D::Error::custom(format!("`{name}`: {error}")))
            }
            None => Ok(default()),
        };
        let (at_most, every) = (take("atMost", at_most)?, take("every", every)?);
        let check = serde_json::from_value(Value::Object(fields)).map_err(D::Error::custom)?;
        Ok(Self { at_most, every, check })
    }
}

// === impl Wait ===

impl<C: Awaited> Plugin for Wait<C> {
    type Request = Request<C::Request>;
    type Response = Waited<C::Response>;

    fn about(&self) -> About {
        let check = self.0.about();
        let about = About::acting(C::NAME, C::SUMMARY)
            .on_target()
            .description(format!(
                "It is asked what the check `{}` is asked, and looks again until that passes. When the time is over, it fails with \
                 what the last look found. What cannot become so (a program that does not exist) fails at once. It changes \
                 nothing; looking only looks once.",
                check.name
            ))
            .idempotent()
            .timeout(TIMEOUT);
        C::examples().into_iter().fold(about, |about, (title, request)| about.example(title, request))
    }

    fn validate(&self, request: &Self::Request) -> Result<(), Vec<String>> {
        let mut problems = self.0.validate(&request.check).err().unwrap_or_default();
        if request.every.0 < Duration::from_millis(10) {
            problems.push("`every`: less than 10ms would only keep the machine busy".into());
        }
        super::state::judged(problems)
    }

    async fn call(&self, call: Call, request: Self::Request) -> Result<Reply<Self::Response>, CallError> {
        let Request { at_most, every, check } = request;
        let look = |call| self.0.call(call, check.clone());
        let seen = Poll { at_most, every }.until(&call, look).await?;
        Ok(Reply::unchanged(Waited {
            waited_ms: u64::try_from(seen.waited.as_millis()).unwrap_or(u64::MAX),
            looks: seen.looks,
            found: Some(seen.found.response),
        }))
    }

    async fn noop(&self, call: Call, request: Self::Request) -> Result<Foresight, CallError> {
        match self.0.call(call, request.check).await {
            Ok(_) => Ok(Foresight::nothing()),
            // Where nothing changes there is nothing to foresee, except that it would wait, perhaps in vain.
            Err(error) if error.permanent => Err(error),
            Err(error) => Ok(Foresight::unknown(format!("it would wait: {error}"))),
        }
    }

    fn simulate(&self, simulation: &Simulation<'_>, request: &Self::Request) -> Simulated<Self::Response> {
        let most = request.at_most.0.min(Duration::from_secs(20));
        let after = simulation.plausible(Duration::ZERO, most);
        let found = self.0.simulate(simulation, &request.check).result.ok().and_then(|reply| reply.response);
        let waited_ms = u64::try_from(after.as_millis()).unwrap_or(u64::MAX);
        Simulated::unchanged(after, Some(Waited { waited_ms, looks: 1, found }))
    }
}

impl<C> fmt::Debug for Wait<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Wait")
    }
}

impl Awaited for PortOpen {
    const NAME: &'static str = "wait.port";
    const SUMMARY: &'static str = "waits until a TCP port is open, or is closed";

    fn examples() -> Vec<(&'static str, Value)> {
        vec![
            ("wait for a web server", json!({"host": "web01", "port": 443, "atMost": "2m"})),
            ("wait until a service has gone", json!({"port": 5432, "closed": true, "every": "500ms"})),
        ]
    }
}

impl Awaited for FileExists {
    const NAME: &'static str = "wait.file";
    const SUMMARY: &'static str = "waits until a file, directory or link is there, or is not";

    fn examples() -> Vec<(&'static str, Value)> {
        vec![
            (
                "wait until a first start is over",
                json!({"path": "/var/lib/cloud/instance/boot-finished", "atMost": "10m"}),
            ),
            ("wait until nobody holds the lock", json!({"path": "/run/deploy.lock", "absent": true})),
        ]
    }
}

impl Awaited for HttpCheck {
    const NAME: &'static str = "wait.http";
    const SUMMARY: &'static str = "waits until a request is answered as it should be";

    fn examples() -> Vec<(&'static str, Value)> {
        vec![(
            "wait until a service is healthy",
            json!({"url": "http://localhost:8080/healthz", "atMost": "3m"}),
        )]
    }
}

impl Awaited for CommandCheck {
    const NAME: &'static str = "wait.command";
    const SUMMARY: &'static str = "waits until a program succeeds";

    fn examples() -> Vec<(&'static str, Value)> {
        vec![(
            "wait until a cluster is whole again",
            json!({"argv": ["grep", "-q", "HEALTH_OK", "/run/ceph/health"], "atMost": "1h", "every": "15s"}),
        )]
    }
}
