//! The scenarios of the engine that need a driver: real time, real plugins, a store that fails.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "the way for a test to fail"
)]

mod again;
mod approvals;
mod behind;
mod crashes;
mod doomed;
mod elsewhere;
mod late;
mod limits;
mod lists;
mod locks;
mod noop;
mod owners;
mod plugins;
mod recovery;
mod runs;
mod sealed;
mod secrets;
mod stage;
mod stopped;
mod storage;
mod streams;
mod waits;
