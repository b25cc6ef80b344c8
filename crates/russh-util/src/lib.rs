//! How russh begins a task and tells the time: what it calls by this name, in the place of the published crate, so that a task is
//! as large as the connection that it drives and not twice that ([decision 0029](../../../docs/decisions/0029-a-task-of-russh-is-boxed.md)).

pub mod runtime;
pub mod time;
