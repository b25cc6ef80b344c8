//! What becomes of objects, as it happens: in order, each change once.
//!
//! Who watches by labels is told that an object was deleted when it leaves what is watched. A slow watcher holds up
//! nobody: when the history of what it has not heard is gone, it is told to list again.

use std::collections::HashSet;

use windlass_store::{Change, Entry, Range, StoreError, Watch};

use crate::error::Error;
use crate::keys;
use crate::kind::Kind;
use crate::objects::Objects;
use crate::record::Record;
use crate::seal;
use crate::selector::Selector;
use windlass_contract::{Changed, Name, What};

/// The changes of objects.
#[derive(Debug)]
pub struct ObjectWatch {
    watch: Watch,
    kind: &'static Kind,
    namespace: Option<String>,
    name: Option<String>,
    selector: Selector,
    /// Those that were told of and not that they left.
    known: HashSet<Name>,
}

// === impl Objects ===

impl Objects {
    /// The changes of objects of a kind behind a version: those of a namespace, of a name, of a selector.
    pub async fn watch(
        &self,
        kind: &'static Kind,
        namespace: Option<String>,
        name: Option<String>,
        selector: Selector,
        from: Option<u64>,
    ) -> Result<ObjectWatch, Error> {
        let from = from.unwrap_or_else(|| self.store().revision());
        let watch = match self.store().watch(keys::kind(kind), from).await {
            Err(StoreError::Compacted { .. }) => self.since(kind, from).await?,
            watched => watched?,
        };
        Ok(ObjectWatch { watch, kind, namespace, name, selector, known: HashSet::new() })
    }

    /// A watch from a version on that the store does not remember any more, as after a restart: of each object that has
    /// changed since, the last change is told.
    async fn since(&self, kind: &'static Kind, from: u64) -> Result<Watch, Error> {
        let now = self.store().revision();
        let live = self.store().watch(keys::kind(kind), now).await?;
        let entries = self.store().range(Range::prefix(keys::kind(kind))).await?;
        let mut changes: Vec<Change> = entries
            .into_iter()
            .filter(|entry| from < entry.revision && entry.revision <= now)
            .map(|Entry { key, value, revision }| Change { revision, key, value: Some(value) })
            .collect();
        changes.sort_by_key(|change| change.revision);
        Ok(Watch::behind(changes, live))
    }
}

// === impl ObjectWatch ===

impl ObjectWatch {
    /// Waits for the next change; `None` when the store is closed. It may be dropped and called again without losing any.
    pub async fn next(&mut self) -> Option<Result<Changed, Error>> {
        loop {
            let change = match self.watch.next().await? {
                Ok(change) => change,
                Err(error) => return Some(Err(error.into())),
            };
            match self.told(&change) {
                Ok(None) => {}
                Ok(Some(changed)) => return Some(Ok(changed)),
                Err(error) => {
                    tracing::warn!(key = %change.key.escape_ascii(), %error, "a change is left out of a watch");
                }
            }
        }
    }

    /// What is told of a change of the store, if anything.
    fn told(&mut self, change: &Change) -> Result<Option<Changed>, Error> {
        // What is deleted is written down beside, and tells more than that something is no longer there.
        let Some(value) = &change.value else { return Ok(None) };
        let mut record = Record::read(value, change.revision)?;
        let name = record.object.name();
        let is_here = self.namespace.as_ref().is_none_or(|wanted| Some(wanted) == name.namespace.as_ref())
            && self.name.as_ref().is_none_or(|wanted| *wanted == name.name);
        if !is_here {
            return Ok(None);
        }
        let was_meant = self.known.contains(&name)
            || record.labels_before.as_ref().is_some_and(|labels| {
                !record.is_new && self.selector.matches_labels(|label| labels.get(label).map(String::as_str))
            });
        let is_meant = self.selector.matches(&record.object);
        let what = match (keys::is_gone(self.kind, &change.key), is_meant) {
            (true, true) => What::Deleted,
            (true, false) => return Ok(None),
            (false, false) if was_meant => What::Deleted,
            (false, false) => return Ok(None),
            (false, true) if record.is_new => What::Created,
            (false, true) if record.labels_before.is_some() && !was_meant => What::Created,
            (false, true) => What::Updated,
        };
        match what {
            What::Deleted => self.known.remove(&name),
            What::Created | What::Updated => self.known.insert(name),
        };
        seal::cover(self.kind, &mut record.object);
        Ok(Some(Changed { what, version: change.revision, object: record.object }))
    }
}
