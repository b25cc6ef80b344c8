//! One template or condition, taken apart: what it mentions, or why it does not parse.

use std::collections::BTreeSet;

use crate::evaluator::{self, Compiled, Kind};

mod called;
pub(crate) mod secrets;

pub(super) use crate::evaluator::ROOTS;

/// A template or condition, taken apart.
#[derive(Clone, Debug)]
pub(super) enum Text {
    /// It parses, and mentions these.
    Fine(Vec<Mention>),
    /// It does not parse.
    Broken {
        /// Why.
        message: String,
        /// What to do.
        help: Option<String>,
    },
}

/// A name that a template looks up.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Mention {
    /// `params` of `params.release`.
    pub(super) root: String,
    /// `release` of `params.release`.
    pub(super) key: Option<String>,
    /// Whether the template says what to do when it is not there.
    pub(super) guarded: bool,
    /// Whether a minus stands next to it, as in `steps.get-state`.
    pub(super) after_minus: bool,
}

// === impl Text ===

impl Text {
    pub(super) fn parse(text: &str, condition: bool) -> Self {
        let (kind, source) = match (condition, evaluator::sole_expression(text)) {
            (true, _) => (Kind::Expression, evaluator::unwrapped(text)),
            (false, Some(expression)) => (Kind::Expression, expression),
            (false, None) => (Kind::Template, text),
        };
        let compiled = match Compiled::new(kind, source) {
            Ok(compiled) => compiled,
            Err(error) => {
                let message = evaluator::syntax(&error, source);
                let shell = source.contains("${#") || source.contains("{#");
                let help = if shell {
                    Some(
                        "a text with {{, {% or {# of its own stands between {% raw %} and {% endraw %}"
                            .to_owned(),
                    )
                } else {
                    None
                };
                return Self::Broken { message, help };
            }
        };
        for word in ["include", "import", "extends", "from", "block"] {
            if kind == Kind::Template && has_statement(source, word) {
                return Self::Broken {
                    message: format!("a template cannot `{word}`: every text stands for itself"),
                    help: None,
                };
            }
        }
        if let Some(problem) = called::unknown(kind, source) {
            return problem;
        }
        if compiled.names().iter().any(|name| name == "secret") && secrets::named(kind, source).unclear {
            return Self::Broken {
                message: "`secret` takes the name of one secret, written out".to_owned(),
                help: Some("write secret('db_password')".to_owned()),
            };
        }
        let mut mentions: BTreeSet<Mention> = BTreeSet::new();
        for path in compiled.names() {
            let (root, rest) =
                path.split_once('.').map_or((path.as_str(), None), |(root, rest)| (root, Some(rest)));
            if evaluator::is_builtin(root) {
                continue;
            }
            let key = rest.map(|rest| rest.split('.').next().unwrap_or(rest).to_owned());
            let spelled = key.as_ref().map_or_else(|| root.to_owned(), |key| format!("{root}.{key}"));
            let guarded = is_guarded(source, &path) || is_guarded(source, &spelled);
            let after_minus = beside_minus(source, &spelled);
            mentions.insert(Mention { root: root.to_owned(), key, guarded, after_minus });
        }
        for root in ROOTS {
            for (key, guarded) in bracketed(source, root) {
                mentions.insert(Mention {
                    root: root.to_owned(),
                    key: Some(key),
                    guarded,
                    after_minus: false,
                });
            }
        }
        Self::Fine(mentions.into_iter().collect())
    }
}

fn has_statement(source: &str, word: &str) -> bool {
    source.split("{%").skip(1).any(|after| {
        let after = after.trim_start_matches(['-', '+']).trim_start();
        after
            .strip_prefix(word)
            .is_some_and(|rest| !rest.starts_with(|c: char| c.is_alphanumeric() || c == '_'))
    })
}

/// Whether each place that spells a path says what to do when it is not there.
fn is_guarded(source: &str, path: &str) -> bool {
    let mut any = false;
    for (at, _) in source.match_indices(path) {
        let after = source.get(at + path.len()..).unwrap_or("");
        if after.starts_with(|c: char| c.is_alphanumeric() || c == '_') {
            continue;
        }
        let after = after.trim_start();
        let rest = after.strip_prefix('|').map(str::trim_start);
        let filter = rest.is_some_and(|rest| rest.starts_with("default") || rest.starts_with("d("));
        let test = after.starts_with("is defined")
            || after.starts_with("is undefined")
            || after.starts_with("is not defined");
        any |= filter || test;
    }
    any
}

fn beside_minus(source: &str, path: &str) -> bool {
    source.match_indices(path).any(|(at, _)| {
        let before = source.get(..at).unwrap_or("");
        let after = source.get(at + path.len()..).unwrap_or("");
        let word = |c: Option<char>| c.is_some_and(char::is_alphanumeric);
        (before.ends_with('-') && word(before.chars().rev().nth(1)))
            || (after.starts_with('-') && word(after.chars().nth(1)))
    })
}

/// Keys that are spelled in brackets: `steps['get-state']`.
fn bracketed(source: &str, root: &str) -> Vec<(String, bool)> {
    let mut keys = Vec::new();
    for (at, _) in source.match_indices(root) {
        let before = source.get(..at).unwrap_or("");
        if before.ends_with(|c: char| c.is_alphanumeric() || c == '_' || c == '.') {
            continue;
        }
        let after = source.get(at + root.len()..).unwrap_or("");
        let Some(inner) = after.strip_prefix('[') else { continue };
        let quote = match inner.chars().next() {
            Some(quote @ ('\'' | '"')) => quote,
            _ => continue,
        };
        let Some((key, rest)) = inner.get(1..).and_then(|inner| inner.split_once(quote)) else { continue };
        if rest.starts_with(']') && !key.contains('\\') {
            let spelled = format!("{root}[{quote}{key}{quote}]");
            keys.push((key.to_owned(), is_guarded(source, &spelled)));
        }
    }
    keys
}
