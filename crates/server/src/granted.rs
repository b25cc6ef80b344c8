//! Nodes are touched only while the namespace of a run may touch them: looked at when it is submitted, and here again when each
//! action begins.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use windlass_api::{Gathered, NAMESPACE_LABEL};
use windlass_model::Value;
use windlass_model::code;
use windlass_model::id::RunId;
use windlass_plugin::{
    About, BoxFuture, Call, CallError, DynPlugin, Foresight, OriginUse, Place, Registry, RegistryError,
    Reply, Shape, Simulated, Simulation,
};
use windlass_runtime::Handle;

/// What tells whether a run may touch a node. What it looks into comes to be after the plugins that ask.
#[derive(Clone, Debug, Default)]
pub(crate) struct Grants(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    known: OnceLock<(Gathered, Handle)>,
    /// The namespaces of runs that were asked about.
    namespaces: Mutex<HashMap<RunId, Option<Arc<str>>>>,
}

/// A plugin that works on nodes which the namespace of its run may touch.
struct Granted {
    plugin: Arc<dyn DynPlugin>,
    grants: Grants,
}

/// How many runs are remembered.
const MOST_KNOWN: usize = 10_000;
/// The code of a call that may not be made.
const NOT_GRANTED: &str = "notGranted";

/// The same registry, with every plugin that works on a node behind what tells whether it may.
pub(crate) fn over(registry: &Registry, grants: &Grants) -> Result<Registry, RegistryError> {
    let mut granted = Registry::trusting();
    for plugin in registry.iter() {
        granted.register_dyn(match plugin.about().place {
            Place::Here => Arc::clone(plugin),
            Place::Target | Place::Beside => {
                Arc::new(Granted { plugin: Arc::clone(plugin), grants: grants.clone() })
            }
        })?;
    }
    Ok(granted)
}

// === impl Grants ===

impl Grants {
    pub(crate) fn set(&self, gathered: Gathered, runs: Handle) {
        // It is set once, by whoever opens the server.
        let _ = self.0.known.set((gathered, runs));
    }

    async fn look(&self, call: &Call) -> Result<(), CallError> {
        let nodes = call.node.iter().chain(&call.for_node);
        for node in nodes {
            let unknown = |why: String| {
                let message = format!("it cannot be known whether `{}` may be touched: {why}", node.name);
                CallError::retryable(NOT_GRANTED, message)
            };
            // A run that goes on before everything is there waits for its next attempt.
            let (gathered, runs) =
                self.0.known.get().ok_or_else(|| unknown("the objects are not there yet".to_owned()))?;
            let namespace = self.namespace(runs, call.run).await.map_err(unknown)?;
            // What nobody submitted over the API belongs to whoever has the files.
            let Some(namespace) = namespace else { return Ok(()) };
            let may = gathered.may_touch(&namespace, &node.name).await;
            if !may.map_err(|problem| unknown(problem.detail.clone()))? {
                let message = format!(
                    "{}: `{}` may not be touched from the namespace {namespace} any more",
                    code::NOT_GRANTED,
                    node.name
                );
                return Err(CallError::permanent(NOT_GRANTED, message));
            }
        }
        Ok(())
    }

    async fn namespace(&self, runs: &Handle, run: RunId) -> Result<Option<Arc<str>>, String> {
        let lock = || self.0.namespaces.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = lock().get(&run) {
            return Ok(known.clone());
        }
        let submission = runs.submission(run).await.map_err(|error| error.to_string())?;
        let namespace = submission.plan.metadata.labels.get(NAMESPACE_LABEL).map(|it| Arc::from(it.as_str()));
        let mut known = lock();
        if known.len() >= MOST_KNOWN {
            known.clear();
        }
        known.insert(run, namespace.clone());
        Ok(namespace)
    }
}

// === impl Granted ===

impl fmt::Debug for Granted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Granted").field(&self.plugin).finish()
    }
}

impl DynPlugin for Granted {
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
        Box::pin(async move {
            self.grants.look(&call).await?;
            self.plugin.call(call, request).await
        })
    }

    fn noop(&self, call: Call, request: Arc<Value>) -> BoxFuture<'_, Result<Foresight, CallError>> {
        Box::pin(async move {
            self.grants.look(&call).await?;
            self.plugin.noop(call, request).await
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

    // What was begun is looked for, whoever the node belongs to by now.
    fn was_done(&self, call: Call, request: Arc<Value>) -> BoxFuture<'_, Option<bool>> {
        self.plugin.was_done(call, request)
    }

    fn reattach(
        &self,
        call: Call,
        request: Arc<Value>,
    ) -> BoxFuture<'_, Option<Result<Reply<Value>, CallError>>> {
        self.plugin.reattach(call, request)
    }

    fn simulate(&self, simulation: &Simulation<'_>, request: &Value) -> Simulated<Value> {
        self.plugin.simulate(simulation, request)
    }
}
