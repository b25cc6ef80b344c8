//! Who did what, from where, and what it was before and after: appended only, each entry chained to the one before by its
//! hash, so that whoever changes or removes one is found out.

use std::sync::Arc;

use data_encoding::HEXLOWER;
use sha2::{Digest as _, Sha256};
use tokio::sync::Mutex;
use windlass_contract::{Entry, Noted};
use windlass_store::{Range, Store, StoreError, Txn};

/// The record of a store.
#[derive(Clone, Debug)]
pub struct Audit {
    store: Arc<dyn Store>,
    /// The last entry: its number and hash. Whoever appends holds it.
    last: Arc<Mutex<(u64, String)>>,
}

/// Where the chain is broken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the record is broken at entry {seq}: {why}")]
pub struct Broken {
    /// The first entry that is not as it should be.
    pub seq: u64,
    /// In what way.
    pub why: &'static str,
}

const PREFIX: &str = "audit/";
const PAGE: usize = 1000;

// === impl Audit ===

impl Audit {
    /// The record of a store, from its last entry on.
    pub async fn open(store: Arc<dyn Store>) -> Result<Self, StoreError> {
        let last = store.range(Range::prefix(PREFIX).descending().limit(1)).await?;
        let last = last.first().and_then(|entry| serde_json::from_slice::<Entry>(&entry.value).ok());
        let last = last.map_or((0, String::new()), |entry| (entry.seq, entry.hash));
        Ok(Self { store, last: Arc::new(Mutex::new(last)) })
    }

    /// Appends what happened; it is durable when this returns.
    pub async fn note(&self, what: Noted) -> Result<u64, StoreError> {
        let mut last = self.last.lock().await;
        let seq = last.0.saturating_add(1);
        let hash = hash(&last.1, seq, &what);
        let entry = Entry { seq, what, previous: last.1.clone(), hash };
        let bytes = serde_json::to_vec(&entry).unwrap_or_default();
        self.store.commit(Txn::new().when_absent(key(seq)).put(key(seq), bytes)).await?;
        *last = (seq, entry.hash);
        Ok(seq)
    }

    /// How many entries there are.
    pub async fn count(&self) -> u64 {
        self.last.lock().await.0
    }

    /// Entries, the newest first, before a number.
    pub async fn list(&self, before: Option<u64>, limit: usize) -> Result<Vec<Entry>, StoreError> {
        let whole = Range::prefix(PREFIX);
        let end = before.map(|before| key(before).into()).or(whole.end.clone());
        let found = self.store.range(Range { end, ..whole }.descending().limit(limit)).await?;
        Ok(found.iter().filter_map(|entry| serde_json::from_slice(&entry.value).ok()).collect())
    }

    /// Looks at the whole chain; how many entries it has.
    pub async fn verify(&self) -> Result<Result<u64, Broken>, StoreError> {
        let (expected_last, _) = self.last.lock().await.clone();
        let (mut seq, mut previous) = (0_u64, String::new());
        loop {
            let whole = Range::prefix(PREFIX);
            let range = Range { start: key(seq.saturating_add(1)).into(), ..whole };
            let page = self.store.range(range.limit(PAGE)).await?;
            for entry in &page {
                let at = seq.saturating_add(1);
                let broken = |why| Ok(Err(Broken { seq: at, why }));
                let Ok(entry) = serde_json::from_slice::<Entry>(&entry.value) else {
                    return broken("it cannot be read");
                };
                if entry.seq != at {
                    return broken("it is missing");
                }
                if entry.previous != previous {
                    return broken("it does not follow from the one before");
                }
                if entry.hash != hash(&previous, at, &entry.what) {
                    return broken("it was changed");
                }
                (seq, previous) = (at, entry.hash);
            }
            if page.len() < PAGE {
                break;
            }
        }
        if seq < expected_last {
            return Ok(Err(Broken {
                seq: seq.saturating_add(1),
                why: "it is missing, and so is what came behind it",
            }));
        }
        Ok(Ok(seq))
    }
}

