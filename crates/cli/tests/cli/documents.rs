//! What the command says of itself: schema, completions, man pages, reference.

use crate::harness::Place;

#[test]
fn the_schema_is_json() {
    let schema = Place::new().json(&["schema", "plan"]);
    assert!(schema["properties"]["spec"].is_object() || schema["$defs"].is_object(), "{schema}");
}

#[test]
fn there_are_completions_for_every_shell() {
    let place = Place::new();
    for shell in ["bash", "zsh", "fish"] {
        place.run(&["completions", shell]).exits(0).shows(&["windlass", "rehearse"]);
    }
}

#[test]
fn there_is_a_man_page_for_every_command() {
    let place = Place::new();
    let dir = place.path("man");
    place.run(&["man", dir.to_str().unwrap()]).exits(0).says(&["man -l"]);
    for page in ["windlass.1", "windlass-run.1", "windlass-runs-resolve.1"] {
        assert!(dir.join(page).exists(), "{page}");
    }
}

#[test]
fn the_reference_names_every_command_and_exit_code() {
    let place = Place::new();
    place.run(&["docs", "cli"]).exits(0).shows(&["## windlass runs resolve", "| 70 |", "`--crash-at EVENT`"]);
    place.run(&["docs", "plugins"]).exits(0).shows(&["## command"]);
}
