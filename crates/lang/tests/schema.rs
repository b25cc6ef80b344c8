//! The committed JSON Schema of plan files is the one that the types make.
//!
//! `UPDATE_SCHEMA=1 cargo test -p windlass-lang --test schema` writes it anew.

#![cfg(test)]
#![expect(
    clippy::disallowed_methods,
    reason = "the test compares with a file, and updates it when it is asked to"
)]

use std::path::Path;

use windlass_lang::plan_schema;

#[test]
fn the_committed_schema_is_current() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/schema/plan.json");
    let current = format!("{}\n", serde_json::to_string_pretty(plan_schema()).unwrap());
    if std::env::var_os("UPDATE_SCHEMA").is_some() {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, &current).unwrap();
    }
    let committed = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(committed == current, "docs/schema/plan.json is out of date: run this test with UPDATE_SCHEMA=1");
}

#[test]
fn the_schema_describes_every_key() {
    fn walk(value: &serde_json::Value, at: &str, bare: &mut Vec<String>) {
        if let Some(keys) = value.get("properties").and_then(|keys| keys.as_object()) {
            for (key, schema) in keys {
                if schema.get("description").is_none() {
                    bare.push(format!("{at}/{key}"));
                }
            }
        }
        if let Some(map) = value.as_object() {
            map.iter().for_each(|(key, value)| walk(value, &format!("{at}/{key}"), bare));
        }
        if let Some(items) = value.as_array() {
            items.iter().for_each(|value| walk(value, at, bare));
        }
    }
    let mut bare = Vec::new();
    walk(plan_schema(), "", &mut bare);
    assert_eq!(bare, [] as [&str; 0]);
}
