//! What callers hold: cheap to clone, usable from any task.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use json_patch::{Patch as JsonPatch, merge};
use tokio::sync::watch;
use uuid::Uuid;
use windlass_model::Value;
use windlass_model::fact::Catalog;
use windlass_model::time::Time;
use windlass_store::{Range, Store};

use crate::change::{Author, Next, Write, applied, created};
use windlass_contract::Difference;

use crate::diff::diff;
use crate::draft::Draft;
use crate::error::Error;
use crate::keys;
use crate::kind::{Kind, Surroundings};
use crate::kinds;
use crate::record::{Record, Wanted};
use crate::seal::{self, Seal};
use windlass_contract::{Applied, Name, Object};

/// What objects need.
#[derive(Clone)]
pub struct Options {
    /// The plugins that plans may use.
    pub catalog: Arc<Catalog>,
    /// What seals secrets.
    pub seal: Arc<dyn Seal>,
    /// Where new ids come from.
    pub ids: Arc<dyn Fn() -> Uuid + Send + Sync>,
    /// What is wrong with the text of a policy.
    pub policies: fn(&str) -> Vec<String>,
}

/// The objects of a store.
#[derive(Clone)]
pub struct Objects {
    store: Arc<dyn Store>,
    options: Options,
    /// How often objects of each kind were changed.
    changes: Arc<[AtomicU64]>,
    changed: watch::Sender<()>,
}

/// A change to an object.
#[derive(Clone, Debug)]
pub enum Patch {
    /// What is given replaces what is there, null removes it (RFC 7396).
    Merge(Value),
    /// Operations, one after the other, all of them or none (RFC 6902).
    Operations(Value),
}

/// What was wanted of an object at some time.
#[derive(Clone, Debug, PartialEq)]
pub struct Revision {
    /// Counted from one.
    pub number: u64,
    /// Who wanted it.
    pub by: String,
    /// When.
    pub at: Time,
    /// What was wanted.
    pub spec: Value,
}

/// The revisions of an object, the newest first.
#[derive(Clone, Debug, PartialEq)]
pub struct Revisions {
    /// Some of them.
    pub revisions: Vec<Revision>,
    /// Before which number the next page begins, if there is one.
    pub next: Option<u64>,
}

// === impl Objects: what is there ===

impl Objects {
    /// The objects of a store.
    #[must_use]
    pub fn new(store: Arc<dyn Store>, options: Options) -> Self {
        let changes = kinds::all().iter().map(|_| AtomicU64::new(0)).collect();
        Self { store, options, changes, changed: watch::Sender::new(()) }
    }

    /// How often objects of these kinds were changed since they were opened: whoever keeps something that was made of
    /// them, makes it anew when this has grown.
    #[must_use]
    pub fn changes(&self, of: &[&'static Kind]) -> u64 {
        let counts = kinds::all().iter().zip(self.changes.iter());
        let counts = counts.filter(|(kind, _)| of.iter().any(|one| one.plural == kind.plural));
        counts.map(|(_, count)| count.load(Ordering::Acquire)).sum()
    }

    /// Tells when the next object is changed, of whatever kind.
    #[must_use]
    pub fn changed(&self) -> watch::Receiver<()> {
        self.changed.subscribe()
    }

    pub(crate) fn surroundings(&self) -> Surroundings<'_> {
        Surroundings { catalog: self.catalog(), policies: self.options.policies }
    }

    pub(crate) fn has_changed(&self, kind: &Kind) {
        let mut counts = kinds::all().iter().zip(self.changes.iter());
        if let Some((_, count)) = counts.find(|(one, _)| one.plural == kind.plural) {
            count.fetch_add(1, Ordering::AcqRel);
        }
        self.changed.send_replace(());
    }

    /// Whether a store has an object.
    pub async fn exists(store: &dyn Store, kind: &Kind, name: &Name) -> Result<bool, Error> {
        Ok(store.get(&keys::object(kind.plural, name)).await?.is_some())
    }

