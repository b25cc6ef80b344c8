//! The simulated world: how attempts end when nothing is real.

use std::time::Duration;

use windlass_model::Value;
use windlass_model::element::ElementId;
use windlass_model::fact::Recovery;
use windlass_model::foresight::{Foreseen, Would};
use windlass_model::late::Chosen;
use windlass_model::layout::ActionDef;
use windlass_model::outcome::Failure;
use windlass_model::time::Time;
use windlass_plugin::{Registry, Simulation};

use windlass_engine::{AttemptResult, SelectCall};

/// One attempt that is to be played.
#[derive(Clone, Copy, Debug)]
pub struct Attempted<'a> {
    /// Of what.
    pub element: ElementId,
    /// The action as it is defined.
    pub def: &'a ActionDef,
    /// Its address.
    pub address: &'a str,
    /// The attempt's number, from 1.
    pub n: u32,
    /// When it begins.
    pub at: Time,
    /// The request.
    pub request: &'a Value,
    /// The node's name.
    pub node: Option<&'a str>,
    /// Chance that is the same whenever the same rehearsal is run.
    pub draw: u64,
}

/// How an attempt is played.
#[derive(Clone, Debug)]
pub struct Play {
    /// How long it takes; `None`: until it is told to end.
    pub after: Option<Duration>,
    /// Whether it ends when it is asked to, and not only when it is killed.
    pub heeds_term: bool,
    /// How it ends when nobody interferes.
    pub result: AttemptResult,
}

/// Whoever plays the attempts.
pub trait World {
    /// Plays one.
    fn play(&self, attempt: &Attempted<'_>) -> Play;

    /// Plays one that is only asked what it would change: whether that is known follows from how it would end.
    fn foresee(&self, attempt: &Attempted<'_>) -> Play {
        let mut play = self.play(attempt);
        if play.result.failure.is_none() {
            let would = if play.result.changed { Would::Change } else { Would::Nothing };
            let foreseen = Some(Foreseen { would, why: None, diff: None });
            play.result = AttemptResult { foreseen, ..AttemptResult::default() };
        }
        play
    }

    /// Chooses the targets of a block that has begun, where they are chosen then.
    fn select(&self, call: &SelectCall) -> Result<Chosen, Failure> {
        let _ = call;
        Err(Failure::permanent(Failure::SELECTION, "in this rehearsal nobody knows any nodes"))
    }

    /// Whether work of this plugin goes on when Windlass dies.
    fn outlives_us(&self, def: &ActionDef) -> bool {
        def.facts.outlives || def.facts.recovery == Recovery::Reattachable
    }
}

// === impl Play ===

impl Play {
    /// An attempt that ends well after a while.
    #[must_use]
    pub fn good(after: Duration) -> Self {
        Self::of(after, AttemptResult { changed: true, ..AttemptResult::default() })
    }

    /// An attempt that fails after a while.
    #[must_use]
    pub fn bad(after: Duration, failure: Failure) -> Self {
        Self::of(after, AttemptResult::failed(failure))
    }

    /// An attempt that ends like this after a while.
    #[must_use]
    pub fn of(after: Duration, result: AttemptResult) -> Self {
        Self { after: Some(after), heeds_term: true, result }
    }
}

/// The plugins' own simulations.
impl World for Registry {
    fn play(&self, attempt: &Attempted<'_>) -> Play {
        let Some(plugin) = self.get(&attempt.def.action.uses) else {
            let message = format!("no plugin `{}`", attempt.def.action.uses);
            return Play::bad(Duration::ZERO, Failure::permanent("unknownPlugin", message));
        };
        let simulation = Simulation {
            address: attempt.address,
            attempt: attempt.n,
            node: attempt.node,
            draw: attempt.draw,
            timeout: attempt.def.timeout,
        };
        let simulated = plugin.simulate(&simulation, attempt.request);
        let result = match simulated.result {
            Ok(reply) => {
                AttemptResult { response: reply.response, changed: reply.changed, ..AttemptResult::default() }
            }
            Err(error) => {
                let retry_after = error.retry_after.map(|span| span.0);
                let (failure, response) = error.into_failure();
                AttemptResult { response, failure: Some(failure), retry_after, ..AttemptResult::default() }
            }
        };
        Play::of(simulated.after, result)
    }
}
