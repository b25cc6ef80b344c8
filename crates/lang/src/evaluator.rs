//! Renders templates and judges conditions: [`Evaluate`] with minijinja.
//!
//! The only module that runs the template engine. Unknown names are errors, there is no clock, no
//! chance, no file and no network, and every rendering has a bounded number of steps and size.
//!
//! ```text
//! text ─ Cache ─ compiled ─┬─ render with values in clear ──► clear
//! Scope ─ Root ────────────┘    └ touched a secret? render again with tokens ──► shown
//! ```
//!
//! What touched a secret is found out by watching what is looked up, not by searching the result;
//! so a secret that went through a filter is known as well.

use std::collections::BTreeSet;
use std::sync::Arc;

use minijinja::value::Value as Inner;
use windlass_model::eval::{EvalError, Evaluate, Rendered, Scope, is_template};
use windlass_model::secret::SHORTEST_DERIVED;
use windlass_model::{Map, Value};

mod cache;
mod convert;
mod explain;
mod filters;
mod root;
mod trace;

use self::cache::Cache;
pub(crate) use self::cache::{Compiled, Kind, environment};
pub(crate) use self::explain::{ROOTS, is_builtin, syntax};
use self::root::Root;

/// The largest text or value that a template may give, in bytes.
pub const MAX_OUTPUT: usize = 16 << 20;

/// The template language of plans. Cheap to share, made once.
#[derive(Debug, Default)]
pub struct Evaluator {
    cache: Arc<Cache>,
}

/// One rendering: the values that it sees, in clear and, once something secret was seen, masked.
struct Session<'a> {
    cache: &'a Arc<Cache>,
    scope: &'a Scope,
    clear: Option<Root>,
    masked: Option<Root>,
    tainted: bool,
    derived: Vec<String>,
}

// === impl Evaluator ===

impl Evaluator {
    /// An evaluator with nothing compiled yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }
}

impl Evaluate for Evaluator {
    fn render(&self, value: &Value, scope: &Scope) -> Result<Rendered, EvalError> {
        let (clear, masked, derived) = (None, None, Vec::new());
        let mut session = Session { cache: &self.cache, scope, clear, masked, tainted: false, derived };
        let (clear, shown) = session.value(value)?;
        let shown = if session.tainted { shown } else { None };
        Ok(Rendered { clear, shown, derived: session.derived })
    }

    fn condition(&self, expression: &str, scope: &Scope) -> Result<bool, EvalError> {
        let expression = unwrapped(expression);
        let compiled = self
            .cache
            .get(Kind::Expression, expression)
            .map_err(|error| EvalError::wrong(explain::syntax(&error, expression)))?;
        let root = Root::new(scope, &self.cache, false);
        let trace = Arc::clone(&root.trace);
        let value = compiled
            .evaluate(root.into_value())
            .map_err(|error| explain::failure(&error, expression, &trace, scope))?;
        if value.is_undefined() {
            return Err(EvalError::wrong(explain::undefined(expression, &trace, scope)));
        }
        Ok(value.is_true())
    }

    fn understands(&self, expression: &str) -> Result<(), EvalError> {
        let expression = unwrapped(expression);
        let compiled = self.cache.get(Kind::Expression, expression);
        let compiled = compiled.map_err(|error| EvalError::wrong(explain::syntax(&error, expression)))?;
        match compiled.unknown() {
            None => Ok(()),
            Some(name) => Err(EvalError::wrong(explain::unknown(&name))),
        }
    }
}

/// A condition may be written with or without `{{ }}`.
pub(crate) fn unwrapped(expression: &str) -> &str {
    let trimmed = expression.trim();
    let inner = trimmed.strip_prefix("{{").and_then(|inner| inner.strip_suffix("}}"));
    inner.filter(|inner| !inner.contains("}}")).map_or(trimmed, str::trim)
}

/// What stands between `{{` and `}}` when that is all of the text.
pub(crate) fn sole_expression(text: &str) -> Option<&str> {
    let inner = text.strip_prefix("{{")?.strip_suffix("}}")?;
    let inner = inner.strip_prefix('-').unwrap_or(inner);
    let inner = inner.strip_suffix('-').unwrap_or(inner).trim();
    let certain = !inner.contains("{{") && !inner.contains("}}") && !inner.contains("{%");
    (certain || cache::is_expression(inner)).then_some(inner)
}

// === impl Session ===

