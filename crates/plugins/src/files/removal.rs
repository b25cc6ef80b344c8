//! Taking away what is there, and all that is in it.
//!
//! Links are removed and never followed, and what is mounted somewhere in it is not touched: before the first
//! thing is removed everything is looked at.

use windlass_plugin::{CallError, Cancel};

use super::entry::{Entry, Found};
use super::tree::names;
use super::trouble::trouble;

/// What there is to remove.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Survey {
    /// The number of things in it.
    pub(crate) within: u64,
    /// The bytes of its files.
    pub(crate) bytes: u64,
}

/// How deep directories may lie in each other.
const DEEPEST: usize = 300;

/// Looks at everything that would go.
pub(crate) fn survey(entry: &Entry, found: &Found) -> Result<Survey, CallError> {
    let mut survey = Survey::default();
    look(entry, found, found.device(), 0, &mut survey)?;
    Ok(survey)
}

fn look(
    entry: &Entry,
    found: &Found,
    device: u64,
    depth: usize,
    survey: &mut Survey,
) -> Result<(), CallError> {
    if found.device() != device {
        let message = format!("`{}` is on another file system; unmount it first", entry.path().display());
        return Err(CallError::permanent("mounted", message));
    }
    if !found.is_directory() {
        survey.bytes = survey.bytes.saturating_add(found.size);
        return Ok(());
    }
    each(entry, depth, &mut |child, found| {
        survey.within = survey.within.saturating_add(1);
        look(child, found, device, depth.saturating_add(1), survey)
    })
}

/// Removes something and all that is in it. What comes into it meanwhile makes it fail.
pub(crate) fn remove(entry: &Entry, found: &Found, cancel: &Cancel) -> Result<(), CallError> {
    take(entry, found, found.device(), 0, cancel)
}

fn take(entry: &Entry, found: &Found, device: u64, depth: usize, cancel: &Cancel) -> Result<(), CallError> {
    if cancel.level().is_some() {
        return Err(CallError::cancelled());
    }
    if !found.is_directory() {
        return entry.remove();
    }
    if found.device() != device {
        let message = format!("`{}` was mounted meanwhile", entry.path().display());
        return Err(CallError::permanent("mounted", message));
    }
    each(entry, depth, &mut |child, found| take(child, found, device, depth.saturating_add(1), cancel))?;
    entry.remove_directory()
}

/// Calls with everything in a directory. What has gone meanwhile is left out.
fn each(
    entry: &Entry,
    depth: usize,
    with: &mut dyn FnMut(&Entry, &Found) -> Result<(), CallError>,
) -> Result<(), CallError> {
    if depth >= DEEPEST {
        let message = format!("`{}` lies too deep: more than {DEEPEST} directories", entry.path().display());
        return Err(CallError::permanent("tooDeep", message));
    }
    let dir = entry.directory().map_err(|error| trouble("open", entry.path(), error))?;
    for name in names(&dir, entry.path())? {
        let held = rustix::io::fcntl_dupfd_cloexec(&dir, 0);
        let held = held.map_err(|error| trouble("open", entry.path(), error))?;
        let child = Entry::within(held, entry.path().join(&name), name);
        if let Some(found) = child.found()? {
            with(&child, &found)?;
        }
    }
    Ok(())
}
