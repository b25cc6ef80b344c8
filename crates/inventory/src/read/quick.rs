//! The short way for the long lists: nodes in plain YAML, without places and without a tree of values.
//!
//! ```text
//! spec:
//!   groups: ...      ┐ the rest: read as any other document, with `nodes: []`
//!   nodes:           ┘
//!     - {name: ...}  ┐
//!     - name: ...    ┘ one by one: raw (what is written) ─► node
//! ```
//!
//! It reads a strict part of YAML: flow maps on one line, block maps, plain and quoted scalars. Whatever it is not sure
//! of (an anchor, an escape, a value of an unexpected type, a key twice) makes it give up, and the text is read the long
//! way. So it can be fast without being another YAML: what it does read, it reads as the long way does.

use windlass_model::Value;

use super::{Gathered, Text, native};
use crate::contents::{Item, Place, Spot};

mod node;
mod raw;

use self::raw::Lines;

/// Takes in a text, if it is of the plain sort; says whether it was.
pub(super) fn take(text: &Text, source: u32, out: &mut Gathered) -> bool {
    let Some(cut) = Cut::of(text.source.text()) else { return false };
    let rest = windlass_lang::parse(text.source.name(), &cut.rest);
    let Some([rest]) = rest.as_deref().ok() else { return false };
    // The list was cut out of where lists of nodes belong, and of nowhere else.
    let is_ours = rest.value.get("kind").and_then(Value::as_str) == Some("Inventory");
    if !is_ours || rest.value.pointer("/spec/nodes") != Some(&Value::Array(Vec::new())) {
        return false;
    }
    let mut own = Gathered::default();
    native::document(&rest.value, source, 0, &mut own);
    let is_odd = !own.problems.is_empty() || !own.warnings.is_empty();
    // Levels and the label of roles are compared with those of other texts: the long way does that.
    if is_odd || own.contents.cluster.is_some() && out.contents.cluster.is_some() {
        return false;
    }
    if own.contents.namespace.is_some() && out.contents.namespace.is_some()
        || own.contents.role_label.is_some() && out.contents.role_label.is_some()
    {
        return false;
    }
    let mut nodes = Vec::new();
    let mut lines = Lines::of(cut.nodes);
    let mut index = 0;
    while let Some(entry) = lines.entry(cut.indent) {
        let Some(what) = entry.and_then(node::node) else { return false };
        nodes.push(Item { what, place: Place { source, spot: Spot::Entry { document: 0, index } } });
        index += 1;
    }
    let contents = &mut out.contents;
    contents.cluster = own.contents.cluster.or(contents.cluster.take());
    contents.namespace = own.contents.namespace.or(contents.namespace.take());
    contents.role_label = own.contents.role_label.or(contents.role_label.take());
    contents.groups.append(&mut own.contents.groups);
    if contents.nodes.is_empty() {
        contents.nodes = nodes;
    } else {
        contents.nodes.append(&mut nodes);
    }
    true
}

/// A text with its list of nodes cut out.
struct Cut<'a> {
    rest: String,
    nodes: &'a str,
    /// How far the dashes of the list are indented.
    indent: usize,
}

// === impl Cut ===

impl<'a> Cut<'a> {
    /// Finds the list below the key `nodes` of `spec`; nothing where there is none, or where it is not certain.
    fn of(text: &'a str) -> Option<Self> {
        let mut at = 0;
        let mut in_spec = false;
        let mut inner: Option<usize> = None;
        let mut list: Option<(usize, usize)> = None;
        for line in text.split_inclusive('\n') {
            let start = at;
            at += line.len();
            let Some(indent) = indent(line) else { continue };
            let bare = line.trim_end();
            if indent == 0 {
                in_spec = bare == "spec:";
                inner = None;
                continue;
            }
            if in_spec && *inner.get_or_insert(indent) == indent && bare.get(indent..) == Some("nodes:") {
                list = Some((start, at));
                break;
            }
        }
        let (key, begins) = list?;
        let key_indent = indent(text.get(key..)?)?;
        let below = text.get(begins..)?;
        let first = below.split_inclusive('\n').find_map(indent)?;
        if first < key_indent {
            return None;
        }
        let mut length = 0;
        for line in below.split_inclusive('\n') {
            let ends = match indent(line) {
                None => false,
                Some(indent) => {
                    indent < first
                        || indent == first && !line.get(indent..).is_some_and(|it| it.starts_with("- "))
                }
            };
            if ends {
                break;
            }
            length += line.len();
        }
        let (nodes, after) = below.split_at_checked(length)?;
        let rest = format!("{}{:key_indent$}nodes: []\n{after}", text.get(..key)?, "");
        Some(Self { rest, nodes, indent: first })
    }
}

/// How far a line is indented; nothing for one that is empty or a comment.
fn indent(line: &str) -> Option<usize> {
    let bare = line.trim_start_matches(' ');
    let is_content = !bare.trim_end().is_empty() && !bare.starts_with('#');
    is_content.then(|| line.len() - bare.len())
}

#[cfg(test)]
mod tests;
