//! SSH against a real sshd, and nodes that go down and come back.

#![cfg(test)]

mod bare;
mod r#become;
mod noop;
mod reboot;
mod sessions;
mod sshd;
mod system;
