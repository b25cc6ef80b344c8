//! `port.open`: looks whether somebody listens.

use std::io;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;
use tokio::net::{TcpStream, lookup_host};
use tokio::time::timeout;
use windlass_plugin::{About, Call, CallError, Plugin, Reply, Simulated, Simulation, Span};

use crate::look;

/// Passes when a TCP port is open, or is closed.
#[derive(Clone, Copy, Debug, Default)]
pub struct PortOpen;

/// What `port.open` is asked.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Request {
    /// A name or an address; this machine where it is left out.
    #[serde(default = "host")]
    pub host: String,
    /// The port.
    #[schemars(range(min = 1))]
    pub port: u16,
    /// Whether it passes when nobody listens: refused, or no answer in time. A name that cannot be resolved passes neither way.
    #[serde(default)]
    pub closed: bool,
    /// How long to wait for an answer.
    #[serde(default = "within")]
    pub within: Span,
}

/// What was found.
#[derive(Clone, Debug, Default, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Response {
    /// Whether somebody listens.
    pub open: bool,
    /// The address that answered.
    pub address: Option<String>,
    /// How long the connection took.
    pub connect_ms: Option<u64>,
}

fn host() -> String {
    "localhost".into()
}

fn within() -> Span {
    Span::secs(5)
}

// === impl PortOpen ===

impl Plugin for PortOpen {
    type Request = Request;
    type Response = Response;

    fn about(&self) -> About {
        About::check("port.open", "passes when a TCP port is open, or is closed")
            .on_target()
            .description("It connects and closes the connection without a word. All addresses of the name are tried; one that answers is enough.")
            .example("wait for a web server", json!({"host": "web01", "port": 443}))
            .example("see that a service is down", json!({"port": 5432, "closed": true, "within": "1s"}))
    }

    fn validate(&self, request: &Request) -> Result<(), Vec<String>> {
        let mut problems = Vec::new();
        if request.port == 0 {
            problems.push("`port`: 0 is no port to connect to".to_owned());
        }
        if request.host.is_empty() {
            problems.push("`host` is empty".to_owned());
        }
        if problems.is_empty() { Ok(()) } else { Err(problems) }
    }

    async fn call(&self, call: Call, request: Request) -> Result<Reply<Response>, CallError> {
        let Request { host, port, closed, within } = request;
        let begun = Instant::now();
        let shown = if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") };
        let connecting = timeout(within.0, connect(&host, port));
        let (address, why) = match look::unless_cancelled(&call, connecting).await? {
            Ok(Ok(address)) => (Some(address), None),
            Ok(Err(Refusal::Name(error))) => {
                let message = format!("the name `{host}` cannot be resolved");
                return Err(CallError::retryable("resolve", message).because(&error));
            }
            Ok(Err(Refusal::Connection(error))) => (None, Some(error)),
            Err(_) => (None, Some(io::Error::from(io::ErrorKind::TimedOut))),
        };
        let response = Response {
            open: address.is_some(),
            address: address.map(|address| address.to_string()),
            connect_ms: address.map(|_| millis(begun.elapsed())),
        };
        match (why, closed) {
            (None, false) | (Some(_), true) => Ok(Reply::unchanged(response)),
            (None, true) => Err(look::not_so(format!("{shown} is open"), response)),
            (Some(why), false) => {
                let said = if why.kind() == io::ErrorKind::TimedOut {
                    format!("{shown} does not answer within {within}")
                } else {
                    format!("{shown} is not open")
                };
                Err(look::not_so(said, response).because(&why))
            }
        }
    }

    fn simulate(&self, simulation: &Simulation<'_>, request: &Request) -> Simulated<Response> {
        look::passes(simulation, Response { open: !request.closed, ..Response::default() })
    }
}

enum Refusal {
    Name(io::Error),
    Connection(io::Error),
}

async fn connect(host: &str, port: u16) -> Result<SocketAddr, Refusal> {
    let addresses = lookup_host((host, port)).await.map_err(Refusal::Name)?;
    let mut refusal = Refusal::Name(io::Error::from(io::ErrorKind::NotFound));
    for address in addresses {
        match TcpStream::connect(address).await {
            Ok(_) => return Ok(address),
            Err(error) => refusal = Refusal::Connection(error),
        }
    }
    Err(refusal)
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
