//! Plan order: every element of a layout, in the order in which a reader of the plan expects it.

use windlass_model::element::{ElementId, Level, Side, Slot, Work};
use windlass_model::layout::{ActionDef, Layout};

/// What is listed before the blocks (or sequences) of a level, and what after.
const BEFORE: [Slot; 3] = [Slot::Bypass, Slot::Pre, Slot::Continuous];

/// Every element of a layout except the run itself, in plan order.
///
/// Verifying checks and undos are among them, each after its action; a report lists those only once
/// they have begun (see [`Fold::elements`](crate::Fold::elements)). An empty slot is no slot.
pub fn elements(layout: &Layout) -> impl Iterator<Item = ElementId> + '_ {
    let before = BEFORE.into_iter().flat_map(|slot| slot_of(layout, Level::Plan, slot));
    let blocks = (0..layout.block_count()).flat_map(|block| block_of(layout, block));
    let batches = (0..count16(layout.batches.len())).flat_map(|batch| batch_of(layout, batch));
    before.chain(blocks).chain(slot_of(layout, Level::Plan, Slot::Post)).chain(batches).chain(slot_of(
        layout,
        Level::Plan,
        Slot::Deferred,
    ))
}

fn block_of(layout: &Layout, block: u32) -> impl Iterator<Item = ElementId> + '_ {
    let level = Level::Block(block);
    let sequences = layout.block(block).map_or(0, |block| block.sequences.len());
    let after = [Slot::Post, Slot::Deferred];
    std::iter::once(ElementId::Block(block))
        .chain(BEFORE.into_iter().flat_map(move |slot| slot_of(layout, level, slot)))
        .chain((0..sequences).flat_map(move |seq| sequence_of(layout, block, seq)))
        .chain(after.into_iter().flat_map(move |slot| slot_of(layout, level, slot)))
}

/// A sequence and what is in it.
pub(crate) fn sequence_of(layout: &Layout, block: u32, seq: u32) -> impl Iterator<Item = ElementId> + '_ {
    let body = layout.block(block).and_then(|block| block.sequences.body(seq));
    let actions = body.map_or(&[][..], |body| &body.actions);
    let works = numbered(actions).flat_map(move |(action, def)| {
        let undo = def.undo.as_deref().map(|undo| (Work::Undo { block, seq, action }, undo));
        let works = [Some((Work::Action { block, seq, action }, def)), undo];
        works.into_iter().flatten().flat_map(|(work, def)| work_of(work, def))
    });
    std::iter::once(ElementId::Sequence { block, seq }).chain(works)
}

fn slot_of(layout: &Layout, level: Level, slot: Slot) -> impl Iterator<Item = ElementId> + '_ {
    let checks = layout.checks(level).map_or(&[][..], |checks| checks.slot(slot));
    let first = (!checks.is_empty()).then_some(ElementId::Slot { level, slot });
    let checks = numbered(checks);
    first
        .into_iter()
        .chain(checks.flat_map(move |(index, def)| work_of(Work::Check { level, slot, index }, def)))
}

fn batch_of(layout: &Layout, batch: u16) -> impl Iterator<Item = ElementId> + '_ {
    let actions = layout.batches.get(usize::from(batch)).map_or(&[][..], |batch| &batch.actions);
    let works =
        numbered(actions).flat_map(move |(action, def)| work_of(Work::Deferred { batch, action }, def));
    std::iter::once(ElementId::Batch(batch)).chain(works)
}

fn work_of(of: Work, def: &ActionDef) -> impl Iterator<Item = ElementId> + use<> {
    let verify = |side, checks: &[ActionDef]| {
        (0..count16(checks.len())).map(move |index| ElementId::Verify { of, side, index })
    };
    let (before, after) = (verify(Side::Before, &def.verify), verify(Side::After, &def.after));
    std::iter::once(ElementId::Work(of)).chain(before).chain(after)
}

fn numbered(defs: &[ActionDef]) -> impl Iterator<Item = (u16, &ActionDef)> {
    (0..u16::MAX).zip(defs)
}

fn count16(len: usize) -> u16 {
    u16::try_from(len).unwrap_or(u16::MAX)
}

#[cfg(test)]
mod tests;
