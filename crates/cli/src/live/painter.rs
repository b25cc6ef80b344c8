//! Draws lines over the ones that were drawn before, on standard error.

use crate::printer::Printer;
use crate::table::shown_width;

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
        text.push_str("\x1b[J");
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
            let text = format!("{}\x1b[J", self.back());
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

/// A line of at most so many columns, its escapes kept and closed.
fn cut(line: &str, width: usize) -> String {
    if shown_width(line) <= width {
        return line.to_owned();
    }
    let mut out = String::with_capacity(line.len());
    let mut taken = 0;
    let mut is_escape = false;
    for char in line.chars() {
        if char == '\x1b' {
            is_escape = true;
        }
        if is_escape {
            out.push(char);
            is_escape = !char.is_ascii_alphabetic();
            continue;
        }
        let wide = unicode_width::UnicodeWidthChar::width(char).unwrap_or(0);
        if taken + wide + 1 > width {
            out.push('…');
            break;
        }
        taken += wide;
        out.push(char);
    }
    out.push_str("\x1b[0m");
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_cut_by_what_is_seen() {
        assert_eq!(cut("abc", 3), "abc");
        assert_eq!(shown_width(&cut("\x1b[31mabcdef\x1b[0m", 4)), 4);
        assert_eq!(shown_width(&cut("日本語です", 6)), 5);
    }
}
