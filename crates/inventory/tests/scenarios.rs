//! The scenarios of inventory, variables and selections.

#![cfg(test)]

#[path = "scenarios/ancestry.rs"]
mod ancestry;
#[path = "scenarios/selection.rs"]
mod selection;
#[path = "scenarios/texts.rs"]
mod texts;
#[path = "scenarios/variables.rs"]
mod variables;

use serde_json::{Value, json};
use windlass_inventory::{Contents, Inventory, Item, Placed};

/// An inventory of objects: `{cluster, namespace, groups: [], nodes: []}`.
fn build(objects: Value) -> Result<Inventory, Vec<Placed>> {
    fn list<T: serde::de::DeserializeOwned>(objects: &Value, key: &str) -> Vec<Item<T>> {
        let items = objects.get(key).cloned().unwrap_or(json!([]));
        let items: Vec<T> = serde_json::from_value(items).unwrap();
        items.into_iter().map(Item::unplaced).collect()
    }
    let level = |key: &str| {
        objects.get(key).map(|level| Item::unplaced(serde_json::from_value(level.clone()).unwrap()))
    };
    Inventory::build(Contents {
        role_label: None,
        cluster: level("cluster"),
        namespace: level("namespace"),
        groups: list(&objects, "groups"),
        nodes: list(&objects, "nodes"),
    })
}

fn inventory(objects: Value) -> Inventory {
    build(objects).unwrap_or_else(|problems| panic!("{problems:#?}"))
}

fn refused(objects: Value) -> Vec<String> {
    let problems = build(objects).unwrap_err();
    problems.iter().map(|placed| placed.problem.to_string()).collect()
}