    /// A kind by one of its names.
    pub fn kind(&self, word: &str) -> Result<&'static Kind, Error> {
        kinds::all()
            .iter()
            .find(|kind| kind.is_called(word))
            .copied()
            .ok_or_else(|| Error::UnknownKind(word.to_owned()))
    }

    /// An object, with its secrets covered.
    pub async fn get(&self, kind: &'static Kind, name: &Name) -> Result<Object, Error> {
        let record = self.record(kind, name).await?;
        let record = record.ok_or_else(|| Error::NotFound { kind: kind.name, name: name.clone() })?;
        Ok(self.shown(kind, record.object))
    }

    /// An object with its secrets in clear, for whoever uses them.
    pub async fn reveal(&self, kind: &'static Kind, name: &Name) -> Result<Object, Error> {
        let record = self.record(kind, name).await?;
        let mut record = record.ok_or_else(|| Error::NotFound { kind: kind.name, name: name.clone() })?;
        seal::open(self.sealer(), kind, &mut record.object)?;
        Ok(record.object)
    }

    /// What was wanted of an object, the newest first, before a number.
    pub async fn revisions(
        &self,
        kind: &'static Kind,
        name: &Name,
        before: Option<u64>,
        limit: usize,
    ) -> Result<Revisions, Error> {
        let object = self.get(kind, name).await?;
        let uid = object.metadata.uid;
        let whole = Range::prefix(keys::revisions(kind.plural, name, uid));
        let end = before.map(|before| keys::revision(kind.plural, name, uid, before)).or(whole.end);
        let range = Range { end, ..whole }.descending().limit(limit.saturating_add(1));
        let mut revisions = Vec::new();
        for entry in self.store.range(range).await? {
            let Some(number) = entry.key.last_chunk().map(|bytes| u64::from_be_bytes(*bytes)) else {
                continue;
            };
            let mut wanted = Wanted::read(&entry.value)?;
            seal::cover_spec(kind, &mut wanted.spec);
            revisions.push(Revision { number, by: wanted.by, at: wanted.at, spec: wanted.spec });
        }
        let is_more = revisions.len() > limit;
        revisions.truncate(limit);
        let next = if is_more { revisions.last().map(|last| last.number) } else { None };
        Ok(Revisions { revisions, next })
    }

    /// One of the revisions.
    pub async fn revision(&self, kind: &'static Kind, name: &Name, number: u64) -> Result<Revision, Error> {
        let page = self.revisions(kind, name, number.checked_add(1), 1).await?;
        let found = page.revisions.into_iter().next().filter(|found| found.number == number);
        found.ok_or_else(|| Error::BadQuery(format!("{} {name} has no revision {number}", kind.name)))
    }

    /// What two revisions differ in.
    pub async fn diff(
        &self,
        kind: &'static Kind,
        name: &Name,
        from: u64,
        to: u64,
    ) -> Result<Vec<Difference>, Error> {
        let from = self.revision(kind, name, from).await?;
        let to = self.revision(kind, name, to).await?;
        Ok(diff(&from.spec, &to.spec))
    }
}

// === impl Objects: what becomes of it ===

impl Objects {
    /// Makes an object that is not there yet.
    pub async fn create(
        &self,
        kind: &'static Kind,
        document: Value,
        at: Option<&Name>,
        write: Write,
        author: &Author,
    ) -> Result<Object, Error> {
        let draft = Draft::read(kind, document, at)?;
        let uid = (self.options.ids)();
        let made = self.change(kind, &draft.name, write, author, |there| match there {
            Some(_) => Err(Error::Exists { kind: kind.name, name: draft.name.clone() }),
            None => {
                let mut record = created(kind, &draft, uid, author);
                record.applied = Some(draft.wanted());
                Ok(Next { record, applied: Applied::Created })
            }
        });
        Ok(made.await?.0)
    }

    /// Makes an object, or changes the one that is there to what is wanted: what was applied last and is left out now goes,
    /// what others wrote stays.
    pub async fn apply(
        &self,
        kind: &'static Kind,
        document: Value,
        at: Option<&Name>,
        write: Write,
        author: &Author,
    ) -> Result<(Object, Applied), Error> {
        let draft = Draft::read(kind, document, at)?;
        let write = Write { version: write.version.or(draft.version), ..write };
        let uid = (self.options.ids)();
        self.change(kind, &draft.name, write, author, |there| {
            Ok(match there {
                Some(there) => {
                    self.is_the_same(kind, there, &draft)?;
                    Next { record: applied(there, &draft), applied: Applied::Changed }
                }
                None => {
                    let mut record = created(kind, &draft, uid, author);
                    record.applied = Some(draft.wanted());
                    Next { record, applied: Applied::Created }
                }
            })
        })
        .await
    }

    /// Puts a whole object in the place of the one that is there.
    pub async fn replace(
        &self,
        kind: &'static Kind,
        document: Value,
        at: &Name,
        write: Write,
        author: &Author,
    ) -> Result<(Object, Applied), Error> {
        let draft = Draft::read(kind, document, Some(at))?;
        let write = Write { version: write.version.or(draft.version), ..write };
        self.change(kind, at, write, author, |there| {
            let there = there.ok_or_else(|| Error::NotFound { kind: kind.name, name: at.clone() })?;
            self.is_the_same(kind, there, &draft)?;
            Ok(Next { record: replaced(there, &draft), applied: Applied::Changed })
        })
        .await
    }

