//! What rights are about.

use std::fmt;

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
