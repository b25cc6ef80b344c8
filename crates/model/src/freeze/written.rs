//! Targets without an inventory: names and series written out, exclusions matched against them.

use std::collections::hash_map::{DefaultHasher, Entry};
use std::collections::{BTreeSet, HashMap, HashSet};
use std::hash::Hasher as _;

use super::{Choice, MAX_NODES, MAX_PROBLEMS, Render};
use crate::Value;
use crate::code::{self, Code};
use crate::eval::is_template;
use crate::name;
use crate::pattern::{self, Glob, Refused};
use crate::problem::Problem;
use crate::target::{Frozen, Node, NodeEntry, Targets};

/// The most names that may be written out for one block, repeated and excluded ones too.
const MAX_WRITTEN: usize = 4 * MAX_NODES;

/// Writes targets out. Pointers are relative to the targets.
pub(super) fn write_out(targets: &Targets, render: &Render<'_>) -> Choice {
    let (excludes, refused) = excludes(&targets.exclude_nodes, render);
    let mut freezer = Freezer {
        render,
        excludes,
        used: vec![false; targets.exclude_nodes.len()],
        seen: Seen::default(),
        written: 0,
        out: Frozen::default(),
        problems: Vec::new(),
    };
    for (index, entry) in targets.nodes.iter().enumerate() {
        freezer.entry(entry, &|| format!("/nodes/{index}"));
        if freezer.is_full() {
            break;
        }
    }
    let Freezer { used, out, mut problems, .. } = freezer;
    problems.extend(refused);
    problems.extend(targets.of_inventory().map(|(key, _)| needs_inventory(key)));
    let unused = used.iter().zip(&targets.exclude_nodes).enumerate().filter(|(_, (used, _))| !**used);
    let warnings = unused.map(|(index, (_, text))| {
        let message = format!("`{text}` excludes nothing");
        Problem::new(code::EXCLUDES_NOTHING, "", format!("/excludeNodes/{index}"), message)
            .help("look whether it is spelt like the nodes; what is not needed any more can go")
    });
    Choice { warnings: warnings.collect(), targets: out, problems }
}

/// A key that only an inventory can answer.
pub(super) fn needs_inventory(key: &str) -> Problem {
    let message = format!("`{key}` selects from an inventory, and there is none");
    Problem::new(code::NEEDS_INVENTORY, "", format!("/{key}"), message)
        .help("give an inventory, or name the nodes: web[01-20], db{1..3}, {red,blue}-1")
}

struct Freezer<'a> {
    render: &'a Render<'a>,
    excludes: Vec<(usize, Exclude)>,
    /// Which of the exclusions as written left something out.
    used: Vec<bool>,
    seen: Seen,
    /// How many names were written out, repeated ones too.
    written: usize,
    out: Frozen,
    problems: Vec<Problem>,
}

/// Which names are there already: their hashes with their positions, so that a million take little.
#[derive(Default)]
struct Seen {
    by_hash: HashMap<u64, u32>,
    /// Names whose hash another name has too.
    clashes: BTreeSet<String>,
}

/// What a place in the list of nodes is called; made only when something is wrong there.
type Place<'a> = dyn Fn() -> String + 'a;

pub(super) enum Exclude {
    Names(HashSet<String>),
    Globs(Vec<Glob>),
}

// === impl Seen ===

impl Seen {
    /// Notes a name that is about to be pushed; says whether it is new.
    fn insert(&mut self, name: &str, out: &Frozen) -> bool {
        // A hasher without a random key: what comes out must not depend on the process.
        let mut hasher = DefaultHasher::new();
        hasher.write(name.as_bytes());
        match self.by_hash.entry(hasher.finish()) {
            Entry::Vacant(slot) => {
                slot.insert(out.len());
                true
            }
            Entry::Occupied(slot) => {
                out.name(*slot.get()) != Some(name) && self.clashes.insert(name.to_owned())
            }
        }
    }
}

// === impl Freezer ===

