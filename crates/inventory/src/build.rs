//! From contents to an inventory: names written out, references followed, memberships and lineages worked out, indexes made.
//!
//! ```text
//! nodes ─ names ─ parents ─┐
//! groups ─ parents, depth ─┴─ members ─ lineages ─ indexes ─► Inventory
//! ```
//!
//! Everything that is wrong is found in one go; nothing of a wrong inventory can be used.

use std::sync::{Arc, OnceLock};

use windlass_model::code::{self, Code};
use windlass_model::problem::Problem;
use windlass_model::target::Node;

use crate::contents::{Contents, Item, Place, Placed, Spot};
use crate::inventory::Inventory;
use crate::set::Set;

mod circle;
mod groups;
mod index;
mod jump;
mod lineage;
mod nodes;

pub(crate) use self::groups::Group;
pub(crate) use self::index::{Label, Names, fitting};

/// The most problems that are worth listing.
const MAX_PROBLEMS: usize = 1000;

/// What is found to be wrong, or odd, while an inventory is built.
#[derive(Default)]
pub(crate) struct Findings {
    pub(crate) problems: Vec<Placed>,
    pub(crate) warnings: Vec<Placed>,
}

/// What sort of thing a problem is about.
#[derive(Clone, Copy, Debug)]
pub(crate) enum About<'a> {
    Node(&'a str),
    Group(&'a str),
    Level(&'static str),
}

// === impl Findings ===

impl Findings {
    /// Notes a problem with a part of something.
    pub(crate) fn wrong(
        &mut self,
        code: Code,
        about: About<'_>,
        place: Place,
        key: &str,
        message: impl Into<String>,
    ) -> Option<&mut Problem> {
        if self.problems.len() >= MAX_PROBLEMS {
            return None;
        }
        self.problems.push(Placed { problem: problem(code, about, place, key, message), place, first: None });
        self.problems.last_mut().map(|placed| &mut placed.problem)
    }

    /// Notes that something is defined twice.
    pub(crate) fn twice(
        &mut self,
        about: About<'_>,
        place: Place,
        first: Place,
        message: impl Into<String>,
    ) -> Option<&mut Problem> {
        if self.problems.len() >= MAX_PROBLEMS {
            return None;
        }
        let problem = problem(code::DUPLICATE_NAME, about, place, "/name", message);
        self.problems.push(Placed { problem, place, first: Some(first) });
        self.problems.last_mut().map(|placed| &mut placed.problem)
    }

    /// Notes something odd with a part of something.
    pub(crate) fn odd(
        &mut self,
        code: Code,
        about: About<'_>,
        place: Place,
        key: &str,
        message: impl Into<String>,
    ) {
        if self.warnings.len() < MAX_PROBLEMS {
            let problem = problem(code, about, place, key, message);
            self.warnings.push(Placed { problem, place, first: None });
        }
    }
}

fn problem(code: Code, about: About<'_>, place: Place, key: &str, message: impl Into<String>) -> Problem {
    let (address, list) = match about {
        About::Node(name) => (format!("node {name}"), "nodes"),
        About::Group(name) => (format!("group {name}"), "groups"),
        About::Level(level) => (level.to_owned(), level),
    };
    let pointer = match (place.spot, about) {
        (_, About::Level(_)) => format!("/spec/{list}{key}"),
        (Spot::Entry { index, .. }, _) => format!("/spec/{list}/{index}{key}"),
        (Spot::Bytes { .. }, _) => String::new(),
    };
    Problem::new(code, address.trim_end(), pointer, message)
}

// === impl Inventory ===

impl Inventory {
    /// An inventory of these contents.
    ///
    /// # Errors
    ///
    /// Everything that is wrong with them, in the order of the places.
    pub fn build(contents: Contents) -> Result<Self, Vec<Placed>> {
        let Contents { role_label, cluster, namespace, groups, nodes } = contents;
        let mut findings = Findings::default();
        let mut written = nodes::written_out(nodes, &mut findings);
        let names = Names::new(&written);
        nodes::refuse_duplicates(&written, &names, &mut findings);
        let parents = nodes::parents(&written, &names, &mut findings);
        let role_label = role_label.as_deref().unwrap_or("role");
        let roles = nodes::assign_roles(&mut written, role_label);
        let labels = index::labels(&written);
        let mut groups = groups::compile(groups, &mut findings);
        groups::fill(&mut groups, &written, &names, &labels, &mut findings);
        let levels = [("cluster", cluster), ("namespace", namespace)];
        for (kind, level) in &levels {
            if let Some(level) = level.as_ref().filter(|level| level.what.name.trim().is_empty()) {
                let message = format!("the {kind} has no name");
                findings.wrong(code::BLANK_NAME, About::Level(kind), level.place, "/name", message);
            }
        }
        let heritage = lineage::Heritage::new(&groups, &levels, &written, &parents);
        let (lineages, lineage_of) = heritage.assign(&mut written);
        jump::resolve(&mut written, &names, &mut findings);
        if !findings.problems.is_empty() {
            findings.problems.sort_by_key(|placed| placed.place);
            return Err(findings.problems);
        }
        let size = u32::try_from(written.len()).unwrap_or(u32::MAX);
        let out_of_service = written.iter().zip(0..).filter(|(item, _)| !item.what.active);
        let inactive = Set::of(size, &out_of_service.map(|(_, id)| id).collect::<Vec<_>>());
        let children = index::children(&parents);
        let nodes: Vec<Arc<Node>> = written.into_iter().map(|Item { what, .. }| Arc::new(what)).collect();
        Ok(Self {
            nodes,
            names,
            parents,
            children,
            lineages,
            lineage_of,
            groups,
            labels,
            roles,
            inactive,
            warnings: findings.warnings,
            var_names: OnceLock::new(),
        })
    }
}
