//! The engine: a pure state machine that decides what a run does next.
//!
//! ```text
//!            Input, time                    events to append
//!   driver ───────────────▶ Run::step ───────────────────────▶ driver appends, flushes,
//!     ▲                        │                                then releases the effects
//!     └── results, timers ◀────┴── effects to carry out
//! ```
//!
//! It owns the semantics of a run: order, limits, attempts, waits, commands, recovery. It knows no
//! clock, no randomness, no I/O, no threads: the time is an argument, chance comes from the run's
//! seed, and everything that it decides is an [`windlass_model::event::Event`]. The state is the
//! fold of these events and of nothing else, so a run can be rebuilt at any moment from its log.
//!
//! Reading order: [`Input`] and [`Effect`], then [`Run`], then one file per thing that runs.

mod action;
mod apply;
mod block;
mod chance;
mod check;
mod command;
mod deferred;
mod input;
mod level;
mod lock;
mod noop;
mod plan;
mod recover;
mod run;
mod scope;
mod select;
mod sequence;
mod snapshot;
mod state;
mod undo;

pub use self::input::{AttemptCall, AttemptResult, Effect, Input, Refused, Seal, SelectCall, Step};
pub use self::lock::{Budget, Claim, Lacking, LockStanding, LockTable, Locks, NoLocks, Returned, Seats};
pub use self::run::{FoldError, Run, Setup};
pub use self::snapshot::{Snapshot, SnapshotError};
