//! Nodes: series written out, names looked at, parents found, roles assigned.

use std::collections::{BTreeMap, HashMap};

use windlass_model::code;
use windlass_model::freeze::MAX_NODES;
use windlass_model::name;
use windlass_model::pattern::{self, Refused};
use windlass_model::target::Node;
use windlass_model::texts::Texts;

use super::index::{NONE, Names};
use super::{About, Findings, circle};
use crate::contents::{Item, Place};
use crate::set::Ids;

/// Every node by itself: a series becomes as many as it stands for.
pub(super) fn written_out(nodes: Vec<Item<Node>>, findings: &mut Findings) -> Vec<Item<Node>> {
    let mut written = Vec::with_capacity(nodes.len());
    for item in nodes {
        if !pattern::is_pattern(&item.what.name)
            && !item.what.addresses.iter().any(|it| pattern::is_pattern(it))
        {
            add(item, &mut written, findings);
            continue;
        }
        series(&item, &mut written, findings);
    }
    written
}

fn series(item: &Item<Node>, written: &mut Vec<Item<Node>>, findings: &mut Findings) {
    let Item { what: node, place } = item;
    let about = About::Node(&node.name);
    let room = MAX_NODES.saturating_sub(written.len());
    let names: Vec<String> = match pattern::expand(&node.name, room) {
        Ok(names) => names.collect(),
        Err(why) => {
            let message = match why {
                Refused::NeedsInventory => {
                    format!("`{}` is no name: a node cannot be called after a pattern", node.name)
                }
                Refused::TooMany => format!("`{}` stands for more than {room} nodes", node.name),
                Refused::Malformed(why) => format!("`{}` is no name and no series: {why}", node.name),
            };
            let code = if why == Refused::TooMany { code::TOO_MANY } else { code::BAD_PATTERN };
            findings.wrong(code, about, *place, "/name", message);
            return;
        }
    };
    let mut columns: Vec<Vec<String>> = Vec::new();
    for (index, address) in node.addresses.iter().enumerate() {
        let column: Vec<String> = match pattern::expand(address, MAX_NODES) {
            Ok(addresses) => addresses.collect(),
            Err(_) => vec![address.clone()],
        };
        if column.len() == names.len() {
            columns.push(column);
            continue;
        }
        if column.len() > 1 {
            let (addresses, nodes) = (column.len(), names.len());
            let message =
                format!("`{address}` stands for {addresses} addresses, and there are {nodes} nodes");
            findings.wrong(code::BAD_PATTERN, about, *place, &format!("/addresses/{index}"), message);
            return;
        }
        let message = format!("`{address}` is the same address for {} nodes", names.len());
        let problem =
            findings.wrong(code::BAD_PATTERN, about, *place, &format!("/addresses/{index}"), message);
        if let Some(problem) = problem {
            problem.help = Some(format!("write one for each, such as 10.0.0.[1-{}]", names.len()));
        }
        return;
    }
    for (index, name) in names.into_iter().enumerate() {
        let addresses = columns.iter().filter_map(|column| column.get(index).cloned()).collect::<Vec<_>>();
        let node = Node { name, addresses: addresses.into(), ..node.clone() };
        add(Item { what: node, place: *place }, written, findings);
    }
}

fn add(item: Item<Node>, written: &mut Vec<Item<Node>>, findings: &mut Findings) {
    let node = &item.what;
    if node.name.trim().is_empty() {
        findings.wrong(code::BLANK_NAME, About::Node(""), item.place, "/name", "a node has no name");
        return;
    }
    let about = About::Node(&node.name);
    if !name::is_target(&node.name) {
        let message = format!("`{}` cannot name a node", node.name);
        if let Some(problem) = findings.wrong(code::BAD_NAME, about, item.place, "/name", message) {
            let help = "use letters, digits and - _ . : @ %, beginning with a letter or digit";
            problem.help = Some(help.to_owned());
        }
        return;
    }
    if let Some((key, _)) = node.labels.iter().find(|(key, _)| key.trim().is_empty()) {
        findings.wrong(code::BLANK_NAME, about, item.place, &format!("/labels/{key}"), "a label has no name");
    }
    if written.len() >= MAX_NODES {
        if written.len() == MAX_NODES {
            findings.wrong(
                code::TOO_MANY,
                about,
                item.place,
                "/name",
                format!("more than {MAX_NODES} nodes"),
            );
        }
        return;
    }
    written.push(item);
}

