//! Why somebody could not be known by a provider.

/// A sign-in that came to nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The provider cannot be asked, or answers with something that cannot be used: nothing about who wants to sign in.
    #[error("the provider of identities cannot be asked: {0}")]
    Provider(String),
    /// What was shown does not prove who somebody is.
    #[error("the sign-in is not good: {0}")]
    Refused(String),
    /// The provider offers no sign-in of this form.
    #[error("the provider of identities offers no {0}")]
    Missing(&'static str),
}

// === impl Error ===

impl Error {
    pub(crate) fn refused(why: impl Into<String>) -> Self {
        Self::Refused(why.into())
    }

    pub(crate) fn provider(error: &dyn std::error::Error) -> Self {
        let mut text = error.to_string();
        let mut next = error.source();
        while let Some(source) = next {
            text = format!("{text}: {source}");
            next = source.source();
        }
        Self::Provider(text)
    }
}
