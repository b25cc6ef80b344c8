//! What callers ask of the dispatcher.

use std::sync::Arc;

use tokio::sync::{broadcast, oneshot};
use windlass_engine::{Budget, Input, LockStanding, Run, Seats};
use windlass_model::event::{Author, Verdict};
use windlass_model::id::RunId;
use windlass_store::StoreError;

use crate::counters::Tally;
use crate::error::Error;
use crate::events::Told;
use crate::submit::Prepared;
use crate::view::{Condition, RunView};

/// Where an answer goes. Nobody may be waiting for it any more.
pub(crate) type Answer<T> = oneshot::Sender<Result<T, Error>>;

/// Something that a caller asks.
#[derive(Debug)]
pub(crate) enum Call {
    /// Takes a new run in; answered when it is durable.
    Submit { run: Box<Prepared>, answer: Answer<()> },
    /// Hands a run an input; answered when what it led to is durable.
    Input { run: RunId, input: Input, answer: Answer<Taken> },
    /// The same for the settling of an element that is given by its address.
    Resolve { run: RunId, address: String, verdict: Verdict, by: Author, answer: Answer<Taken> },
    /// How a run stands, and how it stands with this process.
    Standing { run: RunId, answer: Answer<Standing> },
    /// Answers when the run has ended; at once if it is not driven here.
    Wait { run: RunId, answer: Answer<Waited> },
    /// The live tail of a run; none if it is not driven here.
    Follow { run: RunId, answer: Answer<Option<broadcast::Receiver<Told>>> },
    /// Goes on with a parked run now.
    Unpark { run: RunId, answer: Answer<()> },
    /// A run that cannot be driven was ended where it stood.
    GivenUp { run: RunId, answer: Answer<()> },
    /// Holds the locks of runs that nobody drives here.
    Respect { runs: Vec<Run>, answer: Answer<()> },
    /// The budgets from now on, where some are given; answered with how they stand.
    Budgets { budgets: Option<Vec<Budget>>, answer: Answer<Vec<(String, Seats)>> },
    /// How a lock stands; none where it is free.
    Lock { name: String, answer: Answer<Option<LockStanding>> },
    /// How busy it is.
    Tally { answer: Answer<Tally> },
    /// Ends everything: nothing new is begun, what is in flight has until the deadline.
    Shutdown { grace: std::time::Duration, answer: Answer<()> },
}

/// How a run stands with this process.
#[derive(Debug)]
pub(crate) struct Standing {
    pub(crate) condition: Condition,
    /// Its head as it durably is, where this process knows that without the store.
    pub(crate) view: Option<Arc<RunView>>,
    /// Why the store has stopped, if it has.
    pub(crate) stopped: Option<StoreError>,
}

/// Whether a run took an input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Taken {
    Yes,
    /// The run is not driven here: it has ended, or it never was.
    NotDriven,
}

/// What a wait led to.
#[derive(Debug)]
pub(crate) enum Waited {
    Ended(Box<RunView>),
    /// The run is not driven here: it has ended, or it never was.
    NotDriven,
}
