//! Lists of objects, page by page. A page begins behind the last name of the one before, so that what nobody touched
//! stands in exactly one of them.

use bytes::Bytes;
use windlass_store::Range;

use crate::error::Error;
use crate::keys;
use crate::kind::Kind;
use crate::objects::Objects;
use crate::record::Record;
use crate::selector::Selector;
use windlass_contract::{Name, Object};

/// What is asked for.
#[derive(Clone, Debug, Default)]
pub struct Query {
    /// The namespace; all of them where none is given.
    pub namespace: Option<String>,
    /// Which of the objects.
    pub selector: Selector,
    /// How many at the most.
    pub limit: usize,
    /// Behind which.
    pub after: Option<Name>,
}

/// A page of objects.
#[derive(Clone, Debug)]
pub struct Listed {
    /// In the order of their names.
    pub objects: Vec<Object>,
    /// Behind which the next page begins, if there is one.
    pub next: Option<Name>,
    /// What a watch begins at, to be told what has changed since.
    pub version: u64,
}

/// How many are read at once.
const PAGE: usize = 512;

// === impl Objects ===

impl Objects {
    /// Objects of a kind, in the order of their names.
    pub async fn list(&self, kind: &'static Kind, query: &Query) -> Result<Listed, Error> {
        // What changes from here on is told by a watch from here, even if it is in the list already.
        let version = self.store().revision();
        let prefix = keys::all(kind, query.namespace.as_deref());
        let whole = Range::prefix(prefix);
        let mut start = match &query.after {
            Some(after) => behind(keys::object(kind.plural, after)),
            None => whole.start.clone(),
        };
        let mut objects: Vec<Object> = Vec::new();
        let mut next = None;
        'pages: loop {
            let page = Range { start, ..whole.clone() }.limit(PAGE);
            let found = self.store().range(page).await?;
            let is_last = found.len() < PAGE;
            start = found.last().map(|entry| behind(entry.key.clone())).unwrap_or_default();
            for entry in found {
                let record = match Record::read(&entry.value, entry.revision) {
                    Ok(record) => record,
                    // One record that cannot be read does not hide the others.
                    Err(error) => {
                        tracing::warn!(key = %entry.key.escape_ascii(), %error, "an object is left out of a list");
                        continue;
                    }
                };
                if !query.selector.matches(&record.object) {
                    continue;
                }
                if objects.len() == query.limit {
                    next = objects.last().map(Object::name);
                    break 'pages;
                }
                objects.push(self.shown(kind, record.object));
            }
            if is_last {
                break;
            }
        }
        Ok(Listed { objects, next, version })
    }
}

/// The first key behind another.
fn behind(key: Bytes) -> Bytes {
    [&key[..], &[0]].concat().into()
}
