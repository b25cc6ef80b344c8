//! What is asked of a server over gRPC: the messages and services of `proto/windlass/v1`, for the server and for clients in Rust.
//!
//! All of it is made from those files by `cargo xtask docs`, without protoc, and committed, so that whoever builds Windlass needs
//! neither; `cargo xtask docs --check` fails where it differs from them. A client in another language takes the files, or asks the
//! server by reflection.
//!
//! It decides nothing and connects to nothing.

mod descriptors;
// tidy-allow: allow: which of these a program that makes code needs is its own affair
#[allow(
    missing_docs,
    unreachable_pub,
    clippy::all,
    clippy::allow_attributes_without_reason,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::unwrap_used,
    rustdoc::all,
    reason = "made by a program"
)]
pub mod v1;

pub use self::descriptors::DESCRIPTORS;
