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

/// What people who come from Ansible are told to use is there.
#[test]
fn the_table_of_ansible_modules_names_plugins_that_exist() {
    let page = include_str!("../../../docs/guide/from-ansible.md");
    let (_, table) = page.split_once("\n## Modules\n").unwrap();
    let (table, _) = table.split_once("\n## ").unwrap();
    let registry = standard().unwrap();
    let fields = ["content", "source", "template"];
    let mut checked = 0;
    for row in table.lines().filter(|line| line.starts_with("| `")) {
        let cells: Vec<&str> = row.trim_matches('|').split(" | ").collect();
        let [theirs, ours] = cells[..] else { panic!("{row}") };
        let ours = if ours.contains("the same names") { theirs } else { ours };
        for name in ours.split('`').skip(1).step_by(2).filter(|name| !fields.contains(name)) {
            assert!(registry.get(name).is_some(), "there is no plugin `{name}`: {row}");
            checked += 1;
        }
    }
    assert!(checked > 30, "{checked} names");
}
