//! The package `windlass.v1`, as it was made.

include!("generated/windlass.v1.rs");
