//! From what is written to a node; a value of a type that is not expected is given up.

use std::sync::{Arc, LazyLock};

use serde::Deserialize as _;
use windlass_model::target::Node;
use windlass_model::texts::Texts;
use windlass_model::transport::Transport;
use windlass_model::{Map, Value};

use super::raw::Raw;

/// The node that an entry of the list is.
pub(super) fn node(raw: Raw<'_>) -> Option<Node> {
    let fields = match raw {
        Raw::Map(fields) => fields,
        name => return Some(Node::named(text(name)?)),
    };
    let mut node = Node::default();
    let mut seen = 0_u16;
    for (key, raw) in fields {
        let bit: u16 = match key {
            "name" => 1,
            "labels" => 1 << 1,
            "vars" => 1 << 2,
            "groups" => 1 << 3,
            "addresses" => 1 << 4,
            "parent" => 1 << 5,
            "roles" => 1 << 6,
            "transport" => 1 << 7,
            "facts" => 1 << 8,
            "active" => 1 << 9,
            _ => return None,
        };
        if seen & bit != 0 {
            return None;
        }
        seen |= bit;
        match key {
            "name" => node.name = text(raw)?.to_owned(),
            "labels" => {
                let Raw::Map(labels) = raw else { return None };
                node.labels.reserve(labels.len());
                for (key, value) in labels {
                    if node.labels.insert(key.to_owned(), text(value)?.to_owned()).is_some() {
                        return None;
                    }
                }
            }
            "vars" => node.vars = map(raw)?,
            "groups" => node.groups = texts(raw)?,
            "addresses" => node.addresses = texts(raw)?,
            "parent" => node.parent = Some(text(raw)?.to_owned()),
            "roles" => node.roles = texts(raw)?,
            "transport" => node.transport = Some(Arc::new(transport(raw)?)),
            "facts" => node.facts = map(raw)?,
            _ => {
                node.active = match raw {
                    Raw::Plain("true") => true,
                    Raw::Plain("false") => false,
                    _ => return None,
                }
            }
        }
    }
    (seen & 1 != 0).then_some(node)
}

/// A text; something without quotes is one only if it is nothing else.
fn text(raw: Raw<'_>) -> Option<&str> {
    match raw {
        Raw::Quoted(text) => Some(text),
        Raw::Plain(text) => {
            let first = text.bytes().next()?;
            // Words that are no texts are short, and what begins like a number may be one.
            let is_certain =
                (first.is_ascii_alphabetic() && text.len() > 5) || first == b'_' || first == b'/';
            (is_certain || windlass_lang::scalar(text).is_string()).then_some(text)
        }
        _ => None,
    }
}

fn texts(raw: Raw<'_>) -> Option<Texts> {
    match raw {
        Raw::List(items) => {
            items.into_iter().map(|item| text(item).map(str::to_owned)).collect::<Option<Texts>>()
        }
        one => Some(vec![text(one)?.to_owned()].into()),
    }
}

fn value(raw: Raw<'_>) -> Option<Value> {
    Some(match raw {
        Raw::Plain(text) => windlass_lang::scalar(text),
        Raw::Quoted(text) => Value::from(text),
        Raw::List(items) => Value::Array(items.into_iter().map(value).collect::<Option<_>>()?),
        raw @ Raw::Map(_) => Value::Object(map(raw)?),
    })
}

fn map(raw: Raw<'_>) -> Option<Map> {
    let Raw::Map(fields) = raw else { return None };
    let mut map = Map::new();
    for (key, raw) in fields {
        if map.insert(key.to_owned(), value(raw)?).is_some() {
            return None;
        }
    }
    Some(map)
}

/// Settings that fit the schema. That they can be made of a value is not enough: a list gives some by position, too.
fn transport(raw: Raw<'_>) -> Option<Transport> {
    static SCHEMA: LazyLock<Value> = LazyLock::new(|| schemars::schema_for!(Transport).to_value());
    let value = value(raw)?;
    if windlass_lang::misfits(&SCHEMA, &value).is_empty() {
        Transport::deserialize(&value).ok()
    } else {
        None
    }
}
