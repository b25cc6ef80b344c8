//! The walk over a value with its schema.

use std::collections::BTreeMap;

use regex::Regex;
use windlass_model::eval::is_template;
use windlass_model::name::nearest;
use windlass_model::{Map, Value};

use super::{Misfit, Strictness, resolve};
use crate::secret::MARK;

/// How deep schemas and values may nest; deeper is taken for a reference that leads back to itself.
const DEEPEST: usize = 128;

/// How many schemas may be looked at for one value: alternatives that lead back to themselves multiply.
const LONGEST: u32 = 10_000_000;

pub(super) fn misfits(
    root: &Value,
    patterns: &BTreeMap<String, Regex>,
    value: &Value,
    strictness: Strictness,
) -> Vec<Misfit> {
    let mut walk =
        Walk { root, patterns, strictness, place: String::new(), depth: 0, steps: 0, found: Vec::new() };
    walk.value(root, value);
    walk.found
}

struct Walk<'a> {
    root: &'a Value,
    patterns: &'a BTreeMap<String, Regex>,
    strictness: Strictness,
    place: String,
    depth: usize,
    steps: u32,
    found: Vec<Misfit>,
}

// === impl Walk ===

impl<'a> Walk<'a> {
    fn value(&mut self, schema: &'a Value, value: &Value) {
        let map = match schema {
            Value::Bool(false) => return self.misfit("nothing may stand here"),
            Value::Object(map) => map,
            _ => return,
        };
        if self.is_open(value) {
            return;
        }
        if self.depth >= DEEPEST {
            return self.misfit("it is nested too deeply");
        }
        if self.steps >= LONGEST {
            return self.misfit("it takes too long to look at");
        }
        self.depth += 1;
        self.steps += 1;
        let before = self.found.len();
        self.by_reference(map, value);
        if self.kind(map, value) {
            self.constant(map, value);
            match value {
                Value::String(text) => self.text(map, text),
                Value::Number(number) => self.number(map, number.as_f64().unwrap_or(0.0)),
                Value::Array(items) => self.items(map, items),
                Value::Object(fields) => self.fields(map, fields),
                Value::Null | Value::Bool(_) => {}
            }
            self.alternatives(map, value);
        }
        self.depth -= 1;
        // Where the schema says in words what it expects, that helps more than what failed inside it.
        if let Some(expects) = map.get("x-expects").and_then(Value::as_str)
            && self.found.len() > before
            && !value.is_object()
        {
            self.found.truncate(before);
            let got = self.describe(map, value);
            self.misfit(format!("expected {expects}, not {got}"));
        }
    }

    fn by_reference(&mut self, map: &'a Map, value: &Value) {
        if let Some(target) =
            map.get("$ref").and_then(Value::as_str).and_then(|reference| resolve(self.root, reference))
        {
            self.value(target, value);
        }
    }

    /// Whether the value is of a type that the schema allows; if not, nothing else is worth saying.
    fn kind(&mut self, map: &Map, value: &Value) -> bool {
        let Some(kinds) = map.get("type") else { return true };
        let allowed: Vec<&str> = match kinds {
            Value::String(kind) => vec![kind],
            Value::Array(kinds) => kinds.iter().filter_map(Value::as_str).collect(),
            _ => return true,
        };
        if allowed.iter().any(|kind| is_kind(value, kind)) {
            return true;
        }
        let words: Vec<&str> = allowed
            .iter()
            .filter(|kind| **kind != "null" || allowed.len() == 1)
            .map(|k| in_words(k))
            .collect();
        let got = self.describe(map, value);
        self.misfit(format!("expected {}, not {got}", words.join(" or ")));
        false
    }

    fn constant(&mut self, map: &Map, value: &Value) {
        if let Some(constant) = map.get("const")
            && !same(constant, value)
        {
            self.misfit(format!("expected {}, not {}", short(constant), self.describe(map, value)));
        }
        if let Some(choices) = map.get("enum").and_then(Value::as_array)
            && !choices.iter().any(|choice| same(choice, value))
        {
            let words: Vec<String> = choices.iter().filter(|choice| !choice.is_null()).map(short).collect();
            let message = format!("expected one of {}, not {}", words.join(", "), self.describe(map, value));
            let near = value.as_str().and_then(|t| nearest(t, choices.iter().filter_map(Value::as_str)));
            self.push(message, near.map(|near| format!("did you mean `{near}`?")));
        }
    }

    fn text(&mut self, map: &Map, text: &str) {
        let length = text.chars().count();
        self.bounds(map, length, "minLength", "maxLength", "character", "characters");
        let pattern = map.get("pattern").and_then(Value::as_str);
        if let Some(regex) = pattern.and_then(|pattern| self.patterns.get(pattern))
            && !regex.is_match(text)
        {
            let got = self.describe(map, &Value::String(text.to_owned()));
            self.misfit(format!("{got} does not match the pattern {}", regex.as_str()));
        }
    }

