//! Events to values and places, with an explicit stack, so that depth is ours to limit.

use std::borrow::Cow;
use std::collections::BTreeMap;

use granit_parser::{ScalarStyle, Tag};
use windlass_model::code::{self, Code};
use windlass_model::problem::Problem;
use windlass_model::{Map, Value};

use super::{Document, MAX_ALIAS_NODES, MAX_DEPTH, MAX_NODES, scalar};
use crate::findings::Found;
use crate::spans::{Parts, Range, SpanTree};

/// The most problems that are worth listing.
const MAX_PROBLEMS: usize = 1000;

#[derive(Default)]
pub(super) struct Builder {
    pub(super) documents: Vec<Document>,
    pub(super) problems: Vec<Found>,
    stack: Vec<Frame>,
    root: Option<(Value, SpanTree)>,
    anchors: BTreeMap<usize, Anchored>,
    nodes: usize,
    alias_nodes: usize,
}

struct Anchored {
    value: Value,
    spans: SpanTree,
    nodes: usize,
}

struct Frame {
    anchor: usize,
    start: Range,
    nodes_before: usize,
    kind: Kind,
}

enum Kind {
    List { items: Vec<Value>, spans: Vec<SpanTree> },
    Map { map: Map, spans: Vec<(Range, SpanTree)>, key: Option<(String, Range)> },
}

enum Scalar {
    Value(Value),
    Key(String),
}

fn problem(code: Code, message: impl Into<String>, range: Range) -> Box<Found> {
    Box::new(Found::at(Problem::new(code, "", "", message), range.bytes()))
}

// === impl Builder ===

impl Builder {
    pub(super) fn end_document(&mut self) {
        self.anchors.clear();
        self.stack.clear();
        if let Some((value, spans)) = self.root.take()
            && !value.is_null()
        {
            self.documents.push(Document { value, spans });
        }
    }

    pub(super) fn scalar(
        &mut self,
        text: Cow<'_, str>,
        style: ScalarStyle,
        anchor: usize,
        tag: Option<&Tag>,
        range: Range,
    ) -> Result<(), Box<Found>> {
        self.count(1, range)?;
        let scalar = if self.expects_key() {
            Scalar::Key(text.into_owned())
        } else {
            Scalar::Value(value_of(text, style, tag, range)?)
        };
        match scalar {
            Scalar::Key(key) => {
                if anchor > 0 {
                    let value = Value::String(key.clone());
                    self.anchors.insert(anchor, Anchored { value, spans: SpanTree::leaf(range), nodes: 1 });
                }
                self.key(key, range);
            }
            Scalar::Value(value) => {
                let spans = SpanTree::leaf(range);
                if anchor > 0 {
                    self.anchors
                        .insert(anchor, Anchored { value: value.clone(), spans: spans.clone(), nodes: 1 });
                }
                self.place(value, spans);
            }
        }
        Ok(())
    }

    pub(super) fn alias(&mut self, id: usize, range: Range) -> Result<(), Box<Found>> {
        let Some(anchored) = self.anchors.get(&id) else {
            return Err(problem(code::TOO_LARGE, "an alias stands inside of what it refers to", range));
        };
        self.alias_nodes = self.alias_nodes.saturating_add(anchored.nodes);
        if self.alias_nodes > MAX_ALIAS_NODES {
            let message = format!("aliases repeat more than {MAX_ALIAS_NODES} values");
            return Err(problem(code::TOO_LARGE, message, range));
        }
        let (value, spans, nodes) = (anchored.value.clone(), anchored.spans.clone(), anchored.nodes);
        if self.stack.len() + depth(&value) > MAX_DEPTH {
            return Err(too_deep(range));
        }
        self.count(nodes, range)?;
        if self.expects_key() {
            match value {
                Value::String(key) => self.key(key, range),
                _ => return Err(problem(code::WRONG_TYPE, "a key must be a text", range)),
            }
        } else {
            self.place(value, spans);
        }
        Ok(())
    }

    pub(super) fn start_list(
        &mut self,
        anchor: usize,
        tag: Option<&Tag>,
        range: Range,
    ) -> Result<(), Box<Found>> {
        self.start(anchor, tag, "seq", range, Kind::List { items: Vec::new(), spans: Vec::new() })
    }

    pub(super) fn start_map(
        &mut self,
        anchor: usize,
        tag: Option<&Tag>,
        range: Range,
    ) -> Result<(), Box<Found>> {
        self.start(anchor, tag, "map", range, Kind::Map { map: Map::new(), spans: Vec::new(), key: None })
    }

    fn start(
        &mut self,
        anchor: usize,
        tag: Option<&Tag>,
        natural: &str,
        range: Range,
        kind: Kind,
    ) -> Result<(), Box<Found>> {
        if self.expects_key() {
            let mut found = problem(code::WRONG_TYPE, "a key must be a text", range);
            if natural == "map" {
                let help = "a template that begins a value must stand in quotes: \"{{ params.release }}\"";
                found.problem.help = Some(help.to_owned());
            }
            return Err(found);
        }
        if let Some(tag) = tag.filter(|tag| tag.core_suffix() != Some(natural)) {
            return Err(foreign_tag(tag, range));
        }
        if self.stack.len() >= MAX_DEPTH {
            return Err(too_deep(range));
        }
        self.count(1, range)?;
        self.stack.push(Frame { anchor, start: range, nodes_before: self.nodes, kind });
        Ok(())
    }

