//! Secrets: values that are shown nowhere.
//!
//! A secret is in clear only in memory; what is kept of it is sealed. Everything that is recorded or
//! shown goes through here: each occurrence is replaced by a token that names it,
//! `«secret:db_password»`, and the form in which it stood there, `«secret:db_password/base64»`.
//!
//! ```text
//! what a plugin answers ── hide_value ──▶ the log ── reveal_value ──▶ exactly what it was
//! what people read      ── redact ──────▶ with tokens, for good
//! ```
//!
//! Whoever holds the secrets can turn tokens back; so a value that was saved from a response
//! survives a restart without its secret ever standing in the log. A text that looks like a token
//! and came from outside is hidden as well, so that nobody gets a secret by printing its token.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};
use std::fmt;

use zeroize::Zeroize;

use crate::{Map, Value};

mod forms;
mod search;

use self::forms::forms;
use self::search::{Search, Tokens};

/// The secrets of one run by name.
#[derive(Clone, Default)]
pub struct Secrets {
    by_name: BTreeMap<String, String>,
    search: Search,
    /// The tokens of those that are numbers, by how JSON writes them.
    numbers: HashMap<String, String>,
    /// Whether there may be some later.
    more_to_come: bool,
}

/// Shorter texts are not looked for by value: `1` or `on` would redact half of every log.
pub const SHORTEST: usize = 3;

/// A shorter text that was made from a secret says too little of it, and stands too often in others.
pub const SHORTEST_DERIVED: usize = 6;

/// The key under which a sealed value stands in the log in the place of the value.
pub const SEALED: &str = "$sealed";

const OPENING: &str = "«secret:";
const CLOSING: char = '»';
/// How a token ends that stands for a number rather than a text.
const NUMBER: &str = "/number»";
/// In the place of what looked like the beginning of a token and came from outside.
const ESCAPED: &str = "«secret:»";
/// What the names of secrets begin with that came up during a run; no parameter can be called so.
const OF_THE_RUN: char = '@';
/// What the names begin with of values that are sealed as a whole, and not looked for in texts.
const WHOLE: &str = "@@";

// === impl Secrets ===

