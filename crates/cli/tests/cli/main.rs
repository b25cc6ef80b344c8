//! The command as a person or script meets it: the real binary, real files, real signals.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "the way for a test to fail, and to tell why it did not run"
)]

mod flushes;
mod harness;
mod terminal;
mod watching;

mod adhoc;
mod agents;
mod backups;
mod beside;
mod canary;
mod console;
mod containers;
mod contract;
mod control;
mod crash;
mod documents;
mod ends;
mod examples;
mod inspect;
mod killed;
mod late;
mod links;
mod logs;
mod networks;
mod nodes;
mod noop;
mod people;
mod picture;
mod preview;
mod provided;
mod rehearse;
mod remote;
mod rolling;
mod run;
mod secrets;
mod server;
mod settings;
mod ssh;
mod store;
mod up;
