//! Groups: what they are a part of, how deep they lie, and which nodes belong to them.
//!
//! A node of a group belongs to everything that the group is a part of. Groups are ordered by depth
//! (the outermost first), then by priority, then by name: that is the order in which their variables
//! lie over each other, so of two that are alike in depth and priority the later name wins.

use std::collections::BTreeMap;
use std::sync::Arc;

use windlass_model::code;
use windlass_model::name;
use windlass_model::selector::LabelSelector;
use windlass_model::target::Node;

use super::index::{Label, Names, fitting};
use super::nodes::near;
use super::{About, Findings, circle};
use crate::contents::{Item, NodeGroup, Place};
use crate::matcher::Matcher;
use crate::set::{Ids, Set};

/// A group of an inventory. Groups stand in the order of their variables, the farthest first.
#[derive(Clone, Debug)]
pub(crate) struct Group {
    pub(crate) definition: Arc<NodeGroup>,
    pub(crate) place: Place,
    /// How many groups lie around it on the longest way out.
    pub(crate) depth: u32,
    /// The groups that it is a part of, by their position.
    pub(crate) parents: Ids,
    /// Its nodes, those of groups within it too.
    pub(crate) members: Ids,
}

/// The groups in the order of their variables, without members yet.
pub(super) fn compile(groups: Vec<Item<NodeGroup>>, findings: &mut Findings) -> Vec<Group> {
    let mut by_name: BTreeMap<String, usize> = BTreeMap::new();
    let mut known: Vec<Item<NodeGroup>> = Vec::with_capacity(groups.len());
    for item in groups {
        let about = About::Group(&item.what.name);
        if item.what.name.trim().is_empty() {
            findings.wrong(code::BLANK_NAME, about, item.place, "/name", "a group has no name");
        } else if !name::is_slug(&item.what.name) {
            let message = format!("`{}` cannot name a group", item.what.name);
            if let Some(problem) = findings.wrong(code::BAD_NAME, about, item.place, "/name", message) {
                problem.help =
                    Some("use letters, digits and - _ ., beginning with a letter or digit".to_owned());
            }
        } else if let Some(first) = by_name.get(&item.what.name) {
            let message = format!("the group `{}` is defined twice", item.what.name);
            let first = known.get(*first).map_or(item.place, |first| first.place);
            findings.twice(about, item.place, first, message);
        } else {
            by_name.insert(item.what.name.clone(), known.len());
            known.push(item);
        }
    }
    let mut parents: Vec<Ids> = Vec::with_capacity(known.len());
    for item in &known {
        let mut above = Ids::new();
        for (index, parent) in item.what.parent.iter().enumerate() {
            match by_name.get(parent) {
                Some(at) => above.push(u32::try_from(*at).unwrap_or(u32::MAX)),
                None => {
                    let key = format!("/parent/{index}");
                    let about = About::Group(&item.what.name);
                    unknown(parent, about, item.place, &key, by_name.keys().map(String::as_str), findings);
                }
            }
        }
        parents.push(above);
    }
    let circles = circle::circles(known.len(), |at| parents.get(at).map_or(&[], Vec::as_slice));
    for circle in &circles {
        let Some(item) = circle.first().and_then(|at| known.get(*at)) else { continue };
        let drawn = circle::drawn(circle, |at| known.get(at).map_or("", |item| item.what.name.as_str()));
        let message = match circle.len() {
            1 => format!("`{}` is its own parent", item.what.name),
            _ => format!("groups are parts of each other: {drawn}"),
        };
        findings.wrong(code::ANCESTRY_CYCLE, About::Group(&item.what.name), item.place, "/parent", message);
    }
    if !circles.is_empty() {
        parents.iter_mut().for_each(Vec::clear);
    }
    in_order(known, &parents)
}

/// Notes that a group is not known.
pub(super) fn unknown<'a>(
    group: &str,
    about: About<'_>,
    place: Place,
    key: &str,
    known: impl Iterator<Item = &'a str>,
    findings: &mut Findings,
) {
    let message = format!("there is no group `{group}`");
    if let Some(problem) = findings.wrong(code::UNKNOWN_GROUP, about, place, key, message) {
        let help = near(group, known);
        problem.help = Some(help.unwrap_or_else(|| "define it under `groups`".to_owned()));
    }
}

fn in_order(known: Vec<Item<NodeGroup>>, parents: &[Ids]) -> Vec<Group> {
    let mut depths: Vec<Option<u32>> = vec![None; known.len()];
    for at in 0..known.len() {
        depth(at, parents, &mut depths);
    }
    let mut order: Vec<usize> = (0..known.len()).collect();
    let rank = |at: &usize| {
        let group = known.get(*at).map(|item| &item.what);
        (
            depths.get(*at).copied().flatten(),
            group.map(|group| group.priority),
            group.map(|group| group.name.clone()),
        )
    };
    order.sort_by_cached_key(rank);
    let mut position: Ids = vec![0; known.len()];
    for (new, old) in order.iter().enumerate() {
        if let Some(slot) = position.get_mut(*old) {
            *slot = u32::try_from(new).unwrap_or(u32::MAX);
        }
    }
    let moved = |old: &u32| position.get(*old as usize).copied();
    let mut slots: Vec<Option<Item<NodeGroup>>> = known.into_iter().map(Some).collect();
    let groups = order.iter().filter_map(|old| {
        let Item { what, place } = slots.get_mut(*old)?.take()?;
        Some(Group {
            definition: Arc::new(what),
            place,
            depth: depths.get(*old).copied().flatten().unwrap_or(0),
            parents: parents.get(*old)?.iter().filter_map(moved).collect(),
            members: Ids::new(),
        })
    });
    groups.collect()
}

