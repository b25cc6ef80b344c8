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
        match element {
            ElementId::Run => String::new(),
            ElementId::Block(block) => self.block_address(block),
            ElementId::Sequence { block, seq } => {
                let name = self.block(block).and_then(|block| block.sequences.name(seq)).unwrap_or("?");
                format!("{}/{name}", self.block_address(block))
            }
            ElementId::Slot { level, slot } => match level {
                Level::Plan => format!("checks.{}", slot.key()),
                Level::Block(block) => format!("{}/checks.{}", self.block_address(block), slot.key()),
            },
            ElementId::Batch(batch) => {
                format!("deferred/{}", self.batches.get(usize::from(batch)).map_or("?", |batch| &batch.name))
            }
            ElementId::Work(work) => self.work_address(work),
            ElementId::Verify { of, side, .. } => {
                let word = match side {
                    Side::Before => "verify",
                    Side::After => "verifyAfter",
                };
                format!("{}!{word}/{}", self.work_address(of), name(self.action(element)))
            }
        }
    }

    fn block_address(&self, block: u32) -> String {
        let name = self.block(block).map_or("?", |block| &block.name);
        let set = &self.submission.step_set;
        if set == DEFAULT_STEP_SET { name.to_owned() } else { format!("{set}:{name}") }
    }

    fn work_address(&self, work: Work) -> String {
        match work {
            Work::Action { block, seq, .. } => {
                format!("{}/{}", self.address(ElementId::Sequence { block, seq }), name(self.work(work)))
            }
            Work::Undo { block, seq, action } => {
                format!("{}!undo", self.work_address(Work::Action { block, seq, action }))
            }
            Work::Check { level, slot, .. } => {
                format!("{}/{}", self.address(ElementId::Slot { level, slot }), name(self.work(work)))
            }
            Work::Deferred { batch, .. } => {
                format!("{}/{}", self.address(ElementId::Batch(batch)), name(self.work(work)))
            }
        }
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
        (0..self.block_count()).find(|block| self.block_address(*block) == name)
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
