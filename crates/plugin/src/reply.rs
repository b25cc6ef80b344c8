//! What a plugin answers when it worked.

/// A good answer: what there is to say, and whether anything was changed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Reply<R> {
    /// What later actions can read as `steps.name.response`, and `save` can pick from.
    pub response: R,
    /// Whether the plugin changed anything. Checks never do.
    pub changed: bool,
}

// === impl Reply ===

impl<R> Reply<R> {
    /// An answer of a plugin that changed something.
    pub fn changed(response: R) -> Self {
        Self { response, changed: true }
    }

    /// An answer of a plugin that found nothing to change, or that only looked.
    pub fn unchanged(response: R) -> Self {
        Self { response, changed: false }
    }

    /// The same answer with another response.
    pub fn map<S>(self, change: impl FnOnce(R) -> S) -> Reply<S> {
        Reply { response: change(self.response), changed: self.changed }
    }
}
