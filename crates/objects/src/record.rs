//! An object as it lies in the store, and a revision of it.

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};
use windlass_model::Value;
use windlass_model::time::Time;

use crate::error::Error;
use windlass_contract::Object;

/// The version of both formats.
const VERSION: u8 = 1;

/// An object with what is not shown of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Record {
    v: u8,
    /// Its version is that of the entry.
    pub(crate) object: Object,
    /// How many times something was wanted of it.
    pub(crate) generation: u64,
    /// What was applied last, to know what the next one leaves out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) applied: Option<Value>,
    /// The labels before the last change, where that changed them: who watches by labels is told that it left.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) labels_before: Option<IndexMap<String, String>>,
    /// Whether nothing happened to it since it was made.
    pub(crate) is_new: bool,
}

/// What was wanted of an object at some time.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Wanted {
    v: u8,
    pub(crate) by: String,
    pub(crate) at: Time,
    pub(crate) spec: Value,
}

// === impl Record ===

impl Record {
    pub(crate) fn new(object: Object) -> Self {
        Self { v: VERSION, object, generation: 1, applied: None, labels_before: None, is_new: true }
    }

    pub(crate) fn read(bytes: &[u8], version: u64) -> Result<Self, Error> {
        let mut record: Self = read(bytes)?;
        newer(record.v)?;
        record.object.metadata.version = version;
        Ok(record)
    }

    pub(crate) fn write(&self) -> Result<Vec<u8>, Error> {
        serde_json::to_vec(self).map_err(|error| Error::Damaged(error.to_string()))
    }
}

// === impl Wanted ===

impl Wanted {
    pub(crate) fn new(by: String, at: Time, spec: Value) -> Self {
        Self { v: VERSION, by, at, spec }
    }

    pub(crate) fn read(bytes: &[u8]) -> Result<Self, Error> {
        let wanted: Self = read(bytes)?;
        newer(wanted.v)?;
        Ok(wanted)
    }

    pub(crate) fn write(&self) -> Result<Vec<u8>, Error> {
        serde_json::to_vec(self).map_err(|error| Error::Damaged(error.to_string()))
    }
}

fn read<T: serde::de::DeserializeOwned>(bytes: &[u8]) -> Result<T, Error> {
    serde_json::from_slice(bytes).map_err(|error| Error::Damaged(error.to_string()))
}

fn newer(found: u8) -> Result<(), Error> {
    if found > VERSION {
        return Err(Error::Damaged(format!(
            "its record has version {found}; this program reads up to {VERSION}"
        )));
    }
    Ok(())
}
