//! Tells a collector of OpenTelemetry what went on: a trace of each run, and a span of each request.
//!
//! ```text
//!   events of all runs, durable ─► Follower ─ RunTrace ─┐
//!                                                       ├─► Exporter ─► POST of OTLP, in batches, tried again
//!   requests that were answered ─► Tracer ──────────────┘        └─► how far it came, in a file
//! ```
//!
//! A run's trace is made of its log and of nothing else: the trace has the id of the run, and a span the number of the event that
//! began it. So whoever reads a part of the log again makes the same spans of it, and a collector that is away for a while, or a
//! server that is killed, loses none: how far was told is kept beside the store, and it goes on from there. Spans of requests are
//! no record, and are dropped when there are too many.
//!
//! It holds up nobody: a run never waits for a collector. Nothing secret is told: events have no secrets in them, and what was
//! asked of a plugin and what it answered are left out.

mod context;
mod export;
mod follow;
mod message;
mod place;
mod run;
mod span;
mod tally;
mod tracer;
mod traces;

pub use self::context::Context;
pub use self::tally::Tally;
pub use self::tracer::{Answered, Asking, Tracer};
pub use self::traces::{Error, Options, Traces};
