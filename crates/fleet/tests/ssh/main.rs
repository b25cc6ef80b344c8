//! SSH against a real sshd.

#![cfg(test)]

mod sessions;
mod sshd;
