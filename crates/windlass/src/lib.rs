//! Windlass as a library: everything that a Rust program needs to run plans of its own.
//!
//! This crate assembles the others and adds little: [`Windlass`] opens a store and a runtime in one
//! step. Begin with [`prelude`].

mod guide;
mod open;

pub use self::open::{OpenError, Windlass};

pub use windlass_engine as engine;
pub use windlass_lang as lang;
pub use windlass_model as model;
pub use windlass_plugin as plugin;
pub use windlass_plugins as plugins;
pub use windlass_rehearsal as rehearsal;
pub use windlass_report as report;
pub use windlass_runtime as runtime;
pub use windlass_store as store;
pub use windlass_store_fjall as store_fjall;

/// What nearly every program needs.
pub mod prelude {
    pub use crate::Windlass;
    pub use windlass_model::amount::Amount;
    pub use windlass_model::event::{Author, Command, Event, Verdict, What};
    pub use windlass_model::id::{GroupId, RunId};
    pub use windlass_model::limit::{BackoffChoice, Batches, FailureLimit};
    pub use windlass_model::outcome::{Outcome, ReasonKind, RunStatus, Status};
    pub use windlass_model::param::{ParamSpec, ParamType};
    pub use windlass_model::plan::{
        Action, Block, Checks, DeferredBatch, OnFailure, Plan, Sequence, SequenceTemplate, Undo, When,
    };
    pub use windlass_model::span::Span;
    pub use windlass_model::target::{Node, NodeEntry, Targets};
    pub use windlass_model::{Map, Value};
    pub use windlass_plugin::{About, Call, CallError, Plugin, Registry, Reply, Secret};
    pub use windlass_runtime::{
        Condition, Cursor, Error, EventStream, Filter, Given, Handle, Options, Request, Retry, RunView, Start,
    };
}
