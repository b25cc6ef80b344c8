//! Which nodes are meant: what is included united, then what is excluded taken away, each node once.
//!
//! The order of the result is that of the includes: nodes that were named come as they were named, all
//! others in the order of the inventory. Nodes out of service are never chosen.
//!
//! What an expression cannot be judged of (a fact that is not known) is left out, by an include as by
//! an exclude: a node of which nothing is known is not touched.

use std::collections::BTreeMap;
use std::sync::Arc;

use windlass_model::code;
use windlass_model::eval::Scope;
use windlass_model::freeze::{Asked, Choice, Inventory as With, MAX_NODES, Nodes, What, Wish};
use windlass_model::problem::Problem;
use windlass_model::target::{Frozen, Node};

use crate::build::fitting;
use crate::inventory::{Id, Inventory};
use crate::matcher::Matcher;
use crate::set::{Ids, Set};

/// How many names a warning lists before it only counts.
const LISTED: usize = 3;

struct Chooser<'a> {
    inventory: &'a Inventory,
    with: &'a With<'a>,
    warnings: Vec<Problem>,
    problems: Vec<Problem>,
    /// What the plan itself says of nodes that it names.
    written: BTreeMap<Id, Box<Node>>,
}

/// Whether what is found is included or excluded.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Side {
    Include,
    Exclude,
}

impl Nodes for Inventory {
    fn choose(&self, asked: &Asked, with: &With<'_>) -> Choice {
        let mut chooser = Chooser {
            inventory: self,
            with,
            warnings: Vec::new(),
            problems: Vec::new(),
            written: BTreeMap::new(),
        };
        let ids = chooser.ids(asked);
        let targets = if chooser.problems.is_empty() { chooser.frozen(&ids) } else { Frozen::default() };
        Choice { targets, warnings: chooser.warnings, problems: chooser.problems }
    }
}

// === impl Chooser ===

