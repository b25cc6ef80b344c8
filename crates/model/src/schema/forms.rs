//! Alternatives: which of several forms was meant, and what is wrong with the value in that form.

use super::words::{in_quotes, in_words, is_kind, is_secret, kind_of, one_of, quoted, unit};
use super::{DEEPEST, SchemaProblem, Walk, expects, resolve};
use crate::{Map, Value, name};

// === impl Walk ===

impl<'a> Walk<'a> {
    pub(super) fn forms(&mut self, map: &'a Map, value: &Value) {
        for schema in list(map, "allOf") {
            self.value(schema, value);
        }
        for key in ["anyOf", "oneOf"] {
            let forms = list(map, key);
            if !forms.is_empty() {
                self.one_of(map, forms, value);
            }
        }
        if let Some(unwanted) = map.get("not")
            && self.tried(unwanted, value).is_empty()
        {
            self.wrong("it has the one form that it must not have", None);
        }
    }

    fn one_of(&mut self, map: &'a Map, forms: &'a [Value], value: &Value) {
        let mut best: Option<Vec<SchemaProblem>> = None;
        for form in forms {
            let problems = self.tried(form, value);
            if problems.is_empty() {
                return;
            }
            // The form that was meant is the one that has the value's type and is the nearest to it.
            if self.is_near(form, value) && best.as_ref().is_none_or(|best| problems.len() < best.len()) {
                best = Some(problems);
            }
        }
        let choices: Vec<&Value> = forms.iter().flat_map(|form| constants(self.followed(form))).collect();
        let are_words = forms.iter().all(|form| !constants(self.followed(form)).is_empty());
        if are_words && expects(map).is_none() && !(value.is_array() || value.is_object()) {
            let words: Vec<&str> = choices.iter().filter_map(|choice| choice.as_str()).collect();
            let near = value.as_str().and_then(|text| name::nearest_word(text, &words));
            let help = near.map(|near| format!("did you mean `{near}`?"));
            let got = quoted(map, value);
            return self.wrong(format!("expected {}, got {got}", one_of(&choices)), help);
        }
        // Inside a list or a map, what is wrong is worth more than what would have been right.
        let structured = value.is_array() || value.is_object();
        match (best, expects(map)) {
            (Some(problems), expects) if structured || expects.is_none() => self.found.extend(problems),
            (_, Some(expects)) => {
                let got = quoted(map, value);
                self.wrong(format!("expected {expects}, got {got}"), unit(expects, value));
            }
            (_, None) => {
                let kinds = self.kinds_of(forms);
                let is_plain = (value.is_number() || value.is_boolean()) && !is_secret(map);
                let help = (is_plain && kinds.iter().any(|kind| kind == in_words("string")))
                    .then(|| in_quotes(value));
                let expected = kinds.join(" or ");
                let got = quoted(map, value);
                self.wrong(
                    format!("expected {expected}, got {got}"),
                    help.or_else(|| unit(&expected, value)),
                );
            }
        }
    }

    /// What would be wrong with the value in this form.
    fn tried(&mut self, form: &'a Value, value: &Value) -> Vec<SchemaProblem> {
        let before = self.found.len();
        self.value(form, value);
        self.found.split_off(before)
    }

    fn is_near(&self, form: &'a Value, value: &Value) -> bool {
        let form = self.followed(form);
        match form.get("type") {
            Some(Value::String(kind)) => is_kind(value, kind),
            Some(Value::Array(kinds)) => {
                kinds.iter().filter_map(Value::as_str).any(|kind| is_kind(value, kind))
            }
            _ => {
                let constants: Vec<&Value> = constants(form);
                match (form.get("anyOf").and_then(Value::as_array), constants.is_empty()) {
                    (Some(forms), _) => forms.iter().any(|form| self.is_near(form, value)),
                    (None, true) => true,
                    (None, false) => constants.iter().any(|constant| kind_of(constant) == kind_of(value)),
                }
            }
        }
    }

    fn kinds_of(&self, forms: &'a [Value]) -> Vec<String> {
        let mut kinds: Vec<String> = Vec::new();
        for form in forms.iter().map(|form| self.followed(form)) {
            let mut more = match (form.get("x-expects"), form.get("type")) {
                (Some(Value::String(expects)), _) => vec![expects.clone()],
                (_, Some(Value::String(kind))) => vec![in_words(kind).to_owned()],
                (_, Some(Value::Array(all))) => {
                    all.iter().filter_map(Value::as_str).map(|kind| in_words(kind).to_owned()).collect()
                }
                _ => constants(form).iter().map(|constant| in_words(kind_of(constant)).to_owned()).collect(),
            };
            more.retain(|kind| kind != "null" && !kinds.contains(kind));
            kinds.extend(more);
        }
        if kinds.is_empty() { vec!["another form".to_owned()] } else { kinds }
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
}

fn list<'a>(map: &'a Map, key: &str) -> &'a [Value] {
    map.get(key).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

fn constants(form: &Value) -> Vec<&Value> {
    let choices = form.get("enum").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    choices.iter().chain(form.get("const")).collect()
}