    pub(super) fn end(&mut self, range: Range) -> Result<(), Box<Found>> {
        let Some(frame) = self.stack.pop() else { return Ok(()) };
        let whole = frame.start.to(range);
        let (value, spans) = match frame.kind {
            Kind::List { items, spans } => (Value::Array(items), SpanTree::new(whole, Parts::List(spans))),
            Kind::Map { mut map, mut spans, .. } => {
                merge(&mut map, &mut spans);
                (Value::Object(map), SpanTree::new(whole, Parts::Map(spans)))
            }
        };
        if frame.anchor > 0 {
            let nodes = self.nodes.saturating_sub(frame.nodes_before).saturating_add(1);
            self.anchors.insert(frame.anchor, Anchored { value: value.clone(), spans: spans.clone(), nodes });
        }
        self.place(value, spans);
        Ok(())
    }

    fn count(&mut self, nodes: usize, range: Range) -> Result<(), Box<Found>> {
        self.nodes = self.nodes.saturating_add(nodes);
        if self.nodes > MAX_NODES {
            let message = format!("the file has more than {MAX_NODES} values");
            return Err(problem(code::TOO_LARGE, message, range));
        }
        Ok(())
    }

    fn expects_key(&self) -> bool {
        matches!(self.stack.last(), Some(Frame { kind: Kind::Map { key: None, .. }, .. }))
    }

    fn key(&mut self, text: String, range: Range) {
        if let Some(Frame { kind: Kind::Map { key, .. }, .. }) = self.stack.last_mut() {
            *key = Some((text, range));
        }
    }

    fn place(&mut self, value: Value, tree: SpanTree) {
        match self.stack.last_mut().map(|frame| &mut frame.kind) {
            None => self.root = Some((value, tree)),
            Some(Kind::List { items, spans }) => {
                items.push(value);
                spans.push(tree);
            }
            Some(Kind::Map { map, spans, key }) => {
                let Some((name, range)) = key.take() else { return };
                if map.contains_key(&name) {
                    if self.problems.len() < MAX_PROBLEMS {
                        let message = format!("the key `{name}` is given twice");
                        self.problems.push(*problem(code::DUPLICATE_KEY, message, range));
                    }
                    return;
                }
                map.insert(name, value);
                spans.push((range, tree));
            }
        }
    }
}

/// `<<: *base` adds the keys of `base` that are not given.
fn merge(map: &mut Map, spans: &mut Vec<(Range, SpanTree)>) {
    let Some(at) = map.keys().position(|key| key == "<<") else { return };
    let mergeable = match map.get("<<") {
        Some(Value::Object(_)) => true,
        Some(Value::Array(items)) => !items.is_empty() && items.iter().all(Value::is_object),
        _ => false,
    };
    if !mergeable || at >= spans.len() {
        return;
    }
    let Some(base) = map.shift_remove("<<") else { return };
    let (_, tree) = spans.remove(at);
    let sources = match (base, tree.into_parts()) {
        (Value::Object(base), Parts::Map(parts)) => vec![(base, parts)],
        (Value::Array(items), Parts::List(trees)) => items
            .into_iter()
            .zip(trees)
            .filter_map(|(item, tree)| match (item, tree.into_parts()) {
                (Value::Object(base), Parts::Map(parts)) => Some((base, parts)),
                _ => None,
            })
            .collect(),
        _ => Vec::new(),
    };
    for ((key, value), place) in sources.into_iter().flat_map(|(base, parts)| base.into_iter().zip(parts)) {
        if !map.contains_key(&key) {
            map.insert(key, value);
            spans.push(place);
        }
    }
}

fn value_of(
    text: Cow<'_, str>,
    style: ScalarStyle,
    tag: Option<&Tag>,
    range: Range,
) -> Result<Value, Box<Found>> {
    let Some(tag) = tag else {
        return Ok(match style {
            ScalarStyle::Plain => scalar::plain(&text),
            _ => Value::String(text.into_owned()),
        });
    };
    let misfit = |what: &str| problem(code::WRONG_TYPE, format!("`{text}` is not {what}"), range);
    match tag.core_suffix() {
        Some("str") => Ok(Value::String(text.into_owned())),
        Some("int") => {
            scalar::number(&text).filter(|n| n.is_i64() || n.is_u64()).ok_or_else(|| misfit("an integer"))
        }
        Some("float") => scalar::number(&text).ok_or_else(|| misfit("a number")),
        Some("bool") => {
            Some(scalar::plain(&text)).filter(Value::is_boolean).ok_or_else(|| misfit("true or false"))
        }
        Some("null") => Ok(Value::Null),
        _ => Err(foreign_tag(tag, range)),
    }
}

fn foreign_tag(tag: &Tag, range: Range) -> Box<Found> {
    problem(code::WRONG_TYPE, format!("the tag {} means nothing here", tag.original()), range)
}

fn too_deep(range: Range) -> Box<Found> {
    problem(code::TOO_LARGE, format!("values are nested deeper than {MAX_DEPTH}"), range)
}

/// How deep a value goes. Values on the stack are never deeper than the limit, so this may recurse.
fn depth(value: &Value) -> usize {
    match value {
        Value::Array(items) => 1 + items.iter().map(depth).max().unwrap_or(0),
        Value::Object(map) => 1 + map.values().map(depth).max().unwrap_or(0),
        _ => 0,
    }
}