impl Chooser<'_> {
    /// The nodes in order.
    fn ids(&mut self, asked: &Asked) -> Ids {
        let size = self.inventory.len();
        let mut excluded = self.inventory.inactive.clone();
        for wish in asked.exclude.iter().filter(|wish| !is_expression(wish)) {
            let found = self.found(wish, Side::Exclude);
            excluded.add_all(&found);
        }
        let mut seen = Set::empty(size);
        let mut ids = Ids::new();
        for wish in &asked.include {
            let found = match &wish.what {
                What::Where(expression) => {
                    let left = (0..size).filter(|id| !seen.has(*id) && !excluded.has(*id));
                    self.judged(wish, expression, left.collect(), Side::Include)
                }
                _ => self.found(wish, Side::Include),
            };
            self.warn_of_inactive(wish, &found);
            ids.extend(found.into_iter().filter(|id| !excluded.has(*id) && seen.add(*id)));
        }
        for wish in &asked.exclude {
            if let What::Where(expression) = &wish.what {
                let out = self.judged(wish, expression, ids.clone(), Side::Exclude);
                let out = Set::of(size, &out);
                ids.retain(|id| !out.has(*id));
            }
        }
        if ids.len() > MAX_NODES {
            self.problems.push(Problem::new(code::TOO_MANY, "", "", format!("more than {MAX_NODES} nodes")));
        }
        ids
    }

    /// The nodes that a wish other than an expression is about.
    fn found(&mut self, wish: &Wish, side: Side) -> Ids {
        match &wish.what {
            What::Node(text) => self.named(wish, text, side),
            What::Written(node) => {
                let found = self.named(wish, &node.name, side);
                for id in &found {
                    self.written.insert(*id, node.clone());
                }
                found
            }
            What::Group(text) => self.grouped(wish, text, side),
            What::Role(text) => self.in_role(wish, text, side),
            What::Labels(selector) => {
                let found = fitting(&self.inventory.labels, selector, self.inventory.len());
                if found.is_empty() {
                    let mut keys = selector.requirements.iter().map(|requirement| requirement.key.as_str());
                    let labels = &self.inventory.labels;
                    let unknown = keys.find(|key| labels.iter().all(|label| label.key != *key));
                    let message = format!("`{selector}` fits no node");
                    let problem = self.nothing(wish, message);
                    self.warnings.push(match unknown {
                        Some(key) => {
                            Inventory::nearest(problem, key, labels.iter().map(|label| label.key.as_str()))
                        }
                        None => problem,
                    });
                }
                found.iter().collect()
            }
            What::Where(_) => Ids::new(),
        }
    }

    fn named(&mut self, wish: &Wish, text: &str, side: Side) -> Ids {
        let inventory = self.inventory;
        let matcher = match Matcher::new(text) {
            Ok(matcher) => matcher,
            Err(why) => {
                self.problems.push(Problem::new(code::BAD_PATTERN, "", wish.pointer(), why));
                return Ids::new();
            }
        };
        let found = matcher.find(&inventory.names, inventory.len(), |id| inventory.name(id));
        if matcher.is_name() {
            if found.ids.is_empty() {
                let message = format!("there is no node `{text}` in the inventory");
                let problem = Problem::new(code::UNKNOWN_NODE, "", wish.pointer(), message);
                let names = inventory.nodes.iter().map(|node| node.name.as_str());
                self.problems.push(Inventory::nearest(problem, text, names));
            }
            return found.ids;
        }
        match found.missing.as_slice() {
            _ if found.ids.is_empty() => {
                let does = match side {
                    Side::Include => "matches no node",
                    Side::Exclude => "excludes nothing: no node matches it",
                };
                self.warnings.push(self.nothing(wish, format!("`{text}` {does}")));
            }
            [] => {}
            missing => {
                let message =
                    format!("of `{text}` there is no {}", listed(missing.iter().map(String::as_str)));
                self.warnings.push(self.nothing(wish, message));
            }
        }
        found.ids
    }

    fn grouped(&mut self, wish: &Wish, text: &str, side: Side) -> Ids {
        let Some(matcher) = self.matcher(wish, text) else { return Ids::new() };
        let groups = &self.inventory.groups;
        let fitting: Vec<&crate::build::Group> =
            groups.iter().filter(|group| matcher.fits(&group.definition.name)).collect();
        if fitting.is_empty() {
            let message = format!("there is no group `{text}` in the inventory");
            let known = groups.iter().map(|group| group.definition.name.as_str());
            if matcher.is_name() {
                let problem = Problem::new(code::UNKNOWN_GROUP, "", wish.pointer(), message);
                self.problems.push(Inventory::nearest(problem, text, known));
            } else {
                self.warnings.push(self.nothing(wish, format!("`{text}` matches no group")));
            }
        }
        let found = self.united(fitting.iter().map(|group| group.members.as_slice()));
        if found.is_empty() && !fitting.is_empty() {
            let what =
                if side == Side::Include { "has no nodes" } else { "excludes nothing: it has no nodes" };
            self.warnings.push(self.nothing(wish, format!("the group `{text}` {what}")));
        }
        found
    }

    fn in_role(&mut self, wish: &Wish, text: &str, side: Side) -> Ids {
        let Some(matcher) = self.matcher(wish, text) else { return Ids::new() };
        let roles = &self.inventory.roles;
        let found =
            self.united(roles.iter().filter(|(role, _)| matcher.fits(role)).map(|(_, ids)| ids.as_slice()));
        if found.is_empty() {
            let message = match side {
                Side::Include => format!("no node has the role `{text}`"),
                Side::Exclude => format!("`{text}` excludes nothing: no node has that role"),
            };
            let problem = self.nothing(wish, message);
            self.warnings.push(Inventory::nearest(problem, text, roles.keys().map(String::as_str)));
        }
        found
    }

    fn matcher(&mut self, wish: &Wish, text: &str) -> Option<Matcher> {
        match Matcher::new(text) {
            Ok(matcher) => Some(matcher),
            Err(why) => {
                self.problems.push(Problem::new(code::BAD_PATTERN, "", wish.pointer(), why));
                None
            }
        }
    }

    fn united<'b>(&self, lists: impl Iterator<Item = &'b [Id]>) -> Ids {
        let mut lists = lists.peekable();
        let Some(first) = lists.next() else { return Ids::new() };
        if lists.peek().is_none() {
            return first.to_vec();
        }
        let mut set = Set::of(self.inventory.len(), first);
        lists.for_each(|ids| set.add_all(ids));
        set.iter().collect()
    }

    /// The nodes of which an expression is true; of an exclude also those of which it cannot be judged.
    fn judged(&mut self, wish: &Wish, expression: &str, ids: Ids, side: Side) -> Ids {
        if let Err(why) = self.with.eval.understands(expression) {
            self.problems.push(Problem::new(code::TEMPLATE_SYNTAX, "", wish.pointer(), why.text));
            return Ids::new();
        }
        let mut scope = self.with.scope.clone();
        let mut unknown = Ids::new();
        let mut why_unknown = String::new();
        let mut fit = Ids::new();
        for id in ids {
            if !self.look_at(id, &mut scope) {
                continue;
            }
            match self.with.eval.condition(expression, &scope) {
                Ok(true) => fit.push(id),
                Ok(false) => {}
                Err(why) => {
                    if unknown.is_empty() {
                        why_unknown = why.text;
                    }
                    unknown.push(id);
                    if side == Side::Exclude {
                        fit.push(id);
                    }
                }
            }
        }
        if !unknown.is_empty() {
            let names = listed(unknown.iter().map(|id| self.inventory.name(*id)));
            let message = format!("left out, because `{expression}` cannot be judged: {names}");
            let problem = Problem::new(code::NOT_JUDGED, "", wish.pointer(), message);
            self.warnings.push(problem.help(why_unknown));
        }
        if fit.is_empty() && unknown.is_empty() {
            let does = if side == Side::Include { "is true of no node" } else { "excludes nothing" };
            self.warnings.push(self.nothing(wish, format!("`{expression}` {does}")));
        }
        fit
    }

    /// Lets expressions see a node.
    fn look_at(&self, id: Id, scope: &mut Scope) -> bool {
        let Some(node) = self.inventory.node(id) else { return false };
        let mut vars = (*self.with.scope.vars).clone();
        self.inventory.add_vars(id, &mut vars);
        scope.vars = Arc::new(vars);
        scope.node = Some(Arc::clone(node));
        true
    }

    /// A warning that a wish is about nothing.
    fn nothing(&self, wish: &Wish, message: String) -> Problem {
        let code = if wish.key.is_exclude() { code::EXCLUDES_NOTHING } else { code::SELECTS_NOTHING };
        Problem::new(code, "", wish.pointer(), message)
    }

    /// Who asks for nothing but nodes out of service should know why none came.
    fn warn_of_inactive(&mut self, wish: &Wish, found: &[Id]) {
        if !found.is_empty() && found.iter().all(|id| self.inventory.inactive.has(*id)) {
            let names = listed(found.iter().map(|id| self.inventory.name(*id)));
            let message = format!("left out, because out of service: {names}");
            self.warnings.push(Problem::new(code::OUT_OF_SERVICE, "", wish.pointer(), message));
        }
    }

    /// The chosen nodes with what they share.
    fn frozen(&self, ids: &[Id]) -> Frozen {
        let inventory = self.inventory;
        let mut frozen = Frozen::with_capacity(ids.len());
        let mut numbers: Vec<Option<u32>> = vec![None; inventory.lineages.len()];
        for id in ids {
            let Some(node) = inventory.node(*id) else { continue };
            let node = match self.written.get(id) {
                Some(written) => Arc::new(overlaid(node, written)),
                None => Arc::clone(node),
            };
            let number = inventory.lineage_of.get(*id as usize).map_or(0, |number| *number as usize);
            let Some((lineage, slot)) = inventory.lineages.get(number).zip(numbers.get_mut(number)) else {
                continue;
            };
            if !node.is_detailed() && lineage.layers.is_empty() {
                frozen.push_name(&node.name);
                continue;
            }
            let shared = *slot.get_or_insert_with(|| frozen.share(Arc::clone(lineage)));
            frozen.push_heir(node, shared);
        }
        frozen
    }
}

fn is_expression(wish: &Wish) -> bool {
    matches!(wish.what, What::Where(_))
}

/// What the plan says of a node over what the inventory says: each key by itself, values whole.
fn overlaid(node: &Node, written: &Node) -> Node {
    let mut node = node.clone();
    node.labels.extend(written.labels.clone());
    node.vars.extend(written.vars.clone());
    node.facts.extend(written.facts.clone());
    if !written.addresses.is_empty() {
        node.addresses = written.addresses.clone();
    }
    if !written.roles.is_empty() {
        node.roles = written.roles.clone();
    }
    node.transport = match (&written.transport, node.transport) {
        (Some(near), Some(far)) => Some(Arc::new(near.over(&far))),
        (near, far) => near.clone().or(far),
    };
    node
}

/// `a, b, c and 5 more`
fn listed<'a>(names: impl Iterator<Item = &'a str>) -> String {
    let names: Vec<&str> = names.collect();
    let shown = names.iter().take(LISTED).copied().collect::<Vec<_>>().join(", ");
    match names.len().checked_sub(LISTED).filter(|more| *more > 0) {
        Some(more) => format!("{shown} and {more} more"),
        None => shown,
    }
}
