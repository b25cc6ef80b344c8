//! Words that both sides use as they are.

/// Which version a server is.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
pub struct Version {
    /// Of the program.
    pub version: String,
}

/// What an object is applied as: what is left out goes, if whoever applied last had put it there.
pub const APPLY: &str = "application/apply+json";
/// A change by what is to be different.
pub const MERGE_PATCH: &str = "application/merge-patch+json";
/// A change by operations.
pub const JSON_PATCH: &str = "application/json-patch+json";
/// What problems are answered as.
pub const PROBLEM: &str = "application/problem+json";
/// The label of a run that says in which namespace it was submitted.
pub const NAMESPACE_LABEL: &str = "windlass.dev/namespace";
/// The label that says of a run that it began, or is to begin, by itself when its turn comes.
pub const WAITS_LABEL: &str = "windlass.dev/waits";
/// The label of such a run that has the groups which a provider of identities said that its user is in, as a list in JSON.
pub const GROUPS_LABEL: &str = "windlass.dev/waits-groups";

/// The header in which a session shows that a page of ours asks.
pub const CSRF_HEADER: &str = "x-windlass-csrf";
