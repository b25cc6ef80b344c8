//! The one way in which an object changes: read what is there, decide, and write all that follows in one transaction,
//! on condition that what was read is still there.
//!
//! ```text
//!   read ─► decide ─► judge ─► the object · its revision · whom it needs, and their guards ─► committed
//!     ▲                                                                             │
//!     └───────────────── somebody else was first, and no version was given ◄────────┘
//! ```
//!
//! A reference is written together with the condition that what it leads to is there, and changes the guard of that; who
//! deletes an object does so on condition that its guard is as it was when nobody was found to need it.

use std::collections::BTreeSet;

use uuid::Uuid;
use windlass_model::problem::Problem;
use windlass_model::time::Time;
use windlass_model::{Value, code};
use windlass_store::{Range, StoreError, Txn};

use crate::apply;
use crate::diff::diff;
use crate::draft::Draft;
use crate::error::Error;
use crate::keys;
use crate::kind::{Kind, Reference, Scope};
use crate::objects::Objects;
use crate::record::{Record, Wanted};
use crate::seal;
use windlass_contract::{Applied, Metadata, Name, Object};

/// Who changes something, and when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Author {
    /// Who.
    pub user: String,
    /// When.
    pub at: Time,
}

/// How something is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Write {
    /// Whether everything is judged and nothing is written.
    pub is_dry: bool,
    /// The version that it is built on; whatever is there, where none is given.
    pub version: Option<u64>,
}

/// How often it is begun again when others write the same object at the same time.
const TRIES: u32 = 16;
/// How many of those who need an object are named.
const NAMED: usize = 100;
/// The largest object.
const MOST_BYTES: usize = 4 << 20;

/// What is to become of a record.
pub(crate) struct Next {
    pub(crate) record: Record,
    pub(crate) applied: Applied,
}

// === impl Objects ===

