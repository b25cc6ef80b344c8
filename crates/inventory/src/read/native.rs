//! Documents of our own kinds: `Inventory`, `Node` and `NodeGroup`.
//!
//! Everything that fits is taken in, even where something else does not, so that one misspelt key hides nothing.

use serde::Deserialize;
use serde::de::DeserializeOwned;
use windlass_model::problem::Problem;
use windlass_model::target::{Node, NodeEntry};
use windlass_model::{Value, code, name};

use super::Gathered;
use super::kinds::{InventorySpec, NodeFile, NodeGroupFile, schema_of};
use crate::contents::{Item, Level, NodeGroup, Place, Spot};

const API_VERSION: &str = windlass_model::plan::API_VERSION;
const KINDS: [&str; 3] = ["Inventory", "Node", "NodeGroup"];

/// Takes in a document.
pub(super) fn document(value: &Value, source: u32, document: u32, out: &mut Gathered) {
    let at = |index: u32| Place { source, spot: Spot::Entry { document, index } };
    let kind = match kind(value) {
        Ok(kind) => kind,
        Err(problem) => return out.wrong(problem, at(0)),
    };
    let Some(schema) = schema_of(kind) else { return };
    let misfits = windlass_lang::misfits(schema, value);
    let fits = misfits.is_empty();
    for mut problem in misfits {
        problem.address = address(value, kind, &problem.pointer);
        out.wrong(problem, at(0));
    }
    match kind {
        "Node" => {
            if let Some(file) = fitting::<NodeFile>(value, fits, at(0), out) {
                out.contents.nodes.push(Item { what: Node::from(file), place: at(0) });
            }
        }
        "NodeGroup" => {
            if let Some(file) = fitting::<NodeGroupFile>(value, fits, at(0), out) {
                out.contents.groups.push(Item { what: NodeGroup::from(file), place: at(0) });
            }
        }
        _ if fits => {
            if let Some(spec) = value.get("spec")
                && let Some(spec) = fitting::<InventorySpec>(spec, fits, at(0), out)
            {
                whole(spec, at, out);
            }
        }
        _ => parts(value.get("spec").unwrap_or(&Value::Null), at, out),
    }
}

/// Takes in an inventory that is as it should be.
pub(super) fn whole(spec: InventorySpec, at: impl Fn(u32) -> Place, out: &mut Gathered) {
    let InventorySpec { role_label, cluster, namespace, groups, nodes } = spec;
    if let Some(label) = role_label {
        take_role_label(label, at(0), out);
    }
    for (kind, level) in [("cluster", cluster), ("namespace", namespace)] {
        if let Some(level) = level {
            out.level(kind, level, at(0));
        }
    }
    let groups = groups.into_iter().zip(0..).map(|(what, index)| Item { what, place: at(index) });
    out.contents.groups.extend(groups);
    let nodes =
        nodes.into_iter().zip(0..).map(|(entry, index)| Item { what: written(entry), place: at(index) });
    out.contents.nodes.extend(nodes);
}

/// Takes in what of an inventory is as it should be.
fn parts(spec: &Value, at: impl Fn(u32) -> Place, out: &mut Gathered) {
    for kind in ["cluster", "namespace"] {
        if let Some(level) = spec.get(kind).and_then(|value| Level::deserialize(value).ok()) {
            out.level(kind, level, at(0));
        }
    }
    for (value, index) in list(spec, "groups").iter().zip(0..) {
        if let Ok(group) = NodeGroup::deserialize(value) {
            out.contents.groups.push(Item { what: group, place: at(index) });
        }
    }
    for (value, index) in list(spec, "nodes").iter().zip(0..) {
        if let Ok(entry) = NodeEntry::deserialize(value) {
            out.contents.nodes.push(Item { what: written(entry), place: at(index) });
        }
    }
}

/// The label that says a node's role can be one only.
fn take_role_label(label: String, place: Place, out: &mut Gathered) {
    match &out.contents.role_label {
        Some(known) if *known != label => {
            let message = format!("`roleLabel` is `{label}` here and `{known}` elsewhere");
            let problem = Problem::new(code::BAD_COMBINATION, "", "/spec/roleLabel", message);
            out.wrong(problem.help("give it once for all of the inventory"), place);
        }
        _ => out.contents.role_label = Some(label),
    }
}

