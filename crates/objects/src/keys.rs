//! Where objects lie in the store.
//!
//! ```text
//!   object/<plural>/live/<namespace>/<name>                         an object, as a record
//!   object/<plural>/gone/<namespace>/<name>                         what was deleted, for those who watch
//!   spec/<plural>/<namespace>/<name>/<uid>/<number>                 what was wanted, each time that it was said
//!   refers/<plural>/<namespace>/<name>/<plural>/<namespace>/<name>  whom an object is needed by
//!   guard/<plural>/<namespace>/<name>                               changes when somebody begins to need the object
//! ```
//!
//! Names hold no slash. An object of the whole cluster has an empty namespace here. Numbers are big-endian.

use bytes::Bytes;
use uuid::Uuid;

use crate::kind::Kind;
use windlass_contract::Name;

fn place(name: &Name) -> String {
    format!("{}/{}", name.namespace.as_deref().unwrap_or_default(), name.name)
}

/// All that is told of a kind.
pub(crate) fn kind(kind: &Kind) -> Bytes {
    format!("object/{}/", kind.plural).into()
}

/// The living objects of a kind, or of one namespace.
pub(crate) fn all(kind: &Kind, namespace: Option<&str>) -> Bytes {
    match namespace {
        Some(namespace) => format!("object/{}/live/{namespace}/", kind.plural).into(),
        None => format!("object/{}/live/", kind.plural).into(),
    }
}

pub(crate) fn object(plural: &str, name: &Name) -> Bytes {
    format!("object/{plural}/live/{}", place(name)).into()
}

pub(crate) fn gone(plural: &str, name: &Name) -> Bytes {
    format!("object/{plural}/gone/{}", place(name)).into()
}

/// Whether a key is that of something that was deleted.
pub(crate) fn is_gone(kind: &Kind, key: &[u8]) -> bool {
    key.starts_with(format!("object/{}/gone/", kind.plural).as_bytes())
}

pub(crate) fn revisions(plural: &str, name: &Name, uid: Uuid) -> Vec<u8> {
    format!("spec/{plural}/{}/{uid}/", place(name)).into_bytes()
}

pub(crate) fn revision(plural: &str, name: &Name, uid: Uuid, number: u64) -> Bytes {
    let mut key = revisions(plural, name, uid);
    key.extend_from_slice(&number.to_be_bytes());
    key.into()
}

/// Those who need an object.
pub(crate) fn referrers(plural: &str, name: &Name) -> String {
    format!("refers/{plural}/{}/", place(name))
}

pub(crate) fn refers(plural: &str, name: &Name, by_plural: &str, by: &Name) -> Bytes {
    format!("{}{by_plural}/{}", referrers(plural, name), place(by)).into()
}

/// Who needs an object, of a key among its [`referrers`].
pub(crate) fn referrer(key: &[u8], prefix: &str) -> Option<(String, Name)> {
    let text = std::str::from_utf8(key.strip_prefix(prefix.as_bytes())?).ok()?;
    let mut parts = text.splitn(3, '/');
    let (plural, namespace, name) = (parts.next()?, parts.next()?, parts.next()?);
    let namespace = (!namespace.is_empty()).then(|| namespace.to_owned());
    Some((plural.to_owned(), Name { namespace, name: name.to_owned() }))
}

pub(crate) fn guard(plural: &str, name: &Name) -> Bytes {
    format!("guard/{plural}/{}", place(name)).into()
}
