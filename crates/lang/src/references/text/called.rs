//! Filters and tests that there are not. The engine finds out only when it calls them, which is too late.

use minijinja::ErrorKind;

use super::Text;
use crate::evaluator::{Kind, environment};

/// A filter or test in a text that nobody knows.
pub(super) fn unknown(kind: Kind, source: &str) -> Option<Text> {
    let mut state = environment().empty_state();
    for code in codes(kind, source) {
        for (mark, name) in calls(&code) {
            let (result, what) = match mark {
                Mark::Pipe => (state.apply_filter(&name, &[]).map(drop), "filter"),
                Mark::Is => (state.perform_test(&name, &[]).map(drop), "test"),
            };
            let missing = |error: &minijinja::Error| {
                matches!(error.kind(), ErrorKind::UnknownFilter | ErrorKind::UnknownTest)
            };
            if result.as_ref().is_err_and(missing) {
                return Some(Text::Broken { message: format!("there is no {what} `{name}`"), help: None });
            }
        }
    }
    None
}

#[derive(Clone, Copy)]
enum Mark {
    Pipe,
    Is,
}

/// What stands between the braces of a template; an expression is that itself.
pub(super) fn codes(kind: Kind, source: &str) -> Vec<String> {
    if kind == Kind::Expression {
        return vec![source.to_owned()];
    }
    let mut codes = Vec::new();
    let mut raw = false;
    let mut rest = source;
    while let Some(open) = rest.find(['{']) {
        rest = rest.get(open..).unwrap_or("");
        let close = match rest.get(..2) {
            Some("{{") if !raw => "}}",
            Some("{%") => "%}",
            Some("{#") if !raw => "#}",
            _ => {
                rest = rest.get(1..).unwrap_or("");
                continue;
            }
        };
        let inner = rest.get(2..).unwrap_or("");
        let Some(end) = inner.find(close) else { break };
        let code = inner.get(..end).unwrap_or("");
        match code.trim_matches(|c: char| c == '-' || c == '+' || c.is_whitespace()) {
            "raw" => raw = true,
            "endraw" => raw = false,
            _ if close != "#}" && !raw => codes.push(code.to_owned()),
            _ => {}
        }
        rest = inner.get(end + 2..).unwrap_or("");
    }
    codes
}

/// The names that stand after `|` and after `is`, outside of quotes.
fn calls(code: &str) -> Vec<(Mark, String)> {
    let mut calls = Vec::new();
    let mut words: Vec<String> = Vec::new();
    let mut chars = code.chars().peekable();
    while let Some(c) = chars.next() {
        if c == '\'' || c == '"' {
            while let Some(inside) = chars.next() {
                if inside == '\\' {
                    chars.next();
                } else if inside == c {
                    break;
                }
            }
            words.push("''".to_owned());
        } else if c.is_alphabetic() || c == '_' {
            let mut word = String::from(c);
            while let Some(more) = chars.next_if(|c| c.is_alphanumeric() || *c == '_') {
                word.push(more);
            }
            let before: Vec<&str> = words.iter().rev().take(2).map(String::as_str).collect();
            match before.as_slice() {
                ["|", ..] => calls.push((Mark::Pipe, word.clone())),
                ["is", ..] if word != "not" => calls.push((Mark::Is, word.clone())),
                ["not", "is"] => calls.push((Mark::Is, word.clone())),
                _ => {}
            }
            words.push(word);
        } else if !c.is_whitespace() {
            words.push(c.to_string());
        }
    }
    calls
}
