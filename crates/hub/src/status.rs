//! What stands in the status of a node about its agent: whether it is here, since when, and what it reports.
//!
//! ```text
//!   it comes, goes, reports ──▶ due in a moment ──▶ is it as it is written? ──no──▶ written
//! ```
//!
//! Nothing is written for a sign of life, and nothing for an agent that was away for a moment.

use std::collections::HashMap;
use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError, Weak};
use std::time::Duration;

use futures_util::StreamExt as _;
use serde_json::json;
use tokio::time::Instant;
use windlass_model::time::Time;
use windlass_model::{Map, Value};
use windlass_objects::{Author, Name, kinds};

use crate::hub::{Inner, locked};

/// How often is looked at what is due, and at certificates.
const LOOK_EVERY: Duration = Duration::from_millis(500);
/// How many are written at once, so that they share a flush of the disk.
const AT_ONCE: usize = 128;
/// How long after a failure it is tried again.
const AGAIN: Duration = Duration::from_secs(10);
/// Facts that are other ones each time.
const FLEETING: [&str; 2] = ["time", "memory"];

/// Keeps statuses up to date as long as there is a hub.
pub(crate) async fn keep(hub: Weak<Inner>) {
    loop {
        tokio::time::sleep(LOOK_EVERY).await;
        let Some(hub) = hub.upgrade() else { return };
        let Some(parts) = hub.parts.get().filter(|_| !hub.closed.load(Ordering::Relaxed)) else { return };
        hub.cut_over(parts.clock.now());
        let nodes = due(&mut locked(&hub.due));
        let written = futures_util::stream::iter(nodes).for_each_concurrent(AT_ONCE, |node| {
            let hub = &hub;
            async move {
                if let Err(error) = write(hub, &node).await {
                    tracing::warn!(node, %error, "the status of a node cannot be written");
                    hub.is_due(&node, AGAIN);
                }
            }
        });
        written.await;
    }
}

fn due(all: &mut HashMap<String, Instant>) -> Vec<String> {
    let now = Instant::now();
    let nodes: Vec<String> = all.iter().filter(|(_, at)| **at <= now).map(|(node, _)| node.clone()).collect();
    for node in &nodes {
        all.remove(node);
    }
    if all.is_empty() {
        *all = HashMap::new();
    }
    nodes
}

async fn write(hub: &Arc<Inner>, node: &str) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    let Some(parts) = hub.parts.get() else { return Ok(()) };
    let name = Name::global(node);
    let there = match parts.objects.get(&kinds::NODE, &name).await {
        Ok(there) => there,
        // It was deleted; its agent is listed all the same.
        Err(windlass_objects::Error::NotFound { .. }) => return Ok(()),
        Err(error) => return Err(error.into()),
    };
    let Some(enrolled) = parts.enrol.agent(node).await? else { return Ok(()) };
    let present = hub.find(node);
    let state = match (&enrolled.revoked_at, &present) {
        (Some(_), _) => "revoked",
        (None, Some(_)) => "connected",
        (None, None) => "away",
    };
    let now = parts.clock.now();
    let before = there.status.get("agent").cloned().unwrap_or_default();
    let mut agent = Map::new();
    agent.insert("state".into(), state.into());
    let is_as_before = before.get("state").and_then(Value::as_str) == Some(state);
    let since = before.get("since").filter(|_| is_as_before).cloned();
    agent.insert("since".into(), since.unwrap_or_else(|| now.to_string().into()));
    match &present {
        Some(present) => {
            agent.insert("address".into(), present.from.ip().to_string().into());
            agent.insert("host".into(), present.hello.host.clone().into());
            agent.insert("version".into(), present.hello.version.clone().into());
            agent.insert("system".into(), format!("{} {}", present.hello.os, present.hello.arch).into());
            let until = present.certificate.not_after.to_string();
            agent.insert("certificateUntil".into(), until.into());
        }
        None => {
            // What was known of it last.
            for key in ["address", "host", "version", "system", "certificateUntil"] {
                if let Some(value) = before.get(key) {
                    agent.insert(key.into(), value.clone());
                }
            }
        }
    }
    if state == "away"
        && let Some(address) = before.get("address").and_then(Value::as_str).and_then(|it| it.parse().ok())
    {
        let reach = hub.look(node, address, now).await;
        // It may have come meanwhile.
        if hub.find(node).is_some() {
            hub.is_due(node, LOOK_EVERY);
            return Ok(());
        }
        agent.insert("reach".into(), reach.found.word().into());
        let since = agent.get("since").and_then(Value::as_str).and_then(|since| since.parse::<Time>().ok());
        hub.is_due(node, Inner::again(since.map_or_else(Duration::default, |since| now.since(since))));
        hub.found(node, reach);
    }
    let reported =
        present.as_ref().and_then(|it| it.facts.lock().unwrap_or_else(PoisonError::into_inner).take());
    let facts_before = there.status.get("facts").cloned().unwrap_or_default();
    let news = reported.filter(|facts| lasting(facts) != lasting(&facts_before));
    let agent = Value::Object(agent);
    if agent == before && news.is_none() {
        return Ok(());
    }
    let author = Author { user: "windlass".to_owned(), at: now };
    let noted = parts.objects.set_status(&kinds::NODE, &name, &author, |before| {
        let mut status = before.as_object().cloned().unwrap_or_default();
        status.insert("agent".into(), agent.clone());
        if let Some(facts) = &news {
            status.insert("facts".into(), facts.clone());
            status.insert("factsAt".into(), json!(now.to_string()));
        }
        Value::Object(status)
    });
    match noted.await {
        Ok(_) | Err(windlass_objects::Error::NotFound { .. }) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// Facts without those that are other ones each time.
fn lasting(facts: &Value) -> Value {
    let mut facts = facts.clone();
    if let Some(map) = facts.as_object_mut() {
        for key in FLEETING {
            map.shift_remove(key);
        }
    }
    facts
}
