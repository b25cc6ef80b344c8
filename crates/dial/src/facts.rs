//! What the node reports of itself, as the module `facts` finds it.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use uuid::Uuid;
use windlass_model::id::RunId;
use windlass_plugin::{AtNode, Call, Cancel, Node, Origin, Output, Programs, Registry};

/// Facts of this machine; `None` where they cannot be found.
pub(crate) async fn here(node: &str) -> Option<Value> {
    let mut registry = Registry::trusting();
    windlass_plugins::register_named(&mut registry, "facts").ok()?;
    let call = Call {
        run: RunId(Uuid::nil()),
        plan: "agent".to_owned(),
        address: "agent/facts".to_owned(),
        attempt: 1,
        key: "agent/facts".to_owned(),
        node: Some(Arc::new(Node { name: node.to_owned(), ..Node::default() })),
        for_node: None,
        deadline_in: Duration::from_secs(60),
        age: Duration::ZERO,
        cancel: Cancel::never(),
        output: Output::default(),
        programs: Programs::default(),
        origin: Origin::default(),
        bare: None,
        at_node: AtNode::default(),
        sensitive: false,
    };
    registry.get("facts")?.noop(call, Arc::new(json!({}))).await.ok()?.response
}
