//! The `windlass` command: what a person types, and what they read.
//!
//! ```text
//!   args (types of the command line) ──▶ command::* (one file each) ──▶ exit code
//!                                            │
//!          printer: data to stdout, the rest to stderr; failure: what, where, why, what to do
//! ```
//!
//! It owns words, colours, exit codes, signals and the socket over which a second process commands the
//! first. It decides nothing about runs: that is the engine's, driven by the runtime.
//!
//! Reading order: [`args`], [`command`], [`failure`], then whichever command is of interest.

mod access;
mod args;
mod bug;
mod command;
mod context;
mod control;
mod data_dir;
mod drawing;
mod drive;
mod exit;
mod facts;
mod failure;
mod inventory;
mod late;
mod live;
mod logging;
mod notify;
mod pages;
mod params;
mod plan_file;
mod prepare;
mod printed;
mod printer;
mod reach;
mod remote;
mod secrets;
mod session;
mod settings;
mod signals;
mod start;
mod table;
mod typed;
mod user;

pub use self::exit::Exit;
pub use self::start::run_from_env;
