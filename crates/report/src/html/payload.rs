//! Requests and responses: JSON as a person would lay it out.

use std::io::{self, Write as _};

use windlass_model::Value;
use windlass_model::payload::Payload;

use super::page::{Foreign, Page, escape};
use crate::{legible, words};

/// How much of one text is shown.
const TEXT: usize = 4_000;
/// How many keys of one object are shown.
const KEYS: usize = 60;

/// A payload under a heading; texts of several lines as they are, the rest as JSON.
pub(super) fn write(page: &mut Page<'_>, title: &str, payload: &Payload) -> io::Result<()> {
    if !page.has_room() {
        return Ok(());
    }
    match payload.value() {
        Value::Null => Ok(()),
        Value::Object(fields) if fields.is_empty() => Ok(()),
        Value::Object(fields) => {
            write!(page, "<dl class=\"io\" title=\"{title}\">")?;
            for (key, value) in fields.iter().take(KEYS) {
                field(page, key, value)?;
            }
            if let Some(more) = fields.len().checked_sub(KEYS).filter(|more| *more > 0) {
                write!(page, "<dt>and {more} more</dt><dd></dd>")?;
            }
            writeln!(page, "</dl>")
        }
        value => {
            write!(page, "<dl class=\"io\">")?;
            field(page, title, &value)?;
            writeln!(page, "</dl>")
        }
    }
}

fn field(page: &mut Page<'_>, key: &str, value: &Value) -> io::Result<()> {
    let key = Foreign(key);
    match value {
        Value::String(text) if text.trim_end().contains('\n') || text.chars().count() > 100 => {
            write!(page, "<dt>{key}</dt><dd class=\"big\">")?;
            pre(page, text.trim_end())?;
            write!(page, "</dd>")
        }
        Value::String(text) if text.is_empty() => {
            write!(page, "<dt>{key}</dt><dd class=\"faint\">empty</dd>")
        }
        Value::String(text) => write!(page, "<dt>{key}</dt><dd class=\"m\">{}</dd>", Foreign(text)),
        Value::Array(_) | Value::Object(_) => {
            let short = value.to_string();
            if short.chars().count() <= 100 {
                return write!(page, "<dt>{key}</dt><dd class=\"m\">{}</dd>", Foreign(&short));
            }
            write!(page, "<dt>{key}</dt><dd class=\"big\">")?;
            pre(page, &serde_json::to_string_pretty(value).unwrap_or(short))?;
            write!(page, "</dd>")
        }
        other => write!(page, "<dt>{key}</dt><dd class=\"m\">{}</dd>", Foreign(&other.to_string())),
    }
}

pub(super) fn pre(page: &mut Page<'_>, text: &str) -> io::Result<()> {
    let (shown, cut) = legible::block(text, TEXT);
    let mut escaped = String::with_capacity(shown.len());
    // Writing into a string cannot fail.
    let _ = escape(&shown, &mut escaped);
    write!(page, "<pre dir=\"auto\">{escaped}</pre>")?;
    if cut > 0 {
        write!(page, "<p class=\"faint\">{} left out</p>", words::count(cut as u64, "more character"))?;
    }
    Ok(())
}
