//! Objects on a store in memory: what is written, found, refused and told.

#![expect(clippy::unwrap_used, reason = "tests")]

mod objects {
    mod changes;
    mod lists;
    mod random;
    mod refusals;
    mod secrets;
    mod watches;
}

use std::sync::Arc;

use serde_json::json;
use uuid::Uuid;
use windlass_model::Value;
use windlass_model::fact::Catalog;
use windlass_model::time::Time;
use windlass_objects::{Applied, Author, Error, Kind, Name, Object, Objects, Options, Seal, Write};
use windlass_store::memory::MemoryStore;

/// A seal that can be read, and still opens only where it was made.
#[derive(Debug)]
struct Label(&'static str);

impl Seal for Label {
    fn seal(&self, place: &str, clear: &str) -> Option<String> {
        let backwards: String = clear.chars().rev().collect();
        Some(format!("{}|{place}|{backwards}", self.0))
    }

    fn open(&self, place: &str, sealed: &str) -> Option<String> {
        let rest = sealed.strip_prefix(&format!("{}|{place}|", self.0))?;
        Some(rest.chars().rev().collect())
    }
}

/// The objects of a store of its own.
struct House {
    objects: Objects,
    store: Arc<MemoryStore>,
}

fn author(user: &str) -> Author {
    Author { user: user.to_owned(), at: Time(1_700_000_000_000_000) }
}

impl House {
    fn new() -> Self {
        Self::on(Arc::new(MemoryStore::default()), "key")
    }

    fn on(store: Arc<MemoryStore>, key: &'static str) -> Self {
        let options = Options {
            catalog: Arc::new(Catalog::default()),
            seal: Arc::new(Label(key)),
            ids: Arc::new(Uuid::now_v7),
            policies: |text| if text.contains("forbid") { Vec::new() } else { vec!["no policy".to_owned()] },
        };
        Self { objects: Objects::new(Arc::clone(&store) as _, options), store }
    }

    fn kind(&self, word: &str) -> &'static Kind {
        self.objects.kind(word).unwrap()
    }

    async fn apply(&self, kind: &str, document: Value) -> Result<(Object, Applied), Error> {
        self.objects.apply(self.kind(kind), document, None, Write::default(), &author("alice")).await
    }

    async fn create(&self, kind: &str, document: Value) -> Result<Object, Error> {
        self.objects.create(self.kind(kind), document, None, Write::default(), &author("alice")).await
    }

    async fn delete(&self, kind: &str, name: &Name) -> Result<Object, Error> {
        self.objects.delete(self.kind(kind), name, Write::default(), &author("alice")).await
    }

    async fn node(&self, name: &str, labels: Value) -> Object {
        self.apply("node", json!({"metadata": {"name": name, "labels": labels}})).await.unwrap().0
    }
}

/// What is wrong, a line for each problem.
fn wrong(result: Result<impl std::fmt::Debug, Error>) -> String {
    let error = result.unwrap_err();
    let help = error.help().map(|help| format!(" ({help})")).unwrap_or_default();
    format!("{}: {error}{help}", error.code())
}
