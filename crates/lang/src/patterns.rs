//! Regular expressions of parameters and schemas, each compiled once.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use regex::{Regex, RegexBuilder};
use windlass_model::schema::Patterns;

/// The largest a compiled pattern may be.
const MAX_SIZE: usize = 1 << 20;

/// Regular expressions, compiled when they are first needed.
#[derive(Debug, Default)]
pub(crate) struct Regexes(Mutex<BTreeMap<String, Result<Regex, String>>>);

// === impl Regexes ===

impl Regexes {
    fn compiled(&self) -> MutexGuard<'_, BTreeMap<String, Result<Regex, String>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn with<T>(&self, pattern: &str, look: impl FnOnce(&Result<Regex, String>) -> T) -> T {
        let mut compiled = self.compiled();
        if let Some(known) = compiled.get(pattern) {
            return look(known);
        }
        let fresh = RegexBuilder::new(pattern).size_limit(MAX_SIZE).build().map_err(|why| in_a_line(&why));
        look(compiled.entry(pattern.to_owned()).or_insert(fresh))
    }
}

impl Patterns for Regexes {
    fn compile(&self, pattern: &str) -> Result<(), String> {
        self.with(pattern, |compiled| compiled.as_ref().map(drop).map_err(Clone::clone))
    }

    fn matches(&self, pattern: &str, text: &str) -> Option<bool> {
        self.with(pattern, |compiled| compiled.as_ref().ok().map(|regex| regex.is_match(text)))
    }
}

/// The last line of the engine's message: the others draw the pattern.
fn in_a_line(why: &regex::Error) -> String {
    let text = why.to_string();
    let last = text.lines().last().unwrap_or(&text);
    last.trim_start_matches("error: ").to_owned()
}
