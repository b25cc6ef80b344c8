//! The files of a run that is over, emptied and kept for the next one.
//!
//! ```text
//!   <cache>/work/spare/journal     emptied when its run was forgotten; another name makes it the journal of the next run
//!   <cache>/work/spare/programs    likewise
//! ```
//!
//! To make a directory with two files, and to remove them again, costs a file system more than all else that an agent does
//! for a short command; to give them other names costs little.

use std::fs::{File, OpenOptions, remove_dir_all, remove_file, rename};
use std::io;
use std::path::{Path, PathBuf};

use super::programs::beside;
use super::{is_owned, journals};

/// No run is called so.
pub(crate) const NAME: &str = "spare";
const JOURNAL: &str = "journal";
const PROGRAMS: &str = "programs";

fn spare(run: &Path) -> Option<PathBuf> {
    Some(run.parent()?.join(NAME))
}

/// Makes what is kept the directory of a run, with an empty journal in it; `None` where nothing is kept, or where the run
/// has a directory already.
pub(super) fn take(run: &Path, journal: &Path) -> Option<File> {
    rename(spare(run)?, run).ok()?;
    let taken = || {
        rename(run.join(JOURNAL), journal)?;
        rename(run.join(PROGRAMS), beside(journal))?;
        OpenOptions::new().append(true).open(journal)
    };
    taken()
        .inspect_err(|_| {
            // Somebody changed what is there: whoever makes it anew begins from nothing.
            let _ = remove_dir_all(run);
        })
        .ok()
}

/// Keeps the files of a run that is over. Where there is more than those of one agent that is gone, or where something is kept
/// already, it fails, and they are as they were or empty.
pub(super) fn keep(run: &Path) -> io::Result<()> {
    let no = || io::Error::from(io::ErrorKind::Unsupported);
    let spare = spare(run).ok_or_else(no)?;
    let journals = journals(run);
    let [journal] = journals.as_slice() else { return Err(no()) };
    let programs = beside(journal);
    let mut others = std::fs::read_dir(run)?.flatten().map(|entry| entry.path());
    if others.any(|path| path != *journal && path != programs) || spare.exists() || is_owned(journal) {
        return Err(no());
    }
    for (path, name) in [(&programs, PROGRAMS), (journal, JOURNAL)] {
        OpenOptions::new().write(true).truncate(true).open(path)?;
        rename(path, run.join(name))?;
    }
    rename(run, spare).inspect_err(|_| {
        // Others kept theirs meanwhile.
        let _ = remove_file(run.join(PROGRAMS));
        let _ = remove_file(run.join(JOURNAL));
    })
}

#[cfg(test)]
mod tests {
    use std::fs::{create_dir_all, read, write};

    use super::*;

    #[test]
    fn what_one_run_leaves_the_next_one_takes_without_what_stood_in_it() {
        let dir = tempfile::TempDir::new().unwrap();
        let at = |name: &str| dir.path().join("work").join(name);
        let first = at("first/1-1.journal");
        create_dir_all(at("first")).unwrap();
        write(&first, "secret").unwrap();
        write(beside(&first), "programs").unwrap();
        keep(&at("first")).unwrap();
        assert!(!at("first").exists());
        let second = at("second/2-2.journal");
        assert!(take(&at("second"), &second).is_some());
        assert_eq!((read(&second).unwrap(), read(beside(&second)).unwrap()), (Vec::new(), Vec::new()));
        assert!(take(&at("third"), &at("third/3-3.journal")).is_none(), "there was one");
    }

    #[test]
    fn what_is_not_one_agents_alone_is_not_kept_and_no_run_loses_its_own() {
        let dir = tempfile::TempDir::new().unwrap();
        let at = |name: &str| dir.path().join("work").join(name);
        let make = |name: &str| {
            create_dir_all(at(name)).unwrap();
            let journal = at(name).join("1-1.journal");
            write(beside(&journal), "").unwrap();
            write(journal, "").unwrap();
        };
        make("run");
        write(at("run/0-1.void"), "").unwrap();
        assert!(keep(&at("run")).is_err());
        assert!(at("run/1-1.journal").exists());
        make("other");
        keep(&at("other")).unwrap();
        make("another");
        assert!(keep(&at("another")).is_err(), "one is kept already");
        // Somebody else works for the run.
        assert!(take(&at("run"), &at("run/2-2.journal")).is_none());
        assert!(at("run/1-1.journal").exists() && at(NAME).exists());
    }
}
