//! The nodes that a namespace may touch, as one document that inventories are read from.

use std::collections::HashMap;

use axum::Json;
use axum::extract::{Path, State};
use windlass_access::{Resource, Verb};
use windlass_model::Value;

use crate::answer::Problem;
use crate::api::Api;
use crate::caller::Caller;
use crate::endpoint::{Endpoint, Needs, endpoint};

const INVENTORY: &str = "Inventory";

/// What can be asked about it.
pub(crate) fn endpoints() -> Vec<Endpoint> {
    let about = "the nodes that runs of a namespace may touch, with groups and variables, as an inventory file says it";
    let needs = Needs::Right(Verb::View, INVENTORY);
    let path = "/api/v1/namespaces/{namespace}/inventory";
    vec![endpoint("GET", path, "getInventory", about, needs, "objects").gives(200, "Any")]
}

pub(crate) async fn get(
    State(api): State<Api>,
    caller: Caller,
    Path(places): Path<HashMap<String, String>>,
) -> Result<Json<Value>, Problem> {
    let namespace = places.get("name").map_or("", String::as_str);
    caller.must(Verb::View, &Resource::within(INVENTORY, namespace)).await?;
    Ok(Json(api.gathered().document(namespace).await?))
}