impl Freezer<'_> {
    fn is_full(&self) -> bool {
        self.written > MAX_WRITTEN || self.problems.len() >= MAX_PROBLEMS
    }

    fn problem(&mut self, code: Code, at: &Place<'_>, message: impl Into<String>) {
        self.problems.push(Problem::new(code, "", at(), message));
    }

    fn entry(&mut self, entry: &NodeEntry, at: &Place<'_>) {
        match entry {
            NodeEntry::Name(text) if is_template(text) => self.rendered(text, at),
            NodeEntry::Name(text) => self.expand(text, None, at),
            NodeEntry::Node(node) if is_template(&node.name) => match (self.render)(&node.name) {
                Ok(Value::String(text)) => self.expand(&text, Some(node), at),
                Ok(other) => {
                    self.problem(code::BAD_NAME, at, format!("a node's name must be a text, not {other}"));
                }
                Err(why) => {
                    self.problem(code::UNKNOWN_NAME, at, why);
                }
            },
            NodeEntry::Node(node) => self.expand(&node.name, Some(node), at),
        }
    }

    fn rendered(&mut self, text: &str, at: &Place<'_>) {
        match (self.render)(text) {
            Ok(Value::String(text)) => self.expand(&text, None, at),
            Ok(Value::Array(items)) => {
                for item in items {
                    match serde_json::from_value::<NodeEntry>(item.clone()) {
                        Ok(NodeEntry::Name(text)) => self.expand(&text, None, at),
                        Ok(NodeEntry::Node(node)) => self.expand(&node.name, Some(&node), at),
                        Err(_) => {
                            let message =
                                format!("`{text}` gives {item}, which is neither a name nor a node");
                            self.problem(code::WRONG_TYPE, at, message);
                        }
                    }
                    if self.is_full() {
                        return;
                    }
                }
            }
            Ok(other) => {
                let message = format!("`{text}` gives {other}; expected a name or a list of names");
                self.problem(code::WRONG_TYPE, at, message);
            }
            Err(why) => {
                self.problem(code::UNKNOWN_NAME, at, why);
            }
        }
    }

    fn expand(&mut self, text: &str, like: Option<&Node>, at: &Place<'_>) {
        if !pattern::is_pattern(text) {
            self.add(text.to_owned(), like, at);
            return;
        }
        let room = MAX_NODES;
        match pattern::expand(text, room) {
            Ok(names) => {
                for name in names {
                    self.add(name, like, at);
                    if self.is_full() {
                        return;
                    }
                }
            }
            Err(Refused::NeedsInventory) => {
                let problem = Problem::new(
                    code::BAD_PATTERN,
                    "",
                    at(),
                    format!("`{text}` needs an inventory to match against, and there is none"),
                );
                let help = "give an inventory, or write the names out: web[01-20], db{1..3}, {red,blue}-1";
                self.problems.push(problem.help(help));
            }
            Err(Refused::Malformed(why)) => {
                self.problem(code::BAD_PATTERN, at, format!("`{text}` is no pattern: {why}"));
            }
            Err(Refused::TooMany) => {
                let message = format!("`{text}` stands for more than {MAX_NODES} names");
                self.problem(code::TOO_MANY, at, message);
            }
        }
    }

    fn add(&mut self, name: String, like: Option<&Node>, at: &Place<'_>) {
        if self.is_full() {
            return;
        }
        self.written += 1;
        if self.written > MAX_WRITTEN {
            self.too_many(at);
            return;
        }
        if name.is_empty() {
            self.problem(code::BLANK_NAME, at, "a node has no name");
            return;
        }
        if !name::is_target(&name) {
            let problem = Problem::new(code::BAD_NAME, "", at(), format!("`{name}` cannot name a node"));
            self.problems.push(
                problem.help(
                    "use letters, digits and - _ . : @ %, beginning with a letter or digit, at most 253",
                ),
            );
            return;
        }
        let mut left_out = false;
        for (index, exclude) in &self.excludes {
            if exclude.matches(&name) {
                left_out = true;
                if let Some(used) = self.used.get_mut(*index) {
                    *used = true;
                }
            }
        }
        if left_out || !self.seen.insert(&name, &self.out) {
            return;
        }
        if self.out.len() as usize == MAX_NODES {
            self.too_many(at);
            // That is how everybody knows that there is no room for more.
            self.written = MAX_WRITTEN + 1;
            return;
        }
        self.out.push(match like {
            Some(node) => Node { name, ..node.clone() },
            None => Node { name, ..Node::default() },
        });
    }

    fn too_many(&mut self, at: &Place<'_>) {
        self.problem(code::TOO_MANY, at, format!("more than {MAX_NODES} nodes"));
    }
}

fn excludes(texts: &[String], render: &Render<'_>) -> (Vec<(usize, Exclude)>, Vec<Problem>) {
    let (mut excludes, mut problems) = (Vec::new(), Vec::new());
    for (index, text) in texts.iter().enumerate() {
        let rendered = if is_template(text) { render(text) } else { Ok(text.clone().into()) };
        let patterns: Result<Vec<String>, (Code, String)> = match rendered {
            Ok(Value::String(text)) => Ok(vec![text]),
            Ok(Value::Array(items)) if items.iter().all(Value::is_string) => {
                Ok(items.iter().filter_map(|item| item.as_str().map(str::to_owned)).collect())
            }
            Ok(other) => {
                let message = format!("`{text}` gives {other}; expected a name or a list of names");
                Err((code::WRONG_TYPE, message))
            }
            Err(why) => Err((code::UNKNOWN_NAME, why)),
        };
        let mut refuse = |code, message: String| {
            problems.push(Problem::new(code, "", format!("/excludeNodes/{index}"), message));
        };
        match patterns {
            Err((code, why)) => refuse(code, why),
            Ok(patterns) => {
                for pattern in patterns {
                    match Exclude::new(&pattern) {
                        Ok(exclude) => excludes.push((index, exclude)),
                        Err(Refused::TooMany) => {
                            refuse(
                                code::TOO_MANY,
                                format!("`{pattern}` stands for more than {MAX_NODES} names"),
                            );
                        }
                        Err(Refused::NeedsInventory) => refuse(
                            code::BAD_PATTERN,
                            format!("`{pattern}` is a regular expression; use * and ? instead"),
                        ),
                        Err(Refused::Malformed(why)) => {
                            refuse(code::BAD_PATTERN, format!("`{pattern}` is no pattern: {why}"));
                        }
                    }
                }
            }
        }
    }
    (excludes, problems)
}

// === impl Exclude ===

impl Exclude {
    pub(super) fn new(text: &str) -> Result<Self, Refused> {
        if pattern::needs_inventory(text) || text.contains("[!") || text.contains("[^") {
            return Glob::all(text).map(Self::Globs);
        }
        pattern::expand(text, MAX_NODES).map(|names| Self::Names(names.collect()))
    }

    pub(super) fn matches(&self, name: &str) -> bool {
        match self {
            Self::Names(names) => names.contains(name),
            Self::Globs(globs) => globs.iter().any(|glob| glob.matches(name)),
        }
    }
}
