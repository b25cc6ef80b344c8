//! Compiled templates, each compiled once.

use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::sync::{Arc, OnceLock, PoisonError, RwLock};

use minijinja::syntax::SyntaxConfig;
use minijinja::value::Value as Inner;
use minijinja::{Environment, Error, ErrorKind, UndefinedBehavior};

use super::explain::{ROOTS, is_builtin};
use super::{MAX_OUTPUT, convert, filters};

/// How many compiled templates are kept. When there are more, all are dropped and made again when needed.
const MAX_ENTRIES: usize = 4096;
/// How many steps one rendering may take.
const FUEL: u64 = 1_000_000;
/// How deep templates may call themselves.
const RECURSION: usize = 100;
/// What an expression's value is called while it is computed.
const RESULT: &str = "__result";
const NAME: &str = "template";

/// What a text is compiled as.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    /// Text with `{{ }}` and `{% %}` in it.
    Template,
    /// One expression.
    Expression,
}

/// A compiled template. It lives in an environment of its own, so that rendering holds no lock.
pub(crate) struct Compiled {
    pub(crate) kind: Kind,
    env: Environment<'static>,
}

#[derive(Default)]
pub(crate) struct Cache {
    templates: RwLock<BTreeMap<String, Arc<Compiled>>>,
    expressions: RwLock<BTreeMap<String, Arc<Compiled>>>,
}

/// The environment that all others are cloned from: its filters are shared between them.
pub(crate) fn environment() -> &'static Environment<'static> {
    static BASE: OnceLock<Environment<'static>> = OnceLock::new();
    BASE.get_or_init(|| {
        let mut env = Environment::new();
        env.set_undefined_behavior(UndefinedBehavior::Strict);
        env.set_auto_escape_callback(|_| minijinja::AutoEscape::None);
        env.set_fuel(Some(FUEL));
        env.set_recursion_limit(RECURSION);
        env.set_debug(true);
        env.set_formatter(convert::write);
        let mut syntax = SyntaxConfig::builder();
        syntax.keep_trailing_newline(true);
        if let Ok(syntax) = syntax.build() {
            env.set_syntax(syntax);
        }
        env.remove_global("debug");
        filters::add(&mut env);
        env
    })
}

/// Whether a text is one expression.
pub(super) fn is_expression(text: &str) -> bool {
    environment().compile_expression(text).is_ok()
}

// === impl Cache ===

impl Cache {
    /// The compiled form of a text.
    pub(crate) fn get(&self, kind: Kind, source: &str) -> Result<Arc<Compiled>, Error> {
        let entries = match kind {
            Kind::Template => &self.templates,
            Kind::Expression => &self.expressions,
        };
        // Nothing panics while the lock is held, and a map of finished templates is never half done.
        if let Some(compiled) = entries.read().unwrap_or_else(PoisonError::into_inner).get(source) {
            return Ok(Arc::clone(compiled));
        }
        let compiled = Arc::new(Compiled::new(kind, source)?);
        let mut entries = entries.write().unwrap_or_else(PoisonError::into_inner);
        if entries.len() >= MAX_ENTRIES {
            entries.clear();
        }
        entries.insert(source.to_owned(), Arc::clone(&compiled));
        Ok(compiled)
    }
}

impl fmt::Debug for Cache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Cache")
    }
}

// === impl Compiled ===

impl Compiled {
    pub(crate) fn new(kind: Kind, source: &str) -> Result<Self, Error> {
        let mut env = environment().clone();
        match kind {
            Kind::Template => env.add_template_owned(NAME, source.to_owned())?,
            Kind::Expression => {
                // Compiled for its error messages, whose places are those of the text.
                env.compile_expression(source)?;
                env.add_template_owned(NAME, format!("{{% set {RESULT} = ({source}) %}}"))?;
            }
        }
        Ok(Self { kind, env })
    }

    /// The text that a template gives.
    pub(super) fn render(&self, root: Inner) -> Result<String, Error> {
        let mut out = Limited(Vec::new());
        self.env.get_template(NAME)?.render_captured_to(root, &mut out)?;
        String::from_utf8(out.0).map_err(|_| Error::new(ErrorKind::WriteFailure, "the text is not UTF-8"))
    }

    /// The value that an expression gives.
    pub(super) fn evaluate(&self, root: Inner) -> Result<Inner, Error> {
        let captured = self.env.get_template(NAME)?.render_captured(root)?;
        Ok(captured.state().lookup(RESULT).unwrap_or_default())
    }

    /// The first name that nothing can stand for, whatever is known.
    pub(super) fn unknown(&self) -> Option<String> {
        let is_known = |root: &str| ROOTS.contains(&root) || is_builtin(root);
        let names = self.names().into_iter();
        let mut roots = names.map(|name| name.split('.').next().unwrap_or_default().to_owned());
        roots.find(|root| !is_known(root))
    }

    /// What the text looks up: `params.release`, `node.name`, `range`.
    pub(crate) fn names(&self) -> Vec<String> {
        let Ok(template) = self.env.get_template(NAME) else { return Vec::new() };
        let mut names: Vec<String> = template.undeclared_variables(true).into_iter().collect();
        names.sort();
        names
    }
}

/// Text that is refused when it grows too long.
struct Limited(Vec<u8>);

impl io::Write for Limited {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.0.len().saturating_add(bytes.len()) > MAX_OUTPUT {
            return Err(io::Error::other("too large"));
        }
        self.0.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
