//! The nodes that a namespace may touch, as one document that inventories are read from.

use std::collections::HashMap;
use std::sync::Arc;

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query};
use axum::http::StatusCode;
use serde::Deserialize;
use windlass_access::{Resource, Verb};
use windlass_contract::{HiddenVar, NodeFacts, NodeFactsList, NodeVar, NodeVars};
use windlass_lang::Evaluator;
use windlass_model::eval::Scope;
use windlass_model::target::{Node, Targets};
use windlass_model::vars::Blame;
use windlass_model::{Value, code};
use windlass_plugin::secrecy::shown_under;

use crate::answer::Problem;
use crate::caller::Caller;
use crate::endpoint::{Endpoint, Needs, endpoint};

const INVENTORY: &str = "Inventory";

/// What is wanted beside.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct With {
    facts: bool,
}

/// Which nodes somebody asks about.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct About {
    selection: Option<String>,
}

/// What can be asked about it.
pub(crate) fn endpoints() -> Vec<Endpoint> {
    let about = "the nodes that runs of a namespace may touch, with groups and variables, as an inventory file says it";
    let needs = Needs::Right(Verb::View, INVENTORY);
    let path = "/api/v1/namespaces/{namespace}/inventory";
    let vars = "/api/v1/namespaces/{namespace}/inventory/{name}/vars";
    let about_vars = "the variables of a node in a namespace, with who supplies each, and whose it hides";
    let facts = "/api/v1/namespaces/{namespace}/inventory/facts";
    let about_facts =
        "what the nodes that runs of a namespace may touch report of themselves, and when they did";
    let with_facts = &[("facts", "`true`: with what nodes report of themselves")];
    let selection = &[("selection", "only these nodes, such as `@web,!web07`")];
    vec![
        endpoint("GET", path, "getInventory", about, needs, "objects").query(with_facts).gives(200, "Any"),
        endpoint("GET", facts, "getFacts", about_facts, needs, "objects")
            .query(selection)
            .gives(200, "NodeFactsList"),
        endpoint("GET", vars, "getNodeVars", about_vars, needs, "objects").gives(200, "NodeVars"),
    ]
}

pub(crate) async fn get(
    caller: Caller,
    Path(places): Path<HashMap<String, String>>,
    with: Result<Query<With>, QueryRejection>,
) -> Result<Json<Value>, Problem> {
    let with_facts = || Ok(with.map_err(|why| Problem::bad(why.body_text()))?.0.facts);
    Ok(Json(document(&caller, places.get("name").map_or("", String::as_str), with_facts).await?))
}

/// The inventory of a namespace.
pub(crate) async fn document(
    caller: &Caller,
    namespace: &str,
    with_facts: impl FnOnce() -> Result<bool, Problem>,
) -> Result<Value, Problem> {
    caller.must(Verb::View, &Resource::within(INVENTORY, namespace)).await?;
    caller.api().gathered().document(namespace, with_facts()?).await
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

pub(crate) async fn facts(
    caller: Caller,
    Path(places): Path<HashMap<String, String>>,
    about: Result<Query<About>, QueryRejection>,
) -> Result<Json<NodeFactsList>, Problem> {
    let about = || Ok(about.map_err(|why| Problem::bad(why.body_text()))?.0.selection);
    let namespace = places.get("name").map_or("", String::as_str);
    Ok(Json(facts_of(&caller, namespace, about).await?))
}

/// What nodes of a namespace report of themselves.
pub(crate) async fn facts_of(
    caller: &Caller,
    namespace: &str,
    selection: impl FnOnce() -> Result<Option<String>, Problem>,
) -> Result<NodeFactsList, Problem> {
    caller.must(Verb::View, &Resource::within(INVENTORY, namespace)).await?;
    let (gathered, selection) = (caller.api().gathered(), selection()?);
    let inventory = gathered.inventory_with_facts(namespace).await?;
    let chosen: Vec<&Arc<Node>> = match selection.as_deref() {
        None => inventory.nodes().filter(|node| node.active).collect(),
        Some(text) => {
            let targets = Targets { allow_empty: true, ..selected(text)? };
            let choice = inventory.select(&targets, &Evaluator::new(), &Scope::default());
            if !choice.problems.is_empty() {
                return Err(Problem::invalid(&choice.problems));
            }
            let nodes = choice.targets.names().filter_map(|name| inventory.node(inventory.find(name)?));
            nodes.collect()
        }
    };
    let mut reported = gathered.reported().await?;
    let mut items: Vec<NodeFacts> = chosen
        .into_iter()
        .map(|node| {
            let at = reported.remove(&node.name);
            NodeFacts { node: node.name.clone(), at, facts: node.facts.clone() }
        })
        .collect();
    items.sort_by(|one, other| one.node.cmp(&other.node));
    Ok(NodeFactsList { items })
}

/// A selection as somebody typed it.
pub(crate) fn selected(text: &str) -> Result<Targets, Problem> {
    text.parse().map_err(|why| {
        Problem::new(StatusCode::BAD_REQUEST, &code::BAD_SELECTOR, format!("selection: {why}"))
    })
}