    /// Changes an object by a patch. Only what people want can be changed by one.
    pub async fn patch(
        &self,
        kind: &'static Kind,
        name: &Name,
        patch: &Patch,
        write: Write,
        author: &Author,
    ) -> Result<(Object, Applied), Error> {
        self.change(kind, name, write, author, |there| {
            let there = there.ok_or_else(|| Error::NotFound { kind: kind.name, name: name.clone() })?;
            let shown = self.shown(kind, there.object.clone());
            let mut document = serde_json::to_value(&shown).map_err(|error| Error::Damaged(error.to_string()))?;
            patch.carry_out(&mut document)?;
            if document.get("status") != serde_json::to_value(&shown.status).ok().as_ref().filter(|it| !it.is_null()) {
                return Err(Error::BadPatch("only Windlass writes `status`".to_owned()));
            }
            let draft = Draft::read(kind, document, Some(name))?;
            if draft.version.is_some_and(|version| version != shown.metadata.version) {
                return Err(Error::BadPatch("`metadata.version` is not changed by patches; give the version that you build on beside the patch".to_owned()));
            }
            Ok(Next { record: replaced(there, &draft), applied: Applied::Changed })
        })
        .await
    }

    /// Notes how an object stands, by what is noted of it already: others may note something at the same time.
    pub async fn set_status(
        &self,
        kind: &'static Kind,
        name: &Name,
        author: &Author,
        noted: impl Fn(&Value) -> Value,
    ) -> Result<Object, Error> {
        let changed = self.change(kind, name, Write::default(), author, |there| {
            let there = there.ok_or_else(|| Error::NotFound { kind: kind.name, name: name.clone() })?;
            let mut record = there.clone();
            record.object.status = noted(&there.object.status);
            Ok(Next { record, applied: Applied::Changed })
        });
        Ok(changed.await?.0)
    }

    /// Deletes an object that nobody needs; shows it as it was.
    pub async fn delete(
        &self,
        kind: &'static Kind,
        name: &Name,
        write: Write,
        author: &Author,
    ) -> Result<Object, Error> {
        self.remove(kind, name, write, author).await
    }

    /// What has an id that was given must have that one: it may have been deleted and made again since.
    fn is_the_same(&self, kind: &'static Kind, there: &Record, draft: &Draft) -> Result<(), Error> {
        match draft.uid {
            Some(uid) if uid != there.object.metadata.uid => Err(Error::Conflict {
                kind: kind.name,
                name: draft.name.clone(),
                given: draft.version.unwrap_or_default(),
                found: there.object.metadata.version,
                changed: vec![Difference {
                    pointer: "/metadata/uid".into(),
                    from: Some(there.object.metadata.uid.to_string().into()),
                    to: Some(uid.to_string().into()),
                }],
            }),
            _ => Ok(()),
        }
    }
}

// === impl Objects: what it is made of ===

impl Objects {
    pub(crate) fn store(&self) -> &dyn Store {
        &*self.store
    }

    pub(crate) fn catalog(&self) -> &Catalog {
        &self.options.catalog
    }

    pub(crate) fn sealer(&self) -> &dyn Seal {
        &*self.options.seal
    }

    /// An object as it may be shown.
    #[expect(
        clippy::unused_self,
        reason = "a method like the others, which what is shown may come to depend on"
    )]
    pub(crate) fn shown(&self, kind: &Kind, mut object: Object) -> Object {
        seal::cover(kind, &mut object);
        object
    }

    pub(crate) async fn record(&self, kind: &Kind, name: &Name) -> Result<Option<Record>, Error> {
        let entry = self.store.get(&keys::object(kind.plural, name)).await?;
        entry.map(|entry| Record::read(&entry.value, entry.revision)).transpose()
    }
}

impl fmt::Debug for Objects {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Objects").finish_non_exhaustive()
    }
}

impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Options").finish_non_exhaustive()
    }
}

// === impl Patch ===

impl Patch {
    fn carry_out(&self, document: &mut Value) -> Result<(), Error> {
        match self {
            Self::Merge(patch) if patch.is_object() => {
                merge(document, patch);
                Ok(())
            }
            Self::Merge(_) => Err(Error::BadPatch("a merge patch is a map".to_owned())),
            Self::Operations(operations) => {
                let patch: JsonPatch = serde_json::from_value(operations.clone())
                    .map_err(|error| Error::BadPatch(format!("it is no list of operations: {error}")))?;
                json_patch::patch(document, &patch).map_err(|error| Error::BadPatch(error.to_string()))
            }
        }
    }
}

/// The object that is there, with what is wanted now instead of what was wanted before.
fn replaced(there: &Record, draft: &Draft) -> Record {
    let mut record = there.clone();
    record.object.metadata.labels.clone_from(&draft.labels);
    record.object.metadata.annotations.clone_from(&draft.annotations);
    record.object.spec.clone_from(&draft.spec);
    record
}
