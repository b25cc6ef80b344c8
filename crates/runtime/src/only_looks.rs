//! A plugin in a run that only looks: it cannot act, whoever asks it to.
//!
//! The engine asks acting plugins only what they would do. This stands between the two all the same, so that
//! a mistake anywhere is a failed attempt and no change.

use std::future::ready;
use std::sync::Arc;

use windlass_model::Value;
use windlass_model::fact::PluginKind;
use windlass_plugin::{
    About, BoxFuture, Call, CallError, DynPlugin, Foresight, OriginUse, Reply, Shape, Simulated, Simulation,
};

/// See the module.
#[derive(Debug)]
pub(crate) struct OnlyLooks(Arc<dyn DynPlugin>);

// === impl OnlyLooks ===

impl OnlyLooks {
    /// The same plugin; one that acts is kept from it. Checks change nothing.
    pub(crate) fn over(plugin: &Arc<dyn DynPlugin>) -> Arc<dyn DynPlugin> {
        match plugin.about().kind {
            PluginKind::Check => Arc::clone(plugin),
            PluginKind::Acting => Arc::new(Self(Arc::clone(plugin))),
        }
    }
}

impl DynPlugin for OnlyLooks {
    fn about(&self) -> &About {
        self.0.about()
    }

    fn request(&self) -> &Shape {
        self.0.request()
    }

    fn response(&self) -> &Shape {
        self.0.response()
    }

    fn call(&self, _: Call, _: Arc<Value>) -> BoxFuture<'_, Result<Reply<Value>, CallError>> {
        let message = format!("`{}` would have acted in a run that only looks", self.0.about().name);
        Box::pin(ready(Err(CallError::permanent("noop", message))))
    }

    fn noop(&self, call: Call, request: Arc<Value>) -> BoxFuture<'_, Result<Foresight, CallError>> {
        self.0.noop(call, request)
    }

    fn origin_use(&self, call: &Call, request: &Value) -> OriginUse {
        self.0.origin_use(call, request)
    }

    fn validate(&self, request: &Value) -> Result<(), Vec<String>> {
        self.0.validate(request)
    }

    fn ready(&self) -> BoxFuture<'_, Result<(), String>> {
        self.0.ready()
    }

    fn was_done(&self, _: Call, _: Arc<Value>) -> BoxFuture<'_, Option<bool>> {
        Box::pin(ready(None))
    }

    fn reattach(&self, _: Call, _: Arc<Value>) -> BoxFuture<'_, Option<Result<Reply<Value>, CallError>>> {
        // Waiting for work that goes on is not looking: there is none of this run.
        Box::pin(ready(None))
    }

    fn simulate(&self, simulation: &Simulation<'_>, request: &Value) -> Simulated<Value> {
        self.0.simulate(simulation, request)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn checks_look_and_the_rest_is_kept_from_acting() {
        let registry = windlass_plugins::standard().unwrap();
        for plugin in registry.iter() {
            let kept = OnlyLooks::over(plugin);
            let acts = plugin.about().kind == PluginKind::Acting;
            assert_eq!(!Arc::ptr_eq(plugin, &kept), acts, "{}", plugin.about().name);
        }
    }
}
