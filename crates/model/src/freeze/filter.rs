//! What the operator narrows the targets of a run to: a selection that only ever takes away.
//!
//! A block that it leaves nothing of has nothing to do; that is no error. A run that it leaves nothing of is one.

use std::collections::BTreeSet;

use super::written::{Exclude, needs_inventory};
use super::{Means, targets};
use crate::code;
use crate::eval::is_template;
use crate::pattern::Refused;
use crate::problem::Problem;
use crate::target::{Frozen, NodeEntry, Targets};

/// What narrows targets.
pub(super) struct Filter {
    keep: Keep,
    allow_empty: bool,
    warnings: Vec<Problem>,
}

enum Keep {
    /// The nodes that an inventory gave.
    Names(BTreeSet<String>),
    /// What names must fit, with whether any did, and what they must not.
    Patterns { include: Vec<(String, Exclude, bool)>, exclude: Vec<Exclude> },
}

/// Where problems of a filter are said to be.
const ADDRESS: &str = "selection";

// === impl Filter ===

impl Filter {
    pub(super) fn new(filter: &Targets, means: &Means<'_>) -> Result<Self, Vec<Problem>> {
        let placed =
            |problem: Problem| Problem { address: ADDRESS.into(), pointer: String::new(), ..problem };
        let allow_empty = filter.allow_empty;
        if means.inventory.is_some() {
            let resolved = targets(filter, means)
                .map_err(|problems| problems.into_iter().map(placed).collect::<Vec<_>>())?;
            let names = resolved.targets.names().map(str::to_owned).collect();
            let warnings = resolved.warnings.into_iter().map(placed).collect();
            return Ok(Self { keep: Keep::Names(names), allow_empty, warnings });
        }
        let mut problems: Vec<Problem> =
            filter.of_inventory().map(|(key, _)| placed(needs_inventory(key))).collect();
        let mut pattern = |text: &str| match Exclude::new(text) {
            _ if is_template(text) => {
                problems.push(refused(&format!("`{text}` is a template; a selection has none")));
                None
            }
            Ok(pattern) => Some(pattern),
            Err(why) => {
                problems.push(refused(&match why {
                    Refused::NeedsInventory => {
                        format!("`{text}` is a regular expression; without an inventory use * and ?")
                    }
                    Refused::TooMany => format!("`{text}` stands for too many names"),
                    Refused::Malformed(why) => format!("`{text}` is no pattern: {why}"),
                }));
                None
            }
        };
        let names = filter.nodes.iter().map(|entry| match entry {
            NodeEntry::Name(text) => text,
            NodeEntry::Node(node) => &node.name,
        });
        let include: Vec<_> = names.filter_map(|text| Some((text.clone(), pattern(text)?, false))).collect();
        let exclude: Vec<_> = filter.exclude_nodes.iter().filter_map(|text| pattern(text)).collect();
        if problems.is_empty() && filter.includes_nothing() {
            let problem = Problem::new(code::EMPTY_SELECTION, ADDRESS, "", "the selection includes nothing");
            problems.push(problem.help("name what to include; `*` is everything"));
        }
        match problems.is_empty() {
            true => Ok(Self { keep: Keep::Patterns { include, exclude }, allow_empty, warnings: Vec::new() }),
            false => Err(problems),
        }
    }

    /// What is left of targets.
    pub(super) fn apply(&mut self, targets: &Frozen) -> Frozen {
        match &mut self.keep {
            Keep::Names(names) => targets.filtered(|name| names.contains(name)),
            Keep::Patterns { include, exclude } => {
                for (_, pattern, used) in include.iter_mut().filter(|(_, _, used)| !used) {
                    *used = targets.names().any(|name| pattern.matches(name));
                }
                targets.filtered(|name| {
                    include.iter().any(|(_, pattern, _)| pattern.matches(name))
                        && !exclude.iter().any(|pattern| pattern.matches(name))
                })
            }
        }
    }

    pub(super) fn may_be_empty(&self) -> bool {
        self.allow_empty
    }

    pub(super) fn leaves_nothing(&self) -> Problem {
        let message = "the selection leaves no node of any block";
        Problem::new(code::EMPTY_SELECTION, ADDRESS, "", message)
            .help("`windlass preview` without the selection shows which nodes the blocks have")
    }

    /// What selects nothing.
    pub(super) fn warnings(self) -> Vec<Problem> {
        let mut warnings = self.warnings;
        if let Keep::Patterns { include, .. } = self.keep {
            let unused = include.iter().filter(|(_, _, used)| !used);
            warnings.extend(unused.map(|(text, _, _)| {
                let message = format!("`{text}` selects no node of any block");
                Problem::new(code::SELECTS_NOTHING, ADDRESS, "", message)
            }));
        }
        warnings
    }
}

fn refused(message: &str) -> Problem {
    Problem::new(code::BAD_PATTERN, ADDRESS, "", message)
}
