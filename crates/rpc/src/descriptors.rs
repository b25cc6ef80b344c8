//! The files as they describe themselves.

/// The files as a `google.protobuf.FileDescriptorSet`, for reflection.
pub const DESCRIPTORS: &[u8] = include!("generated/descriptors.rs");
