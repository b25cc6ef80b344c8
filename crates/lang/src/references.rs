//! What templates and conditions refer to: whether it parses, and whether what it names can exist there.

use std::collections::{BTreeMap, BTreeSet};

use windlass_model::code::{self, Code};
use windlass_model::eval::is_template;
use windlass_model::freeze::KnownVars;
use windlass_model::pattern;
use windlass_model::plan::{Action, Block, Plan, Resolve};
use windlass_model::problem::Problem;
use windlass_model::schema::escape;
use windlass_model::target::{NodeEntry, Targets};
use windlass_model::validate::walk::{self, ActionAt, Role};
use windlass_model::{Map, Value, name};

pub(crate) mod text;

use self::text::{Mention, Text};

/// Everything that is wrong with the templates of a plan. Nodes bring along variables of their own.
#[must_use]
pub(crate) fn check(plan: &Plan, nodes: Option<&dyn KnownVars>) -> Vec<Problem> {
    let mut checker = Checker {
        nodes,
        params: plan.spec.params.keys().map(String::as_str).collect(),
        vars: plan.spec.vars.keys().cloned().collect(),
        shared: shared(plan),
        parsed: BTreeMap::new(),
        found: Vec::new(),
    };
    let in_vars = Sees { only: Some(IN_VARS), ..Sees::default() };
    for (name, value) in &plan.spec.vars {
        checker.value(value, "", &format!("/spec/vars/{}", escape(name)), in_vars);
    }
    walk::blocks(plan, &mut |at| checker.block(at.block, &at.address, &at.pointer));
    walk::actions(plan, &mut |at| checker.action(at));
    checker.found
}

struct Checker<'a> {
    /// The nodes that there are, if that is known.
    nodes: Option<&'a dyn KnownVars>,
    params: BTreeSet<&'a str>,
    vars: BTreeSet<String>,
    /// What actions outside of sequences save, for all of the run.
    shared: BTreeSet<String>,
    /// Texts that were parsed already: explicit sequences repeat them.
    parsed: BTreeMap<(bool, String), Text>,
    found: Vec<Problem>,
}

/// What is there when targets are written, and when nodes are looked at one by one to choose them.
const BEFORE: &[&str] = &["params", "vars"];
/// Variables are looked up when a run needs them, and then there are secrets.
const IN_VARS: &[&str] = &["params", "vars", "secret"];
const CHOOSING: &[&str] = &["params", "vars", "node", "facts"];
/// The same for targets that are chosen when their block begins.
const LATER: &[&str] = &["params", "vars", "store", "targets", "run"];
const CHOOSING_LATER: &[&str] = &["params", "vars", "node", "facts", "store", "targets", "run"];

/// What can be seen at some place. It is looked up for what is mentioned there, and collected only for advice.
#[derive(Clone, Copy, Default)]
struct Sees<'a> {
    block: Option<&'a Block>,
    /// The variables of the sequence that it is in; `None` outside of sequences.
    sequence: Option<&'a Map>,
    node: bool,
    /// The only roots that there are, where not all are: before a run there is not much.
    only: Option<&'static [&'static str]>,
    /// Nothing that a run changes: what is named by it must keep its name.
    unchanging: bool,
    /// The actions before it.
    earlier: &'a [Action],
    /// The action that it takes back.
    undoes: Option<&'a Action>,
    /// The step of the sequence that it is, or belongs to.
    step: Option<&'a Action>,
}

fn shared(plan: &Plan) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    walk::actions(plan, &mut |at| {
        if matches!(at.role, Role::Check(_) | Role::Deferred) {
            names.extend(at.action.save.keys().cloned());
        }
    });
    names
}

// === impl Sees ===

impl<'a> Sees<'a> {
    fn values(resolve: Resolve) -> Self {
        let only = if resolve == Resolve::Late { LATER } else { BEFORE };
        Self { only: Some(only), ..Self::default() }
    }

    fn choosing(resolve: Resolve) -> Self {
        let only = if resolve == Resolve::Late { CHOOSING_LATER } else { CHOOSING };
        Self { only: Some(only), node: true, ..Self::default() }
    }

