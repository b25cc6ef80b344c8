//! What a plugin says of itself: name, purpose, promises, examples.

use windlass_model::Value;
use windlass_model::fact::{PluginKind, Recovery};
use windlass_model::limit::BackoffChoice;
use windlass_model::span::Span;

/// What a plugin says of itself. Begin with [`About::acting`] or [`About::check`].
#[derive(Clone, Debug, PartialEq)]
pub struct About {
    /// What plans say in `use`: dotted lower-case words such as `file.exists`.
    pub name: String,
    /// Whether it acts or only looks.
    pub kind: PluginKind,
    /// One sentence on what it does, without a full stop: "runs a program".
    pub summary: String,
    /// More than that, in Markdown; may be empty.
    pub description: String,
    /// Where its work happens.
    pub place: Place,
    /// Whether it can do without an agent on the node, by [`Call::bare`](crate::Call::bare).
    pub bare: bool,
    /// What it promises about attempts of which a crash hid the end.
    pub recovery: Recovery,
    /// Whether its work may go on without us and be found again, which is looked for before `recovery` counts.
    /// Whoever puts a plugin behind a transport says so; a plugin of its own says [`About::reattachable`].
    pub outlives: bool,
    /// How long to wait between attempts where the plan does not say.
    pub backoff: BackoffChoice,
    /// How long one attempt may take where the plan does not say; 30 s where this is `None`.
    pub timeout: Option<Span>,
    /// Requests that work, for the reference and for the test kit.
    pub examples: Vec<Example>,
}

/// Where a plugin's work happens.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Place {
    /// In the process of Windlass, whatever node is worked on.
    #[default]
    Here,
    /// On the node that is worked on, however that is reached; here where there is no node.
    Target,
    /// In the process of Windlass, which asks the node, by [`Call::at_node`](crate::Call), for what has to be
    /// done there.
    Beside,
}

/// A request that shows how a plugin is used.
#[derive(Clone, Debug, PartialEq)]
pub struct Example {
    /// What it shows: "wait for nginx to listen".
    pub title: String,
    /// The request, as it would stand in `with`.
    pub request: Value,
}

// === impl About ===

impl About {
    /// A plugin that may change something.
    pub fn acting(name: impl Into<String>, summary: impl Into<String>) -> Self {
        Self::new(PluginKind::Acting, name.into(), summary.into(), Recovery::Neither)
    }

    /// A plugin that looks and never changes anything; so doing it again is always safe.
    pub fn check(name: impl Into<String>, summary: impl Into<String>) -> Self {
        Self::new(PluginKind::Check, name.into(), summary.into(), Recovery::Idempotent)
    }

    fn new(kind: PluginKind, name: String, summary: String, recovery: Recovery) -> Self {
        Self {
            name,
            kind,
            summary,
            place: Place::Here,
            bare: false,
            description: String::new(),
            recovery,
            outlives: false,
            backoff: BackoffChoice::Seconds,
            timeout: None,
            examples: Vec::new(),
        }
    }

    /// Says that its work happens on the node that is worked on.
    ///
    /// Only for plugins that come with Windlass: the agent on the node must have it too.
    #[must_use]
    pub fn on_target(self) -> Self {
        Self { place: Place::Target, ..self }
    }

    /// Says that its work happens beside the node: here, with questions to the node.
    #[must_use]
    pub fn beside_target(self) -> Self {
        Self { place: Place::Beside, ..self }
    }

    /// Says that it can do without an agent on the node: it is called here then, with [`Call::bare`](crate::Call::bare).
    #[must_use]
    pub fn works_bare(self) -> Self {
        Self { bare: true, ..self }
    }

    /// Promises that doing it again is safe.
    #[must_use]
    pub fn idempotent(self) -> Self {
        Self { recovery: Recovery::Idempotent, ..self }
    }

    /// Promises that [`Plugin::was_done`](crate::Plugin::was_done) can tell whether it was done.
    #[must_use]
    pub fn verifiable(self) -> Self {
        Self { recovery: Recovery::Verifiable, ..self }
    }

    /// Promises that [`Plugin::reattach`](crate::Plugin::reattach) finds the work again.
    #[must_use]
    pub fn reattachable(self) -> Self {
        Self { recovery: Recovery::Reattachable, ..self }
    }

    /// The wait between attempts where the plan does not say.
    #[must_use]
    pub fn backoff(self, backoff: BackoffChoice) -> Self {
        Self { backoff, ..self }
    }

    /// How long one attempt may take where the plan does not say.
    #[must_use]
    pub fn timeout(self, timeout: Span) -> Self {
        Self { timeout: Some(timeout), ..self }
    }

    /// More than the summary says, in Markdown.
    #[must_use]
    pub fn description(self, description: impl Into<String>) -> Self {
        Self { description: description.into(), ..self }
    }

    /// Adds a request that shows how the plugin is used.
    #[must_use]
    pub fn example(mut self, title: impl Into<String>, request: Value) -> Self {
        self.examples.push(Example { title: title.into(), request });
        self
    }
}
