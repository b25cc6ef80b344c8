//! The smallest program: rehearses a plan in virtual time, runs it for real, and tells of it.
//!
//! `cargo run -p windlass --example hello_library`

use std::io::Write as _;
use std::time::Duration;

use serde_json::json;
use windlass::prelude::*;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut out = std::io::stdout();
    let rehearsed = rehearse()?;
    writeln!(out, "in a rehearsal it {} in {:?} of virtual time", rehearsed.0.word(), rehearsed.1)?;
    let kinds = run().await?;
    writeln!(
        out,
        "for real it made {} events, the last of which is `{}`",
        kinds.len(),
        kinds.last().unwrap_or(&"")
    )?;
    Ok(())
}

/// Three nodes, two at a time, each waits a little and says its name.
fn plan() -> Plan {
    let actions = [
        Action::new("wait", "sleep", json!({"duration": "10ms"})),
        Action::new("say", "noop", json!({"value": "hello {{ node.name }}"})),
    ];
    Plan::named("hello")
        .block(Block { concurrency: Some(Amount::Count(2)), ..Block::on("greet", ["n[1-3]"], actions) })
}

/// Plays the plan against simulated targets, as a unit test of a runbook does.
fn rehearse() -> Result<(RunStatus, Duration), Box<dyn std::error::Error>> {
    let registry = windlass::plugins::standard()?;
    let rehearsed = windlass::rehearse(Request::new(plan()), &registry)?.play();
    Ok((rehearsed.run.status(), rehearsed.run.last_at().since(Default::default())))
}

/// Runs the plan on a store in memory, and gives back the kinds of its events.
async fn run() -> Result<Vec<&'static str>, Box<dyn std::error::Error>> {
    let windlass = Windlass::in_memory(windlass::plugins::standard()?).await?;
    let run = windlass.submit(Request::new(plan()).user("example").starting()).await?;
    let mut events = windlass.events(run, 1).await?;
    let mut kinds = Vec::new();
    while let Some(event) = events.next().await {
        kinds.push(event?.what.kind());
    }
    windlass.shutdown(Duration::from_secs(5)).await?;
    Ok(kinds)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn it_is_rehearsed_and_run() {
        let (status, took) = rehearse().unwrap();
        assert_eq!(status, RunStatus::Succeeded);
        assert!(took >= Duration::from_millis(20), "{took:?}");
        let kinds = run().await.unwrap();
        assert_eq!((kinds.first(), kinds.last()), (Some(&"submitted"), Some(&"finished")));
        assert_eq!(kinds.iter().filter(|kind| **kind == "actionEnded").count(), 6);
    }
}
