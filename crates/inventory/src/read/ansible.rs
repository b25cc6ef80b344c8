//! Inventories that were written for Ansible: its YAML and INI forms, what its dynamic inventories print, and the
//! variables that lie beside them.
//!
//! ```text
//! YAML, --list ─┐
//! INI ──────────┼─► Estate (hosts and groups as Ansible knows them) ─► nodes, groups, settings
//! *_vars ───────┘
//! ```
//!
//! All texts make one estate, as they do there: a host may stand in several of them. What two of them say differently is
//! refused. What says how a host is reached becomes settings; they are worked out for each host by Ansible's own order
//! of groups, which is ours, too.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use indexmap::IndexMap;
use windlass_model::eval::has_template;
use windlass_model::problem::Problem;
use windlass_model::target::Node;
use windlass_model::texts::Texts;
use windlass_model::transport::Transport;
use windlass_model::{Map, Value, code};

use super::Gathered;
use crate::contents::{Item, NodeGroup, Place, Placed, Spot};

mod document;
mod ini;
mod literal;
mod range;
mod settings;
mod ssh_args;
mod vars_file;

pub(super) use self::document::{document, is_ours};
pub(super) use self::ini::ini;
pub(super) use self::settings::PASSWORDS;
use self::settings::{CONNECTION, Settings};
pub(super) use self::vars_file::vars_file;

/// The group of everything.
const ALL: &str = "all";
/// The group of what is in no other.
const UNGROUPED: &str = "ungrouped";
/// Among groups that are equally deep, the one with the higher number wins.
const PRIORITY: &str = "ansible_group_priority";

/// Hosts and groups as Ansible knows them.
#[derive(Default)]
pub(super) struct Estate {
    groups: IndexMap<String, Group>,
    hosts: IndexMap<String, Host>,
}

struct Group {
    children: Vec<String>,
    vars: Vars,
    place: Place,
    /// Whether it is defined, and not only named as a part of another one.
    is_defined: bool,
}

struct Host {
    groups: Vec<u32>,
    vars: Vars,
    place: Place,
}

#[derive(Default)]
struct Vars(IndexMap<String, Var>);

struct Var {
    value: Value,
    place: Place,
    rank: Rank,
}

/// Variables beside an inventory win over those in it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Rank {
    Inventory,
    Beside,
}

/// Warnings by what they say, with how many hosts they are about and the first of them.
type Odd = IndexMap<String, (u32, Place)>;

// === impl Estate ===

impl Estate {
    fn group(&mut self, name: &str, place: Place) -> &mut Group {
        self.groups.entry(name.to_owned()).or_insert_with(|| Group {
            children: Vec::new(),
            vars: Vars::default(),
            place,
            is_defined: false,
        })
    }

    /// The group, defined here.
    fn defined(&mut self, name: &str, place: Place) -> &mut Group {
        let group = self.group(name, place);
        if !group.is_defined {
            group.is_defined = true;
            group.place = place;
        }
        group
    }

    fn child(&mut self, of: &str, name: &str, place: Place) {
        self.group(name, place);
        let group = self.group(of, place);
        if !group.children.iter().any(|child| child == name) {
            group.children.push(name.to_owned());
        }
    }

    fn host(&mut self, name: &str, group: &str, place: Place) -> &mut Host {
        self.group(group, place);
        let number = self.groups.get_index_of(group).and_then(|at| u32::try_from(at).ok());
        let host = self.hosts.entry(name.to_owned()).or_insert_with(|| Host {
            groups: Vec::new(),
            vars: Vars::default(),
            place,
        });
        // Everybody is in the group of all anyway.
        if let Some(number) = number.filter(|_| group != ALL)
            && !host.groups.contains(&number)
        {
            host.groups.push(number);
        }
        host
    }

    /// The groups that each group is a part of; the group of all is left out where there is another.
    fn parents(&self) -> Vec<Vec<u32>> {
        let mut parents: Vec<Vec<u32>> = vec![Vec::new(); self.groups.len()];
        for ((name, group), at) in self.groups.iter().zip(0_u32..).filter(|((name, _), _)| *name != ALL) {
            for child in group.children.iter().filter(|child| child.as_str() != ALL || name == *child) {
                if let Some(slot) = self.groups.get_index_of(child).and_then(|at| parents.get_mut(at)) {
                    slot.push(at);
                }
            }
        }
        parents
    }

