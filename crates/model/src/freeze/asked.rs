//! What targets ask of an inventory: a list of wishes to include and one to exclude, with all templates rendered.

use super::{MAX_PROBLEMS, Render};
use crate::Value;
use crate::code;
use crate::eval::is_template;
use crate::problem::Problem;
use crate::selector::LabelSelector;
use crate::target::{Node, NodeEntry, Targets};

/// What is asked of an inventory.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Asked {
    /// What is included, in the order in which it was written.
    pub include: Vec<Wish>,
    /// What is excluded.
    pub exclude: Vec<Wish>,
}

/// One thing that is asked for, and where it was written.
#[derive(Clone, Debug, PartialEq)]
pub struct Wish {
    /// What.
    pub what: What,
    /// Under which key it was written.
    pub key: Key,
    /// At which position there.
    pub index: usize,
}

/// What is asked for.
#[derive(Clone, Debug, PartialEq)]
pub enum What {
    /// The node of this name, or those that fit this pattern.
    Node(String),
    /// The node of this name, with what is said here of it.
    Written(Box<Node>),
    /// The nodes of this group, or of those that fit this glob.
    Group(String),
    /// The nodes whose labels fit.
    Labels(LabelSelector),
    /// The nodes of this role, or of those that fit this glob.
    Role(String),
    /// The nodes for which this expression is true.
    Where(String),
}

/// A key of targets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Key {
    /// `nodes`
    Nodes,
    /// `groups`
    Groups,
    /// `labels`
    Labels,
    /// `roles`
    Roles,
    /// `where`
    Where,
    /// `excludeNodes`
    ExcludeNodes,
    /// `excludeGroups`
    ExcludeGroups,
    /// `excludeLabels`
    ExcludeLabels,
    /// `excludeRoles`
    ExcludeRoles,
    /// `excludeWhere`
    ExcludeWhere,
}

// === impl Key ===

impl Key {
    /// As it is written.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Nodes => "nodes",
            Self::Groups => "groups",
            Self::Labels => "labels",
            Self::Roles => "roles",
            Self::Where => "where",
            Self::ExcludeNodes => "excludeNodes",
            Self::ExcludeGroups => "excludeGroups",
            Self::ExcludeLabels => "excludeLabels",
            Self::ExcludeRoles => "excludeRoles",
            Self::ExcludeWhere => "excludeWhere",
        }
    }

    /// Whether what is written under it is left out.
    #[must_use]
    pub fn is_exclude(self) -> bool {
        self.as_str().starts_with("exclude")
    }

    /// What a text under this key asks for.
    fn what(self, text: String) -> Result<What, Problem> {
        Ok(match self {
            Self::Nodes | Self::ExcludeNodes => What::Node(text),
            Self::Groups | Self::ExcludeGroups => What::Group(text),
            Self::Roles | Self::ExcludeRoles => What::Role(text),
            Self::Where | Self::ExcludeWhere => What::Where(text),
            Self::Labels | Self::ExcludeLabels => match text.parse::<LabelSelector>() {
                Ok(selector) => What::Labels(selector),
                Err(why) => {
                    let message = format!("this is no label selector: {why}");
                    return Err(Problem::new(code::BAD_SELECTOR, "", "", message));
                }
            },
        })
    }
}

// === impl Wish ===

impl Wish {
    /// Where it was written, relative to the targets.
    #[must_use]
    pub fn pointer(&self) -> String {
        format!("/{}/{}", self.key.as_str(), self.index)
    }
}

// === impl Asked ===

