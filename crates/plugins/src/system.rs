//! The modules about the system: packages, services, accounts, kernel settings, mounts, timetables.
//!
//! One file each. What they have in common: `tool.rs` starts the programs of the system, `conf.rs` reads
//! and replaces files that the system reads, `poll.rs` waits for something to become so.

pub mod cron;
pub mod disk_free;
pub mod git;
pub mod group;
pub mod hostname;
pub mod load;
pub mod mount;
pub mod package;
pub mod puppet;
pub mod reboot;
pub mod repository;
pub mod service;
pub mod sysctl;
pub mod user;
pub mod wait;
pub mod wait_login;

mod accounts;
mod at_node;
mod conf;
mod poll;
mod state;
mod tool;
