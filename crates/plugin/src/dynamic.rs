//! Plugins behind one type: JSON in, JSON out. What the registry holds and the runtime calls.
//!
//! Two adapters lead here: [`Typed`] from a [`Plugin`], whose types are its schemas, and
//! [`Raw`](crate::raw::Raw) from a [`RawPlugin`](crate::RawPlugin), whose answers are checked against
//! the schemas that it declares. Both see to it that a check never reports a change.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, OnceLock};

use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, Schema};
use serde::de::DeserializeOwned;
use windlass_model::Value;
use windlass_model::fact::PluginKind;
use windlass_model::outcome::Failure;

use crate::about::About;
use crate::call::Call;
use crate::error::CallError;
use crate::foresight::Foresight;
use crate::origin::OriginUse;
use crate::plugin::Plugin;
use crate::reply::Reply;
use crate::shape::{Shape, Strictness};
use crate::simulation::{Simulated, Simulation};

/// A future without a name.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// A plugin of which the types are not known.
pub trait DynPlugin: Send + Sync + fmt::Debug + 'static {
    /// What it says of itself. The name may be another where it was registered under one.
    fn about(&self) -> &About;
    /// What a request must look like.
    fn request(&self) -> &Shape;
    /// What a response looks like.
    fn response(&self) -> &Shape;
    /// Makes one attempt. See [`Plugin::call`] for how it ends.
    fn call(&self, call: Call, request: Arc<Value>) -> BoxFuture<'_, Result<Reply<Value>, CallError>>;
    /// Says what an attempt would change, and changes nothing. See [`Plugin::noop`].
    fn noop(&self, call: Call, request: Arc<Value>) -> BoxFuture<'_, Result<Foresight, CallError>>;
    /// Which files of Windlass's side a rendered request is about.
    fn origin_use(&self, call: &Call, request: &Value) -> OriginUse;
    /// Says everything that is wrong with a rendered request: its shape, then what the plugin says of it.
    fn validate(&self, request: &Value) -> Result<(), Vec<String>>;
    /// Whether it can work at all here.
    fn ready(&self) -> BoxFuture<'_, Result<(), String>>;
    /// Whether an attempt of which a crash hid the end was done.
    fn was_done(&self, call: Call, request: Arc<Value>) -> BoxFuture<'_, Option<bool>>;
    /// Finds work again that went on without us, and waits for its end.
    fn reattach(
        &self,
        call: Call,
        request: Arc<Value>,
    ) -> BoxFuture<'_, Option<Result<Reply<Value>, CallError>>>;
    /// How it behaves in a rehearsal.
    fn simulate(&self, simulation: &Simulation<'_>, request: &Value) -> Simulated<Value>;
}

/// A [`Plugin`] as a [`DynPlugin`].
pub struct Typed<P> {
    plugin: P,
    about: About,
    /// Made when they are first looked at: an agent that makes one attempt needs none of most.
    request: OnceLock<Shape>,
    response: OnceLock<Shape>,
}

// === impl Typed ===

impl<P: Plugin> Typed<P> {
    /// Takes the types off a plugin.
    pub fn new(plugin: P) -> Self {
        let about = plugin.about();
        Self { plugin, about, request: OnceLock::new(), response: OnceLock::new() }
    }

    /// The same under another name.
    #[must_use]
    pub fn named(mut self, name: impl Into<String>) -> Self {
        self.about.name = name.into();
        self
    }

    fn accept(&self, request: &Value) -> Result<P::Request, CallError> {
        let request = read::<P::Request>(request)?;
        self.plugin
            .validate(&request)
            .map_err(|problems| CallError::permanent(CallError::REQUEST, problems.join("; ")))?;
        Ok(request)
    }

    fn answer(&self, reply: Reply<P::Response>) -> Result<Reply<Value>, CallError> {
        let response = serde_json::to_value(reply.response).map_err(|error| {
            CallError::permanent(Failure::RESPONSE, "the response cannot be put into JSON").because(&error)
        })?;
        Ok(Reply { response, changed: reply.changed && may_change(&self.about) })
    }
}

impl<P: Plugin> DynPlugin for Typed<P> {
    fn about(&self) -> &About {
        &self.about
    }

