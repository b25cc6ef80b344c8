//! Where secrets come from, by name: what stands behind `{{ secret('name') }}`.
//!
//! Which sources there are, and which of them has which name, is for those who implement it.

use crate::dynamic::BoxFuture;
use crate::error::CallError;
use crate::secret::Secret;

/// A source of secrets.
pub trait Secrets: Send + Sync + 'static {
    /// The secret of this name. The error says where it was looked for and how it can be given; it holds no secret.
    fn secret<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<Secret, CallError>>;
}