impl Session<'_> {
    /// A value in clear and, where it differs, as it may be shown.
    fn value(&mut self, value: &Value) -> Result<(Value, Option<Value>), EvalError> {
        match value {
            Value::String(text) if is_template(text) => self.text(text),
            Value::Array(items) => {
                let mut clear = Vec::with_capacity(items.len());
                let mut shown: Option<Vec<Value>> = None;
                for item in items {
                    let (item, masked) = self.value(item)?;
                    if masked.is_some() && shown.is_none() {
                        shown = Some(clear.clone());
                    }
                    if let Some(shown) = &mut shown {
                        shown.push(masked.unwrap_or_else(|| item.clone()));
                    }
                    clear.push(item);
                }
                Ok((Value::Array(clear), shown.map(Value::Array)))
            }
            Value::Object(map) => {
                let mut clear = Map::with_capacity(map.len());
                let mut shown: Option<Map> = None;
                for (key, item) in map {
                    let (key, masked_key) = self.key(key)?;
                    let (item, masked) = self.value(item)?;
                    if (masked.is_some() || masked_key.is_some()) && shown.is_none() {
                        shown = Some(clear.clone());
                    }
                    if let Some(shown) = &mut shown {
                        let key = masked_key.unwrap_or_else(|| key.clone());
                        shown.insert(key, masked.unwrap_or_else(|| item.clone()));
                    }
                    clear.insert(key, item);
                }
                Ok((Value::Object(clear), shown.map(Value::Object)))
            }
            other => Ok((other.clone(), None)),
        }
    }

    fn key(&mut self, key: &str) -> Result<(String, Option<String>), EvalError> {
        if !is_template(key) {
            return Ok((key.to_owned(), None));
        }
        let (clear, shown) = self.text(key)?;
        let text = |value: Value| match value {
            Value::String(text) => text,
            other => other.to_string(),
        };
        Ok((text(clear), shown.map(text)))
    }

    fn text(&mut self, text: &str) -> Result<(Value, Option<Value>), EvalError> {
        let (kind, source) = match sole_expression(text) {
            Some(expression) => (Kind::Expression, expression),
            None => (Kind::Template, text),
        };
        let compiled = self
            .cache
            .get(kind, source)
            .map_err(|error| EvalError::wrong(explain::syntax(&error, source)))?;
        let root = self.clear.get_or_insert_with(|| Root::new(self.scope, self.cache, false));
        root.trace.reset();
        let clear = compiled
            .run(root.value())
            .map_err(|error| explain::failure(&error, source, &root.trace, self.scope))?
            .ok_or_else(|| EvalError::wrong(explain::undefined(source, &root.trace, self.scope)))?;
        let touched = root.trace.touched();
        if touched.is_empty() {
            return Ok((clear, None));
        }
        self.tainted = true;
        let shown = self.masked(&compiled, &clear, &touched);
        Ok((clear, Some(shown)))
    }

    /// The same text made from tokens instead of secrets, if every token is still to be seen in it;
    /// otherwise the token alone. Nothing of a secret goes into it either way.
    fn masked(&mut self, compiled: &Compiled, clear: &Value, tokens: &[String]) -> Value {
        let root = self.masked.get_or_insert_with(|| Root::noting(self.scope, self.cache, true));
        root.trace.reset();
        let shown = compiled.run(root.value()).ok().flatten();
        shown.iter().for_each(|shown| root.trace.write(shown));
        let (_, written, _) = root.trace.take();
        self.derive(compiled, &written);
        match shown {
            Some(Value::String(shown))
                if clear.is_string() && tokens.iter().all(|token| shown.contains(token.as_str())) =>
            {
                Value::String(shown)
            }
            _ => Value::String(tokens.join(" ")),
        }
    }

    /// Finds what was made of secrets so that they cannot be seen in it: what the expressions give, and
    /// do not give when the secrets are tokens.
    fn derive(&mut self, compiled: &Compiled, masked: &BTreeSet<String>) {
        let root = Root::noting(self.scope, self.cache, false);
        if let Ok(Some(value)) = compiled.run(root.value())
            && compiled.kind == Kind::Expression
        {
            root.trace.write(&value);
        }
        let (mut derived, written, plain) = root.trace.take();
        let masked: BTreeSet<String> = masked.iter().map(|text| nameless(text)).collect();
        derived.extend(written.into_iter().filter(|text| {
            let redacted = self.scope.secrets.redact(text);
            text.len() >= SHORTEST_DERIVED
                && !plain.contains(text)
                && !masked.contains(&nameless(&redacted))
                && !is_tokens(&redacted)
        }));
        self.derived.extend(derived);
    }
}

/// A text with tokens that do not say of which secret they are: one secret may have several names.
fn nameless(text: &str) -> String {
    let mut parts = text.split('«');
    let mut bare = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        bare.push('«');
        bare.push_str(part.split_once('»').map_or(part, |(_, after)| after));
    }
    bare
}

/// Whether hardly anything stands in a text beside tokens.
fn is_tokens(text: &str) -> bool {
    let mut beside = text.split('«').map(|part| part.rsplit('»').next().unwrap_or_default());
    let mut letters = beside.by_ref().flat_map(str::chars).filter(|letter| letter.is_alphanumeric());
    text.contains('«') && letters.nth(2).is_none()
}

impl Compiled {
    /// The result as JSON; `None` when it is undefined.
    fn run(&self, root: Inner) -> Result<Option<Value>, minijinja::Error> {
        match self.kind {
            Kind::Template => self.render(root).map(|text| Some(Value::String(text))),
            Kind::Expression => {
                let value = self.evaluate(root)?;
                if value.is_undefined() { Ok(None) } else { convert::to_json(&value).map(Some) }
            }
        }
    }
}

#[cfg(test)]
mod tests;
