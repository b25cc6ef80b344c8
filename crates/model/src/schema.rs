//! Whether a JSON value fits a JSON Schema: every problem at once, in words for people.
//!
//! Understands what derived schemas say: types, constants, keys, items, bounds, patterns,
//! alternatives, references within the document. Where a schema says in words what it expects
//! (`x-expects`), those words are used.

use crate::eval::is_template;
use crate::name;
use crate::{Map, Value};

mod forms;
mod words;

use self::words::{in_words, is_kind, quoted, same};

/// One place where a value does not fit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SchemaProblem {
    /// Where, as a JSON pointer into the value. For a key that is missing: where it should be.
    pub pointer: String,
    /// What sort of problem.
    pub kind: SchemaProblemKind,
    /// What is wrong.
    pub message: String,
    /// What to do about it.
    pub help: Option<String>,
}

/// What sort of problem a value has with its schema.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SchemaProblemKind {
    /// A key that the schema does not know.
    UnknownKey,
    /// A key that must be there and is not.
    MissingKey,
    /// A value of the wrong type or form.
    WrongForm,
    /// A number, or a number of things, out of range.
    OutOfRange,
}

/// How a value is looked at.
#[derive(Clone, Copy, Debug)]
pub struct Rules<'a> {
    /// Whether a text that is a template fits everywhere, because it may become anything.
    pub templates: bool,
    /// Who understands regular expressions.
    pub patterns: &'a dyn Patterns,
}

/// Regular expressions, which this crate has no engine for.
pub trait Patterns: std::fmt::Debug {
    /// Whether a pattern can be understood; if not, why.
    fn compile(&self, pattern: &str) -> Result<(), String>;

    /// Whether a text matches; `None` when the pattern cannot be understood.
    fn matches(&self, pattern: &str, text: &str) -> Option<bool>;
}

/// Understands no pattern, so every text matches.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoPatterns;

/// How deep schemas and values may nest; deeper is taken for a reference that leads back to itself.
const DEEPEST: usize = 200;

/// Every place where a value does not fit a schema.
#[must_use]
pub fn check(schema: &Value, value: &Value, rules: Rules<'_>) -> Vec<SchemaProblem> {
    let mut walk = Walk { root: schema, rules, place: String::new(), depth: 0, found: Vec::new() };
    walk.value(schema, value);
    walk.found
}

/// A key as a segment of a JSON pointer.
#[must_use]
pub fn escape(key: &str) -> String {
    key.replace('~', "~0").replace('/', "~1")
}

struct Walk<'a> {
    root: &'a Value,
    rules: Rules<'a>,
    place: String,
    depth: usize,
    found: Vec<SchemaProblem>,
}

// === impl NoPatterns ===

impl Patterns for NoPatterns {
    fn compile(&self, _: &str) -> Result<(), String> {
        Ok(())
    }

    fn matches(&self, _: &str, _: &str) -> Option<bool> {
        None
    }
}

// === impl Walk ===

impl<'a> Walk<'a> {
    fn value(&mut self, schema: &'a Value, value: &Value) {
        let map = match schema {
            Value::Bool(false) => return self.wrong("nothing may stand here", None),
            Value::Object(map) => map,
            _ => return,
        };
        if value.as_str().is_some_and(|text| self.open(text)) {
            return;
        }
        if self.depth >= DEEPEST {
            return self.wrong("it is nested too deeply", None);
        }
        self.depth += 1;
        self.by_reference(map, value);
        if self.kind(map, value) && self.constant(map, value) {
            match value {
                Value::String(text) => self.text(map, text),
                Value::Number(number) => self.number(map, number.as_f64().unwrap_or(0.0)),
                Value::Array(items) => self.items(map, items),
                Value::Object(fields) => self.fields(map, fields),
                Value::Null | Value::Bool(_) => {}
            }
            self.forms(map, value);
        }
        self.depth -= 1;
    }

    fn by_reference(&mut self, map: &'a Map, value: &Value) {
        if let Some(target) = map.get("$ref").and_then(Value::as_str).and_then(|at| resolve(self.root, at)) {
            self.value(target, value);
        }
    }

