//! The modules about files against a real file system: as root where the tests run as root, and as an ordinary user.

#![cfg(test)]

mod absent;
mod archive;
mod directory;
mod edits;
mod fetch;
mod file;
mod ground;
mod link;