impl Asked {
    /// What targets ask for, once their templates are rendered.
    ///
    /// # Errors
    ///
    /// Templates that cannot be rendered or give something else, and label selectors that cannot be read.
    pub fn new(targets: &Targets, render: &Render<'_>) -> Result<Self, Vec<Problem>> {
        let mut reader = Reader { render, out: Vec::new(), problems: Vec::new() };
        for (index, entry) in targets.nodes.iter().enumerate() {
            match entry {
                NodeEntry::Name(text) => reader.text(Key::Nodes, index, text),
                NodeEntry::Node(node) => reader.node(index, node),
            }
        }
        reader.texts(Key::Groups, &targets.groups);
        reader.texts(Key::Labels, &targets.labels);
        reader.texts(Key::Roles, &targets.roles);
        reader.texts(Key::Where, &targets.where_);
        let include = std::mem::take(&mut reader.out);
        reader.texts(Key::ExcludeNodes, &targets.exclude_nodes);
        reader.texts(Key::ExcludeGroups, &targets.exclude_groups);
        reader.texts(Key::ExcludeLabels, &targets.exclude_labels);
        reader.texts(Key::ExcludeRoles, &targets.exclude_roles);
        reader.texts(Key::ExcludeWhere, &targets.exclude_where);
        let Reader { out: exclude, mut problems, .. } = reader;
        problems.truncate(MAX_PROBLEMS);
        if problems.is_empty() { Ok(Self { include, exclude }) } else { Err(problems) }
    }
}

struct Reader<'a> {
    render: &'a Render<'a>,
    out: Vec<Wish>,
    problems: Vec<Problem>,
}

// === impl Reader ===

impl Reader<'_> {
    fn texts(&mut self, key: Key, texts: &[String]) {
        for (index, text) in texts.iter().enumerate() {
            self.text(key, index, text);
        }
    }

    fn text(&mut self, key: Key, index: usize, text: &str) {
        // An expression is no template, even where it is written like one.
        if !is_template(text) || matches!(key, Key::Where | Key::ExcludeWhere) {
            return self.plain(key, index, text.to_owned());
        }
        match (self.render)(text) {
            Ok(Value::String(text)) => self.plain(key, index, text),
            Ok(Value::Array(items)) => {
                for item in items {
                    match (item, key) {
                        (Value::String(text), _) => self.plain(key, index, text),
                        (item @ Value::Object(_), Key::Nodes) => match serde_json::from_value(item) {
                            Ok(node) => self.wish(key, index, What::Written(node)),
                            Err(why) => {
                                self.problem(
                                    code::WRONG_TYPE,
                                    key,
                                    index,
                                    format!("`{text}` gives a node that cannot be read: {why}"),
                                );
                            }
                        },
                        (item, _) => self.problem(
                            code::WRONG_TYPE,
                            key,
                            index,
                            format!("`{text}` gives {item}, which is not a text"),
                        ),
                    }
                }
            }
            Ok(other) => self.problem(
                code::WRONG_TYPE,
                key,
                index,
                format!("`{text}` gives {other}; expected a text or a list of texts"),
            ),
            Err(why) => self.problem(code::UNKNOWN_NAME, key, index, why),
        }
    }

    fn node(&mut self, index: usize, node: &Node) {
        let mut node = Box::new(node.clone());
        if is_template(&node.name) {
            match (self.render)(&node.name) {
                Ok(Value::String(name)) => node.name = name,
                Ok(other) => {
                    let message = format!("a node's name must be a text, not {other}");
                    return self.problem(code::BAD_NAME, Key::Nodes, index, message);
                }
                Err(why) => return self.problem(code::UNKNOWN_NAME, Key::Nodes, index, why),
            }
        }
        self.wish(Key::Nodes, index, What::Written(node));
    }

    fn plain(&mut self, key: Key, index: usize, text: String) {
        match key.what(text) {
            Ok(what) => self.wish(key, index, what),
            Err(problem) => {
                let pointer = format!("/{}/{index}", key.as_str());
                self.problems.push(Problem { pointer, ..problem });
            }
        }
    }

    fn wish(&mut self, key: Key, index: usize, what: What) {
        self.out.push(Wish { what, key, index });
    }

    fn problem(&mut self, code: code::Code, key: Key, index: usize, message: String) {
        self.problems.push(Problem::new(code, "", format!("/{}/{index}", key.as_str()), message));
    }
}
