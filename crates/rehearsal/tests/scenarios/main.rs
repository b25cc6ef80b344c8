//! The numbered scenarios that the engine alone decides, played in virtual time.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test that cannot go on has failed"
)]

mod checks;
mod commands;
mod crashes;
mod deferred;
mod fleets;
mod late;
mod limits;
mod locks;
mod noop;
#[path = "../stage/stage.rs"]
mod stage;
mod values;