impl Secrets {
    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.by_name.is_empty()
    }

    /// Says that some may come up later.
    pub fn expect_more(&mut self) {
        self.more_to_come = true;
    }

    /// Whether there is nothing to hide, now or ever.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        self.by_name.is_empty() && !self.more_to_come
    }

    /// Adds one.
    pub fn insert(&mut self, name: impl Into<String>, clear: impl Into<String>) {
        let (name, clear) = (name.into(), clear.into());
        if !name.starts_with(WHOLE) {
            for (form, text) in forms(&clear) {
                self.search.add(text, token_of(&name, form.as_deref()));
            }
            if clear.len() >= SHORTEST && is_number(&clear) {
                let token = token_of(&name, Some("number"));
                self.search.add(clear.clone(), token.clone());
                self.numbers.insert(clear.clone(), token);
            }
        }
        self.by_name.insert(name, clear);
    }

    /// The clear text of one.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.by_name.get(name).map(String::as_str)
    }

    /// Names and clear texts, to be sealed.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.by_name.iter().map(|(name, clear)| (name.as_str(), clear.as_str()))
    }

    /// Whether a text is one, in one of the forms that are looked for.
    #[must_use]
    pub fn covers(&self, text: &str) -> bool {
        matches!(self.search.all_in(text).as_slice(), [form] if form.text == text)
    }

    /// The tokens of those that a text holds.
    #[must_use]
    pub fn tokens_of<'a>(&'a self, text: &str) -> Vec<&'a str> {
        self.search.all_in(text).into_iter().map(|form| form.token.as_str()).collect()
    }

    /// The token of a number that is one.
    #[must_use]
    pub fn token_of_number<'a>(&'a self, number: &str) -> Option<&'a str> {
        self.numbers.get(number).map(String::as_str)
    }

    /// A text as it may be shown: every secret is replaced by its token.
    #[must_use]
    pub fn redact(&self, text: &str) -> String {
        self.redacted(text).into_owned()
    }

    /// The same, which costs no copy where there is none.
    #[must_use]
    pub fn redacted<'a>(&self, text: &'a str) -> Cow<'a, str> {
        self.search.replace(text, Tokens::Stay)
    }

    /// The same for a message, in which something longer may have been cut off at a `…`: what is left
    /// there of the beginning of a secret is replaced, too.
    #[must_use]
    pub fn redact_message(&self, text: &str) -> String {
        self.search.replace_torn(&self.redact(text))
    }

    /// A value as it may be shown: every secret in a text, number or key is replaced by its token.
    #[must_use]
    pub fn redact_value(&self, value: &Value) -> Value {
        if self.is_empty() {
            return value.clone();
        }
        let change = |text: &str| self.redact(text);
        self.changed(value, &change, &change)
    }

    /// A value as it may be recorded, and turned back by [`Self::reveal_value`].
    #[must_use]
    pub fn hide_value(&self, value: &Value) -> Value {
        if self.is_idle() {
            return value.clone();
        }
        let hide = |text: &str| self.search.replace(text, Tokens::Escape).into_owned();
        let hide_key = |key: &str| if looks_sealed(key) { format!("${key}") } else { hide(key) };
        self.changed(value, &hide, &hide_key)
    }

    fn changed(&self, value: &Value, text: &dyn Fn(&str) -> String, key: &dyn Fn(&str) -> String) -> Value {
        match value {
            Value::String(clear) => Value::String(text(clear)),
            // A number is a secret if it is the whole of one.
            Value::Number(number) => match self.numbers.get(&number.to_string()) {
                Some(token) => Value::String(token.clone()),
                None => value.clone(),
            },
            Value::Array(items) => items.iter().map(|item| self.changed(item, text, key)).collect(),
            Value::Object(map) => {
                let entries = map.iter().map(|(name, item)| (key(name), self.changed(item, text, key)));
                Value::Object(entries.collect::<Map>())
            }
            other => other.clone(),
        }
    }

    /// The tokens in a hidden value that stand for nothing that is known here, each once: what was hidden
    /// with other secrets than these cannot be put back.
    #[must_use]
    pub fn unknown_tokens(&self, value: &Value) -> Vec<String> {
        let mut tokens = Vec::new();
        each_text(value, &mut |text| {
            let mut rest = text;
            while let Some(at) = rest.find(OPENING) {
                let token = rest.get(at..).unwrap_or_default();
                let end = token.find(CLOSING).map_or(token.len(), |end| end + CLOSING.len_utf8());
                let (token, after) = token.split_at(end);
                if token != ESCAPED
                    && self.search.form(token).is_none()
                    && !tokens.contains(&token.to_owned())
                {
                    tokens.push(token.to_owned());
                }
                rest = after;
            }
        });
        tokens
    }

    /// What was hidden, as it was.
    #[must_use]
    pub fn reveal_value(&self, value: &Value) -> Value {
        if self.is_idle() {
            return value.clone();
        }
        match value {
            Value::String(text) => {
                let number = self.search.form(text).filter(|_| text.ends_with(NUMBER));
                let number = number.and_then(|form| form.text.parse().ok());
                number.map_or_else(|| Value::String(self.search.put_back(text)), Value::Number)
            }
            Value::Array(items) => items.iter().map(|item| self.reveal_value(item)).collect(),
            Value::Object(map) => {
                let entries = map.iter().map(|(key, item)| {
                    let escaped = key.strip_prefix('$').filter(|key| looks_sealed(key));
                    let key = escaped.map_or_else(|| self.search.put_back(key), str::to_owned);
                    (key, self.reveal_value(item))
                });
                Value::Object(entries.collect::<Map>())
            }
            other => other.clone(),
        }
    }
}

impl PartialEq for Secrets {
    fn eq(&self, other: &Self) -> bool {
        self.by_name == other.by_name
    }
}

