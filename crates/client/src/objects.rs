//! Objects: the same questions for every kind.

use hyper::Method;
use windlass_contract::{
    APPLY, AppliedObject, Differences, JSON_PATCH, MERGE_PATCH, NodeFactsList, NodeLock, Object, ObjectPage,
    RevisionPage,
};
use windlass_model::Value;

use crate::client::{Ask, Client, escaped};
use crate::error::Error;
use crate::stream::Watched;

/// Where objects of a kind are: `nodes`, or `plans` of a namespace, or of all of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The kind, by its plural.
    pub plural: String,
    /// The namespace, where they lie in namespaces.
    pub namespace: Option<String>,
}

/// Which objects.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Listing {
    /// A selector of labels.
    pub labels: Option<String>,
    /// A selector of fields.
    pub fields: Option<String>,
    /// How many at the most.
    pub limit: Option<usize>,
    /// Where to go on.
    pub cursor: Option<String>,
}

/// How something is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Write {
    /// Whether everything is judged, and nothing written.
    pub dry_run: bool,
    /// The version that it is built on.
    pub version: Option<u64>,
}

// === impl Place ===

impl Place {
    /// Objects of the whole cluster, or of all namespaces.
    #[must_use]
    pub fn global(plural: &str) -> Self {
        Self { plural: plural.to_owned(), namespace: None }
    }

    /// Objects of a namespace.
    #[must_use]
    pub fn within(plural: &str, namespace: &str) -> Self {
        Self { plural: plural.to_owned(), namespace: Some(namespace.to_owned()) }
    }

    fn path(&self) -> String {
        match &self.namespace {
            None => format!("/api/v1/{}", self.plural),
            Some(namespace) => format!("/api/v1/namespaces/{}/{}", escaped(namespace), self.plural),
        }
    }

    fn one(&self, name: &str) -> String {
        format!("{}/{}", self.path(), escaped(name))
    }
}

impl Ask {
    fn listing(self, listing: &Listing) -> Self {
        self.query("labels", listing.labels.as_ref())
            .query("fields", listing.fields.as_ref())
            .query("limit", listing.limit)
            .query("cursor", listing.cursor.as_ref())
    }

    fn write(self, write: Write) -> Self {
        self.query("dryRun", write.dry_run.then_some(true)).query("version", write.version)
    }
}

impl Client {
    /// The nodes that a namespace may touch, as a document that inventories are read from; with what they report of themselves, or without.
    pub async fn inventory(&self, namespace: &str, with_facts: bool) -> Result<Value, Error> {
        let path = format!("/api/v1/namespaces/{}/inventory", escaped(namespace));
        self.json(Ask::get(path).query("facts", with_facts.then_some(true))).await
    }

    /// What the nodes of a selection in a namespace report of themselves.
    pub async fn node_facts(&self, namespace: &str, selection: &str) -> Result<NodeFactsList, Error> {
        let path = format!("/api/v1/namespaces/{}/inventory/facts", escaped(namespace));
        self.json(Ask::get(path).query("selection", Some(selection))).await
    }

    /// Who has the lock of a node of a namespace, and who waits for it.
    pub async fn node_lock(&self, namespace: &str, node: &str) -> Result<NodeLock, Error> {
        let of = format!("/api/v1/namespaces/{}/inventory/{}/lock", escaped(namespace), escaped(node));
        self.json(Ask::get(of)).await
    }

    /// Some objects.
    pub async fn list(&self, place: &Place, listing: &Listing) -> Result<ObjectPage, Error> {
        self.json(Ask::get(place.path()).listing(listing)).await
    }

    /// All objects, page by page.
    pub async fn list_all(&self, place: &Place, listing: &Listing) -> Result<ObjectPage, Error> {
        let mut listing = listing.clone();
        let mut all = self.list(place, &listing).await?;
        while let Some(next) = all.next.take() {
            listing.cursor = Some(next);
            let page = self.list(place, &listing).await?;
            all.items.extend(page.items);
            all.next = page.next;
        }
        Ok(all)
    }

    /// One object.
    pub async fn get(&self, place: &Place, name: &str) -> Result<Object, Error> {
        self.json(Ask::get(place.one(name))).await
    }

    /// Makes an object that is not there yet.
    pub async fn create(&self, place: &Place, document: &Value, write: Write) -> Result<Object, Error> {
        self.json(Ask::new(Method::POST, place.path()).write(write).body(document)).await
    }

    /// Makes it so: creates it, changes it, or finds that it is so.
    pub async fn apply(
        &self,
        place: &Place,
        name: &str,
        document: &Value,
        write: Write,
    ) -> Result<AppliedObject, Error> {
        self.json(Ask::new(Method::PATCH, place.one(name)).write(write).document(APPLY, document)).await
    }

    /// Puts a whole object into the place of the one that is there.
    pub async fn replace(
        &self,
        place: &Place,
        name: &str,
        document: &Value,
        write: Write,
    ) -> Result<AppliedObject, Error> {
        self.json(Ask::new(Method::PUT, place.one(name)).write(write).body(document)).await
    }

    /// Changes an object: by a list of operations, or by what is to be different.
    pub async fn patch(
        &self,
        place: &Place,
        name: &str,
        patch: &Value,
        write: Write,
    ) -> Result<AppliedObject, Error> {
        let media = if patch.is_array() { JSON_PATCH } else { MERGE_PATCH };
        self.json(Ask::new(Method::PATCH, place.one(name)).write(write).document(media, patch)).await
    }

    /// Deletes an object that nothing needs.
    pub async fn delete(&self, place: &Place, name: &str, write: Write) -> Result<Object, Error> {
        self.json(Ask::new(Method::DELETE, place.one(name)).write(write)).await
    }

    /// What was wanted of an object, the newest first.
    pub async fn revisions(
        &self,
        place: &Place,
        name: &str,
        before: Option<u64>,
    ) -> Result<RevisionPage, Error> {
        self.json(Ask::get(format!("{}/revisions", place.one(name))).query("before", before)).await
    }

    /// What two revisions differ in; the newest and the one before, unless given.
    pub async fn diff(
        &self,
        place: &Place,
        name: &str,
        from: Option<u64>,
        to: Option<u64>,
    ) -> Result<Differences, Error> {
        self.json(Ask::get(format!("{}/diff", place.one(name))).query("from", from).query("to", to)).await
    }

    /// What changes from now on, or behind a version.
    #[must_use]
    pub fn watch(&self, place: &Place, listing: &Listing, from: Option<u64>) -> Watched {
        Watched::new(self.clone(), place.clone(), listing.clone(), from)
    }

    pub(crate) fn watching(place: &Place, listing: &Listing, from: Option<u64>) -> Ask {
        Ask::get(place.path()).listing(listing).query("watch", Some(true)).query("from", from)
    }
}