/// Whether two nodes have the same name.
pub(super) fn refuse_duplicates(nodes: &[Item<Node>], names: &Names, findings: &mut Findings) {
    let at = |id: &u32| nodes.get(*id as usize);
    for pair in names.in_order().windows(2) {
        let [Some(first), Some(second)] = [pair.first().and_then(at), pair.get(1).and_then(at)] else {
            continue;
        };
        if first.what.name == second.what.name {
            let name = &second.what.name;
            let message = format!("the node `{name}` is defined twice");
            let problem = findings.twice(About::Node(name), second.place, first.place, message);
            if let Some(problem) = problem
                && first.place == second.place
            {
                problem.help = Some("the series stands for it more than once".to_owned());
            }
        }
    }
}

/// The number of the parent of each node; that of none where it has none.
pub(super) fn parents(nodes: &[Item<Node>], names: &Names, findings: &mut Findings) -> Ids {
    let name_of = |id: u32| nodes.get(id as usize).map_or("", |item| item.what.name.as_str());
    let mut last: Option<(&str, u32)> = None;
    let mut refused: Option<Place> = None;
    let mut parents = vec![NONE; nodes.len()];
    for (item, slot) in nodes.iter().zip(&mut parents) {
        let Some(parent) = item.what.parent.as_deref() else { continue };
        let known = match last {
            Some((name, id)) if name == parent => Some(id),
            _ => names.find(parent, name_of),
        };
        match known {
            Some(id) => {
                last = Some((parent, id));
                *slot = id;
            }
            // All nodes of a series have the same parent: saying so once is enough.
            None if refused != Some(item.place) => {
                refused = Some(item.place);
                let message = format!("there is no node `{parent}` that this one could be a part of");
                let about = About::Node(&item.what.name);
                if let Some(problem) =
                    findings.wrong(code::UNKNOWN_NODE, about, item.place, "/parent", message)
                {
                    problem.help = near(parent, nodes.iter().map(|item| item.what.name.as_str()));
                }
            }
            None => {}
        }
    }
    let above = |at: usize| match parents.get(at..=at) {
        Some([NONE]) | None => &[][..],
        Some(parent) => parent,
    };
    let circles = circle::circles(nodes.len(), above);
    for circle in &circles {
        let Some(item) = circle.first().and_then(|at| nodes.get(*at)) else { continue };
        let drawn = circle::drawn(circle, |at| nodes.get(at).map_or("", |item| item.what.name.as_str()));
        let message = match circle.len() {
            1 => format!("`{}` is its own parent", item.what.name),
            _ => format!("nodes are parts of each other: {drawn}"),
        };
        findings.wrong(code::ANCESTRY_CYCLE, About::Node(&item.what.name), item.place, "/parent", message);
    }
    if !circles.is_empty() {
        parents.fill(NONE);
    }
    parents
}

/// Advice to take the name that is nearest.
pub(crate) fn near<'a>(typed: &str, known: impl Iterator<Item = &'a str>) -> Option<String> {
    name::nearest(typed, known).map(|near| format!("did you mean `{near}`?"))
}

/// Gives each node that names no role the one of its label, and tells who has which.
pub(super) fn assign_roles(nodes: &mut [Item<Node>], label: &str) -> BTreeMap<String, Ids> {
    let mut shared: HashMap<String, Texts> = HashMap::new();
    let mut roles: BTreeMap<String, Ids> = BTreeMap::new();
    for (item, id) in nodes.iter_mut().zip(0..) {
        let node = &mut item.what;
        if node.roles.is_empty()
            && let Some(role) = node.labels.get(label).filter(|role| !role.is_empty())
        {
            node.roles = match shared.get(role) {
                Some(texts) => texts.clone(),
                None => shared.entry(role.clone()).or_insert_with(|| vec![role.clone()].into()).clone(),
            };
        }
        for role in &node.roles {
            match roles.get_mut(role) {
                Some(ids) if ids.last() == Some(&id) => {}
                Some(ids) => ids.push(id),
                None => {
                    roles.insert(role.clone(), vec![id]);
                }
            }
        }
    }
    roles
}
