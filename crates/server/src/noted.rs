//! What a node reports of itself to the module `facts` is noted in its status, whichever run asks: what is chosen and rendered from then
//! on sees it.

use std::fmt;
use std::sync::Arc;

use windlass_model::Value;
use windlass_objects::{Author, Name, Objects, kinds};
use windlass_plugin::{
    About, BoxFuture, Call, CallError, DynPlugin, Foresight, Node, OriginUse, Registry, RegistryError, Reply,
    Shape, Simulated, Simulation,
};
use windlass_runtime::Clock;

/// The plugin whose answers are noted.
const FACTS: &str = "facts";

/// Where they are noted.
#[derive(Clone, Debug)]
pub(crate) struct Notes {
    pub(crate) objects: Objects,
    pub(crate) clock: Clock,
}

struct Noted {
    plugin: Arc<dyn DynPlugin>,
    notes: Notes,
}

/// The same registry, with answers of `facts` noted.
pub(crate) fn over(registry: &Registry, notes: &Notes) -> Result<Registry, RegistryError> {
    let mut noted = Registry::trusting();
    for plugin in registry.iter() {
        noted.register_dyn(match plugin.about().name.as_str() {
            FACTS => Arc::new(Noted { plugin: Arc::clone(plugin), notes: notes.clone() }),
            _ => Arc::clone(plugin),
        })?;
    }
    Ok(noted)
}

/// The node whose facts may be noted: what a sensitive action answers is a secret.
fn about(call: &Call) -> Option<Arc<Node>> {
    call.node.clone().filter(|_| !call.sensitive)
}

// === impl Notes ===

impl Notes {
    /// Whether it can be noted decides nothing about the run.
    async fn note(&self, node: Option<Arc<Node>>, facts: Option<&Value>) {
        let (Some(node), Some(facts @ Value::Object(_))) = (node, facts) else { return };
        let now = self.clock.now();
        let author = Author { user: "windlass".to_owned(), at: now };
        let name = Name::global(&node.name);
        let noted = self.objects.set_status(&kinds::NODE, &name, &author, |before| {
            let mut status = before.as_object().cloned().unwrap_or_default();
            status.insert("facts".into(), facts.clone());
            status.insert("factsAt".into(), now.to_string().into());
            Value::Object(status)
        });
        match noted.await {
            Ok(_) | Err(windlass_objects::Error::NotFound { .. }) => {}
            Err(error) => tracing::warn!(node = node.name, %error, "the facts of a node cannot be noted"),
        }
    }
}

// === impl Noted ===

impl fmt::Debug for Noted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Noted").field(&self.plugin).finish()
    }
}

impl DynPlugin for Noted {
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
            let node = about(&call);
            let reply = self.plugin.call(call, request).await?;
            self.notes.note(node, Some(&reply.response)).await;
            Ok(reply)
        })
    }

    fn noop(&self, call: Call, request: Arc<Value>) -> BoxFuture<'_, Result<Foresight, CallError>> {
        Box::pin(async move {
            let node = about(&call);
            let foresight = self.plugin.noop(call, request).await?;
            self.notes.note(node, foresight.response.as_ref()).await;
            Ok(foresight)
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
        self.plugin.was_done(call, request)
    }

    fn reattach(
        &self,
        call: Call,
        request: Arc<Value>,
    ) -> BoxFuture<'_, Option<Result<Reply<Value>, CallError>>> {
        Box::pin(async move {
            let node = about(&call);
            let found = self.plugin.reattach(call, request).await?;
            self.notes.note(node, found.as_ref().ok().map(|reply| &reply.response)).await;
            Some(found)
        })
    }

    fn simulate(&self, simulation: &Simulation<'_>, request: &Value) -> Simulated<Value> {
        self.plugin.simulate(simulation, request)
    }
}
