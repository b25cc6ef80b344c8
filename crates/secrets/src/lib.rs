//! Where secrets come from: a file beside the plans that says for each name whether it is in the environment, in a file, in
//! an age-encrypted file, or what program gives it.
//!
//! ```text
//! secrets.yaml ─ parse ─► SecretsFile ─ resolve(name) ─┬─ environment
//!                                                      ├─ file
//!                                                      └─ program, and `age` as one
//! ```
//!
//! The file itself holds no secret. Nothing is read before a run asks for a name, and nothing is kept.

mod file;
mod program;
mod source;

pub use self::file::{FileError, SecretsFile};
