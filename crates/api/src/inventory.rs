//! The nodes that a namespace may touch, as one document that inventories are read from.

use std::collections::HashMap;

use axum::Json;
use axum::extract::Path;
use windlass_access::{Resource, Verb};
use windlass_contract::{HiddenVar, NodeVar, NodeVars};
use windlass_model::Value;
use windlass_model::vars::Blame;
use windlass_plugin::secrecy::shown_under;

use crate::answer::Problem;
use crate::caller::Caller;
use crate::endpoint::{Endpoint, Needs, endpoint};

const INVENTORY: &str = "Inventory";

/// What can be asked about it.
pub(crate) fn endpoints() -> Vec<Endpoint> {
    let about = "the nodes that runs of a namespace may touch, with groups and variables, as an inventory file says it";
    let needs = Needs::Right(Verb::View, INVENTORY);
    let path = "/api/v1/namespaces/{namespace}/inventory";
    let vars = "/api/v1/namespaces/{namespace}/inventory/{name}/vars";
    let about_vars = "the variables of a node in a namespace, with who supplies each, and whose it hides";
    vec![
        endpoint("GET", path, "getInventory", about, needs, "objects").gives(200, "Any"),
        endpoint("GET", vars, "getNodeVars", about_vars, needs, "objects").gives(200, "NodeVars"),
    ]
}

pub(crate) async fn get(
    caller: Caller,
    Path(places): Path<HashMap<String, String>>,
) -> Result<Json<Value>, Problem> {
    Ok(Json(document(&caller, places.get("name").map_or("", String::as_str)).await?))
}

/// The inventory of a namespace.
pub(crate) async fn document(caller: &Caller, namespace: &str) -> Result<Value, Problem> {
    caller.must(Verb::View, &Resource::within(INVENTORY, namespace)).await?;
    caller.api().gathered().document(namespace).await
}

pub(crate) async fn vars(
    caller: Caller,
    Path(places): Path<HashMap<String, String>>,
) -> Result<Json<NodeVars>, Problem> {
    let place = |key: &str| places.get(key).map_or("", String::as_str);
    Ok(Json(vars_of(&caller, place("name"), place("object")).await?))
}

/// The variables of a node in a namespace.
pub(crate) async fn vars_of(caller: &Caller, namespace: &str, node: &str) -> Result<NodeVars, Problem> {
    caller.must(Verb::View, &Resource::within(INVENTORY, namespace)).await?;
    let inventory = caller.api().gathered().inventory(namespace).await?;
    let found = inventory.find(node).filter(|id| inventory.node(*id).is_some_and(|node| node.active));
    let id = found.ok_or_else(|| Problem::not_found(format!("node {node} in {namespace}")))?;
    let mut blame = inventory.vars(id).blame();
    blame.sort_by(|one, other| one.key.cmp(&other.key));
    let var = |Blame { key, value, from, hides }: Blame| NodeVar {
        hides: hides
            .into_iter()
            .map(|hidden| HiddenVar { from: hidden.from.to_string(), value: shown_under(&key, hidden.value) })
            .collect(),
        value: shown_under(&key, value),
        from: from.to_string(),
        key,
    };
    Ok(NodeVars { items: blame.into_iter().map(var).collect() })
}