    /// Makes nodes and groups of all of it.
    pub(super) fn settle(mut self, out: &mut Gathered) {
        if self.hosts.is_empty() && self.groups.is_empty() {
            return;
        }
        let first =
            self.groups.values().map(|group| group.place).chain(self.hosts.values().map(|host| host.place));
        let first = first.min().unwrap_or_default();
        self.defined(ALL, first);
        let undefined: Vec<(String, Place)> = self
            .groups
            .iter()
            .filter(|(name, group)| !group.is_defined && *name != UNGROUPED)
            .map(|(name, group)| (name.clone(), group.place))
            .collect();
        for (name, place) in undefined {
            let message = format!("the group `{name}` is a part of another one and is defined nowhere");
            let problem = Problem::new(code::UNKNOWN_GROUP, format!("group {name}"), "", message);
            out.misplaced(problem.help(format!("add a section [{name}], or correct the name")), place);
        }
        let parents = self.parents();
        let order = self.order(&parents);
        let mut odd = Odd::new();
        let mut reached = Reached::default();
        let mut texts: HashMap<Vec<u32>, Texts> = HashMap::new();
        for (name, host) in &self.hosts {
            let inherited = reached.inherited(&self, &host.groups, &parents, &order);
            let own = |key: &str| host.vars.0.get(key).map(|var| &var.value);
            let settings = match inherited.is_empty() && !host.vars.says_how() {
                true => None,
                false => Some(Settings::of(name, &|key| own(key).or_else(|| inherited.get(key)))),
            };
            let mut node = Node { name: name.clone(), ..Node::default() };
            if let Some(settings) = settings {
                let place = host.place;
                settings.warnings.into_iter().for_each(|said| note(&mut odd, said, place));
                if let Some(why) = settings.unsupported {
                    node.active = false;
                    note(&mut odd, format!("{why}: such nodes are taken in as out of service"), place);
                }
                node.addresses = settings.addresses.into();
                node.transport = reached.shared(settings.transport);
            }
            node.groups = texts
                .entry(host.groups.clone())
                .or_insert_with(|| match host.groups.as_slice() {
                    [] => Texts::from([ALL]),
                    groups => groups.iter().filter_map(|at| self.name(*at)).collect(),
                })
                .clone();
            node.vars = host.vars.left(host.place, &mut odd);
            out.contents.nodes.push(Item { what: node, place: host.place });
        }
        for ((name, group), above) in self.groups.iter().zip(&parents) {
            if name == UNGROUPED && !self.hosts.values().any(|host| host.groups.contains(&self.number(name)))
            {
                continue;
            }
            let parent: Texts = match (name.as_str(), above.as_slice()) {
                (ALL, []) => Texts::default(),
                (_, []) => Texts::from([ALL]),
                (_, above) => above.iter().filter_map(|at| self.name(*at)).collect(),
            };
            let group_of_ours = NodeGroup {
                name: name.clone(),
                parent,
                priority: group.priority(),
                vars: group.vars.left(group.place, &mut odd),
                ..NodeGroup::default()
            };
            out.contents.groups.push(Item { what: group_of_ours, place: group.place });
        }
        for (said, (nodes, place)) in odd {
            let more = if nodes > 1 { format!(" ({nodes} times)") } else { String::new() };
            let pointer = match place.spot {
                Spot::Entry { index, .. } => format!("/spec/nodes/{index}"),
                Spot::Bytes { .. } => String::new(),
            };
            let problem = Problem::new(code::NOT_TAKEN_OVER, "", pointer, format!("{said}{more}"));
            out.warnings.push(Placed { problem, place, first: None });
        }
    }

    fn name(&self, at: u32) -> Option<String> {
        self.groups.get_index(at as usize).map(|(name, _)| name.clone())
    }

    fn number(&self, name: &str) -> u32 {
        self.groups.get_index_of(name).and_then(|at| u32::try_from(at).ok()).unwrap_or(u32::MAX)
    }

    /// The place of each group in the order in which groups win: by depth, priority and name.
    fn order(&self, parents: &[Vec<u32>]) -> Vec<usize> {
        let mut depths: Vec<Option<usize>> = vec![None; self.groups.len()];
        for at in 0..self.groups.len() {
            depth(at, parents, &mut depths);
        }
        let mut sorted: Vec<usize> = (0..self.groups.len()).collect();
        sorted.sort_by_cached_key(|at| {
            let (name, group) = self.groups.get_index(*at).unzip();
            let is_all = name.is_some_and(|name| name == ALL);
            let depth = if is_all { 0 } else { depths.get(*at).copied().flatten().unwrap_or(0) + 1 };
            (depth, group.map(Group::priority), name.cloned())
        });
        let mut order = vec![0; sorted.len()];
        for (rank, at) in sorted.into_iter().enumerate() {
            if let Some(slot) = order.get_mut(at) {
                *slot = rank;
            }
        }
        order
    }
}