/// How many groups lie around one. There are no circles here.
fn depth(at: usize, parents: &[Ids], depths: &mut [Option<u32>]) -> u32 {
    let mut way = vec![at];
    while let Some(here) = way.last().copied() {
        if depths.get(here).copied().flatten().is_some() {
            way.pop();
            continue;
        }
        let above = parents.get(here).map_or(&[][..], Vec::as_slice);
        let unknown = above.iter().map(|at| *at as usize).find(|at| matches!(depths.get(*at), Some(None)));
        if let Some(first) = unknown {
            way.push(first);
            continue;
        }
        let deepest = above.iter().filter_map(|at| depths.get(*at as usize).copied().flatten()).max();
        if let Some(slot) = depths.get_mut(here) {
            *slot = Some(deepest.map_or(0, |deepest| deepest + 1));
        }
        way.pop();
    }
    depths.get(at).copied().flatten().unwrap_or(0)
}

/// Finds the nodes of each group: those it names, those that fit, those that name it, and those of groups within it.
pub(super) fn fill(
    groups: &mut [Group],
    nodes: &[Item<Node>],
    names: &Names,
    labels: &[Label],
    findings: &mut Findings,
) {
    let size = u32::try_from(nodes.len()).unwrap_or(u32::MAX);
    let mut sets: Vec<Set> = vec![Set::empty(size); groups.len()];
    let by_name: BTreeMap<&str, usize> =
        groups.iter().enumerate().map(|(at, group)| (group.definition.name.as_str(), at)).collect();
    let mut last: Option<(&str, usize)> = None;
    let mut refused: Option<Place> = None;
    for (item, id) in nodes.iter().zip(0..) {
        for (index, group) in item.what.groups.iter().enumerate() {
            let known = match last {
                Some((name, at)) if name == group => Some(at),
                _ => by_name.get(group.as_str()).copied(),
            };
            match known {
                Some(at) => {
                    last = Some((group, at));
                    if let Some(set) = sets.get_mut(at) {
                        set.add(id);
                    }
                }
                None if refused != Some(item.place) => {
                    refused = Some(item.place);
                    let key = format!("/groups/{index}");
                    let about = About::Node(&item.what.name);
                    unknown(group, about, item.place, &key, by_name.keys().copied(), findings);
                }
                None => {}
            }
        }
    }
    let name_of = |id: u32| nodes.get(id as usize).map_or("", |item| item.what.name.as_str());
    for (group, set) in groups.iter().zip(&mut sets) {
        let about = About::Group(&group.definition.name);
        for (index, selector) in group.definition.labels.iter().enumerate() {
            let key = format!("/labels/{index}");
            match selector.parse::<LabelSelector>() {
                Ok(selector) => set.add_set(&fitting(labels, &selector, size)),
                Err(why) => {
                    let message = format!("this is no label selector: {why}");
                    findings.wrong(code::BAD_SELECTOR, about, group.place, &key, message);
                }
            }
        }
        for (index, text) in group.definition.nodes.iter().enumerate() {
            let key = format!("/nodes/{index}");
            match Matcher::new(text) {
                Err(why) => {
                    findings.wrong(code::BAD_PATTERN, about, group.place, &key, why);
                }
                Ok(matcher) => {
                    let found = matcher.find(names, size, name_of);
                    found.ids.iter().for_each(|id| {
                        set.add(*id);
                    });
                    match found.missing.as_slice() {
                        [] if !found.ids.is_empty() => {}
                        [] => {
                            let message = format!("`{text}` fits no node");
                            findings.odd(code::SELECTS_NOTHING, about, group.place, &key, message);
                        }
                        [first, rest @ ..] => {
                            let more = if rest.is_empty() {
                                String::new()
                            } else {
                                format!(" and {} more", rest.len())
                            };
                            let message = format!("there is no node `{first}`{more}");
                            let problem =
                                findings.wrong(code::UNKNOWN_NODE, about, group.place, &key, message);
                            if let Some(problem) = problem {
                                problem.help = near(first, nodes.iter().map(|item| item.what.name.as_str()));
                            }
                        }
                    }
                }
            }
        }
    }
    // From the innermost out: what is in a group is in all that it is a part of.
    for at in (0..groups.len()).rev() {
        let Some((set, parents)) =
            sets.get(at).cloned().zip(groups.get(at).map(|group| group.parents.clone()))
        else {
            continue;
        };
        for parent in parents {
            if let Some(above) = sets.get_mut(parent as usize) {
                above.add_set(&set);
            }
        }
    }
    for (group, set) in groups.iter_mut().zip(sets) {
        group.members = set.iter().collect();
    }
}
