//! Whether a value fits a JSON Schema, said in a way that helps: every misfit with its place.
//!
//! Understands the part of JSON Schema (2020-12) that describes data as types do, which is all that
//! derived schemas use: types, constants, fields, items, bounds, patterns, alternatives, references
//! within the document. A schema that says more than that has [defects](Shape::defects) and is
//! refused when its plugin is registered, so nothing that it asks for is silently ignored.

mod defects;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use regex::Regex;
use windlass_model::Value;
use windlass_model::schema::{self, Patterns, Rules};

/// A JSON Schema, ready to look at values with. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Shape {
    schema: Arc<Value>,
    patterns: Arc<Compiled>,
}

/// The patterns of one schema, compiled once.
#[derive(Debug)]
struct Compiled(BTreeMap<String, Regex>);

/// One place where a value does not fit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Misfit {
    /// Where, as a JSON pointer into the value: `/argv/0`; empty for the value as a whole.
    pub pointer: String,
    /// What is wrong.
    pub message: String,
    /// What to do about it.
    pub help: Option<String>,
}

/// How strictly texts are taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Strictness {
    /// The value is what a plugin would get.
    Rendered,
    /// The value still has templates; a text that is one fits wherever it stands, because it may become anything.
    Templates,
}

// === impl Shape ===

impl Shape {
    /// A shape from its schema. What is wrong with the schema, [`Shape::defects`] says.
    #[must_use]
    pub fn new(schema: Value) -> Self {
        let mut patterns = BTreeMap::new();
        defects::each_pattern(&schema, &mut |pattern| {
            if let Ok(regex) = Regex::new(pattern) {
                patterns.insert(pattern.to_owned(), regex);
            }
        });
        Self { schema: Arc::new(schema), patterns: Arc::new(Compiled(patterns)) }
    }

    /// The schema itself.
    #[must_use]
    pub fn schema(&self) -> &Arc<Value> {
        &self.schema
    }

    /// Every place where a value does not fit.
    #[must_use]
    pub fn misfits(&self, value: &Value, strictness: Strictness) -> Vec<Misfit> {
        let rules = Rules { templates: strictness == Strictness::Templates, patterns: &*self.patterns };
        let problems = schema::check(&self.schema, value, rules).into_iter();
        problems
            .map(|problem| Misfit { pointer: problem.pointer, message: problem.message, help: problem.help })
            .collect()
    }

    /// What the schema says that is not understood, each with its place: `/properties/a: unknown keyword "foo"`.
    #[must_use]
    pub fn defects(&self) -> Vec<String> {
        defects::of(&self.schema)
    }
}

// === impl Compiled ===

impl Patterns for Compiled {
    fn compile(&self, pattern: &str) -> Result<(), String> {
        Regex::new(pattern).map(drop).map_err(|why| why.to_string())
    }

    fn matches(&self, pattern: &str, text: &str) -> Option<bool> {
        self.0.get(pattern).map(|regex| regex.is_match(text))
    }
}

// === impl Misfit ===

impl fmt::Display for Misfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.pointer.is_empty() {
            write!(f, "`{}`: ", self.pointer.trim_start_matches('/').replace('/', "."))?;
        }
        f.write_str(&self.message)?;
        match &self.help {
            Some(help) => write!(f, " ({help})"),
            None => Ok(()),
        }
    }
}

/// What a reference within a document points to.
#[must_use]
pub fn resolve<'a>(root: &'a Value, reference: &str) -> Option<&'a Value> {
    root.pointer(reference.strip_prefix('#')?)
}
