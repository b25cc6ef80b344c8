//! Every plugin keeps to what the SDK asks of plugins.

#![cfg(test)]

use windlass_plugin::docs_markdown;
use windlass_plugin::testkit::conforms_dyn;
use windlass_plugins::standard;

#[test]
fn every_plugin_conforms() {
    for plugin in standard().unwrap().iter() {
        let name = &plugin.about().name;
        assert_eq!(conforms_dyn(std::sync::Arc::clone(plugin)), Ok(()), "{name}");
    }
}

#[test]
fn the_reference_is_what_the_plugins_say() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/reference/plugins.md");
    assert!(
        std::fs::read_to_string(path).unwrap() == docs_markdown(&standard().unwrap()),
        "it has drifted: cargo run -p windlass-plugins --example reference > docs/reference/plugins.md"
    );
}
