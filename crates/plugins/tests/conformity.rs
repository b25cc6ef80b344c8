//! Every plugin keeps to what the SDK asks of plugins.

#![cfg(test)]

use windlass_plugin::testkit::conforms_dyn;
use windlass_plugins::standard;

#[test]
fn every_plugin_conforms() {
    for plugin in standard().unwrap().iter() {
        let name = &plugin.about().name;
        assert_eq!(conforms_dyn(std::sync::Arc::clone(plugin)), Ok(()), "{name}");
    }
}
