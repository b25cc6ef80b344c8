//! The logs of runs: plain text files beside the store of truth, written and read at the same time.
//!
//! ```text
//! <logs>/<plan>/<run>/all.log           every line: output of actions, and what happened in between
//! <logs>/<plan>/<run>/nodes/<node>.log  the lines of one node, once something was printed on it
//! ```
//!
//! `line` is their format, one line a record, so that `tail -f` and `grep` understand them and an offset is
//! a place to go on from; `writer` keeps lines as they come; `reader` finds them again, also while they are
//! written by another process. What matters more is the store's; a log that cannot be written harms no run.
//!
//! It must not know what a run means, and hides no secrets: what it is handed may be kept.

mod line;
mod place;
mod reader;
mod writer;

pub use self::line::{Form, Record, Source, VERSION, decode, encode, encode_head, encode_text, header};
pub use self::place::{RunFiles, node_file_name};
pub use self::reader::{Filter, Found, Log, Reader};
pub use self::writer::{Book, Lost, Writer};
