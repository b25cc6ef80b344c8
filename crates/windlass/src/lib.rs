//! Windlass as a library: everything that a Rust program needs to run plans of its own.
//!
//! This crate assembles the others and adds little: [`Windlass`] opens a store and a runtime in one
//! step, [`read_plan`] and [`read_inventory`] read files, [`rehearse`] plays a plan in virtual time. Begin with [`prelude`].
//!
//! ```
//! use std::time::Duration;
//!
//! use schemars::JsonSchema;
//! use serde::{Deserialize, Serialize};
//! use serde_json::json;
//! use windlass::prelude::*;
//!
//! /// Puts a release on a node.
//! struct Install;
//!
//! #[derive(Deserialize, JsonSchema)]
//! #[serde(deny_unknown_fields)]
//! struct Wanted {
//!     /// The release.
//!     release: String,
//! }
//!
//! #[derive(Serialize, JsonSchema)]
//! struct Installed {
//!     /// Where it is now.
//!     path: String,
//! }
//!
//! impl Plugin for Install {
//!     type Request = Wanted;
//!     type Response = Installed;
//!
//!     fn about(&self) -> About {
//!         About::acting("install", "puts a release on a node").idempotent()
//!     }
//!
//!     async fn call(&self, call: Call, wanted: Wanted) -> Result<Reply<Installed>, CallError> {
//!         let node = call.node.ok_or_else(|| CallError::permanent("noNode", "there is no node"))?;
//!         Ok(Reply::changed(Installed { path: format!("{}:/opt/{}", node.name, wanted.release) }))
//!     }
//! }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let mut registry = windlass::plugins::standard()?;
//! registry.register(Install)?;
//!
//! let install = Action {
//!     retries: Some(2),
//!     backoff: Some(BackoffChoice::Fast),
//!     ..Action::new("install", "install", json!({"release": "{{ params.release }}"}))
//! };
//! let plan = Plan::named("rollout")
//!     .param("release", ParamSpec { required: true, ..ParamSpec::default() })
//!     .block(Block {
//!         concurrency: Some(Amount::Count(2)),
//!         failures: Some(FailureLimit::strict(1)),
//!         ..Block::on("install", ["web[1-3]"], [install])
//!     });
//!
//! // What will happen, in virtual time: nothing is touched.
//! let request = Request::new(plan).user("alice").param("release", "1.4").starting();
//! let rehearsed = windlass::rehearse(request.clone(), &registry)?.play();
//! assert_eq!(rehearsed.run.status(), RunStatus::Succeeded);
//!
//! // And now for real. What was submitted is on disk, and goes on after a crash.
//! let directory = tempfile::tempdir()?;
//! let windlass = Windlass::open(directory.path(), registry).await?;
//! let run = windlass.submit(request).await?;
//! let ended = windlass.wait(run).await?;
//! let report = windlass.report(run).await?;
//! println!("{report}");
//! # assert_eq!(ended.status, RunStatus::Succeeded);
//! # assert!(report.contains("rollout succeeded") && report.contains("3 succeeded of 3"), "{report}");
//! windlass.shutdown(Duration::from_secs(5)).await?;
//! # Ok(())
//! # }
//! ```

mod again;
mod guide;
mod open;
mod read;
mod rehearse;

pub use self::again::ReadAgain;
pub use self::open::{OpenError, Windlass};
pub use self::read::{ReadError, read_inventory, read_plan, select};
pub use self::rehearse::rehearse;

pub use windlass_engine as engine;
pub use windlass_fleet as fleet;
pub use windlass_inventory as inventory;
pub use windlass_lang as lang;
pub use windlass_logs as logs;
pub use windlass_model as model;
pub use windlass_plugin as plugin;
pub use windlass_plugins as plugins;
pub use windlass_rehearsal as rehearsal;
pub use windlass_report as report;
pub use windlass_runtime as runtime;
pub use windlass_sources as sources;
pub use windlass_store as store;
pub use windlass_store_fjall as store_fjall;

/// What nearly every program needs.
pub mod prelude {
    pub use crate::{OpenError, ReadError, Windlass};
    pub use windlass_inventory::Inventory;
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
    pub use windlass_report::Fold;
    pub use windlass_runtime::{
        Condition, Cursor, Error, EventStream, Filter, Given, Handle, Options, Request, Retry, RunView, Start,
    };
}
