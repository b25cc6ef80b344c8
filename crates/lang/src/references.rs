//! What templates and conditions refer to: whether it parses, and whether what it names can exist there.

use std::collections::{BTreeMap, BTreeSet};

use windlass_model::code::{self, Code};
use windlass_model::eval::is_template;
use windlass_model::plan::{Action, Block, Plan};
use windlass_model::problem::Problem;
use windlass_model::schema::escape;
use windlass_model::target::NodeEntry;
use windlass_model::validate::walk::{self, ActionAt, Role};
use windlass_model::{Map, Value, name};

mod text;

use self::text::{Mention, Text};

/// Everything that is wrong with the templates of a plan.
#[must_use]
pub(crate) fn check(plan: &Plan) -> Vec<Problem> {
    let mut checker = Checker {
        params: plan.spec.params.keys().map(String::as_str).collect(),
        vars: plan.spec.vars.keys().cloned().collect(),
        shared: shared(plan),
        parsed: BTreeMap::new(),
        found: Vec::new(),
    };
    let values = Sees::values();
    for (name, value) in &plan.spec.vars {
        checker.value(value, "", &format!("/spec/vars/{}", escape(name)), &values);
    }
    walk::blocks(plan, &mut |at| checker.block(at.block, &at.address, &at.pointer));
    walk::actions(plan, &mut |at| checker.action(at));
    checker.found
}

struct Checker<'a> {
    params: BTreeSet<&'a str>,
    vars: BTreeSet<String>,
    /// What actions outside of sequences save, for all of the run.
    shared: BTreeSet<String>,
    /// Texts that were parsed already: explicit sequences repeat them.
    parsed: BTreeMap<(bool, String), Text>,
    found: Vec<Problem>,
}

/// What can be seen at some place.
#[derive(Default)]
struct Sees {
    /// Variables beyond the plan's; `None` when nobody knows which.
    vars: Option<BTreeSet<String>>,
    node: bool,
    /// Only params and vars: before a run there is nothing else.
    values_only: bool,
    store: BTreeSet<String>,
    /// Steps that have a response; `None` outside of sequences.
    steps: Option<BTreeSet<String>>,
    /// Steps of the same sequence that come too late.
    later: BTreeSet<String>,
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

impl Sees {
    fn values() -> Self {
        Self { vars: Some(BTreeSet::new()), values_only: true, ..Self::default() }
    }

    fn action(at: &ActionAt<'_>, shared: &BTreeSet<String>) -> Self {
        let in_sequence = at.vars.is_some();
        let mut store = shared.clone();
        let mut steps: BTreeSet<String> = at.earlier.iter().map(|earlier| earlier.name.clone()).collect();
        store.extend(at.earlier.iter().flat_map(|earlier| earlier.save.keys().cloned()));
        // An undo comes after its action and knows its response. `verifyAfter` does not: the action is
        // not over before that has passed.
        if let (Some(of), Role::Undo) = (at.of, at.role) {
            steps.insert(of.name.clone());
            store.extend(of.save.keys().cloned());
        }
        Self {
            vars: vars_of(at.block, at.vars),
            node: in_sequence && at.block.is_some_and(|block| block.targets.is_some()),
            values_only: false,
            store,
            steps: in_sequence.then_some(steps),
            later: BTreeSet::new(),
        }
    }
}

/// The variables of a sequence and of the nodes that are written out; `None` when a template makes nodes.
fn vars_of(block: Option<&Block>, of_sequence: Option<&Map>) -> Option<BTreeSet<String>> {
    let mut names: BTreeSet<String> = of_sequence.into_iter().flat_map(|vars| vars.keys().cloned()).collect();
    if of_sequence.is_some() {
        for entry in block.and_then(|block| block.targets.as_ref()).into_iter().flat_map(|t| &t.nodes) {
            match entry {
                NodeEntry::Name(text) if is_template(text) => return None,
                NodeEntry::Name(_) => {}
                NodeEntry::Node(node) => names.extend(node.vars.keys().cloned()),
            }
        }
    }
    Some(names)
}

// === impl Checker ===

impl Checker<'_> {
    fn block(&mut self, block: &Block, address: &str, pointer: &str) {
        let values = Sees::values();
        let targets = block.targets.iter();
        for (index, entry) in targets.clone().flat_map(|targets| &targets.nodes).enumerate() {
            let (text, key) = match entry {
                NodeEntry::Name(text) => (text, ""),
                NodeEntry::Node(node) => (&node.name, "/name"),
            };
            // Most of a million names are no templates.
            if is_template(text) {
                self.text(text, false, address, &format!("{pointer}/targets/nodes/{index}{key}"), &values);
            }
        }
        for (index, text) in targets.flat_map(|targets| &targets.exclude_nodes).enumerate() {
            self.text(text, false, address, &format!("{pointer}/targets/excludeNodes/{index}"), &values);
        }
        if let Some(template) = &block.sequence {
            let sees = Sees {
                vars: vars_of(Some(block), Some(&template.vars)),
                node: true,
                store: self.shared.clone(),
                steps: Some(BTreeSet::new()),
                ..Sees::default()
            };
            let address = format!("{address}/*");
            self.map(&template.vars, &address, &format!("{pointer}/sequence/vars"), &sees);
            if let Some(lock) = &template.lock {
                self.text(lock, false, &address, &format!("{pointer}/sequence/lock"), &sees);
            }
        }
        for (index, sequence) in block.sequences.iter().enumerate() {
            let sees = Sees {
                vars: vars_of(Some(block), Some(&sequence.vars)),
                store: self.shared.clone(),
                steps: Some(BTreeSet::new()),
                ..Sees::default()
            };
            let address = walk::child(address, &sequence.name, index);
            let pointer = format!("{pointer}/sequences/{index}");
            self.map(&sequence.vars, &address, &format!("{pointer}/vars"), &sees);
            if let Some(lock) = &sequence.lock {
                self.text(lock, false, &address, &format!("{pointer}/lock"), &sees);
            }
        }
    }

