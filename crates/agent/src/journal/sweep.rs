//! What nobody has asked for in a long time goes. That it was there is remembered, so that nobody takes it for not begun.
//!
//! ```text
//!   <cache>/work/<run>.swept     journals of that run were removed
//! ```

use std::fs::{DirEntry, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use windlass_wire::CallOrder;

use super::{is_owned, journals};
use crate::cache::Cache;

/// How long is remembered that something was removed: longer than anybody asks.
const REMEMBERED: Duration = Duration::from_secs(365 * 24 * 3600);
const ENDING: &str = "swept";

/// Removes what is older than anybody asks for, unless somebody still works for it.
pub(crate) fn sweep(cache: &Cache) {
    for entry in cache.work().flat_map(|work| entries(&work)) {
        let path = entry.path();
        if path.extension().is_some_and(|ending| ending == ENDING) {
            if is_older(&path, REMEMBERED) {
                let _ = std::fs::remove_file(path);
            }
        } else if is_old(&path)
            && !journals(&path).iter().any(|path| is_owned(path))
            && remember(&path).is_ok()
        {
            let _ = std::fs::remove_dir_all(path);
        }
    }
}

/// Whether journals in a run's directory were removed because they were old.
pub(crate) fn is_swept(directory: &Path) -> bool {
    mark(directory).exists()
}

/// Journals grow without their directory being changed.
fn is_old(directory: &Path) -> bool {
    let kept = CallOrder::KEPT;
    is_older(directory, kept) && entries(directory).all(|entry| is_older(&entry.path(), kept))
}

fn is_older(path: &Path, than: Duration) -> bool {
    let changed = path.symlink_metadata().and_then(|found| found.modified()).ok();
    changed.and_then(|at| SystemTime::now().duration_since(at).ok()).is_some_and(|age| age > than)
}

fn remember(directory: &Path) -> io::Result<()> {
    if journals(directory).is_empty() {
        return Ok(());
    }
    OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(mark(directory)).map(drop)
}

fn mark(directory: &Path) -> PathBuf {
    directory.with_added_extension(ENDING)
}

fn entries(directory: &Path) -> impl Iterator<Item = DirEntry> + use<> {
    std::fs::read_dir(directory).into_iter().flatten().flatten()
}
