//! The trait that a plugin implements.

use std::future::{self, Future};
use std::time::Duration;

use schemars::JsonSchema;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::about::About;
use crate::call::Call;
use crate::error::CallError;
use crate::foresight::Foresight;
use crate::origin::OriginUse;
use crate::reply::Reply;
use crate::simulation::{Simulated, Simulation};

/// One kind of work, with a typed request and a typed response.
///
/// A request usually derives `Deserialize` and `JsonSchema` with `rename_all = "camelCase"` and
/// `deny_unknown_fields`; the comments on its fields become the reference.
pub trait Plugin: Send + Sync + 'static {
    /// What it is asked.
    type Request: DeserializeOwned + JsonSchema + Send + 'static;
    /// What it answers.
    type Response: Serialize + JsonSchema + Send + 'static;

    /// Its name, purpose and promises. Asked once, when it is registered.
    fn about(&self) -> About;

    /// Makes one attempt.
    ///
    /// The future is not dropped to end it: `call.cancel` is triggered, and the attempt counts as
    /// running until this returns. So whatever waits here must wait for the cancellation too.
    fn call(
        &self,
        call: Call,
        request: Self::Request,
    ) -> impl Future<Output = Result<Reply<Self::Response>, CallError>> + Send;

    /// Says what an attempt would change, and changes nothing.
    ///
    /// Asked instead of [`Plugin::call`] in a run that only looks. Not asked of checks: these look anyway.
    fn noop(
        &self,
        call: Call,
        request: Self::Request,
    ) -> impl Future<Output = Result<Foresight, CallError>> + Send {
        let _ = (call, request);
        future::ready(Ok(Foresight::unknown("this plugin cannot tell without doing it")))
    }

    /// Which files of Windlass's side a request is about. An agent is given these and no others.
    fn origin_use(&self, call: &Call, request: &Self::Request) -> OriginUse {
        let _ = (call, request);
        OriginUse::NOTHING
    }

    /// Says everything that is wrong with a request beyond what its type says.
    ///
    /// Asked when a plan is validated, for requests without templates, and before every attempt.
    fn validate(&self, request: &Self::Request) -> Result<(), Vec<String>> {
        let _ = request;
        Ok(())
    }

    /// Whether it can work at all here. Asked when the process starts.
    fn ready(&self) -> impl Future<Output = Result<(), String>> + Send {
        future::ready(Ok(()))
    }

    /// Whether an attempt of which a crash hid the end was done; `None` when that cannot be told.
    ///
    /// Asked where the plugin promises [`Recovery::Verifiable`](windlass_model::fact::Recovery).
    fn was_done(&self, call: Call, request: Self::Request) -> impl Future<Output = Option<bool>> + Send {
        let _ = (call, request);
        future::ready(None)
    }

    /// Finds work again that went on without us, and waits for its end; `None` when it is not to be found.
    ///
    /// Asked where the plugin promises [`Recovery::Reattachable`](windlass_model::fact::Recovery).
    fn reattach(
        &self,
        call: Call,
        request: Self::Request,
    ) -> impl Future<Output = Option<Result<Reply<Self::Response>, CallError>>> + Send {
        let _ = (call, request);
        future::ready(None)
    }

    /// How it behaves in a rehearsal: succeeds after a plausible time, unless it says otherwise.
    fn simulate(&self, simulation: &Simulation<'_>, request: &Self::Request) -> Simulated<Self::Response> {
        let _ = request;
        Simulated::changed(simulation.plausible(Duration::from_millis(50), Duration::from_secs(1)), None)
    }
}