fn key(seq: u64) -> Vec<u8> {
    [PREFIX.as_bytes(), &seq.to_be_bytes()].concat()
}

fn hash(previous: &str, seq: u64, what: &Noted) -> String {
    let mut hasher = Sha256::new();
    hasher.update(previous.as_bytes());
    hasher.update(seq.to_be_bytes());
    hasher.update(serde_json::to_vec(what).unwrap_or_default());
    HEXLOWER.encode(&hasher.finalize())
}

#[cfg(test)]
mod tests {
    use windlass_contract::Outcome;
    use windlass_model::Value;
    use windlass_model::time::Time;

    use super::*;
    use serde_json::json;
    use windlass_store::memory::MemoryStore;

    fn noted(n: u64) -> Noted {
        Noted {
            at: Time(n),
            user: "ann".into(),
            from: "127.0.0.1:5".into(),
            verb: "write".into(),
            resource: format!("Plan web/p{n}"),
            outcome: Outcome::Done,
            before: Value::Null,
            after: json!({"n": n, "float": 0.1}),
        }
    }

    async fn five() -> (Arc<MemoryStore>, Audit) {
        let store = Arc::new(MemoryStore::default());
        let audit = Audit::open(Arc::clone(&store) as _).await.unwrap();
        for n in 1..=5 {
            assert_eq!(audit.note(noted(n)).await.unwrap(), n);
        }
        (store, audit)
    }

    #[tokio::test]
    async fn it_goes_on_where_it_ended() {
        let (store, audit) = five().await;
        assert_eq!(audit.verify().await.unwrap(), Ok(5));
        let again = Audit::open(Arc::clone(&store) as _).await.unwrap();
        assert_eq!(again.note(noted(6)).await.unwrap(), 6);
        assert_eq!(again.verify().await.unwrap(), Ok(6));
        let newest: Vec<u64> = again.list(Some(6), 2).await.unwrap().iter().map(|entry| entry.seq).collect();
        assert_eq!(newest, [5, 4]);
    }

    #[tokio::test]
    async fn whoever_changes_or_removes_something_is_found_out() {
        let tamper = |seq: u64, change: fn(&mut Entry)| async move {
            let (store, audit) = five().await;
            let entry = store.get(&key(seq)).await.unwrap().unwrap();
            let mut entry: Entry = serde_json::from_slice(&entry.value).unwrap();
            change(&mut entry);
            store.commit(Txn::new().put(key(seq), serde_json::to_vec(&entry).unwrap())).await.unwrap();
            audit.verify().await.unwrap().unwrap_err()
        };
        let changed = tamper(3, |entry| entry.what.user = "bob".into()).await;
        assert_eq!(changed, Broken { seq: 3, why: "it was changed" });
        let rehashed = tamper(3, |entry| {
            entry.what.user = "bob".into();
            entry.hash = hash(&entry.previous, entry.seq, &entry.what);
        });
        assert_eq!(rehashed.await, Broken { seq: 4, why: "it does not follow from the one before" });
        for (seq, expect) in [(2, "it is missing"), (5, "it is missing, and so is what came behind it")] {
            let (store, audit) = five().await;
            store.commit(Txn::new().delete(key(seq))).await.unwrap();
            assert_eq!(audit.verify().await.unwrap(), Err(Broken { seq, why: expect }));
        }
    }

    #[tokio::test]
    async fn many_at_once_make_one_chain() {
        let (_, audit) = five().await;
        let notes: Vec<_> = (0..50)
            .map(|n| {
                tokio::spawn({
                    let audit = audit.clone();
                    async move { audit.note(noted(n)).await }
                })
            })
            .collect();
        for note in notes {
            note.await.unwrap().unwrap();
        }
        assert_eq!(audit.verify().await.unwrap(), Ok(55));
    }
}
