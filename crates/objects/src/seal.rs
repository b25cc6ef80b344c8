//! Secrets in objects: sealed where they lie, covered where they are shown.

use std::fmt;

use windlass_model::problem::Problem;
use windlass_model::schema::escape;
use windlass_model::{Value, code};

use crate::error::Error;
use crate::kind::Kind;
use windlass_contract::{Name, Object};

/// What is shown of a secret; whoever sends it back leaves the secret as it is.
pub const COVER: &str = "********";

/// Seals texts with a key that lies elsewhere. A text is bound to a place and opens in no other.
pub trait Seal: Send + Sync + fmt::Debug {
    /// The text under a seal.
    fn seal(&self, place: &str, clear: &str) -> Option<String>;

    /// The text that was sealed, if it is whole and was sealed for this place with this key.
    fn open(&self, place: &str, sealed: &str) -> Option<String>;
}

fn secrets<'a>(kind: &Kind, object: &'a mut Object) -> impl Iterator<Item = (String, &'a mut Value)> {
    let map = kind.secret.and_then(|key| object.spec.get_mut(key)).and_then(Value::as_object_mut);
    map.into_iter().flatten().map(|(key, value)| (key.clone(), value))
}

fn place(kind: &Kind, name: &Name, key: &str) -> String {
    format!("{}/{name}/{key}", kind.plural)
}

/// Seals what is secret. What is covered takes the sealed text of what was there before.
pub(crate) fn seal(
    seal: &dyn Seal,
    kind: &Kind,
    object: &mut Object,
    before: Option<&Object>,
) -> Result<(), Error> {
    let name = object.name();
    for (key, value) in secrets(kind, object) {
        let Some(clear) = value.as_str() else { continue };
        let old = || kind.secret.and_then(|map| before?.spec.get(map)?.get(&key)).cloned();
        *value = match old() {
            // Nobody meant to change it: it is covered, or lies there as it lay.
            Some(old) if clear == COVER || old.as_str() == Some(clear) => old,
            None if clear == COVER => {
                let pointer = format!("/spec/{}/{}", kind.secret.unwrap_or_default(), escape(&key));
                let problem =
                    Problem::new(code::WRONG_TYPE, "", pointer, "a secret that is not there yet is covered");
                return Err(Error::Invalid(vec![problem.help("give its value")]));
            }
            // The same text keeps its seal, so that applying it again changes nothing.
            Some(old)
                if old.as_str().and_then(|old| seal.open(&place(kind, &name, &key), old)).as_deref()
                    == Some(clear) =>
            {
                old
            }
            _ => {
                let sealed = seal.seal(&place(kind, &name, &key), clear);
                sealed.map(Value::String).ok_or_else(|| Error::Sealed(name.clone()))?
            }
        };
    }
    Ok(())
}

/// Opens what is secret, for whoever uses it.
pub(crate) fn open(seal: &dyn Seal, kind: &Kind, object: &mut Object) -> Result<(), Error> {
    let name = object.name();
    for (key, value) in secrets(kind, object) {
        let clear = value.as_str().and_then(|sealed| seal.open(&place(kind, &name, &key), sealed));
        *value = clear.map(Value::String).ok_or_else(|| Error::Sealed(name.clone()))?;
    }
    Ok(())
}

/// Covers what is secret, for whoever looks.
pub(crate) fn cover(kind: &Kind, object: &mut Object) {
    secrets(kind, object).for_each(|(_, value)| *value = Value::String(COVER.into()));
}

/// The same in a spec by itself.
pub(crate) fn cover_spec(kind: &Kind, spec: &mut Value) {
    let map = kind.secret.and_then(|key| spec.get_mut(key)).and_then(Value::as_object_mut);
    map.into_iter().flatten().for_each(|(_, value)| *value = Value::String(COVER.into()));
}
