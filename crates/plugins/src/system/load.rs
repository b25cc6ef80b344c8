//! `load`: looks whether a machine is busy.

use std::path::Path;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;
use windlass_plugin::{About, Call, CallError, Plugin, Reply, Simulated, Simulation};

use super::conf;
use super::state::judged;
use crate::look;

/// Passes when a machine is not busy.
#[derive(Clone, Copy, Debug, Default)]
pub struct Load;

/// What `load` is asked.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Request {
    /// The most that the load may be.
    pub most: f64,
    /// Whether that is meant for each processor.
    #[serde(default = "yes")]
    pub per_cpu: bool,
    /// Over how many minutes: 1, 5 or 15.
    #[serde(default = "five")]
    pub minutes: u8,
}

/// What was found.
#[derive(Clone, Debug, Default, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Response {
    /// The load of the last minute.
    pub one: f64,
    /// The load of the last five minutes.
    pub five: f64,
    /// The load of the last fifteen minutes.
    pub fifteen: f64,
    /// How many processors there are.
    pub cpus: u32,
}

fn yes() -> bool {
    true
}

fn five() -> u8 {
    5
}

// === impl Load ===

impl Plugin for Load {
    type Request = Request;
    type Response = Response;

    fn about(&self) -> About {
        About::check("load", "passes when a machine is not busy")
            .on_target()
            .description("The load counts processes that run, want to run, or wait for a disk.")
            .example("less than two processes for each processor", json!({"most": 2}))
            .example(
                "by the last minute, all processors together",
                json!({"most": 10, "perCpu": false, "minutes": 1}),
            )
    }

    fn validate(&self, request: &Request) -> Result<(), Vec<String>> {
        let mut problems = Vec::new();
        if ![1, 5, 15].contains(&request.minutes) {
            problems.push("`minutes`: it is 1, 5 or 15".into());
        }
        if !(request.most.is_finite() && request.most > 0.0) {
            problems.push("`most`: it is a number above 0".into());
        }
        judged(problems)
    }

    async fn call(&self, _: Call, request: Request) -> Result<Reply<Response>, CallError> {
        let read =
            async |path: &str| Ok::<_, CallError>(conf::read(Path::new(path)).await?.unwrap_or_default());
        let (load, cpus) = (read("/proc/loadavg").await?, read("/proc/cpuinfo").await?);
        let unreadable = || CallError::permanent("io", "`/proc/loadavg` does not say what the load is");
        let response = read_load(&load, &cpus).ok_or_else(unreadable)?;
        let now = match request.minutes {
            1 => response.one,
            5 => response.five,
            _ => response.fifteen,
        };
        let most = if request.per_cpu { request.most * f64::from(response.cpus) } else { request.most };
        if now <= most {
            return Ok(Reply::unchanged(response));
        }
        let message = format!(
            "the load of {} min is {now}, above {most} ({} processors)",
            request.minutes, response.cpus
        );
        Err(look::not_so(message, response))
    }

    fn simulate(&self, simulation: &Simulation<'_>, _: &Request) -> Simulated<Response> {
        look::passes(simulation, Response { cpus: 1, ..Response::default() })
    }
}

fn read_load(load: &str, cpus: &str) -> Option<Response> {
    let mut numbers = load.split_whitespace().map(str::parse::<f64>);
    let mut next = || numbers.next()?.ok();
    let count = cpus.lines().filter(|line| line.starts_with("processor")).count();
    // Some kinds of machines list their processors in other words.
    let cpus = if count == 0 { std::thread::available_parallelism().map_or(1, usize::from) } else { count };
    Some(Response { one: next()?, five: next()?, fifteen: next()?, cpus: u32::try_from(cpus).ok()? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_the_kernel_says() {
        let found =
            read_load("0.52 1.50 2.25 3/512 999\n", "processor\t: 0\nmodel: x\nprocessor\t: 1\n").unwrap();
        assert_eq!((found.one, found.five, found.fifteen, found.cpus), (0.52, 1.5, 2.25, 2));
        assert!(read_load("", "").is_none());
    }
}