impl Objects {
    /// Changes an object by what `decide` makes of the one that is there.
    pub(crate) async fn change(
        &self,
        kind: &'static Kind,
        name: &Name,
        write: Write,
        author: &Author,
        decide: impl Fn(Option<&Record>) -> Result<Next, Error>,
    ) -> Result<(Object, Applied), Error> {
        for _ in 0..TRIES {
            let there = self.record(kind, name).await?;
            let mut next = decide(there.as_ref())?;
            if let Some(given) = write.version {
                let found = there.as_ref().map_or(0, |there| there.object.metadata.version);
                if found != given {
                    return Err(conflict(kind, name, given, there.as_ref(), &next.record));
                }
            }
            if next.applied == Applied::Unchanged {
                return Ok((self.shown(kind, next.record.object), Applied::Unchanged));
            }
            if let Some(applied) = next.record.applied.as_mut().and_then(|applied| applied.get_mut("spec")) {
                // Only what was said is of interest, not the secrets in it.
                seal::cover_spec(kind, applied);
            }
            seal::seal(self.sealer(), kind, &mut next.record.object, there.as_ref().map(|it| &it.object))?;
            let is_same = |there: &Record| {
                there.object.spec == next.record.object.spec
                    && there.object.metadata.labels == next.record.object.metadata.labels
                    && there.object.metadata.annotations == next.record.object.metadata.annotations
                    && there.object.status == next.record.object.status
                    && there.applied == next.record.applied
            };
            if there.as_ref().is_some_and(is_same) {
                return Ok((self.shown(kind, next.record.object), Applied::Unchanged));
            }
            self.judge(kind, &next.record.object)?;
            self.refuse_missing(kind, &next.record.object).await?;
            let txn = self.transaction(kind, there.as_ref(), &mut next.record, author)?;
            if write.is_dry {
                return Ok((self.shown(kind, next.record.object), next.applied));
            }
            match self.store().commit(txn).await {
                Ok(version) => {
                    self.has_changed(kind);
                    next.record.object.metadata.version = version;
                    return Ok((self.shown(kind, next.record.object), next.applied));
                }
                // Somebody else was first, or has deleted what it refers to: that is seen the next time.
                Err(StoreError::Precondition { .. }) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Err(Error::Store(StoreError::Busy { queued: 1 }))
    }

    /// Deletes an object that nobody needs.
    pub(crate) async fn remove(
        &self,
        kind: &'static Kind,
        name: &Name,
        write: Write,
        author: &Author,
    ) -> Result<Object, Error> {
        for _ in 0..TRIES {
            let there = self.record(kind, name).await?;
            let Some(there) = there else {
                return Err(Error::NotFound { kind: kind.name, name: name.clone() });
            };
            let found = there.object.metadata.version;
            if let Some(given) = write.version
                && given != found
            {
                return Err(conflict(kind, name, given, Some(&there), &there));
            }
            let guard = keys::guard(kind.plural, name);
            let guarded = self.store().get(&guard).await?;
            self.refuse_needed(kind, name).await?;
            if write.is_dry {
                return Ok(self.shown(kind, there.object));
            }
            let mut gone = there.clone();
            gone.object.metadata.updated_at = author.at;
            let mut txn = Txn::new().when_at(keys::object(kind.plural, name), found);
            txn = match guarded {
                Some(entry) => txn.when_at(guard.clone(), entry.revision).delete(guard),
                None => txn.when_absent(guard),
            };
            for reference in references(kind, &there.object) {
                txn = txn.delete(keys::refers(reference.plural, &reference.to, kind.plural, name));
            }
            txn =
                txn.delete(keys::object(kind.plural, name)).put(keys::gone(kind.plural, name), gone.write()?);
            match self.store().commit(txn).await {
                Ok(version) => {
                    self.has_changed(kind);
                    gone.object.metadata.version = version;
                    return Ok(self.shown(kind, gone.object));
                }
                Err(StoreError::Precondition { .. }) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Err(Error::Store(StoreError::Busy { queued: 1 }))
    }

    async fn refuse_needed(&self, kind: &'static Kind, name: &Name) -> Result<(), Error> {
        let prefix = keys::referrers(kind.plural, name);
        let found = self.store().range(Range::prefix(prefix.clone()).limit(NAMED)).await?;
        let by: Vec<String> = found
            .iter()
            .filter_map(|entry| keys::referrer(&entry.key, &prefix))
            .map(|(plural, by)| {
                let kind = self.kind(&plural).map_or(plural.as_str(), |kind| kind.name);
                format!("{kind} {by}")
            })
            .collect();
        match by.is_empty() {
            true => Ok(()),
            false => Err(Error::Referenced { kind: kind.name, name: name.clone(), by }),
        }
    }

    /// Everything that is wrong with an object that is well formed.
    fn judge(&self, kind: &'static Kind, object: &Object) -> Result<(), Error> {
        let bytes = serde_json::to_vec(object).map_or(0, |bytes| bytes.len());
        let mut problems = (kind.check)(object, &self.surroundings());
        if bytes > MOST_BYTES {
            let message = format!("it takes {bytes} bytes; at most {MOST_BYTES} are kept");
            problems.push(Problem::new(code::TOO_LARGE, "", "", message));
        }
        if problems.is_empty() { Ok(()) } else { Err(Error::Invalid(problems)) }
    }

    fn transaction(
        &self,
        kind: &'static Kind,
        there: Option<&Record>,
        record: &mut Record,
        author: &Author,
    ) -> Result<Txn, Error> {
        let name = record.object.name();
        let key = keys::object(kind.plural, &name);
        let mut txn = Txn::new();
        txn = match there {
            Some(there) => txn.when_at(key.clone(), there.object.metadata.version),
            // Whoever watches has been told that one of this name is gone.
            None => txn.when_absent(key.clone()).delete(keys::gone(kind.plural, &name)),
        };
        let metadata = &mut record.object.metadata;
        metadata.updated_at = author.at;
        record.is_new = there.is_none();
        record.labels_before = there
            .filter(|there| there.object.metadata.labels != metadata.labels)
            .map(|there| there.object.metadata.labels.clone());
        if there.is_none_or(|there| there.object.spec != record.object.spec) {
            record.generation = there.map_or(1, |there| there.generation.saturating_add(1));
            let wanted = Wanted::new(author.user.clone(), author.at, record.object.spec.clone());
            let uid = record.object.metadata.uid;
            txn = txn.put(keys::revision(kind.plural, &name, uid, record.generation), wanted.write()?);
        }
        let before: BTreeSet<Reference> =
            there.map(|there| references(kind, &there.object).into_iter().collect()).unwrap_or_default();
        let now: BTreeSet<Reference> = references(kind, &record.object).into_iter().collect();
        let is_among = |set: &BTreeSet<Reference>, one: &Reference| {
            set.iter().any(|it| it.plural == one.plural && it.to == one.to)
        };
        for gone in before.iter().filter(|one| !is_among(&now, one)) {
            txn = txn.delete(keys::refers(gone.plural, &gone.to, kind.plural, &name));
        }
        for new in now.iter().filter(|one| !is_among(&before, one)) {
            txn = txn
                .when_present(keys::object(new.plural, &new.to))
                .put(keys::refers(new.plural, &new.to, kind.plural, &name), &b""[..])
                .put(keys::guard(new.plural, &new.to), &b""[..]);
        }
        Ok(txn.put(key, record.write()?))
    }

    /// Everything that an object refers to must be there.
    async fn refuse_missing(&self, kind: &'static Kind, object: &Object) -> Result<(), Error> {
        let mut missing = Vec::new();
        for reference in references(kind, object) {
            if self.store().get(&keys::object(reference.plural, &reference.to)).await?.is_none() {
                let what = self.kind(reference.plural).map_or(reference.plural, |kind| kind.name);
                let message = format!("there is no {what} {}", reference.to);
                let problem = Problem::new(code::MISSING_REFERENCE, "", reference.pointer, message);
                missing.push(problem.help("create it first; of a file, what others need is put first"));
            }
        }
        if missing.is_empty() { Ok(()) } else { Err(Error::Invalid(missing)) }
    }
}

/// Whom an object needs: its namespace, and what its spec names.
fn references(kind: &'static Kind, object: &Object) -> Vec<Reference> {
    let mut references = (kind.refers)(object);
    if kind.scope == Scope::Namespaced
        && let Some(namespace) = &object.metadata.namespace
    {
        references.push(Reference::global("namespaces", namespace.clone(), "/metadata/namespace"));
    }
    references
}

fn conflict(kind: &'static Kind, name: &Name, given: u64, there: Option<&Record>, next: &Record) -> Error {
    let shown = |record: &Record| {
        let mut object = record.object.clone();
        seal::cover(kind, &mut object);
        Draft::of(&object).wanted()
    };
    let found = there.map_or(0, |there| there.object.metadata.version);
    let changed = there.map(|there| diff(&shown(there), &shown(next))).unwrap_or_default();
    Error::Conflict { kind: kind.name, name: name.clone(), given, found, changed }
}

/// A new object, as it is wanted.
pub(crate) fn created(kind: &'static Kind, draft: &Draft, uid: Uuid, author: &Author) -> Record {
    Record::new(Object {
        api_version: windlass_model::plan::API_VERSION.to_owned(),
        kind: kind.name.to_owned(),
        metadata: Metadata {
            name: draft.name.name.clone(),
            namespace: draft.name.namespace.clone(),
            uid,
            labels: draft.labels.clone(),
            annotations: draft.annotations.clone(),
            version: 0,
            created_at: author.at,
            updated_at: author.at,
        },
        spec: draft.spec.clone(),
        status: Value::Null,
    })
}

/// The object that is there, changed by what is applied.
pub(crate) fn applied(there: &Record, draft: &Draft) -> Record {
    let now = draft.wanted();
    let merged = apply::merge(there.applied.as_ref(), &Draft::of(&there.object).wanted(), &now);
    let mut record = there.clone();
    let texts = |key: &str| {
        let map = merged.get(key).and_then(Value::as_object).into_iter().flatten();
        map.filter_map(|(key, value)| Some((key.clone(), value.as_str()?.to_owned()))).collect()
    };
    record.object.metadata.labels = texts("labels");
    record.object.metadata.annotations = texts("annotations");
    record.object.spec = merged.get("spec").cloned().unwrap_or_default();
    record.applied = Some(now);
    record
}
