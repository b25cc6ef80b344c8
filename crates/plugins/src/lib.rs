//! The plugins that Windlass comes with, one file each.
//!
//! They reach the world (processes, files, the network), and know nothing of plans and runs beyond
//! the [`Call`](windlass_plugin::Call) that they are handed. [`standard`] registers them all.

pub mod command;
pub mod facts;
pub mod fail;
pub mod file_contains;
pub mod file_exists;
pub mod files;
pub mod http;
pub mod noop;
pub mod origin;
pub mod port_open;
pub mod program;
pub mod script;
pub mod shell;
pub mod sleep;
pub mod standard;
pub mod system;

mod look;
mod process;

pub use origin::FilesHere;
pub use standard::{register, register_named, standard};