    /// Whether the value is of a type that the schema allows; if not, nothing else is worth saying.
    fn kind(&mut self, map: &'a Map, value: &Value) -> bool {
        let kinds: Vec<&str> = match map.get("type") {
            Some(Value::String(kind)) => vec![kind],
            Some(Value::Array(kinds)) => kinds.iter().filter_map(Value::as_str).collect(),
            _ => return true,
        };
        if kinds.iter().any(|kind| is_kind(value, kind)) {
            return true;
        }
        let words: Vec<&str> = kinds
            .iter()
            .filter(|kind| **kind != "null" || kinds.len() == 1)
            .map(|kind| in_words(kind))
            .collect();
        let expected = expects(map).map_or_else(|| words.join(" or "), str::to_owned);
        let quotable = kinds.contains(&"string") && !map.contains_key("pattern") && !words::is_secret(map);
        let help = match value {
            Value::Number(_) | Value::Bool(_) if quotable => Some(words::in_quotes(value)),
            Value::Number(_) => words::unit(&expected, value),
            Value::String(text) if kinds.contains(&"boolean") => words::truth(text).map(str::to_owned),
            _ => None,
        };
        let got = quoted(map, value);
        self.wrong(format!("expected {expected}, got {got}"), help);
        false
    }

    fn constant(&mut self, map: &'a Map, value: &Value) -> bool {
        let choices: Vec<&Value> = match (map.get("const"), map.get("enum")) {
            (Some(constant), _) => vec![constant],
            (None, Some(Value::Array(choices))) => choices.iter().collect(),
            _ => return true,
        };
        if choices.iter().any(|choice| same(choice, value)) {
            return true;
        }
        let near = value
            .as_str()
            .and_then(|text| name::nearest(text, choices.iter().filter_map(|choice| choice.as_str())));
        let near = near.map(|near| format!("did you mean `{near}`?"));
        let expected = expects(map).map_or_else(|| words::one_of(&choices), str::to_owned);
        let got = quoted(map, value);
        self.wrong(format!("expected {expected}, got {got}"), near);
        false
    }

    fn text(&mut self, map: &'a Map, text: &str) {
        self.count(map, text.chars().count(), "minLength", "maxLength", "character");
        let Some(pattern) = map.get("pattern").and_then(Value::as_str) else { return };
        if self.rules.patterns.matches(pattern, text) == Some(false) {
            let got = quoted(map, &Value::String(text.to_owned()));
            let message = match expects(map) {
                Some(expects) => format!("expected {expects}, got {got}"),
                None => format!("{got} does not match the pattern {pattern}"),
            };
            self.wrong(message, None);
        }
    }

    fn number(&mut self, map: &'a Map, number: f64) {
        let (least, most) = map.get("format").and_then(Value::as_str).map_or((None, None), words::bounds);
        let limit = |key: &str| {
            let own = match key {
                "minimum" => least,
                "maximum" => most,
                _ => None,
            };
            map.get(key).and_then(Value::as_f64).or(own)
        };
        let what = if let Some(least) = limit("minimum").filter(|least| number < *least) {
            format!("{number} is too small; the least is {least}")
        } else if let Some(most) = limit("maximum").filter(|most| number > *most) {
            format!("{number} is too large; the most is {most}")
        } else if let Some(below) = limit("exclusiveMinimum").filter(|below| number <= *below) {
            format!("{number} is too small; it must be more than {below}")
        } else if let Some(above) = limit("exclusiveMaximum").filter(|above| number >= *above) {
            format!("{number} is too large; it must be less than {above}")
        } else if let Some(step) = limit("multipleOf").filter(|step| (number / step).fract() != 0.0) {
            format!("{number} is no multiple of {step}")
        } else {
            return;
        };
        self.push(SchemaProblemKind::OutOfRange, what, None);
    }

    fn items(&mut self, map: &'a Map, items: &[Value]) {
        self.count(map, items.len(), "minItems", "maxItems", "item");
        if map.get("uniqueItems") == Some(&Value::Bool(true))
            && let Some(twice) = items
                .iter()
                .enumerate()
                .find(|(at, item)| items.iter().take(*at).any(|other| same(other, item)))
        {
            self.wrong(format!("{} is there twice", quoted(map, twice.1)), None);
        }
        let fixed = map.get("prefixItems").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
        for (index, item) in items.iter().enumerate() {
            if let Some(schema) = fixed.get(index).or_else(|| map.get("items")) {
                let before = self.step_index(index);
                self.value(schema, item);
                self.place.truncate(before);
            }
        }
    }

