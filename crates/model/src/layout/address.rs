//! Addresses: the names by which people point at elements.
//!
//! `patch` · `patch/web03` · `patch/web03/reboot` · `patch/web03/reboot!undo` ·
//! `patch/web03/reboot!verify/port` · `checks.pre/change-open` · `patch/checks.post/smoke` ·
//! `deferred/tell/mail`; with a step set other than `default` its blocks are `maint:patch/web03`.

use super::{ActionDef, Layout};
use crate::element::{ElementId, Level, Side, Slot, Work};
use crate::plan::DEFAULT_STEP_SET;

impl Layout {
    /// The address of an element; the run itself has the empty one.
    #[must_use]
    pub fn address(&self, element: ElementId) -> String {
        let mut address = String::new();
        self.write_address(element, &mut address);
        address
    }

    fn write_address(&self, element: ElementId, to: &mut String) {
        match element {
            ElementId::Run => {}
            ElementId::Block(block) => self.write_block(block, to),
            ElementId::Sequence { block, seq } => {
                self.write_block(block, to);
                to.push('/');
                to.push_str(self.block(block).and_then(|block| block.sequences.name(seq)).unwrap_or("?"));
            }
            ElementId::Slot { level, slot } => {
                if let Level::Block(block) = level {
                    self.write_block(block, to);
                    to.push('/');
                }
                to.push_str("checks.");
                to.push_str(slot.key());
            }
            ElementId::Batch(batch) => {
                to.push_str("deferred/");
                to.push_str(self.batches.get(usize::from(batch)).map_or("?", |batch| &batch.name));
            }
            ElementId::Work(work) => self.write_work(work, to),
            ElementId::Verify { of, side, .. } => {
                self.write_work(of, to);
                to.push_str(match side {
                    Side::Before => "!verify/",
                    Side::After => "!verifyAfter/",
                });
                to.push_str(name(self.action(element)));
            }
        }
    }

    fn write_block(&self, block: u32, to: &mut String) {
        let set = &self.submission.step_set;
        if set != DEFAULT_STEP_SET {
            to.push_str(set);
            to.push(':');
        }
        to.push_str(self.block(block).map_or("?", |block| &block.name));
    }

    fn write_work(&self, work: Work, to: &mut String) {
        let around = match work {
            Work::Action { block, seq, .. } => ElementId::Sequence { block, seq },
            Work::Undo { block, seq, action } => {
                self.write_work(Work::Action { block, seq, action }, to);
                return to.push_str("!undo");
            }
            Work::Check { level, slot, .. } => ElementId::Slot { level, slot },
            Work::Deferred { batch, .. } => ElementId::Batch(batch),
        };
        self.write_address(around, to);
        to.push('/');
        to.push_str(name(self.work(work)));
    }

    /// The element at an address.
    #[must_use]
    pub fn find(&self, address: &str) -> Option<ElementId> {
        if address.is_empty() {
            return Some(ElementId::Run);
        }
        let (address, suffix) = match address.split_once('!') {
            Some((address, suffix)) => (address, Some(suffix)),
            None => (address, None),
        };
        let parts: Vec<&str> = address.split('/').collect();
        let plain = match *parts.as_slice() {
            ["deferred", batch] => ElementId::Batch(self.find_batch(batch)?),
            ["deferred", batch, action] => {
                let batch = self.find_batch(batch)?;
                let action = position(&self.batches.get(usize::from(batch))?.actions, action)?;
                Work::Deferred { batch, action }.into()
            }
            [first, ref rest @ ..] => match first.strip_prefix("checks.") {
                Some(slot) => self.find_check(Level::Plan, slot, rest)?,
                None => self.find_in_block(self.find_block(first)?, rest)?,
            },
            [] => return None,
        };
        self.find_suffix(plain, suffix)
    }

    fn find_batch(&self, name: &str) -> Option<u16> {
        u16::try_from(self.batches.iter().position(|batch| batch.name == name)?).ok()
    }

    fn find_block(&self, name: &str) -> Option<u32> {
        (0..self.block_count()).find(|block| self.address(ElementId::Block(*block)) == name)
    }

    fn find_in_block(&self, block: u32, rest: &[&str]) -> Option<ElementId> {
        match *rest {
            [] => Some(ElementId::Block(block)),
            [first, ref rest @ ..] if first.starts_with("checks.") => {
                self.find_check(Level::Block(block), first.strip_prefix("checks.")?, rest)
            }
            [sequence] => {
                Some(ElementId::Sequence { block, seq: self.block(block)?.sequences.find(sequence)? })
            }
            [sequence, action] => {
                let sequences = &self.block(block)?.sequences;
                let seq = sequences.find(sequence)?;
                let action = position(&sequences.body(seq)?.actions, action)?;
                Some(Work::Action { block, seq, action }.into())
            }
            _ => None,
        }
    }

    fn find_check(&self, level: Level, slot: &str, rest: &[&str]) -> Option<ElementId> {
        let slot = Slot::ALL.into_iter().find(|known| known.key() == slot)?;
        match *rest {
            [] => Some(ElementId::Slot { level, slot }),
            [check] => {
                let index = position(self.checks(level)?.slot(slot), check)?;
                Some(Work::Check { level, slot, index }.into())
            }
            _ => None,
        }
    }

    fn find_suffix(&self, plain: ElementId, suffix: Option<&str>) -> Option<ElementId> {
        let (Some(suffix), ElementId::Work(of)) = (suffix, plain) else {
            return suffix.is_none().then_some(plain);
        };
        match (suffix.split_once('/'), of) {
            (None, Work::Action { block, seq, action }) if suffix == "undo" => {
                Some(Work::Undo { block, seq, action }.into())
            }
            (Some(("verify", check)), _) => {
                let index = position(&self.work(of)?.verify, check)?;
                Some(ElementId::Verify { of, side: Side::Before, index })
            }
            (Some(("verifyAfter", check)), _) => {
                let index = position(&self.work(of)?.after, check)?;
                Some(ElementId::Verify { of, side: Side::After, index })
            }
            _ => None,
        }
    }
}

/// What an action is called; a verifying check without a name is called after its plugin.
fn name(def: Option<&ActionDef>) -> &str {
    match def {
        Some(def) if def.action.name.is_empty() => &def.action.uses,
        Some(def) => &def.action.name,
        None => "?",
    }
}

fn position(actions: &[ActionDef], wanted: &str) -> Option<u16> {
    u16::try_from(actions.iter().position(|def| name(Some(def)) == wanted)?).ok()
}