/// How many groups lie around one on the longest way out; a circle, which is refused elsewhere, ends the way.
fn depth(at: usize, parents: &[Vec<u32>], depths: &mut [Option<usize>]) -> usize {
    if let Some(known) = depths.get(at).copied().flatten() {
        return known;
    }
    // Known to be under way, so that a circle comes to an end.
    if let Some(slot) = depths.get_mut(at) {
        *slot = Some(0);
    }
    let above = parents.get(at).map_or(&[][..], Vec::as_slice);
    let deepest = above.iter().map(|parent| depth(*parent as usize, parents, depths) + 1).max().unwrap_or(0);
    if let Some(slot) = depths.get_mut(at) {
        *slot = Some(deepest);
    }
    deepest
}

fn note(odd: &mut Odd, said: String, place: Place) {
    odd.entry(said).or_insert((0, place)).0 += 1;
}

// === impl Group ===

impl Group {
    fn priority(&self) -> i64 {
        self.vars.0.get(PRIORITY).and_then(|var| var.value.as_i64()).unwrap_or(1)
    }
}

// === impl Vars ===

impl Vars {
    /// Sets a variable; says where it stood if it is something else there.
    fn set(&mut self, key: &str, value: Value, place: Place, rank: Rank) -> Result<(), Place> {
        match self.0.get_mut(key) {
            Some(known) if known.rank == rank && rank == Rank::Inventory && known.value != value => {
                Err(known.place)
            }
            Some(known) if known.rank > rank => Ok(()),
            Some(known) => {
                *known = Var { value, place, rank };
                Ok(())
            }
            None => {
                self.0.insert(key.to_owned(), Var { value, place, rank });
                Ok(())
            }
        }
    }

    /// Whether anything in it says how a host is reached.
    fn says_how(&self) -> bool {
        self.0.keys().any(|key| key.starts_with("ansible_"))
    }

    /// What is left when everything that says how a host is reached has become settings.
    fn left(&self, place: Place, odd: &mut Odd) -> Map {
        let mut map = Map::new();
        for (key, var) in &self.0 {
            if CONNECTION.contains(&key.as_str()) || PASSWORDS.contains(&key.as_str()) || key == PRIORITY {
                continue;
            }
            if is_encrypted(&var.value) {
                note(odd, format!("the variable `{key}` is encrypted by Ansible Vault and left out"), place);
                continue;
            }
            if has_template(&var.value) && !var.value.to_string().contains("vars.") {
                let said = format!(
                    "the variable `{key}` is a template of Ansible; here variables are called `vars.NAME`"
                );
                note(odd, said, place);
            }
            map.insert(key.clone(), var.value.clone());
        }
        map
    }
}

fn is_encrypted(value: &Value) -> bool {
    value.as_str().is_some_and(|text| text.starts_with("$ANSIBLE_VAULT;"))
}

/// What hosts have from their groups, worked out once for all that are in the same ones.
#[derive(Default)]
struct Reached {
    inherited: HashMap<Vec<u32>, Arc<Map>>,
    transports: BTreeMap<String, Arc<Transport>>,
}

// === impl Reached ===

impl Reached {
    /// What groups say of how their hosts are reached.
    fn inherited(
        &mut self,
        estate: &Estate,
        groups: &[u32],
        parents: &[Vec<u32>],
        order: &[usize],
    ) -> Arc<Map> {
        if let Some(known) = self.inherited.get(groups) {
            return Arc::clone(known);
        }
        let mut around: Vec<u32> = vec![estate.number(ALL)];
        let mut left: Vec<u32> = groups.to_vec();
        while let Some(at) = left.pop() {
            if !around.contains(&at) {
                around.push(at);
                left.extend(parents.get(at as usize).into_iter().flatten());
            }
        }
        around.sort_by_key(|at| order.get(*at as usize).copied());
        let mut map = Map::new();
        for at in around {
            let Some((_, group)) = estate.groups.get_index(at as usize) else { continue };
            let how = group.vars.0.iter().filter(|(key, _)| key.starts_with("ansible_"));
            map.extend(how.map(|(key, var)| (key.clone(), var.value.clone())));
        }
        let map = Arc::new(map);
        self.inherited.insert(groups.to_vec(), Arc::clone(&map));
        map
    }

    fn shared(&mut self, transport: Transport) -> Option<Arc<Transport>> {
        if transport == Transport::default() {
            return None;
        }
        let key = serde_json::to_string(&transport).unwrap_or_default();
        Some(Arc::clone(self.transports.entry(key).or_insert_with(|| Arc::new(transport))))
    }
}
