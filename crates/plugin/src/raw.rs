//! Plugins whose schemas are only known when they run: those of agents, of other processes, of scripts.
//!
//! Nothing that crosses such a border is trusted: requests are checked against the declared schema
//! before the call, and an answer that does not fit is a permanent failure, the answer dropped.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use windlass_model::Value;
use windlass_model::outcome::Failure;

use crate::about::About;
use crate::call::Call;
use crate::dynamic::{BoxFuture, DynPlugin, fits, may_change};
use crate::error::CallError;
use crate::foresight::Foresight;
use crate::origin::OriginUse;
use crate::reply::Reply;
use crate::shape::{Shape, Strictness};
use crate::simulation::{Simulated, Simulation};

/// A plugin with schemas of its own and JSON on both sides. Prefer [`Plugin`](crate::Plugin) where the types are known.
pub trait RawPlugin: Send + Sync + 'static {
    /// Its name, purpose and promises. Asked once.
    fn about(&self) -> About;
    /// The JSON Schema of its request. Asked once.
    fn request_schema(&self) -> Value;
    /// The JSON Schema of its response. Asked once.
    fn response_schema(&self) -> Value;
    /// Makes one attempt. See [`Plugin::call`](crate::Plugin::call) for how it ends.
    fn call(&self, call: Call, request: Arc<Value>) -> BoxFuture<'_, Result<Reply<Value>, CallError>>;

    /// Says what an attempt would change, and changes nothing. See [`Plugin::noop`](crate::Plugin::noop).
    fn noop(&self, call: Call, request: Arc<Value>) -> BoxFuture<'_, Result<Foresight, CallError>> {
        let _ = (call, request);
        Box::pin(std::future::ready(Ok(Foresight::unknown("this plugin cannot tell without doing it"))))
    }

    /// Which files of Windlass's side a request is about.
    fn origin_use(&self, call: &Call, request: &Value) -> OriginUse {
        let _ = (call, request);
        OriginUse::NOTHING
    }

    /// Says everything that is wrong with a request beyond its schema.
    fn validate(&self, request: &Value) -> Result<(), Vec<String>> {
        let _ = request;
        Ok(())
    }

    /// Whether it can work at all here.
    fn ready(&self) -> BoxFuture<'_, Result<(), String>> {
        Box::pin(std::future::ready(Ok(())))
    }

    /// Whether an attempt of which a crash hid the end was done.
    fn was_done(&self, call: Call, request: Arc<Value>) -> BoxFuture<'_, Option<bool>> {
        let _ = (call, request);
        Box::pin(std::future::ready(None))
    }

    /// Finds work again that went on without us, and waits for its end.
    fn reattach(
        &self,
        call: Call,
        request: Arc<Value>,
    ) -> BoxFuture<'_, Option<Result<Reply<Value>, CallError>>> {
        let _ = (call, request);
        Box::pin(std::future::ready(None))
    }

    /// How it behaves in a rehearsal.
    fn simulate(&self, simulation: &Simulation<'_>, request: &Value) -> Simulated<Value> {
        let _ = request;
        Simulated::changed(simulation.plausible(Duration::from_millis(50), Duration::from_secs(1)), None)
    }
}

/// A [`RawPlugin`] as a [`DynPlugin`], with a guard at the border.
pub struct Raw<P> {
    plugin: P,
    about: About,
    request: Shape,
    response: Shape,
}

// === impl Raw ===

impl<P: RawPlugin> Raw<P> {
    /// Puts the guard around a plugin.
    pub fn new(plugin: P) -> Self {
        let about = plugin.about();
        let (request, response) = (Shape::new(plugin.request_schema()), Shape::new(plugin.response_schema()));
        Self { plugin, about, request, response }
    }

    /// The same under another name.
    #[must_use]
    pub fn named(mut self, name: impl Into<String>) -> Self {
        self.about.name = name.into();
        self
    }

    fn accept(&self, request: &Value) -> Result<(), CallError> {
        self.validate(request)
            .map_err(|problems| CallError::permanent(CallError::REQUEST, problems.join("; ")))
    }

    fn answer(&self, reply: Reply<Value>) -> Result<Reply<Value>, CallError> {
        let misfits = self.response.misfits(&reply.response, Strictness::Rendered);
        if let Some(first) = misfits.first() {
            let message = format!("the response does not fit its schema: {first}");
            let mut error = CallError::permanent(Failure::RESPONSE, message);
            error.causes = misfits.iter().skip(1).map(ToString::to_string).collect();
            return Err(error);
        }
        Ok(Reply { changed: reply.changed && may_change(&self.about), ..reply })
    }
}

impl<P: RawPlugin> DynPlugin for Raw<P> {
    fn about(&self) -> &About {
        &self.about
    }

    fn request(&self) -> &Shape {
        &self.request
    }

    fn response(&self) -> &Shape {
        &self.response
    }

    fn call(&self, call: Call, request: Arc<Value>) -> BoxFuture<'_, Result<Reply<Value>, CallError>> {
        Box::pin(async move {
            self.accept(&request)?;
            self.plugin.call(call, request).await.and_then(|reply| self.answer(reply))
        })
    }

    fn noop(&self, call: Call, request: Arc<Value>) -> BoxFuture<'_, Result<Foresight, CallError>> {
        Box::pin(async move {
            self.accept(&request)?;
            self.plugin.noop(call, request).await
        })
    }

    fn origin_use(&self, call: &Call, request: &Value) -> OriginUse {
        self.plugin.origin_use(call, request)
    }

    fn validate(&self, request: &Value) -> Result<(), Vec<String>> {
        fits(&self.request, request)?;
        self.plugin.validate(request)
    }

    fn ready(&self) -> BoxFuture<'_, Result<(), String>> {
        self.plugin.ready()
    }

    fn was_done(&self, call: Call, request: Arc<Value>) -> BoxFuture<'_, Option<bool>> {
        Box::pin(async move {
            self.accept(&request).ok()?;
            self.plugin.was_done(call, request).await
        })
    }

    fn reattach(
        &self,
        call: Call,
        request: Arc<Value>,
    ) -> BoxFuture<'_, Option<Result<Reply<Value>, CallError>>> {
        Box::pin(async move {
            self.accept(&request).ok()?;
            let ended = self.plugin.reattach(call, request).await?;
            Some(ended.and_then(|reply| self.answer(reply)))
        })
    }

    fn simulate(&self, simulation: &Simulation<'_>, request: &Value) -> Simulated<Value> {
        if let Err(error) = self.accept(request) {
            return Simulated::failed(Duration::ZERO, error);
        }
        let Simulated { after, result } = self.plugin.simulate(simulation, request);
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

impl<P> fmt::Debug for Raw<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Raw").field(&self.about.name).finish()
    }
}
