//! The document of a run, snapshot by snapshot.

use std::time::Duration;

use serde_json::Value;

use super::{JsonOptions, write_json};
use crate::Clock;
use crate::fixture::{failed_run, layout, rolling_patch, submitted, web};
use crate::fold::Fold;

fn document(fold: &Fold, options: JsonOptions) -> Value {
    let mut bytes = Vec::new();
    write_json(fold, &options, &mut bytes).unwrap();
    assert_eq!(bytes.iter().filter(|byte| **byte == b'\n').count(), 1);
    serde_json::from_slice(&bytes).unwrap()
}

#[test]
fn a_failed_run() {
    let fold = failed_run().fold(&layout(rolling_patch(), web(5)));
    insta::assert_json_snapshot!(document(&fold, JsonOptions::default()));
}

#[test]
fn a_rehearsal_counts_from_zero() {
    let mut log = submitted();
    log.push(windlass_model::event::What::Started { by: windlass_model::event::Author::new("ada") });
    for event in &mut log.events {
        event.at = windlass_model::time::Time(event.seq * 1_500_000);
    }
    let fold = log.fold(&layout(rolling_patch(), web(1)));
    let wall = Some(Duration::from_millis(12));
    let document = document(&fold, JsonOptions { clock: Clock::Virtual, wall });
    assert_eq!(document["run"]["startedAt"], 3000);
    assert_eq!(document["run"]["wallMs"], 12);
    assert_eq!(document["wallMs"], 12);
}
