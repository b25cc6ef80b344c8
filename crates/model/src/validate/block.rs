//! Blocks: what goes together, what must not be empty, what must not have the same name.

use super::walk::{BlockAt, child};
use super::{Checker, Place};
use crate::code;
use crate::element::Slot;
use crate::eval::is_template;
use crate::pattern;
use crate::plan::{Action, Block, Checks, Resolve};
use crate::selector::LabelSelector;
use crate::target::NodeEntry;

// === impl Checker ===

impl Checker<'_> {
    pub(super) fn block(&mut self, at: &BlockAt<'_>) {
        let place = Place { address: &at.address, pointer: &at.pointer };
        let block = at.block;
        self.name(&block.name, "the block", place, "/name");
        if block.name == "deferred" || block.name.starts_with("checks.") {
            let message = format!("a block cannot be named `{}`: addresses need that word", block.name);
            self.push(code::BAD_NAME, place, "/name", message);
        }
        self.parts(block, place);
        self.limits(block, place);
        self.slots(&block.checks, place, "/checks");
        if let Some(template) = &block.sequence {
            let address = format!("{}/*", at.address);
            let long = !template.vars.is_empty() || template.lock.is_some();
            let key = if long { "/sequence/actions" } else { "/sequence" };
            self.sequence(&template.actions, Place { address: &address, ..place }, key);
            self.lock(template.lock.as_deref(), place, "/sequence/lock");
        }
        let names = block.sequences.iter().map(|sequence| sequence.name.as_str());
        self.unique(names, "sequence", place, "/sequences");
        for (index, sequence) in block.sequences.iter().enumerate() {
            let address = child(&at.address, &sequence.name, index);
            let pointer = format!("{}/sequences/{index}", at.pointer);
            let place = Place { address: &address, pointer: &pointer };
            self.name(&sequence.name, "the sequence", place, "/name");
            if sequence.name.starts_with("checks.") {
                let message =
                    format!("a sequence cannot be named `{}`: addresses need that word", sequence.name);
                self.push(code::BAD_NAME, place, "/name", message);
            }
            self.sequence(&sequence.actions, place, "/actions");
            self.lock(sequence.lock.as_deref(), place, "/lock");
        }
    }

    fn parts(&mut self, block: &Block, place: Place<'_>) {
        let explicit = !block.sequences.is_empty();
        let mut clash = |key: &str, message: &str, help: &str| {
            self.push_help(code::BAD_COMBINATION, place, key, message, help);
        };
        match (&block.targets, &block.sequence) {
            (Some(_), None) if explicit => clash(
                "/targets",
                "`targets` and `sequences` do not go together",
                "give the targets one `sequence`, or leave them out",
            ),
            (Some(_), None) => {
                clash("/targets", "there are targets and nothing to do on them", "add a `sequence`");
            }
            (None, Some(_)) => clash(
                "/sequence",
                "a `sequence` is done once per target, and there are no `targets`",
                "add `targets`, or write `sequences` with names",
            ),
            (Some(_), Some(_)) if explicit => clash(
                "/sequences",
                "`sequence` and `sequences` do not go together",
                "make two blocks of them",
            ),
            (None, None) if !explicit => {
                let message = "the block does nothing";
                let help = "add `targets` with a `sequence`, or `sequences`";
                self.push_help(code::EMPTY_CONTAINER, place, "", message, help);
            }
            _ => {}
        }
        let Some(targets) = &block.targets else {
            let mut needs = |key: &str, word: &str| {
                let message = format!("`{word}` is about targets, and this block has none");
                self.push(code::BAD_COMBINATION, place, key, message);
            };
            if block.max_per.as_ref().is_some_and(|labels| !labels.is_empty()) {
                needs("/maxPer", "maxPer");
            }
            if block.resolve == Resolve::Late {
                needs("/resolve", "resolve: late");
            }
            return;
        };
        if targets.includes_nothing() && !targets.allow_empty {
            let help = "name some, or write `allowEmpty: true`";
            self.push_help(code::EMPTY_SELECTION, place, "/targets", "no nodes are given", help);
        }
        let nodes = targets.nodes.iter().map(|entry| match entry {
            NodeEntry::Name(text) => text,
            NodeEntry::Node(node) => &node.name,
        });
        let nodes = nodes.enumerate().map(|(index, text)| ("nodes", index, text));
        let excluded = targets.exclude_nodes.iter().enumerate();
        for (key, index, text) in nodes.chain(excluded.map(|(index, text)| ("excludeNodes", index, text))) {
            let regex = pattern::regex(text).filter(|_| !is_template(text));
            if let Some(Err(why)) = regex.map(|regex| self.patterns.compile(regex)) {
                let message = format!("`{text}` is no regular expression: {why}");
                self.push(code::BAD_PATTERN, place, &format!("/targets/{key}/{index}"), message);
            }
        }
        for (key, texts) in targets.of_inventory() {
            let is_selector = matches!(key, "labels" | "excludeLabels");
            for (index, text) in texts.iter().enumerate().filter(|(_, text)| !is_template(text)) {
                let key = format!("/targets/{key}/{index}");
                if text.trim().is_empty() {
                    self.push(code::BLANK_NAME, place, &key, "nothing is written here");
                } else if is_selector && let Err(why) = text.parse::<LabelSelector>() {
                    let message = format!("this is no label selector: {why}");
                    self.push(code::BAD_SELECTOR, place, &key, message);
                }
            }
        }
    }

    fn sequence(&mut self, actions: &[Action], place: Place<'_>, key: &str) {
        if actions.is_empty() {
            self.push(code::EMPTY_CONTAINER, place, key, "the sequence has no actions");
        }
        self.unique(actions.iter().map(|action| action.name.as_str()), "action", place, key);
    }

    fn lock(&mut self, lock: Option<&str>, place: Place<'_>, key: &str) {
        if lock.is_some_and(|lock| lock.trim().is_empty()) {
            self.push(code::BLANK_NAME, place, key, "the lock has no name");
        }
    }

    pub(super) fn slots(&mut self, checks: &Checks, place: Place<'_>, key: &str) {
        for slot in Slot::ALL {
            let address = match place.address {
                "" => format!("checks.{}", slot.key()),
                parent => format!("{parent}/checks.{}", slot.key()),
            };
            let place = Place { address: &address, ..place };
            let names = checks.slot(slot).iter().map(|check| check.name.as_str());
            self.unique(names, "check", place, &format!("{key}/{}", slot.key()));
        }
        self.span(checks.every, "a period", place, &format!("{key}/every"), true);
    }
}
