//! Between pointers into a document, addresses of elements and places in the text.

use std::ops::Range;

use windlass_model::problem::Problem;
use windlass_model::{Value, code};

use crate::findings::Found;
use crate::source::Source;
use crate::spans::SpanTree;

/// How long a number may be that is quoted.
const LONGEST: usize = 60;

/// A problem at its place in the text: a scalar itself, the key of something larger, the first line
/// of what has no key.
pub(crate) fn found(mut problem: Problem, document: &Value, spans: &SpanTree, source: &Source) -> Found {
    let located = spans.locate(document, &problem.pointer);
    if located.exact {
        as_written(&mut problem, located.value, source.text().get(located.range.bytes()).unwrap_or(""));
    }
    let structured = located.value.is_array() || located.value.is_object();
    // What is unknown, unread or unheeded is the key, whatever stands behind it.
    let is_key = problem.code == code::UNKNOWN_KEY || problem.code.is_warning();
    let range = match located.key {
        Some(key) if structured || is_key || !located.exact => key,
        _ => located.range,
    };
    let bytes = range.bytes();
    // What is nothing at all (`name:`) is shown at its key.
    let bytes = match located.key {
        Some(key) if bytes.is_empty() => key.bytes(),
        _ => bytes,
    };
    let mut bytes = source.first_line(narrowed(&problem, source, bytes));
    // A brace alone tells nobody which of many it is.
    if matches!(source.text().get(bytes.clone()), Some("{" | "[")) {
        let name = spans.locate(document, &format!("{}/name", problem.pointer));
        if name.exact {
            bytes = source.first_line(name.range.bytes());
        }
    }
    Found::at(problem, bytes)
}

/// A number is quoted as it was written: `0x10` and `1e5`, not what they come to.
fn as_written(problem: &mut Problem, value: &Value, written: &str) {
    if !value.is_number() || written.is_empty() || written.len() > LONGEST {
        return;
    }
    let read = value.to_string();
    if read != written {
        problem.message = problem.message.replacen(&format!("`{read}`"), &format!("`{written}`"), 1);
        let help = problem.help.take();
        problem.help = help.map(|help| help.replacen(&format!("\"{read}\""), &format!("\"{written}\""), 1));
    }
}

/// Where in a text the thing stands that a problem names: `params.relese` of a long script.
fn narrowed(problem: &Problem, source: &Source, bytes: Range<usize>) -> Range<usize> {
    let message = problem.message.as_str();
    let named = if problem.code == code::UNKNOWN_NAME {
        message.split(' ').find_map(|word| {
            let bare = word.trim_matches('`');
            (bare.contains('.') || word != bare).then_some(bare)
        })
    } else if problem.code == code::TEMPLATE_SYNTAX {
        message.split('`').nth(1)
    } else {
        None
    };
    let text = source.text().get(bytes.clone()).unwrap_or("");
    let at = named.filter(|named| !named.is_empty()).and_then(|named| Some((text.find(named)?, named.len())));
    at.map_or(bytes.clone(), |(at, length)| bytes.start + at..bytes.start + at + length)
}

/// The address of the element that a pointer leads into, as far as its names are given.
pub(crate) fn address_of(document: &Value, pointer: &str) -> String {
    let mut address = String::new();
    let mut at = document;
    let mut segments = pointer.split('/').skip(1).map(|key| key.replace("~1", "/").replace("~0", "~"));
    let mut list = String::new();
    let mut set: Option<String> = None;
    while let Some(segment) = segments.next() {
        let Some(next) = child(at, &segment) else { break };
        match (list.as_str(), &*segment) {
            (_, "stepsets") => {
                if let Some(name) = segments.next() {
                    at = next.get(&name).unwrap_or(&Value::Null);
                    set = Some(name).filter(|name| name != windlass_model::plan::DEFAULT_STEP_SET);
                    list.clear();
                    continue;
                }
            }
            (_, "params") if address.is_empty() => {
                return match segments.next() {
                    Some(name) => format!("params.{name}"),
                    None => address,
                };
            }
            (_, "undo") if next.is_object() => address.push_str("!undo"),
            (_, "with" | "vars" | "save") => return address,
            ("blocks", index) | ("sequences" | "actions" | "deferred" | "sequence", index)
                if index.bytes().all(|byte| byte.is_ascii_digit()) =>
            {
                let name = next.get("name").and_then(Value::as_str).filter(|name| !name.trim().is_empty());
                let name = name.map_or_else(|| format!("[{index}]"), str::to_owned);
                match (&set, address.is_empty()) {
                    (Some(set), true) => address = format!("{set}:{name}"),
                    (None, true) => address = name,
                    _ => address = format!("{address}/{name}"),
                }
            }
            ("bypass" | "pre" | "continuous" | "post" | "checks.deferred", index)
                if index.bytes().all(|byte| byte.is_ascii_digit()) =>
            {
                let name = next.get("name").and_then(Value::as_str).unwrap_or(index);
                let slot = list.trim_start_matches("checks.");
                let prefix = if address.is_empty() { String::new() } else { format!("{address}/") };
                address = format!("{prefix}checks.{slot}/{name}");
            }
            ("verify" | "verifyAfter", index) if index.bytes().all(|byte| byte.is_ascii_digit()) => {
                let name = next.get("name").or_else(|| next.get("use")).and_then(Value::as_str);
                address = format!("{address}!{list}/{}", name.unwrap_or(index));
            }
            _ => {}
        }
        if segment == "sequence" {
            address.push_str("/*");
        }
        if segment == "deferred" && list != "checks" && next.is_array() {
            "deferred".clone_into(&mut address);
        }
        list = if list == "checks" && segment == "deferred" { "checks.deferred".to_owned() } else { segment };
        at = next;
    }
    address
}

fn child<'a>(value: &'a Value, segment: &str) -> Option<&'a Value> {
    match value {
        Value::Array(items) => items.get(segment.parse::<usize>().ok()?),
        other => other.get(segment),
    }
}
