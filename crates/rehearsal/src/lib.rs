//! Rehearsal: the engine that runs a plan for real, driven by a virtual clock against simulated
//! targets.
//!
//! ```text
//!   Rehearsal ──▶ engine::Run ──effects──▶ World (plugins' simulations + faults)
//!                     ▲                       │
//!                     └── results, in virtual ┘
//!                         time; crashes, too
//! ```
//!
//! It is another driver of the same engine and nothing more: a bug that it shows is a bug that
//! production has. The same seed gives the same rehearsal, event for event. It owns the virtual
//! clock and the faults; it knows no real clock, no store and no network.

mod fault;
mod rehearse;
mod world;

pub use self::fault::{Fault, FaultError, FaultKind, Pattern};
pub use self::rehearse::{Asked, Audience, Execution, Played, Rehearsal, Rehearsed, Said, Told};
pub use self::world::{Attempted, Play, World};
