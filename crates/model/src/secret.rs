//! Secrets: values that are shown nowhere.
//!
//! A secret is in clear only in memory; what is kept of it is sealed. Everything that
//! is recorded or shown goes through [`Secrets::redact`], which replaces each occurrence by a
//! token that names it, `«secret:db_password»`. Whoever holds the secrets can turn tokens back
//! ([`Secrets::reveal`]); so a value that was saved from a response survives a restart without its
//! secret ever standing in the log.

use std::collections::BTreeMap;
use std::fmt;

use crate::{Map, Value};

/// The secrets of one run by name.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Secrets {
    by_name: BTreeMap<String, String>,
    /// What to look for, longest first, with the token that stands for it.
    forms: Vec<(String, String)>,
}

/// Shorter texts are not looked for by value: `1` or `on` would redact half of every log.
const SHORTEST: usize = 3;

// === impl Secrets ===

impl Secrets {
    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.by_name.is_empty()
    }

    /// Adds one.
    pub fn insert(&mut self, name: impl Into<String>, clear: impl Into<String>) {
        let (name, clear) = (name.into(), clear.into());
        let token = token(&name);
        let mut forms = vec![clear.clone()];
        let quoted = Value::String(clear.clone()).to_string();
        forms.push(quoted.trim_matches('"').to_owned());
        forms.push(percent_encoded(&clear));
        forms.push(base64(clear.as_bytes()));
        // A secret of several lines is shown line by line in output.
        forms.extend(clear.lines().map(|line| line.trim().to_owned()).filter(|line| line.len() >= 8));
        forms.retain(|form| form.len() >= SHORTEST);
        self.forms.extend(forms.into_iter().map(|form| (form, token.clone())));
        self.forms.sort_by(|a, b| b.0.len().cmp(&a.0.len()).then_with(|| a.cmp(b)));
        self.forms.dedup_by(|a, b| a.0 == b.0);
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

    /// Whether a text holds one.
    #[must_use]
    pub fn occur_in(&self, text: &str) -> bool {
        self.forms.iter().any(|(form, _)| text.contains(form.as_str()))
    }

    /// The text with every secret replaced by its token.
    #[must_use]
    pub fn redact(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for (form, token) in &self.forms {
            if text.contains(form.as_str()) {
                text = text.replace(form.as_str(), token);
            }
        }
        text
    }

    /// The value with every secret in a text or key replaced by its token.
    #[must_use]
    pub fn redact_value(&self, value: &Value) -> Value {
        if self.is_empty() { value.clone() } else { map_texts(value, &|text| self.redact(text)) }
    }

    /// The value with every token replaced by its secret.
    #[must_use]
    pub fn reveal_value(&self, value: &Value) -> Value {
        if self.is_empty() { value.clone() } else { map_texts(value, &|text| self.reveal(text)) }
    }

    fn reveal(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for (name, clear) in &self.by_name {
            let token = token(name);
            if text.contains(&token) {
                text = text.replace(&token, clear);
            }
        }
        text
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
    format!("«secret:{name}»")
}

fn map_texts(value: &Value, change: &impl Fn(&str) -> String) -> Value {
    match value {
        Value::String(text) => Value::String(change(text)),
        Value::Array(items) => items.iter().map(|item| map_texts(item, change)).collect(),
        Value::Object(map) => {
            let changed: Map =
                map.iter().map(|(key, value)| (change(key), map_texts(value, change))).collect();
            Value::Object(changed)
        }
        other => other.clone(),
    }
}

fn percent_encoded(text: &str) -> String {
    use fmt::Write;
    let mut out = String::new();
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            let _ = write!(out, "%{byte:02X}");
        }
    }
    out
}

/// Standard alphabet without padding, so that the padded form is found too.
fn base64(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::new();
    for chunk in bytes.chunks(3) {
        let byte = |at: usize| u32::from(chunk.get(at).copied().unwrap_or(0));
        let word = (byte(0) << 16) | (byte(1) << 8) | byte(2);
        for place in 0..=chunk.len() {
            let index = (word >> (18 - 6 * place)) & 63;
            out.push(char::from(ALPHABET.get(index as usize).copied().unwrap_or(b'A')));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn redacts_every_form_and_reveals_again() {
        let secrets: Secrets = [("pw", "p@ss \"word\"")].into_iter().collect();
        for text in ["x p@ss \"word\" y", "p@ss \\\"word\\\"", "p%40ss%20%22word%22", "cEBzcyAid29yZCI="] {
            let shown = secrets.redact(text);
            assert!(shown.contains("«secret:pw»"), "{text} -> {shown}");
        }
        let value = json!({"a": ["p@ss \"word\"", 1]});
        let hidden = secrets.redact_value(&value);
        assert!(!hidden.to_string().contains("p@ss"));
        assert_eq!(secrets.reveal_value(&hidden), value);
    }

    #[test]
    fn debug_shows_names_only() {
        let secrets: Secrets = [("pw", "hunter22")].into_iter().collect();
        assert_eq!(format!("{secrets:?}"), "{\"pw\"}");
    }
}