    fn number(&mut self, map: &Map, number: f64) {
        let limit = |key: &str| map.get(key).and_then(Value::as_f64);
        if let Some(least) = limit("minimum").filter(|least| number < *least) {
            self.misfit(format!("{number} is too small; the least is {least}"));
        }
        if let Some(most) = limit("maximum").filter(|most| number > *most) {
            self.misfit(format!("{number} is too large; the most is {most}"));
        }
        if let Some(below) = limit("exclusiveMinimum").filter(|below| number <= *below) {
            self.misfit(format!("{number} is too small; it must be more than {below}"));
        }
        if let Some(above) = limit("exclusiveMaximum").filter(|above| number >= *above) {
            self.misfit(format!("{number} is too large; it must be less than {above}"));
        }
        if let Some(step) = limit("multipleOf").filter(|step| *step > 0.0 && (number / step).fract() != 0.0) {
            self.misfit(format!("{number} is no multiple of {step}"));
        }
    }

    fn items(&mut self, map: &'a Map, items: &[Value]) {
        self.bounds(map, items.len(), "minItems", "maxItems", "item", "items");
        if map.get("uniqueItems") == Some(&Value::Bool(true)) {
            for (index, item) in items.iter().enumerate() {
                if items.iter().take(index).any(|earlier| same(earlier, item)) {
                    self.at(&index.to_string(), |walk| walk.misfit("it stands there twice"));
                }
            }
        }
        let fixed = map.get("prefixItems").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
        for (index, item) in items.iter().enumerate() {
            if let Some(schema) = fixed.get(index).or_else(|| map.get("items")) {
                self.at(&index.to_string(), |walk| walk.value(schema, item));
            }
        }
    }

