//! Draws lines over the ones that were drawn before, on standard error.

use crate::printer::Printer;
use crate::table::cut;

/// How many lines of the picture are on the screen.
#[derive(Debug, Default)]
pub(crate) struct Painter {
    on_screen: usize,
}

// === impl Painter ===

impl Painter {
    /// Puts a picture in the place of the last one.
    pub(crate) fn draw(&mut self, lines: &[String], width: usize, printer: &mut Printer) {
        let mut text = self.back();
        for line in lines {
            // A line that wraps would take two rows, and the way back would be too short.
            text.push_str(&cut(line, width.saturating_sub(1)));
            text.push_str("\x1b[K\n");
        }
        text.push_str(&emptied(self.on_screen.saturating_sub(lines.len())));
        self.on_screen = lines.len();
        printer.draw(&text);
    }

    /// Prints lines that stay; the next picture goes below them.
    pub(crate) fn print(&mut self, lines: &[String], printer: &mut Printer) {
        if lines.is_empty() {
            return;
        }
        self.clear(printer);
        for line in lines {
            printer.note(line);
        }
    }

    /// Takes the picture away.
    pub(crate) fn clear(&mut self, printer: &mut Printer) {
        if self.on_screen > 0 {
            let text = format!("{}{}", self.back(), emptied(self.on_screen));
            printer.draw(&text);
            self.on_screen = 0;
        }
    }

    fn back(&self) -> String {
        match self.on_screen {
            0 => String::new(),
            n => format!("\r\x1b[{n}A"),
        }
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
