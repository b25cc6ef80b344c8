//! The modules about files against a real file system: as root where the tests run as root, and as an ordinary user.

#![cfg(test)]

mod absent;
mod directory;
mod file;
mod ground;
mod link;
