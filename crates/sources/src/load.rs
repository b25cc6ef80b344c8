//! Paths to an inventory, within bounds.

use std::path::PathBuf;
use std::time::Duration;

use windlass_inventory::Read;
use windlass_lang::Findings;

use crate::files;

/// How long programs may take, and how much may be read.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// How long one program may take.
    pub within: Duration,
    /// The most bytes of one file, or of what one program prints.
    pub most: usize,
}

/// Reads an inventory from files, folders and programs, all together. `-` is standard input.
///
/// # Errors
///
/// Everything that is wrong with any of them, text by text.
pub fn load(paths: &[PathBuf]) -> Result<Read, Vec<Findings>> {
    load_with(paths, Options::default())
}

/// The same within other bounds.
///
/// # Errors
///
/// Everything that is wrong with any of them, text by text.
pub fn load_with(paths: &[PathBuf], options: Options) -> Result<Read, Vec<Findings>> {
    let gathered = files::gather(paths, options);
    let read = windlass_inventory::read(&gathered.texts);
    if gathered.refused.is_empty() {
        return read;
    }
    // What is wrong with the texts that could be read is said too; what they lack may stand in the others.
    let mut refused = gathered.refused;
    refused.extend(read.err().into_iter().flatten().filter(|findings| !files::only_lacks(findings)));
    Err(refused)
}

// === impl Options ===

impl Default for Options {
    fn default() -> Self {
        Self { within: Duration::from_secs(60), most: windlass_lang::MAX_BYTES }
    }
}
