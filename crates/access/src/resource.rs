//! What rights are about.

use std::fmt;

/// What somebody wants to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Verb {
    /// Look at it.
    View,
    /// Make, change or delete it.
    Write,
    /// Submit and start a run.
    Submit,
    /// Pause, resume, stop, cancel or kill a run, or retry it.
    Command,
    /// Approve or reject a run.
    Approve,
    /// Settle what of a run waits for a person.
    Resolve,
}

/// What it is to be done to: something of a kind, in a namespace or of the whole cluster.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Resource<'a> {
    /// The kind of object, or `Run`, `Token`, `Audit`, `Server`.
    pub kind: &'a str,
    /// The namespace that it lies in.
    pub namespace: Option<&'a str>,
    /// Its name, where one is meant.
    pub name: Option<&'a str>,
}

// === impl Verb ===

impl Verb {
    /// All of them.
    pub const ALL: [Self; 6] =
        [Self::View, Self::Write, Self::Submit, Self::Command, Self::Approve, Self::Resolve];

    /// Its name in policies.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::View => "view",
            Self::Write => "write",
            Self::Submit => "submit",
            Self::Command => "command",
            Self::Approve => "approve",
            Self::Resolve => "resolve",
        }
    }
}

impl fmt::Display for Verb {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

// === impl Resource ===

impl<'a> Resource<'a> {
    /// Something of the whole cluster.
    #[must_use]
    pub fn global(kind: &'a str) -> Self {
        Self { kind, namespace: None, name: None }
    }

    /// Something in a namespace.
    #[must_use]
    pub fn within(kind: &'a str, namespace: &'a str) -> Self {
        Self { kind, namespace: Some(namespace), name: None }
    }

    /// The one of this name.
    #[must_use]
    pub fn named(self, name: &'a str) -> Self {
        Self { name: Some(name), ..self }
    }
}

impl fmt::Display for Resource<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.kind)?;
        match (self.namespace, self.name) {
            (Some(namespace), Some(name)) => write!(f, " {namespace}/{name}"),
            (Some(namespace), None) => write!(f, " in {namespace}"),
            (None, Some(name)) => write!(f, " {name}"),
            (None, None) => Ok(()),
        }
    }
}
