//! Parameters, variables and saved values that nothing reads.
//!
//! Reading is judged by words, not by meaning: a name counts as read as soon as it stands in a template that also
//! speaks of what it belongs to. So a name is called unread only if that is certain.

use std::collections::{BTreeMap, BTreeSet};

use windlass_model::code;
use windlass_model::eval::is_template;
use windlass_model::plan::Plan;
use windlass_model::problem::Problem;
use windlass_model::schema::escape;
use windlass_model::validate::walk;
use windlass_model::{Map, Value};

pub(super) fn check(plan: &Plan, document: &Value) -> Vec<Problem> {
    let mut read = Read::default();
    read.value(document.get("spec").unwrap_or(&Value::Null), false);
    let mut warnings = Vec::new();
    for name in plan.spec.params.keys().filter(|name| !read.has("params", name)) {
        let pointer = format!("/spec/params/{}", escape(name));
        let message = format!("nothing reads the parameter `{name}`");
        let warning = Problem::new(code::UNUSED_PARAM, format!("params.{name}"), pointer, message);
        warnings.push(warning.help(format!(
            "whoever gives it will wonder: read it as {{{{ params.{name} }}}}, or leave it out"
        )));
    }
    let mut vars = |vars: &Map, address: &str, pointer: &str| {
        for name in vars.keys().filter(|name| !read.has("vars", name)) {
            let pointer = format!("{pointer}/{}", escape(name));
            let message = format!("nothing reads the variable `{name}`");
            let warning = Problem::new(code::UNUSED_VAR, address, pointer, message);
            warnings.push(warning.help(format!("read it as {{{{ vars.{name} }}}}, or leave it out")));
        }
    };
    vars(&plan.spec.vars, "", "/spec/vars");
    walk::blocks(plan, &mut |at| {
        vars(&at.block.vars, &at.address, &format!("{}/vars", at.pointer));
        if let Some(template) = &at.block.sequence {
            vars(&template.vars, &format!("{}/*", at.address), &format!("{}/sequence/vars", at.pointer));
        }
        for (index, sequence) in at.block.sequences.iter().enumerate() {
            let address = walk::child(&at.address, &sequence.name, index);
            vars(&sequence.vars, &address, &format!("{}/sequences/{index}/vars", at.pointer));
        }
    });
    walk::actions(plan, &mut |at| {
        for name in at.action.save.keys().filter(|name| !read.has("store", name)) {
            let pointer = format!("{}/save/{}", at.pointer, escape(name));
            let message = format!("nothing reads the saved value `{name}`");
            let warning = Problem::new(code::UNUSED_SAVE, at.address, pointer, message);
            warnings.push(warning.help(format!(
                "read it as {{{{ store.{name} }}}}, or leave it out: the log has the whole response anyway"
            )));
        }
    });
    warnings
}

/// The words of all templates of a plan, by what they speak of.
#[derive(Default)]
struct Read<'a> {
    /// `params` → the words of every template that speaks of `params`.
    beside: BTreeMap<&'static str, BTreeSet<&'a str>>,
    /// What some template takes whole: `{{ params | tojson }}`, `params[name]`.
    whole: BTreeSet<&'static str>,
    seen: BTreeSet<&'a str>,
}

const ROOTS: [&str; 4] = ["params", "vars", "store", "targets"];

// === impl Read ===

impl<'a> Read<'a> {
    fn has(&self, root: &str, name: &str) -> bool {
        self.whole.contains(root) || self.beside.get(root).is_some_and(|words| words.contains(name))
    }

    fn value(&mut self, value: &'a Value, is_condition: bool) {
        match value {
            Value::String(text) if is_condition || is_template(text) => self.text(text),
            Value::Array(items) => items.iter().for_each(|item| self.value(item, false)),
            Value::Object(map) => {
                for (key, item) in map {
                    if is_template(key) {
                        self.text(key);
                    }
                    self.value(item, key == "when");
                }
            }
            _ => {}
        }
    }

    fn text(&mut self, text: &'a str) {
        if !self.seen.insert(text) {
            return;
        }
        let words: BTreeSet<&str> = words(text).collect();
        for root in ROOTS.into_iter().filter(|root| words.contains(root)) {
            for (at, _) in text.match_indices(root) {
                let after = text.get(at + root.len()..).unwrap_or("");
                // Another target's store may be reached in many ways; the name of what is in it is always spelt.
                let is_part = match root {
                    "targets" => after.starts_with(['.', '[']),
                    _ => after.starts_with('.') || after.starts_with("['") || after.starts_with("[\""),
                };
                if !is_part {
                    self.whole.insert(if root == "targets" { "store" } else { root });
                }
            }
            self.beside.entry(root).or_default().extend(&words);
        }
    }
}

/// The words of a text; of `a-b`, which is a name in brackets or a subtraction, its parts too.
fn words(text: &str) -> impl Iterator<Item = &str> {
    let wholes = text.split(|c: char| !(c.is_alphanumeric() || c == '_' || c == '-'));
    wholes.flat_map(|word| std::iter::once(word).chain(word.split('-'))).filter(|word| !word.is_empty())
}
