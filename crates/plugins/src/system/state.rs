//! The words for what is wanted of a thing, and for what was done about it, that several modules share.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use windlass_plugin::{Diff, Reply};

/// Whether a thing shall be there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum State {
    /// It is there, and as described.
    #[default]
    Present,
    /// It is not there.
    Absent,
}

/// What was done.
#[derive(Clone, Debug, Default, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Done {
    /// What was changed; null where nothing was.
    pub diff: Option<Diff>,
}

/// A change that was found to be necessary: what it changes, before it is made.
pub(crate) fn replied(diff: Diff) -> Reply<Done> {
    let changed = !diff.is_empty();
    Reply { response: Done { diff: diff.some() }, changed }
}

/// A text that may be missing, as a diff shows it.
pub(crate) fn or_none<T: ToString>(value: Option<T>) -> String {
    value.map_or_else(|| "none".to_owned(), |value| value.to_string())
}

/// All that is wrong, or nothing.
pub(crate) fn judged(problems: Vec<String>) -> Result<(), Vec<String>> {
    if problems.is_empty() { Ok(()) } else { Err(problems) }
}

/// That a text which becomes a line of a file, or a word of one, cannot be one.
pub(crate) fn one_line(field: &str, text: &str) -> Option<String> {
    text.contains(['\n', '\r', '\0']).then(|| format!("`{field}`: it holds a line break"))
}
