//! The blocks of the picture: one line each, and below the one that goes on its sequences and what runs in them.

use windlass_model::element::ElementId;
use windlass_model::outcome::Status;
use windlass_report::view::BlockView;
use windlass_report::words::{count, grouped};
use windlass_report::{Length, legible};

use super::Frame;
use super::works::Row;
use crate::live::fit::Pieces;
use crate::live::{heat, outlook};
use crate::printer::{BAD, BUSY, FAINT, GOOD, STRONG, Styled, WARN};

/// How long the address of a block may be.
const ADDRESS: usize = 40;

/// One block, as it would be drawn with all the room that there is.
struct Drawn {
    line: String,
    strip: Option<String>,
    rows: Vec<Row>,
}

impl Frame<'_> {
    /// The blocks, and what runs outside of them, in so many rows.
    pub(super) fn body(&self, room: usize) -> Vec<String> {
        let works = self.works();
        let views: Vec<(u32, &BlockView)> = (0_u32..).zip(self.fold.blocks()).collect();
        let status = |index: u32| self.fold.element(ElementId::Block(index)).status;
        let at = |wanted| views.iter().position(|(index, _)| status(*index) == wanted);
        // The one that goes on, else the one that comes, else the last one.
        let focus = at(Status::Running).or_else(|| at(Status::Pending));
        let focus = focus.unwrap_or_else(|| views.len().saturating_sub(1));
        let (from, to) = window(views.len(), focus, room.saturating_sub(usize::from(!works.is_empty())));
        let mut lines = Vec::new();
        if from > 0 {
            lines.push(Styled(FAINT, format_args!("  {} before", count(from as u64, "block"))).to_string());
        }
        let after = views.len().saturating_sub(to) as u64;
        let mut free = room.saturating_sub(lines.len() + (to - from) + usize::from(after > 0));
        for (index, view) in views.iter().take(to).skip(from) {
            let rows = works.iter().filter(|row| row.block == Some(*index)).cloned().collect();
            let drawn = self.block(*index, view, rows);
            lines.push(drawn.line);
            if let Some(strip) = drawn.strip.filter(|_| free > 0) {
                free -= 1;
                lines.push(strip);
            }
            let below = self.rows_of(drawn.rows, free, "    ");
            free -= below.len();
            lines.extend(below);
        }
        if after > 0 {
            lines.push(Styled(FAINT, format_args!("  {} to come", count(after, "block"))).to_string());
        }
        let others = works.into_iter().filter(|row| row.block.is_none()).collect();
        lines.extend(self.rows_of(others, free, "  "));
        lines
    }

    fn block(&self, index: u32, view: &BlockView, rows: Vec<Row>) -> Drawn {
        let element = ElementId::Block(index);
        let block = self.fold.element(element);
        let address = legible::line(&self.fold.layout().address(element), ADDRESS);
        let (tone, sign) = match block.status {
            Status::Pending => (FAINT, "⋅"),
            Status::Running => (BUSY, "▸"),
            Status::Succeeded | Status::Skipped => (GOOD, "✓"),
            Status::Failed => (BAD, "✗"),
            Status::Stopped => (WARN, "✗"),
        };
        let mut pieces = Pieces::new(format!(
            "  {} {} {}/{}",
            Styled(tone, sign),
            Styled(STRONG, address),
            grouped(u64::from(done(view))),
            grouped(u64::from(view.total))
        ));
        let mut strip = None;
        if block.status == Status::Running {
            self.limits(index, view, &mut pieces);
            if view.total > 1 {
                strip = Some(format!("    {}", heat::strip(self.fold, index, self.width.saturating_sub(6))));
            }
        } else if view.failed > 0 {
            pieces.add(1, Styled(BAD, format_args!("{} failed", grouped(u64::from(view.failed)))));
        }
        if let Some((start, end)) = block.started_at.zip(block.ended_at) {
            pieces.add(2, Styled(FAINT, format_args!("took {}", Length(end.since(start)))));
        }
        Drawn { line: pieces.fit(self.width.saturating_sub(1)), strip, rows }
    }

    /// Failures beside what is allowed, concurrency, batch, rate and time left.
    fn limits(&self, index: u32, view: &BlockView, pieces: &mut Pieces) {
        let Some(def) = self.fold.layout().block(index) else { return };
        let batches = windlass_report::limits::sizes(def).count;
        if batches > 1 && !view.batches.is_empty() {
            let (n, of) = (grouped(view.batches.count()), grouped(u64::from(batches)));
            pieces.add(4, format_args!("batch {n} of {of}"));
        }
        let (active, most) = (grouped(u64::from(view.active)), grouped(u64::from(def.concurrency)));
        pieces.add(2, format_args!("{active}/{most} active"));
        let tone = if view.failed > 0 { BAD } else { FAINT };
        let failed = grouped(u64::from(view.failed));
        match def.failures {
            // Where none is allowed, a limit beside the number says nothing.
            Some(limit) if limit > 0 => {
                let limit = grouped(u64::from(limit));
                pieces.add(1, Styled(tone, format_args!("{failed}/{limit} failed")));
            }
            _ => pieces.add(1, Styled(tone, format_args!("{failed} failed"))),
        }
        let outlook = outlook::of(self.fold, index, self.now);
        if let Some(rate) = outlook.rate_in_words() {
            pieces.add(5, rate);
        }
        if let Some(left) = outlook.left_in_words() {
            pieces.add(3, left);
        }
    }
}

/// How many sequences of a block are over.
pub(super) fn done(view: &BlockView) -> u32 {
    view.succeeded.saturating_add(view.failed).saturating_add(view.skipped).saturating_add(view.stopped)
}

/// Which of so many blocks are drawn: from, and before. The one in focus is, and as many around it as there is room for
/// beside its own strip and two rows of its work.
fn window(count: usize, focus: usize, room: usize) -> (usize, usize) {
    if count <= room.saturating_sub(1).max(1) {
        return (0, count);
    }
    // Two lines say how many are left out.
    let around = room.saturating_sub(6);
    let from = focus.saturating_sub(around / 2).min(count.saturating_sub(around + 1));
    (from, (from + around + 1).min(count))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_block_in_focus_is_always_drawn() {
        for count in 1..50 {
            for focus in 0..count {
                for room in 0..40 {
                    let (from, to) = window(count, focus, room);
                    assert!(
                        from <= focus && focus < to && to <= count,
                        "{count} {focus} {room}: {from}..{to}"
                    );
                    let hidden = usize::from(from > 0) + usize::from(to < count);
                    assert!(room < 4 || to - from + hidden <= room, "{count} {focus} {room}: {from}..{to}");
                }
            }
        }
    }
}