    fn fields(&mut self, map: &'a Map, fields: &Map) {
        self.bounds(map, fields.len(), "minProperties", "maxProperties", "field", "fields");
        let known = map.get("properties").and_then(Value::as_object);
        let by_pattern = map.get("patternProperties").and_then(Value::as_object);
        for (name, field) in fields {
            let mut is_known = false;
            if let Some(schema) = known.and_then(|known| known.get(name)) {
                is_known = true;
                self.at(name, |walk| walk.value(schema, field));
            }
            for (pattern, schema) in by_pattern.into_iter().flatten() {
                if self.patterns.get(pattern).is_some_and(|regex| regex.is_match(name)) {
                    is_known = true;
                    self.at(name, |walk| walk.value(schema, field));
                }
            }
            if is_known || self.is_open_text(name) {
                continue;
            }
            match map.get("additionalProperties") {
                Some(Value::Bool(false)) => {
                    let near =
                        nearest(name, known.into_iter().flat_map(|known| known.keys().map(String::as_str)));
                    let help = near.map(|near| format!("did you mean `{near}`?"));
                    self.at(name, |walk| walk.push(format!("there is no field `{name}`"), help));
                }
                Some(schema) => self.at(name, |walk| walk.value(schema, field)),
                None => {}
            }
        }
        if fields.keys().any(|name| self.is_open_text(name)) {
            return;
        }
        for name in
            map.get("required").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str)
        {
            if !fields.contains_key(name) {
                self.misfit(format!("`{name}` is missing"));
            }
        }
    }

    fn alternatives(&mut self, map: &'a Map, value: &Value) {
        for schema in list(map, "allOf") {
            self.value(schema, value);
        }
        if map.contains_key("anyOf") {
            self.one_of_these(&list(map, "anyOf"), value);
        }
        if map.contains_key("oneOf") {
            let forms = list(map, "oneOf");
            let fitting = forms.iter().filter(|form| self.tried(form, value).is_empty()).count();
            match fitting {
                0 => self.one_of_these(&forms, value),
                1 => {}
                // A template that is still to be rendered may fit several forms.
                _ if self.strictness == Strictness::Templates => {}
                _ => self.misfit("it fits several forms of which it may have one"),
            }
        }
        if let Some(unwanted) = map.get("not")
            && self.tried(unwanted, value).is_empty()
        {
            self.misfit("it has the one form that it must not have");
        }
    }

    fn one_of_these(&mut self, forms: &[&'a Value], value: &Value) {
        let tries: Vec<Vec<Misfit>> = forms.iter().map(|form| self.tried(form, value)).collect();
        if tries.iter().any(Vec::is_empty) {
            return;
        }
        // The form that was meant is the one of which the value has the type, and that it fits best.
        let meant = forms
            .iter()
            .zip(tries)
            .filter(|(form, _)| self.is_near(form, value))
            .min_by_key(|(_, misfits)| (misfits.len(), misfits.iter().map(|m| m.pointer.len()).min()));
        match meant {
            Some((_, misfits)) => self.found.extend(misfits),
            None => self.misfit(format!(
                "expected {}, not {}",
                self.kinds_of(forms).join(" or "),
                in_words(kind_of(value))
            )),
        }
    }

    fn kinds_of(&self, forms: &[&'a Value]) -> Vec<&'static str> {
        const KINDS: [&str; 7] = ["string", "integer", "number", "boolean", "array", "object", "null"];
        let mut kinds: Vec<&'static str> = Vec::new();
        for form in forms.iter().map(|form| self.followed(form)) {
            let named = |kind: &str| match form.get("type") {
                Some(Value::String(one)) => one == kind,
                Some(Value::Array(several)) => several.iter().any(|one| one == kind),
                _ => false,
            };
            for kind in KINDS.into_iter().filter(|kind| named(kind) && *kind != "null") {
                kinds.push(in_words(kind));
            }
            let choices = list_of(form, "enum").into_iter().chain(form.get("const"));
            kinds.extend(choices.map(|choice| in_words(kind_of(choice))));
        }
        let mut seen = Vec::new();
        kinds.retain(|kind| {
            !seen.contains(kind) && {
                seen.push(*kind);
                true
            }
        });
        if kinds.is_empty() { vec!["another form"] } else { kinds }
    }

    fn is_near(&self, form: &'a Value, value: &Value) -> bool {
        let form = self.followed(form);
        match form.get("type") {
            Some(Value::String(kind)) => is_kind(value, kind),
            Some(Value::Array(kinds)) => {
                kinds.iter().filter_map(Value::as_str).any(|kind| is_kind(value, kind))
            }
            _ => {
                let constants = list_of(form, "enum").into_iter().chain(form.get("const"));
                let mut constants = constants.peekable();
                constants.peek().is_none() || constants.any(|constant| kind_of(constant) == kind_of(value))
            }
        }
    }

    fn followed(&self, mut schema: &'a Value) -> &'a Value {
        for _ in 0..DEEPEST {
            match schema.get("$ref").and_then(Value::as_str).and_then(|at| resolve(self.root, at)) {
                Some(target) => schema = target,
                None => break,
            }
        }
        schema
    }

    /// What would be wrong with the value in this form.
    fn tried(&mut self, form: &'a Value, value: &Value) -> Vec<Misfit> {
        let before = self.found.len();
        self.value(form, value);
        self.found.split_off(before)
    }

    fn bounds(&mut self, map: &Map, count: usize, least: &str, most: &str, one: &str, many: &str) {
        let limit = |key: &str| map.get(key).and_then(Value::as_u64);
        let count = count as u64;
        let noun = |n: u64| if n == 1 { one } else { many };
        if let Some(least) = limit(least).filter(|least| count < *least) {
            self.misfit(format!("it has {count} {}; at least {least} are needed", noun(count)));
        }
        if let Some(most) = limit(most).filter(|most| count > *most) {
            self.misfit(format!("it has {count} {}; at most {most} are accepted", noun(count)));
        }
    }

    fn at(&mut self, step: &str, look: impl FnOnce(&mut Self)) {
        let before = self.place.len();
        self.place.push('/');
        self.place.push_str(&step.replace('~', "~0").replace('/', "~1"));
        look(self);
        self.place.truncate(before);
    }

    fn is_open(&self, value: &Value) -> bool {
        value.as_str().is_some_and(|text| self.is_open_text(text))
    }

    fn is_open_text(&self, text: &str) -> bool {
        self.strictness == Strictness::Templates && is_template(text)
    }

    /// The value in a few words, unless it is a secret.
    fn describe(&self, map: &Map, value: &Value) -> String {
        match value {
            Value::String(_) | Value::Number(_) | Value::Bool(_) if !map.contains_key(MARK) => short(value),
            other => in_words(kind_of(other)).to_owned(),
        }
    }

    fn misfit(&mut self, message: impl Into<String>) {
        self.push(message, None);
    }

    fn push(&mut self, message: impl Into<String>, help: Option<String>) {
        self.found.push(Misfit { pointer: self.place.clone(), message: message.into(), help });
    }
}

fn list<'a>(map: &'a Map, key: &str) -> Vec<&'a Value> {
    map.get(key).and_then(Value::as_array).map(|forms| forms.iter().collect()).unwrap_or_default()
}

fn list_of<'a>(schema: &'a Value, key: &str) -> Vec<&'a Value> {
    schema.as_object().map(|map| list(map, key)).unwrap_or_default()
}

fn kind_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(number) if number.is_f64() => "number",
        Value::Number(_) => "integer",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

fn is_kind(value: &Value, kind: &str) -> bool {
    match (kind, value) {
        // 2.0 is an integer to JSON Schema; to the types behind ours it is not.
        ("number", Value::Number(_)) => true,
        _ => kind_of(value) == kind,
    }
}

fn in_words(kind: &str) -> &'static str {
    match kind {
        "null" => "null",
        "boolean" => "true or false",
        "number" => "a number",
        "integer" => "a whole number",
        "string" => "a text",
        "array" => "a list",
        "object" => "a map",
        _ => "something else",
    }
}

/// Equal as JSON Schema means it: 1 and 1.0 are the same.
fn same(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Number(a), Value::Number(b)) => a == b || a.as_f64() == b.as_f64(),
        _ => a == b,
    }
}

fn short(value: &Value) -> String {
    const LONGEST: usize = 60;
    let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("`{}…`", text.get(..end).unwrap_or_default()),
        None => format!("`{text}`"),
    }
}
