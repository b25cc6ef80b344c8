//! What happens in one rendering, as far as anybody needs to know afterwards: which secrets were touched, what was
//! missing, and, where that is asked for, what was written.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use minijinja::State;
use minijinja::value::Object;
use windlass_model::Value;

/// What was looked up in one rendering.
#[derive(Debug, Default)]
pub(super) struct Trace {
    seen: Mutex<Seen>,
    noting: bool,
}

#[derive(Debug, Default)]
struct Seen {
    /// The tokens of the secrets that were looked up.
    touched: Vec<String>,
    missing: Option<String>,
    /// The first value that is not known, and why.
    unknown: Option<String>,
    /// The variables that are being computed, each for the one before it.
    computing: Vec<String>,
    /// Why no variable can be computed any more, once one could not.
    circle: Option<String>,
    /// Texts that are secret though nobody knows them as secrets yet.
    derived: BTreeSet<String>,
    /// What the expressions gave, as far as it was noted.
    written: BTreeSet<String>,
    /// What was looked up and is no secret.
    plain: BTreeSet<String>,
}

/// How deep variables may refer to variables.
const MAX_NESTING: usize = 32;

/// A trace as the template engine hands it on, under the name [`NOTES`].
#[derive(Debug)]
pub(super) struct Notes(pub(super) Arc<Trace>);

/// No plan can use this name: it is there only while what is written is noted.
pub(super) const NOTES: &str = "__notes";

// === impl Trace ===

impl Trace {
    pub(super) fn noting() -> Self {
        Self { noting: true, ..Self::default() }
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn reset(&self) {
        *self.seen() = Seen::default();
    }

    /// The tokens of the secrets that were looked up.
    pub(super) fn touched(&self) -> Vec<String> {
        self.seen().touched.clone()
    }

    /// What was looked up last and was not there.
    pub(super) fn missing(&self) -> Option<String> {
        self.seen().missing.clone()
    }

    pub(super) fn touch(&self, token: &str) {
        let mut seen = self.seen();
        if !seen.touched.iter().any(|touched| touched == token) {
            seen.touched.push(token.to_owned());
        }
    }

    pub(super) fn miss(&self, name: String) {
        self.seen().missing = Some(name);
    }

    /// A value was looked up that is not known, because the run only looks.
    pub(super) fn is_unknown(&self, text: String) {
        self.seen().unknown.get_or_insert(text);
    }

    /// The first value that is not known, and why.
    pub(super) fn unknown(&self) -> Option<String> {
        self.seen().unknown.clone()
    }

    /// Why variables cannot be computed, if they refer to each other in a circle.
    pub(super) fn circle(&self) -> Option<String> {
        self.seen().circle.clone()
    }

    /// Notes that a variable is being computed; `Err` when it is being computed already.
    pub(super) fn begin(&self, name: &str) -> Result<(), String> {
        let mut seen = self.seen();
        let from = seen.computing.iter().position(|other| other == name);
        if from.is_none() && seen.computing.len() < MAX_NESTING {
            seen.computing.push(name.to_owned());
            return Ok(());
        }
        let why = match from {
            Some(from) => {
                let circle = seen.computing.iter().skip(from).map(String::as_str).chain([name]);
                let circle: Vec<&str> = circle.collect();
                format!("variables refer to each other in a circle: {}", circle.join(" → "))
            }
            None => format!("variables refer to each other more than {MAX_NESTING} deep, at {name}"),
        };
        Err(seen.circle.get_or_insert(why).clone())
    }

    pub(super) fn end(&self) {
        self.seen().computing.pop();
    }

    pub(super) fn is_noting(&self) -> bool {
        self.noting
    }

    /// A secret that nobody knows as one yet was looked up.
    pub(super) fn derive(&self, text: &str) {
        self.seen().derived.insert(text.to_owned());
    }

    pub(super) fn plain(&self, text: &str) {
        if self.noting {
            self.seen().plain.insert(text.to_owned());
        }
    }

    /// Notes the texts in what an expression gave.
    pub(super) fn write(&self, value: &Value) {
        match value {
            Value::String(text) => drop(self.seen().written.insert(text.clone())),
            Value::Array(items) => items.iter().for_each(|item| self.write(item)),
            Value::Object(map) => map.values().for_each(|item| self.write(item)),
            _ => {}
        }
    }

    /// Secrets that nobody knows as such yet, what was written, and what of it was looked up as it is.
    pub(super) fn take(&self) -> (BTreeSet<String>, BTreeSet<String>, BTreeSet<String>) {
        let Seen { derived, written, plain, .. } = std::mem::take(&mut *self.seen());
        (derived, written, plain)
    }
}

impl Object for Notes {}

/// Notes what an expression gave, where somebody wants to know.
pub(super) fn note(state: &State<'_, '_>, text: &str) {
    let notes = state.lookup(NOTES);
    if let Some(Notes(trace)) = notes.as_ref().and_then(|notes| notes.downcast_object_ref()) {
        trace.write(&Value::from(text));
    }
}