    fn action(at: &ActionAt<'a>) -> Self {
        Self {
            block: at.block,
            sequence: at.vars,
            node: at.vars.is_some() && at.block.is_some_and(|block| block.targets.is_some()),
            only: None,
            unchanging: false,
            earlier: at.earlier,
            // An undo comes after its action and knows its response. `verifyAfter` does not: the action is
            // not over before that has passed.
            undoes: at.of.filter(|_| at.role == Role::Undo),
            step: at.of.or(Some(at.action)),
        }
    }

    /// The actions whose responses and saved values it knows.
    fn before(self) -> impl Iterator<Item = &'a Action> {
        self.earlier.iter().chain(self.undoes)
    }

    /// The variables of its block, its sequence and its nodes; `None` when a template makes nodes, or when
    /// only an inventory knows them that is not here.
    fn vars(self, nodes: Option<&'a dyn KnownVars>) -> Option<BTreeSet<&'a str>> {
        let of_block = self.block.map(|block| &block.vars);
        let mut names: BTreeSet<&str> =
            self.sequence.into_iter().chain(of_block).flat_map(Map::keys).map(String::as_str).collect();
        let targets = self.block.filter(|_| self.sequence.is_some()).and_then(|block| block.targets.as_ref());
        match nodes.filter(|_| self.node) {
            Some(nodes) => names.extend(nodes.var_names()),
            None if self.only.is_some_and(|only| only.contains(&"node"))
                || targets.is_some_and(asks_an_inventory) =>
            {
                return None;
            }
            None => {}
        }
        for entry in targets.into_iter().flat_map(|targets| &targets.nodes) {
            match entry {
                NodeEntry::Name(text) if is_template(text) => return None,
                NodeEntry::Name(_) => {}
                NodeEntry::Node(node) => names.extend(node.vars.keys().map(String::as_str)),
            }
        }
        Some(names)
    }

    /// Whether a step of its sequence has this name.
    fn has_sibling(self, name: &str) -> bool {
        let (Some(block), Some(step)) = (self.block, self.step) else { return false };
        let of_template = block.sequence.iter().map(|template| &template.actions);
        let mut lists = of_template.chain(block.sequences.iter().map(|one| &one.actions));
        let own = lists.find(|actions| actions.iter().any(|action| std::ptr::eq(action, step)));
        own.is_some_and(|actions| actions.iter().any(|action| action.name == name))
    }
}

/// Whether only an inventory can say which nodes these are.
#[must_use]
pub fn asks_an_inventory(targets: &Targets) -> bool {
    let matched = |entry: &NodeEntry| match entry {
        NodeEntry::Name(text) => pattern::needs_inventory(text),
        NodeEntry::Node(_) => false,
    };
    targets.of_inventory().next().is_some() || targets.nodes.iter().any(matched)
}

// === impl Checker ===

