//! The vocabulary of Windlass: plans, elements, events, outcomes, reports.
//!
//! Everything else speaks in these types. This crate owns the words and their rules (what a
//! valid plan is, what an event means, how an element is addressed) and nothing else: it does no
//! I/O, reads no clock, draws no random number, and imports no other crate of ours.
//!
//! Reading order: [`plan`] (what a person writes), [`layout`] (the same, compiled and
//! addressable), [`event`] (what happened), [`outcome`] (how it ended).

pub mod amount;
pub mod causes;
pub mod chance;
pub mod code;
pub mod codec;
pub mod element;
pub mod eval;
pub mod event;
pub mod fact;
pub mod foresight;
pub mod freeze;
pub mod id;
pub mod late;
pub mod layout;
pub mod limit;
pub mod log_level;
pub mod name;
pub mod outcome;
pub mod param;
pub mod pattern;
pub mod payload;
pub mod plan;
pub mod problem;
pub mod quick;
pub mod schema;
pub mod secret;
pub mod selection;
pub mod selector;
pub mod span;
pub mod submission;
pub mod target;
pub mod texts;
pub mod time;
pub mod transport;
pub mod validate;
mod value;
pub mod vars;

pub use serde_json::Value;

pub use self::value::Map;
