//! A node on which no agent runs: programs can be run there, files be written and read, and no more.
//!
//! A plugin that says [`About::works_bare`](crate::About::works_bare) is called on Windlass's side then, with
//! [`Call::bare`](crate::Call::bare) set, and does there what it would have done by itself.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use crate::call::Call;
use crate::dynamic::BoxFuture;
use crate::error::CallError;
use crate::output::Stream;

/// A program to run there.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BareProgram {
    /// The program and its arguments.
    pub argv: Vec<String>,
    /// Variables to set, or to remove.
    pub env: BTreeMap<String, Option<String>>,
    /// The directory to run in.
    pub cwd: Option<PathBuf>,
    /// What it reads from its standard input; nothing where this is left out.
    pub stdin: Option<Vec<u8>>,
}

/// How a program ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BareEnd {
    /// With this code.
    Code(i32),
    /// By the signal of this name: `TERM`.
    Signal(String),
}

/// A file to write there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BareFile {
    /// Where to; the directory that it is in must be there.
    pub path: PathBuf,
    /// Its permission bits.
    pub mode: u32,
    /// What is in it.
    pub bytes: Vec<u8>,
}

/// What a program prints, as it comes.
pub trait BareStreams: Send {
    /// Takes some bytes of a stream.
    fn take(&mut self, stream: Stream, bytes: &[u8]);
    /// Waits until there is room for more.
    fn room(&mut self) -> BoxFuture<'_, ()>;
}

/// What can be done there.
pub trait BareNode: fmt::Debug + Send + Sync {
    /// Why no agent runs there.
    fn why(&self) -> &str;

    /// Runs a program to its end. The call's cancel reaches it and all that it started; when this returns after a
    /// cancel, nothing of it is running any more.
    fn run<'a>(
        &'a self,
        program: &'a BareProgram,
        call: &'a Call,
        streams: &'a mut dyn BareStreams,
    ) -> BoxFuture<'a, Result<BareEnd, CallError>>;

    /// Whether there is anything at a path; a relative one is looked for from `cwd`.
    fn exists<'a>(
        &'a self,
        path: &'a Path,
        cwd: Option<&'a Path>,
        call: &'a Call,
    ) -> BoxFuture<'a, Result<bool, CallError>>;

    /// Writes a file beside its place and moves it there when all of it has arrived.
    fn write<'a>(&'a self, file: &'a BareFile, call: &'a Call) -> BoxFuture<'a, Result<(), CallError>>;

    /// Reads a whole file, if it is not larger than so many bytes.
    fn read<'a>(
        &'a self,
        path: &'a Path,
        most: usize,
        call: &'a Call,
    ) -> BoxFuture<'a, Result<Vec<u8>, CallError>>;
}