impl Checker<'_> {
    fn block(&mut self, block: &Block, address: &str, pointer: &str) {
        let values = Sees::values(block.resolve);
        let targets = block.targets.iter();
        for (index, entry) in targets.clone().flat_map(|targets| &targets.nodes).enumerate() {
            let (text, key) = match entry {
                NodeEntry::Name(text) => (text, ""),
                NodeEntry::Node(node) => (&node.name, "/name"),
            };
            // Most of a million names are no templates.
            if is_template(text) {
                self.text(text, false, address, &format!("{pointer}/targets/nodes/{index}{key}"), values);
            }
        }
        for (index, text) in targets.clone().flat_map(|targets| &targets.exclude_nodes).enumerate() {
            self.text(text, false, address, &format!("{pointer}/targets/excludeNodes/{index}"), values);
        }
        for (key, texts) in targets.flat_map(Targets::of_inventory) {
            let is_expression = matches!(key, "where" | "excludeWhere");
            let sees = if is_expression { Sees::choosing(block.resolve) } else { values };
            for (index, text) in texts.iter().enumerate() {
                let pointer = format!("{pointer}/targets/{key}/{index}");
                self.text(text, is_expression, address, &pointer, sees);
            }
        }
        let of_block = Sees { block: Some(block), ..Sees::default() };
        self.map(&block.vars, address, &format!("{pointer}/vars"), of_block);
        if let Some(template) = &block.sequence {
            let sees =
                Sees { block: Some(block), sequence: Some(&template.vars), node: true, ..Sees::default() };
            let address = format!("{address}/*");
            self.map(&template.vars, &address, &format!("{pointer}/sequence/vars"), sees);
            if let Some(lock) = &template.lock {
                let sees = Sees { unchanging: true, ..sees };
                self.text(lock, false, &address, &format!("{pointer}/sequence/lock"), sees);
            }
        }
        for (index, sequence) in block.sequences.iter().enumerate() {
            let sees = Sees { block: Some(block), sequence: Some(&sequence.vars), ..Sees::default() };
            let address = walk::child(address, &sequence.name, index);
            let pointer = format!("{pointer}/sequences/{index}");
            self.map(&sequence.vars, &address, &format!("{pointer}/vars"), sees);
            if let Some(lock) = &sequence.lock {
                let sees = Sees { unchanging: true, ..sees };
                self.text(lock, false, &address, &format!("{pointer}/lock"), sees);
            }
        }
    }

    fn action(&mut self, at: ActionAt<'_>) {
        let Action { with, when, on, .. } = at.action;
        let sees = Sees::action(&at);
        self.value(with, at.address, &format!("{}/with", at.pointer), sees);
        if let Some(when) = when {
            self.text(when, true, at.address, &format!("{}/when", at.pointer), sees);
        }
        if let Some(on) = on {
            self.text(on, false, at.address, &format!("{}/on", at.pointer), sees);
        }
    }

    fn map(&mut self, map: &Map, address: &str, pointer: &str, sees: Sees<'_>) {
        for (key, value) in map {
            self.value(value, address, &format!("{pointer}/{}", escape(key)), sees);
        }
    }

    fn value(&mut self, value: &Value, address: &str, pointer: &str, sees: Sees<'_>) {
        match value {
            Value::String(text) => self.text(text, false, address, pointer, sees),
            Value::Array(items) => {
                for (index, item) in items.iter().enumerate() {
                    self.value(item, address, &format!("{pointer}/{index}"), sees);
                }
            }
            Value::Object(map) => {
                for key in map.keys() {
                    self.text(key, false, address, &format!("{pointer}/{}", escape(key)), sees);
                }
                self.map(map, address, pointer, sees);
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }

    fn text(&mut self, text: &str, condition: bool, address: &str, pointer: &str, sees: Sees<'_>) {
        if !condition && !is_template(text) {
            return;
        }
        let parsed = match self.parsed.get(&(condition, text.to_owned())) {
            Some(parsed) => parsed.clone(),
            None => {
                let parsed = Text::parse(text, condition);
                self.parsed.insert((condition, text.to_owned()), parsed.clone());
                parsed
            }
        };
        match parsed {
            Text::Broken { message, help } => {
                let problem = Problem::new(code::TEMPLATE_SYNTAX, address, pointer, message);
                self.found.push(match help {
                    Some(help) => problem.help(help),
                    None => problem,
                });
            }
            Text::Fine(mentions) => {
                for mention in &mentions {
                    if let Some((code, message, help)) = self.judge(mention, sees) {
                        let problem = Problem::new(code, address, pointer, message);
                        self.found.push(match help {
                            Some(help) => problem.help(help),
                            None => problem,
                        });
                    }
                }
            }
        }
    }

    /// What is wrong with a name that a template mentions.
    fn judge(&self, mention: &Mention, sees: Sees<'_>) -> Option<(Code, String, Option<String>)> {
        let root = mention.root.as_str();
        let unknown = |message: String, help: Option<String>| Some((code::UNKNOWN_NAME, message, help));
        if let Some(only) = sees.only.filter(|only| text::ROOTS.contains(&root) && !only.contains(&root)) {
            let known = only.join(", ");
            return unknown(format!("`{root}` is not known yet here: only {known} are"), None);
        }
        if sees.unchanging && matches!(root, "store" | "steps" | "targets") {
            let help = "name it by params, vars, node, facts or run".to_owned();
            let message = format!("`{root}` changes while a run goes on, and a lock must keep its name");
            return unknown(message, Some(help));
        }
        let key = mention.key.as_deref();
        let nearest = |known: &mut dyn Iterator<Item = &str>| {
            let names: Vec<&str> = known.collect();
            match name::nearest(key.unwrap_or(""), names.iter().copied()) {
                Some(near) => Some(format!("did you mean {root}.{near}?")),
                None if names.is_empty() => None,
                None => Some(format!("there are: {}", names.join(", "))),
            }
        };
        match (root, key) {
            ("params", Some(key)) if !self.params.contains(key) => unknown(
                format!("params.{key} is not defined"),
                nearest(&mut self.params.iter().copied())
                    .or_else(|| Some("this plan has no params".to_owned())),
            ),
            ("vars", Some(key)) => {
                if mention.guarded || self.vars.contains(key) {
                    return None;
                }
                if sees.node && self.nodes.is_some_and(|nodes| nodes.has_var(key)) {
                    return None;
                }
                let own = sees.vars(self.nodes)?;
                if own.contains(key) {
                    return None;
                }
                let mut known = self.vars.iter().map(String::as_str).chain(own);
                unknown(
                    format!("vars.{key} is not defined"),
                    nearest(&mut known).or_else(|| Some("there are no vars here".to_owned())),
                )
            }
            ("steps", key) => self.judge_step(key, mention, sees),
            ("store", Some(key)) => {
                let saved = |action: &Action| action.save.contains_key(key);
                if mention.guarded || self.shared.contains(key) || sees.before().any(saved) {
                    return None;
                }
                let mut known: BTreeSet<&str> = self.shared.iter().map(String::as_str).collect();
                known.extend(sees.before().flat_map(|action| action.save.keys()).map(String::as_str));
                unknown(
                    format!("store.{key} is not saved by anything before this"),
                    nearest(&mut known.into_iter()),
                )
            }
            ("node" | "facts", _) if !sees.node && !mention.guarded => unknown(
                format!("there is no `{root}` here, because there is no target"),
                Some("it is known in a `sequence` with `targets`".to_owned()),
            ),
            (root, _) if text::ROOTS.contains(&root) || mention.guarded => None,
            (root, _) => {
                let near = name::nearest(root, text::ROOTS);
                let help = match near {
                    _ if mention.after_minus => {
                        "a name with - in it stands in brackets: steps['get-state'].response".to_owned()
                    }
                    Some(near) => format!("did you mean {near}?"),
                    None => format!("there are: {}", text::ROOTS.join(", ")),
                };
                unknown(format!("`{root}` is not defined"), Some(help))
            }
        }
    }

    fn judge_step(
        &self,
        key: Option<&str>,
        mention: &Mention,
        sees: Sees<'_>,
    ) -> Option<(Code, String, Option<String>)> {
        let unknown = |message: String, help: Option<String>| Some((code::UNKNOWN_NAME, message, help));
        if sees.sequence.is_none() {
            return unknown("there are no `steps` here: they belong to a sequence".to_owned(), None);
        }
        let key = key?;
        if mention.guarded || sees.before().any(|action| action.name == key) {
            return None;
        }
        if sees.has_sibling(key) {
            return unknown(format!("steps.{key} comes later than this"), None);
        }
        let steps: BTreeSet<&str> = sees.before().map(|action| action.name.as_str()).collect();
        let near = name::nearest(key, steps.iter().copied());
        let help = match near {
            _ if mention.after_minus => {
                Some("a name with - in it stands in brackets: steps['get-state'].response".to_owned())
            }
            Some(near) => Some(format!("did you mean steps.{near}?")),
            None if steps.is_empty() => Some("nothing comes before this".to_owned()),
            None => Some(format!("there are: {}", steps.into_iter().collect::<Vec<_>>().join(", "))),
        };
        unknown(format!("steps.{key} is not a step before this"), help)
    }
}
