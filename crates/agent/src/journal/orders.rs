//! What one agent tells another that is alive: small files beside its journal, looked for while it works.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use windlass_model::event::Severity;

/// How often an agent that works looks for orders. There is one when somebody found its work again.
pub(crate) const LOOK_EVERY: Duration = Duration::from_millis(200);

/// What is told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Order {
    /// Your connection is dead, whatever it looks like: somebody else listens to your journal now.
    Detach,
    /// End an attempt.
    Cancel { key: String, attempt: u32, how: Severity },
    /// The run is over: remove your journal when you are gone from it.
    Forget,
}

/// Where an agent's orders lie.
#[derive(Debug)]
pub(crate) struct Orders<'a>(pub(crate) &'a Path);

/// Tells the owner of a journal.
pub(crate) fn tell(journal: &Path, order: &Order) -> io::Result<()> {
    let bytes = postcard::to_stdvec(order).map_err(io::Error::other)?;
    let id = crate::hello::own_name();
    let (part, whole) = (beside(journal, &format!("{id}.part")), beside(journal, &format!("{id}.order")));
    std::fs::write(&part, bytes)?;
    std::fs::rename(part, whole)
}

fn beside(journal: &Path, ending: &str) -> PathBuf {
    let mut path = journal.as_os_str().to_owned();
    path.push(".");
    path.push(ending);
    path.into()
}

// === impl Orders ===

impl Orders<'_> {
    /// Takes the orders that lie there.
    pub(crate) fn take(&self) -> Vec<Order> {
        let Some((directory, name)) = self.0.parent().zip(self.0.file_name()) else { return Vec::new() };
        let name = name.to_string_lossy();
        let entries = std::fs::read_dir(directory).into_iter().flatten().flatten();
        let mut paths: Vec<PathBuf> = entries
            .filter(|entry| {
                let found = entry.file_name().to_string_lossy().into_owned();
                found.starts_with(&*name) && found.ends_with(".order")
            })
            .map(|entry| entry.path())
            .collect();
        paths.sort();
        let mut orders = Vec::new();
        for path in paths {
            if let Ok(bytes) = std::fs::read(&path)
                && let Ok(order) = postcard::from_bytes(&bytes)
            {
                orders.push(order);
            }
            let _ = std::fs::remove_file(path);
        }
        orders
    }
}
