//! A plugin that works on our side of a node, and asks the node for what has to be done there.
//!
//! Owns nothing but the ways to the node's plugins; whether and how often to ask is the plugin's business.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use windlass_plugin::{
    About, AtNode, BoxFuture, Call, CallError, DynPlugin, Foresight, NodeAsk, NodeCalls, OriginUse, Place,
    Registry, Reply, Shape, Simulated, Simulation, Value,
};

use crate::connect::Destination;
use crate::fleet::Fleet;
use crate::remote::{IsHere, NEEDS_AGENT, Remote};

/// The plugins that nodes can be asked for, by name.
#[derive(Debug)]
pub(crate) struct Targets {
    plugins: HashMap<String, Remote>,
    /// Tells questions of one attempt apart.
    next: AtomicU64,
}

/// A plugin that is called here, with a way to its node.
pub(crate) struct Beside {
    plugin: Arc<dyn DynPlugin>,
    targets: Arc<Targets>,
    is_here: IsHere,
}

// === impl Targets ===

impl Targets {
    pub(crate) fn new(registry: &Registry, fleet: &Fleet, is_here: IsHere) -> Self {
        let on_nodes = registry.iter().filter(|plugin| plugin.about().place == Place::Target);
        let remote = |plugin: &Arc<dyn DynPlugin>| {
            let remote = Remote::new(Arc::clone(plugin), fleet.clone(), is_here);
            (plugin.about().name.clone(), remote)
        };
        Self { plugins: on_nodes.map(remote).collect(), next: AtomicU64::new(1) }
    }
}

impl NodeCalls for Targets {
    fn ask<'a>(&'a self, call: &'a Call, ask: NodeAsk) -> BoxFuture<'a, Result<Reply<Value>, CallError>> {
        Box::pin(async move {
            let NodeAsk { plugin, request, within, line } = ask;
            let Some(remote) = self.plugins.get(&plugin) else {
                return Err(CallError::permanent("plugin", format!("no node can be asked for `{plugin}`")));
            };
            let Some(node) = call.node.clone() else {
                return Err(CallError::permanent("plugin", "there is no node to ask"));
            };
            let number = self.next.fetch_add(1, Ordering::Relaxed);
            let asked = Call { key: format!("{}/{number}", call.key), deadline_in: within, ..call.clone() };
            remote.once(&asked, &request, &Destination { node, run: call.run }, line).await
        })
    }
}

// === impl Beside ===

impl Beside {
    pub(crate) fn new(plugin: Arc<dyn DynPlugin>, targets: Arc<Targets>, is_here: IsHere) -> Self {
        Self { plugin, targets, is_here }
    }

    fn with_node(&self, call: Call) -> Call {
        if call.node.as_ref().is_none_or(|node| (self.is_here)(node)) {
            return call;
        }
        let calls = Arc::clone(&self.targets) as Arc<dyn NodeCalls>;
        Call { at_node: AtNode::away(calls), ..call }
    }
}

impl DynPlugin for Beside {
    fn about(&self) -> &About {
        self.plugin.about()
    }

    fn request(&self) -> &Shape {
        self.plugin.request()
    }

    fn response(&self) -> &Shape {
        self.plugin.response()
    }

    fn call(&self, call: Call, request: Arc<Value>) -> BoxFuture<'_, Result<Reply<Value>, CallError>> {
        self.plugin.call(self.with_node(call), request)
    }

    fn noop(&self, call: Call, request: Arc<Value>) -> BoxFuture<'_, Result<Foresight, CallError>> {
        Box::pin(async move {
            match self.plugin.noop(self.with_node(call), request).await {
                Err(error) if error.code == NEEDS_AGENT => Ok(Foresight::unknown(error.message)),
                foreseen => foreseen,
            }
        })
    }

    fn origin_use(&self, call: &Call, request: &Value) -> OriginUse {
        self.plugin.origin_use(call, request)
    }

    fn validate(&self, request: &Value) -> Result<(), Vec<String>> {
        self.plugin.validate(request)
    }

    fn ready(&self) -> BoxFuture<'_, Result<(), String>> {
        self.plugin.ready()
    }

    fn was_done(&self, call: Call, request: Arc<Value>) -> BoxFuture<'_, Option<bool>> {
        self.plugin.was_done(self.with_node(call), request)
    }

    fn reattach(
        &self,
        call: Call,
        request: Arc<Value>,
    ) -> BoxFuture<'_, Option<Result<Reply<Value>, CallError>>> {
        self.plugin.reattach(self.with_node(call), request)
    }

    fn simulate(&self, simulation: &Simulation<'_>, request: &Value) -> Simulated<Value> {
        self.plugin.simulate(simulation, request)
    }
}

impl fmt::Debug for Beside {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Beside").field(&self.plugin.about().name).finish()
    }
}