    fn request(&self) -> &Shape {
        self.request.get_or_init(|| Shape::new(request_schema::<P::Request>().to_value()))
    }

    fn response(&self) -> &Shape {
        self.response.get_or_init(|| Shape::new(response_schema::<P::Response>().to_value()))
    }

    fn call(&self, call: Call, request: Arc<Value>) -> BoxFuture<'_, Result<Reply<Value>, CallError>> {
        Box::pin(async move {
            let request = self.accept(&request)?;
            self.plugin.call(call, request).await.and_then(|reply| self.answer(reply))
        })
    }

    fn noop(&self, call: Call, request: Arc<Value>) -> BoxFuture<'_, Result<Foresight, CallError>> {
        Box::pin(async move {
            let request = self.accept(&request)?;
            self.plugin.noop(call, request).await
        })
    }

    fn origin_use(&self, call: &Call, request: &Value) -> OriginUse {
        read::<P::Request>(request)
            .map_or(OriginUse::NOTHING, |request| self.plugin.origin_use(call, &request))
    }

    fn validate(&self, request: &Value) -> Result<(), Vec<String>> {
        fits(self.request(), request)?;
        let request = read::<P::Request>(request).map_err(|error| vec![error.message])?;
        self.plugin.validate(&request)
    }

    fn ready(&self) -> BoxFuture<'_, Result<(), String>> {
        Box::pin(self.plugin.ready())
    }

    fn was_done(&self, call: Call, request: Arc<Value>) -> BoxFuture<'_, Option<bool>> {
        Box::pin(async move { self.plugin.was_done(call, self.accept(&request).ok()?).await })
    }

    fn reattach(
        &self,
        call: Call,
        request: Arc<Value>,
    ) -> BoxFuture<'_, Option<Result<Reply<Value>, CallError>>> {
        Box::pin(async move {
            let ended = self.plugin.reattach(call, self.accept(&request).ok()?).await?;
            Some(ended.and_then(|reply| self.answer(reply)))
        })
    }

    fn simulate(&self, simulation: &Simulation<'_>, request: &Value) -> Simulated<Value> {
        let request = match self.accept(request) {
            Ok(request) => request,
            Err(error) => return Simulated::failed(std::time::Duration::ZERO, error),
        };
        let Simulated { after, result } = self.plugin.simulate(simulation, &request);
        let result = result.and_then(|reply| {
            let changed = reply.changed && may_change(&self.about);
            match reply.response {
                Some(response) => self.answer(Reply { response, changed }).map(|reply| reply.map(Some)),
                None => Ok(Reply { response: None, changed }),
            }
        });
        Simulated { after, result }
    }
}

impl<P> fmt::Debug for Typed<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Typed").field(&self.about.name).finish()
    }
}

/// The JSON Schema of a request type.
#[must_use]
pub fn request_schema<T: JsonSchema>() -> Schema {
    SchemaSettings::draft2020_12().for_deserialize().into_generator().into_root_schema_for::<T>()
}

/// The JSON Schema of a response type.
#[must_use]
pub fn response_schema<T: JsonSchema>() -> Schema {
    SchemaSettings::draft2020_12().for_serialize().into_generator().into_root_schema_for::<T>()
}

/// Everything that is wrong with the shape of a rendered request, each with its place.
pub(crate) fn fits(shape: &Shape, request: &Value) -> Result<(), Vec<String>> {
    let misfits = shape.misfits(request, Strictness::Rendered);
    if misfits.is_empty() { Ok(()) } else { Err(misfits.iter().map(ToString::to_string).collect()) }
}

pub(crate) fn may_change(about: &About) -> bool {
    about.kind == PluginKind::Acting
}

fn read<T: DeserializeOwned>(request: &Value) -> Result<T, CallError> {
    // Keeping track of the path costs something; it is only wanted where there is an error to place.
    if let Ok(request) = T::deserialize(request) {
        return Ok(request);
    }
    serde_path_to_error::deserialize(request).map_err(|error| {
        let path = error.path().to_string();
        let message = error.into_inner();
        CallError::permanent(
            CallError::REQUEST,
            if path == "." {
                format!("the request does not fit: {message}")
            } else {
                format!("the request does not fit at `{path}`: {message}")
            },
        )
    })
}
