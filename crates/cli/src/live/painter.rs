//! Draws lines over the ones that were drawn before, on standard error.
//!
//! Every change is one write, and one update to terminals that know such, so that the picture is never seen half drawn or
//! gone.

use crate::printer::Printer;
use crate::table::{cut, shown_width};

/// The picture that is on the screen; the cursor stands below it.
#[derive(Debug, Default)]
pub(crate) struct Painter {
    drawn: Vec<String>,
}

// === impl Painter ===

impl Painter {
    /// Puts a picture in the place of the last one.
    pub(crate) fn draw(&mut self, lines: &[String], width: usize, printer: &mut Printer) {
        let before = self.rows(width);
        let mut text = back(before);
        // A line that wraps would take two rows, and the way back would be too short.
        self.drawn = lines.iter().map(|line| cut(line, width.saturating_sub(1))).collect();
        text.push_str(&self.picture());
        text.push_str(&emptied(before.saturating_sub(self.drawn.len())));
        // Keys that were pressed show up where the cursor is.
        text.push_str("\x1b[K");
        printer.draw(&text);
    }

    /// Prints lines that stay above the picture.
    pub(crate) fn print(&mut self, lines: &[String], width: usize, printer: &mut Printer) {
        if lines.is_empty() {
            return;
        }
        let mut text = self.wiped(width);
        for line in lines {
            text.push_str(line);
            text.push('\n');
        }
        text.push_str(&self.picture());
        printer.draw(&text);
    }

    /// Takes the picture away.
    pub(crate) fn clear(&mut self, width: usize, printer: &mut Printer) {
        if !self.drawn.is_empty() {
            printer.draw(&self.wiped(width));
            self.drawn.clear();
        }
    }

    fn picture(&self) -> String {
        self.drawn.iter().map(|line| format!("{line}\x1b[K\n")).collect()
    }

    /// What takes the picture away and goes back to its first row.
    fn wiped(&self, width: usize) -> String {
        let rows = self.rows(width);
        format!("{}{}\x1b[K", back(rows), emptied(rows))
    }

    /// How many rows it takes on a screen of this width: a terminal that became narrower has wrapped its lines.
    fn rows(&self, width: usize) -> usize {
        self.drawn.iter().map(|line| shown_width(line).div_ceil(width.max(1)).max(1)).sum()
    }
}

/// From below so many rows to the first of them.
fn back(rows: usize) -> String {
    match rows {
        0 => "\r".to_owned(),
        rows => format!("\r\x1b[{rows}A"),
    }
}

/// So many rows from here on without anything in them, and the cursor back.
///
/// Row by row: some terminals keep what is erased at once from the top of the screen on in their history.
fn emptied(rows: usize) -> String {
    match rows {
        0 => String::new(),
        rows => format!("{}\x1b[{rows}A", "\x1b[2K\n".repeat(rows)),
    }
}