    fn action(&mut self, at: ActionAt<'_>) {
        let Action { with, when, on, .. } = at.action;
        let mut sees = Sees::action(&at, &self.shared);
        if let Some(of) = at.of.or(Some(at.action))
            && let Some(steps) = &sees.steps
        {
            sees.later = self.siblings(&at, of).filter(|name| !steps.contains(name)).collect();
        }
        self.value(with, at.address, &format!("{}/with", at.pointer), &sees);
        if let Some(when) = when {
            self.text(when, true, at.address, &format!("{}/when", at.pointer), &sees);
        }
        if let Some(on) = on {
            self.text(on, false, at.address, &format!("{}/on", at.pointer), &sees);
        }
    }

    /// The names of all actions of the sequence that an action is in, as far as they matter for advice.
    fn siblings<'b>(&self, at: &'b ActionAt<'_>, of: &'b Action) -> impl Iterator<Item = String> + 'b {
        let of_template = at.block.and_then(|block| block.sequence.as_ref());
        let lists = of_template.map(|template| &template.actions).into_iter();
        let explicit = at.block.into_iter().flat_map(|block| block.sequences.iter().map(|one| &one.actions));
        lists
            .chain(explicit)
            .filter(|actions| actions.iter().any(|action| std::ptr::eq(action, of)))
            .flat_map(|actions| actions.iter().map(|action| action.name.clone()))
    }

    fn map(&mut self, map: &Map, address: &str, pointer: &str, sees: &Sees) {
        for (key, value) in map {
            self.value(value, address, &format!("{pointer}/{}", escape(key)), sees);
        }
    }

    fn value(&mut self, value: &Value, address: &str, pointer: &str, sees: &Sees) {
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

    fn text(&mut self, text: &str, condition: bool, address: &str, pointer: &str, sees: &Sees) {
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
    fn judge(&self, mention: &Mention, sees: &Sees) -> Option<(Code, String, Option<String>)> {
        let root = mention.root.as_str();
        let unknown = |message: String, help: Option<String>| Some((code::UNKNOWN_NAME, message, help));
        if sees.values_only && text::ROOTS.contains(&root) && !matches!(root, "params" | "vars") {
            return unknown(format!("`{root}` is not known yet here: only params and vars are"), None);
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
                let own = sees.vars.as_ref()?;
                if mention.guarded || self.vars.contains(key) || own.contains(key) {
                    return None;
                }
                let mut known = self.vars.iter().chain(own).map(String::as_str);
                unknown(
                    format!("vars.{key} is not defined"),
                    nearest(&mut known).or_else(|| Some("there are no vars here".to_owned())),
                )
            }
            ("steps", key) => self.judge_step(key, mention, sees),
            ("store", Some(key)) if !mention.guarded && !sees.store.contains(key) => unknown(
                format!("store.{key} is not saved by anything before this"),
                nearest(&mut sees.store.iter().map(String::as_str)),
            ),
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
        sees: &Sees,
    ) -> Option<(Code, String, Option<String>)> {
        let unknown = |message: String, help: Option<String>| Some((code::UNKNOWN_NAME, message, help));
        let Some(steps) = &sees.steps else {
            return unknown("there are no `steps` here: they belong to a sequence".to_owned(), None);
        };
        let key = key?;
        if steps.contains(key) || mention.guarded {
            return None;
        }
        if sees.later.contains(key) {
            return unknown(format!("steps.{key} comes later than this"), None);
        }
        let near = name::nearest(key, steps.iter().map(String::as_str));
        let help = match near {
            _ if mention.after_minus => {
                Some("a name with - in it stands in brackets: steps['get-state'].response".to_owned())
            }
            Some(near) => Some(format!("did you mean steps.{near}?")),
            None if steps.is_empty() => Some("nothing comes before this".to_owned()),
            None => Some(format!("there are: {}", steps.iter().cloned().collect::<Vec<_>>().join(", "))),
        };
        unknown(format!("steps.{key} is not a step before this"), help)
    }
}