impl Eq for Secrets {}

impl Drop for Secrets {
    fn drop(&mut self) {
        self.by_name.values_mut().for_each(Zeroize::zeroize);
    }
}

impl fmt::Debug for Secrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.by_name.keys()).finish()
    }
}

impl<N: Into<String>, C: Into<String>> Extend<(N, C)> for Secrets {
    fn extend<I: IntoIterator<Item = (N, C)>>(&mut self, pairs: I) {
        for (name, clear) in pairs {
            self.insert(name, clear);
        }
    }
}

impl<N: Into<String>, C: Into<String>> FromIterator<(N, C)> for Secrets {
    fn from_iter<I: IntoIterator<Item = (N, C)>>(pairs: I) -> Self {
        let mut secrets = Self::default();
        secrets.extend(pairs);
        secrets
    }
}

/// What stands in the place of a secret wherever it would be shown.
#[must_use]
pub fn token(name: &str) -> String {
    token_of(name, None)
}

/// Whether a secret of this name was given, rather than coming up during a run.
#[must_use]
pub fn is_given(name: &str) -> bool {
    !name.is_empty() && !name.starts_with(OF_THE_RUN)
}

/// What a secret is called that came up during a run: with which event, and as which of its secrets.
#[must_use]
pub fn name_of_text(seq: u64, n: usize) -> String {
    format!("{OF_THE_RUN}{seq}.{n}")
}

/// The same for a value that is sealed as a whole.
#[must_use]
pub fn name_of_value(seq: u64, n: usize) -> String {
    format!("{WHOLE}{seq}.{n}")
}

/// The name under which a recorded value is sealed as a whole, if it is.
#[must_use]
pub fn sealed_as(value: &Value) -> Option<&str> {
    value.get(SEALED)?.as_str().filter(|name| name.starts_with(OF_THE_RUN))
}

/// Whether a recorded value holds secrets that came up during its run, and that no other run has.
#[must_use]
pub fn is_of_its_run(value: &Value) -> bool {
    let opening = format!("{OPENING}{OF_THE_RUN}");
    let mut found = is_sealed_in(value);
    each_text(value, &mut |text| found |= text.contains(&opening));
    found
}

fn is_sealed_in(value: &Value) -> bool {
    match value {
        Value::Array(items) => items.iter().any(is_sealed_in),
        Value::Object(map) => sealed_as(value).is_some() || map.values().any(is_sealed_in),
        _ => false,
    }
}

/// Every text in a value, keys included.
fn each_text<'a>(value: &'a Value, look: &mut dyn FnMut(&'a str)) {
    match value {
        Value::String(text) => look(text),
        Value::Array(items) => items.iter().for_each(|item| each_text(item, look)),
        Value::Object(map) => map.iter().for_each(|(key, item)| {
            look(key);
            each_text(item, look);
        }),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// Whether a hidden value holds secrets of whichever run.
#[must_use]
pub fn holds_any(value: &Value) -> bool {
    match value {
        Value::String(text) => text.replace(ESCAPED, "").contains(OPENING),
        Value::Array(items) => items.iter().any(holds_any),
        Value::Object(map) => map.iter().any(|(key, item)| key.contains(OPENING) || holds_any(item)),
        _ => false,
    }
}

fn token_of(name: &str, form: Option<&str>) -> String {
    match form {
        None => format!("{OPENING}{name}{CLOSING}"),
        Some(form) => format!("{OPENING}{name}/{form}{CLOSING}"),
    }
}

/// Whether a text is how JSON writes a number.
fn is_number(text: &str) -> bool {
    text.parse::<serde_json::Number>().is_ok_and(|number| number.to_string() == text)
}

/// Whether a key is [`SEALED`], or how one from outside is written.
fn looks_sealed(key: &str) -> bool {
    key.trim_start_matches('$') == SEALED.trim_start_matches('$') && key.starts_with('$')
}

#[cfg(test)]
mod tests;
