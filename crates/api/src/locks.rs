//! Who has the lock of a node, and who waits for it.
//!
//! A lock is of no namespace: any run may have it. Of a run that whoever asks may not see, only that it is there is said.

use std::collections::HashMap;

use axum::Json;
use axum::extract::Path;
use windlass_access::{Resource, Verb};
use windlass_contract::{AtLock, NAMESPACE_LABEL, NodeLock};
use windlass_model::element::ElementId;
use windlass_model::id::RunId;
use windlass_objects::{Name, kinds};
use windlass_runtime::LockStanding;

use crate::answer::Problem;
use crate::caller::Caller;
use crate::endpoint::{Endpoint, Needs, endpoint};
use crate::runs::RUN;

const NODE: &str = "Node";
const INVENTORY: &str = "Inventory";
/// How many of those who wait are told of.
const TOLD: usize = 100;

/// What can be asked about them.
pub(crate) fn endpoints() -> Vec<Endpoint> {
    let about = "who has the lock of a node, and who waits for it";
    let of_node = Needs::Right(Verb::View, NODE);
    let of_inventory = Needs::Right(Verb::View, INVENTORY);
    let path = "/api/v1/namespaces/{namespace}/inventory/{name}/lock";
    let about_own = "the same of a node that runs of a namespace may touch";
    vec![
        endpoint("GET", "/api/v1/nodes/{name}/lock", "getNodeLock", about, of_node, "objects")
            .gives(200, "NodeLock"),
        endpoint("GET", path, "getInventoryLock", about_own, of_inventory, "objects").gives(200, "NodeLock"),
    ]
}

pub(crate) async fn of_node(
    caller: Caller,
    Path(places): Path<HashMap<String, String>>,
) -> Result<Json<NodeLock>, Problem> {
    Ok(Json(anywhere(&caller, places.get("name").map_or("", String::as_str)).await?))
}

pub(crate) async fn of_inventory(
    caller: Caller,
    Path(places): Path<HashMap<String, String>>,
) -> Result<Json<NodeLock>, Problem> {
    let place = |key: &str| places.get(key).map_or("", String::as_str);
    Ok(Json(within(&caller, place("name"), place("object")).await?))
}

/// The lock of any node.
pub(crate) async fn anywhere(caller: &Caller, node: &str) -> Result<NodeLock, Problem> {
    caller.must(Verb::View, &Resource::global(NODE).named(node)).await?;
    caller.api().parts().objects.get(&kinds::NODE, &Name::global(node)).await?;
    lock(caller, node).await
}

/// The lock of a node that runs of a namespace may touch.
pub(crate) async fn within(caller: &Caller, namespace: &str, node: &str) -> Result<NodeLock, Problem> {
    caller.must(Verb::View, &Resource::within(INVENTORY, namespace)).await?;
    if !caller.api().gathered().may_touch(namespace, node).await? {
        return Err(Problem::not_found(format!("node {node} in {namespace}")));
    }
    lock(caller, node).await
}

async fn lock(caller: &Caller, node: &str) -> Result<NodeLock, Problem> {
    let lock = format!("node/{node}");
    let Some(standing) = caller.api().parts().runs.lock(&lock).await? else {
        return Ok(NodeLock { lock, holder: None, waiting: Vec::new() });
    };
    let LockStanding { run, element, waiting } = standing;
    let holder = Some(holder(caller, run, element).await?);
    let mut told = Vec::new();
    for run in waiting.into_iter().take(TOLD) {
        told.push(waiter(caller, run, &lock).await?);
    }
    Ok(NodeLock { lock, holder, waiting: told })
}

/// What may be told of a run as such; nothing where it may not be seen.
async fn shown(caller: &Caller, run: RunId) -> Result<Option<AtLock>, Problem> {
    let view = match caller.api().parts().runs.status(run).await {
        Ok(view) => view,
        // It has ended meanwhile, and was deleted.
        Err(windlass_runtime::Error::UnknownRun(_)) => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    let namespace = view.labels.get(NAMESPACE_LABEL).cloned().unwrap_or_default();
    if !caller.may(Verb::View, &Resource::within(RUN, &namespace)) {
        return Ok(None);
    }
    Ok(Some(AtLock { run: Some(run), namespace, plan: view.plan, user: view.user, ..AtLock::default() }))
}

async fn holder(caller: &Caller, run: RunId, element: Option<ElementId>) -> Result<AtLock, Problem> {
    let Some(shown) = shown(caller, run).await? else { return Ok(AtLock::default()) };
    let Some(ElementId::Sequence { block, seq }) = element else { return Ok(shown) };
    let fold = caller.api().parts().runs.fold(run).await?;
    let layout = fold.layout();
    let address = layout.address(ElementId::Sequence { block, seq });
    let within = format!("{address}/");
    let at_work = fold.running().map(|(id, _)| layout.address(id)).filter(|it| it.starts_with(&within));
    let since = fold.element(ElementId::Sequence { block, seq }).started_at.map(|at| at.as_millis());
    Ok(AtLock { at_work: at_work.collect(), address, since, ..shown })
}

async fn waiter(caller: &Caller, run: RunId, lock: &str) -> Result<AtLock, Problem> {
    let Some(shown) = shown(caller, run).await? else { return Ok(AtLock::default()) };
    let fold = caller.api().parts().runs.fold(run).await?;
    let Some((id, wait)) = fold.held().find(|(_, wait)| wait.lock == lock) else { return Ok(shown) };
    let address = fold.layout().address(id);
    Ok(AtLock { address, since: Some(wait.since.as_millis()), ..shown })
}