    fn fields(&mut self, map: &'a Map, fields: &Map) {
        self.count(map, fields.len(), "minProperties", "maxProperties", "key");
        let known = map.get("properties").and_then(Value::as_object);
        for (key, field) in fields {
            let before = self.step(key);
            match (known.and_then(|known| known.get(key)), map.get("additionalProperties")) {
                (Some(schema), _) => self.value(schema, field),
                (None, Some(Value::Bool(false))) if !self.open(key) => self.unknown(key, known),
                (None, Some(schema)) => self.value(schema, field),
                (None, None) => {}
            }
            self.place.truncate(before);
        }
        if fields.keys().any(|key| self.open(key)) {
            return;
        }
        for key in
            map.get("required").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str)
        {
            if !fields.contains_key(key) {
                let about = known.and_then(|known| known.get(key)).and_then(|schema| self.about(schema));
                let before = self.step(key);
                self.push(SchemaProblemKind::MissingKey, format!("`{key}` is missing"), about);
                self.place.truncate(before);
            }
        }
    }

    fn unknown(&mut self, key: &str, known: Option<&Map>) {
        let keys: Vec<&str> = known.into_iter().flat_map(|known| known.keys().map(String::as_str)).collect();
        let near = name::nearest(key, keys.iter().copied());
        let list = keys.join(", ");
        let help = match near {
            Some(near) => format!("did you mean `{near}`? Known here: {list}"),
            None if keys.is_empty() => "no keys are known here".to_owned(),
            None => format!("known here: {list}"),
        };
        self.push(SchemaProblemKind::UnknownKey, format!("unknown key `{key}`"), Some(help));
    }

    /// The first sentence of what a schema says about itself.
    fn about(&self, schema: &Value) -> Option<String> {
        let text = schema.get("description").and_then(Value::as_str)?;
        Some(text.lines().next().unwrap_or(text).to_owned())
    }

    fn count(&mut self, map: &Map, count: usize, least: &str, most: &str, one: &str) {
        let limit = |key: &str| map.get(key).and_then(Value::as_u64);
        let count = count as u64;
        let many = |n: u64| if n == 1 { one.to_owned() } else { format!("{one}s") };
        if let Some(least) = limit(least).filter(|least| count < *least) {
            let message = format!("it has {count} {}; at least {least} must be there", many(count));
            self.push(SchemaProblemKind::OutOfRange, message, None);
        }
        if let Some(most) = limit(most).filter(|most| count > *most) {
            let message = format!("it has {count} {}; at most {most} are accepted", many(count));
            self.push(SchemaProblemKind::OutOfRange, message, None);
        }
    }

    fn open(&self, text: &str) -> bool {
        self.rules.templates && is_template(text)
    }

    fn step(&mut self, key: &str) -> usize {
        let before = self.place.len();
        self.place.push('/');
        if key.contains(['~', '/']) {
            self.place.push_str(&escape(key));
        } else {
            self.place.push_str(key);
        }
        before
    }

    fn step_index(&mut self, index: usize) -> usize {
        use std::fmt::Write as _;
        let before = self.place.len();
        // Writing into a text cannot fail.
        let _ = write!(self.place, "/{index}");
        before
    }

    fn wrong(&mut self, message: impl Into<String>, help: Option<String>) {
        self.push(SchemaProblemKind::WrongForm, message, help);
    }

    fn push(&mut self, kind: SchemaProblemKind, message: impl Into<String>, help: Option<String>) {
        self.found.push(SchemaProblem { pointer: self.place.clone(), kind, message: message.into(), help });
    }
}

fn expects(map: &Map) -> Option<&str> {
    map.get("x-expects").and_then(Value::as_str)
}

fn resolve<'a>(root: &'a Value, reference: &str) -> Option<&'a Value> {
    root.pointer(reference.strip_prefix('#')?)
}

#[cfg(test)]
mod tests;
