//! The runtime: drives many runs at once, on real time, real plugins and a durable store.
//!
//! ```text
//!   Handle ── calls ──▶ ┌────────────┐ ── transaction ──▶ store
//!   attempts ── ends ─▶ │ dispatcher │ ◀── durable ─────────┘
//!   time ── wakes ────▶ └────────────┘ ── then: effects, answers, live events
//! ```
//!
//! One thread, the dispatcher, owns every live [`engine::Run`](windlass_engine::Run), the locks, the
//! timers and the tail of every log. Everything else talks to it through bounded channels. It
//! works in turns: take what is queued, step the runs, write what came out as one transaction, and
//! only when that is durable carry out the effects and answer whoever asked.
//!
//! It decides nothing about a run, which is the engine's to do; it is the only place where the
//! clock is read and chance is drawn.
//!
//! Reading order: [`Runtime`] and [`Options`], [`Handle`], [`Request`], then the dispatcher.

mod archive;
mod attempt;
mod call;
mod clock;
mod counters;
mod dispatcher;
mod error;
mod events;
mod handle;
mod keyring;
mod keys;
mod load;
mod only_looks;
mod options;
mod output;
mod provided;
mod request;
mod runtime;
mod seal;
mod search;
mod select;
mod snapshot;
mod submit;
mod view;
mod watch;

pub use self::clock::{Clock, new_run};
pub use self::counters::Tally;
pub use self::error::{Error, SecretsError};
pub use self::events::EventStream;
pub use self::handle::Handle;
pub use self::options::{KeyPlace, Logs, Options, Reopen, TakeOver};
pub use self::provided::{stand_in_for_secrets, unknown_secret};
pub use self::request::{Request, Retry, Start};
pub use self::runtime::{Damaged, Runtime, Sealed, TakenOver, Unrunnable};
pub use self::search::{Cursor, Filter};
pub use self::select::{Inventories, Wanted};
pub use self::view::{ApprovalView, Condition, ReasonView, RunView};
pub use self::watch::{Happened, RunsWatch};
pub use windlass_engine::{Budget, LockStanding, Seats};
pub use windlass_lang::Given;
