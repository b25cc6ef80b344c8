//! A server on a machine that is not well: its disk fails, its clock is set.

use std::process::Command;

use serde_json::{Value, json};

use super::{Served, plan};
use crate::harness::{Place, root, running, skip};

/// A server on a machine whose disk fails while there is a file `broken`, and whose clock is off by as many seconds as the files
/// `ahead` and `behind` have bytes.
fn on_an_unwell_machine(test: &str, place: &Place) -> Option<Served> {
    let shim = place.path("unwell.so");
    let source = root().join("crates/cli/tests/cli/server/unwell.c");
    let made =
        Command::new("cc").args(["-shared", "-fPIC", "-o"]).arg(&shim).arg(source).arg("-ldl").status();
    if !made.is_ok_and(|status| status.success()) {
        skip(test, "`cc` makes no library");
        return None;
    }
    let mut command = place.command(&["server", "--listen", "127.0.0.1:0"]);
    command.env("LD_PRELOAD", &shim);
    for name in ["broken", "ahead", "behind"] {
        command.env(name.to_uppercase(), place.path(name));
    }
    Some(Served::of(running(command)))
}

#[test]
fn a_server_whose_disk_fails_acknowledges_nothing_more_ends_and_goes_on_from_what_it_had() {
    let place = Place::new();
    let name = "a_server_whose_disk_fails_acknowledges_nothing_more_ends_and_goes_on_from_what_it_had";
    let Some(mut served) = on_an_unwell_machine(name, &place) else { return };
    let token = served.token();
    let plans = "/api/v1/namespaces/default/plans";
    served.applies(&token, &format!("{plans}/before"), &plan("true"));
    let runs = "/api/v1/namespaces/default/runs";
    let held = plan(&place.until("gate"));
    served.applies(&token, &format!("{plans}/held"), &held);
    let (status, text) = served.ask(&token, "POST", runs, "application/json", Some(&json!({"plan": "held"})));
    assert_eq!(status, 201, "{text}");
    let run = serde_json::from_str::<Value>(&text).unwrap()["run"].as_str().unwrap().to_owned();
    place.wait_for_line("done.log", "first");

    place.file("broken", "");
    let (path, media) = (format!("{plans}/after"), "application/apply+json");
    let (status, text) = served.ask(&token, "PATCH", &path, media, Some(&plan("true")));
    assert!(status >= 500, "{status} {text}");
    let ended = served.process.end();
    assert_ne!(ended.code, Some(0), "{} {}", ended.out, ended.err);
    let ended =
        ended.says(&["WL-0406", "Input/output error", "start again: what was acknowledged is recovered"]);
    assert!(!ended.err.contains("panicked"), "{}", ended.err);

    std::fs::remove_file(place.path("broken")).unwrap();
    place.file("gate", "");
    let served = Served::begin(&place);
    let is_there = |name: &str| served.ask(&token, "GET", &format!("{plans}/{name}"), "", None).0;
    // Of what was not acknowledged, nobody can know whether it reached the disk.
    assert_eq!((is_there("before"), is_there("held")), (200, 200));
    let (_, text) = served.ask(&token, "GET", &format!("{runs}/{run}/events"), "", None);
    assert!(text.contains("event: finished"), "followed to its end: {text}");
    let done = std::fs::read_to_string(place.path("done.log")).unwrap();
    assert_eq!((done.matches("first").count(), done.matches("last").count()), (1, 1), "{done}");
}

#[test]
fn a_clock_that_is_set_disturbs_nothing_that_goes_on_and_is_told() {
    let place = Place::new();
    let name = "a_clock_that_is_set_disturbs_nothing_that_goes_on_and_is_told";
    let Some(mut served) = on_an_unwell_machine(name, &place) else { return };
    let token = served.token();
    let mut plan = plan(&place.until("gate"));
    // Neither is over before its time, nor later than that.
    let held = &mut plan["spec"]["blocks"][0]["sequences"][0]["actions"];
    held[1]["timeout"] = json!("90s");
    held[2]["with"] = json!({"script": "sleep 60"});
    held[2]["timeout"] = json!("1s");
    served.applies(&token, "/api/v1/namespaces/default/plans/work", &plan);
    let runs = "/api/v1/namespaces/default/runs";
    let (status, text) = served.ask(&token, "POST", runs, "application/json", Some(&json!({"plan": "work"})));
    assert_eq!(status, 201, "{text}");
    let run = serde_json::from_str::<Value>(&text).unwrap()["run"].as_str().unwrap().to_owned();
    place.wait_for_line("done.log", "first");
    place.file("ahead", &"x".repeat(2 * 86_400));
    served.process.wait_for_words("the clock of this machine was set ahead by 2d");
    place.file("ahead", "");
    place.file("behind", &"x".repeat(7200));
    served.process.wait_for_words("the clock of this machine was set back by 2h");
    place.file("gate", "");
    let (_, text) = served.ask(&token, "GET", &format!("{runs}/{run}/events"), "", None);
    assert!(text.contains("event: finished"), "followed to its end: {text}");
    let (_, text) = served.ask(&token, "GET", &format!("{runs}/{run}"), "", None);
    let view: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(view["reason"]["address"], "b/s/last", "{view}");
    assert!(view["reason"]["message"].as_str().unwrap().contains("1s"), "{view}");
    served.process.signal("TERM");
    served.process.end().exits(0);
    // The next one has the new time.
    let Some(served) = on_an_unwell_machine(name, &place) else { return };
    let listed = place.json(&["runs", "list", "--output", "json"]);
    assert_eq!(listed[0]["id"], json!(run));
    assert_eq!(served.ask(&token, "GET", "/api/v1/me", "", None).0, 200);
    served.process.signal("TERM");
    served.process.end().exits(0);
}