fn written(entry: NodeEntry) -> Node {
    match entry {
        NodeEntry::Name(name) => Node::named(name),
        NodeEntry::Node(node) => *node,
    }
}

fn list<'a>(spec: &'a Value, key: &str) -> &'a [Value] {
    spec.get(key).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// A value of this type. That it is none although it fits the schema is said as it is found.
fn fitting<T: DeserializeOwned>(value: &Value, fits: bool, place: Place, out: &mut Gathered) -> Option<T> {
    match T::deserialize(value) {
        Ok(value) => Some(value),
        Err(why) => {
            if fits {
                out.wrong(Problem::new(code::WRONG_TYPE, "", "", why.to_string()), place);
            }
            None
        }
    }
}

/// Which kind a document is of.
fn kind(value: &Value) -> Result<&'static str, Problem> {
    let help = format!(
        "an inventory begins with `apiVersion: {API_VERSION}` and `kind: Inventory`, or has the form that Ansible reads"
    );
    let wrong = |pointer: &str, message: String| Problem::new(code::WRONG_KIND, "", pointer, message);
    let known = match value.get("kind").and_then(Value::as_str) {
        Some("Plan") => {
            let message = "this is a plan, where an inventory is expected".to_owned();
            return Err(
                wrong("/kind", message).help("plans are arguments; --inventory takes nodes and groups")
            );
        }
        Some(kind) => match KINDS.into_iter().find(|known| *known == kind) {
            Some(known) => known,
            None => {
                let problem = wrong("/kind", format!("`{kind}` is not a kind that an inventory has"));
                return Err(problem.help(match name::nearest(kind, KINDS) {
                    Some(near) => format!("did you mean `{near}`?"),
                    None => format!("there are: {}", KINDS.join(", ")),
                }));
            }
        },
        None if value.get("spec").is_some() || value.get("apiVersion").is_some() => "Inventory",
        None => return Err(wrong("", "this is no inventory".to_owned()).help(help)),
    };
    match value.get("apiVersion").and_then(Value::as_str) {
        Some(version) if version != API_VERSION => {
            let message = format!("`{version}` is not a version that is known here");
            Err(wrong("/apiVersion", message).help(format!("this program reads `{API_VERSION}`")))
        }
        _ => Ok(known),
    }
}

/// What a pointer leads into, in words.
fn address(value: &Value, kind: &str, pointer: &str) -> String {
    let name = |value: Option<&Value>, what: &str| match value.and_then(Value::as_str) {
        Some(name) => format!("{what} {name}"),
        None => String::new(),
    };
    let own = value.pointer("/metadata/name");
    match kind {
        "Node" => return name(own, "node"),
        "NodeGroup" => return name(own, "group"),
        _ => {}
    }
    let mut steps = pointer.split('/').skip(2);
    match (steps.next(), steps.next()) {
        (Some(list @ ("nodes" | "groups")), Some(index)) => {
            let what = list.trim_end_matches('s');
            let entry = value.pointer(&format!("/spec/{list}/{index}"));
            let named = entry.and_then(|entry| entry.get("name")).or(entry);
            name(named, what)
        }
        (Some(level @ ("cluster" | "namespace")), _) => level.to_owned(),
        _ => String::new(),
    }
}

/// Where in a document something stands that is said to be at `/spec/nodes/3/name`: a document of one node has its
/// name elsewhere.
pub(super) fn pointer(document: &Value, pointer: &str) -> String {
    let (list, metadata): (&str, &[&str]) = match document.get("kind").and_then(Value::as_str) {
        Some("Node") => ("/spec/nodes/", &["name", "labels"]),
        Some("NodeGroup") => ("/spec/groups/", &["name", "description"]),
        _ => return pointer.to_owned(),
    };
    let Some(rest) = pointer.strip_prefix(list) else { return pointer.to_owned() };
    let key = rest.split_once('/').map_or("", |(_, key)| key);
    let first = key.split('/').next().unwrap_or_default();
    match metadata.contains(&first) {
        true => format!("/metadata/{key}"),
        false => format!("/spec/{key}"),
    }
}
