//! What a plugin is, and everything needed to write one.
//!
//! A plugin does one kind of work: it has a name that plans say in `use`, a typed request, a typed
//! response, and promises about retries and crashes. Write a type, implement [`Plugin`] for it,
//! [register](Registry::register) it.
//!
//! ```text
//!   plan ── use: disk.free ──▶ Registry ──▶ DynPlugin ──(JSON in, JSON out)──▶ Plugin ──▶ the world
//!                                 │
//!                                 └──▶ Catalog (names, schemas, promises): what validation reads
//! ```
//!
//! This crate knows nothing of runs, logs and timers: who calls a plugin hands it a [`Call`], and
//! enforces timeouts, retries and panics around it.
//!
//! Reading order: [`Plugin`], [`About`], [`Call`], [`CallError`]; then [`Registry`] and [`DynPlugin`].

pub mod about;
pub mod at_node;
pub mod bare;
pub mod call;
pub mod cancel;
pub mod diff;
pub mod dynamic;
pub mod error;
pub mod foresight;
#[cfg(doctest)]
mod guide;
pub mod origin;
pub mod output;
pub mod plugin;
pub mod programs;
mod provider;
pub mod raw;
pub mod reference;
pub mod registry;
pub mod reply;
pub mod secrecy;
pub mod secret;
pub mod shape;
pub mod simulation;
pub mod template;
#[cfg(feature = "testkit")]
pub mod testkit;

pub use about::{About, Example, Place};
pub use at_node::{AtNode, Line, NodeAsk, NodeCalls};
pub use bare::{BareEnd, BareFile, BareNode, BareProgram, BareStreams};
pub use call::Call;
pub use cancel::{Cancel, CancelSource};
pub use diff::Diff;
pub use dynamic::{BoxFuture, DynPlugin};
pub use error::CallError;
pub use foresight::{Foresight, Would};
pub use origin::{Origin, OriginEntry, OriginKind, OriginUse};
pub use output::{Output, OutputSink, Printed, Stream};
pub use plugin::Plugin;
pub use programs::{ProgramSink, Programs};
pub use provider::{SecretError, SecretProvider};
pub use raw::RawPlugin;
pub use reference::docs_markdown;
pub use registry::{NotReady, Registry, RegistryError};
pub use reply::Reply;
pub use schemars;
pub use schemars::JsonSchema;
pub use secret::Secret;
pub use shape::{Misfit, Shape, Strictness};
pub use simulation::{Simulated, Simulation};
pub use template::Template;
pub use windlass_model::Value;
pub use windlass_model::event::Severity;
pub use windlass_model::fact::{Catalog, PluginFacts, PluginKind, Recovery};
pub use windlass_model::limit::{Backoff, BackoffChoice};
pub use windlass_model::span::Span;
pub use windlass_model::target::Node;
