//! Tables of text in columns as wide as what is in them. Styles take no room.

use std::fmt;

use unicode_width::UnicodeWidthStr;

use crate::drawing;
use crate::printer::{FAINT, Styled};

/// Rows under a head. The last column is not padded.
#[derive(Debug)]
pub(crate) struct Table<const N: usize> {
    head: [&'static str; N],
    rows: Vec<[String; N]>,
    shown: [bool; N],
    widest: usize,
}

// === impl Table ===

impl<const N: usize> Table<N> {
    pub(crate) fn new(head: [&'static str; N]) -> Self {
        Self { head, rows: Vec::new(), shown: [true; N], widest: usize::MAX }
    }

    /// Leaves columns out, in this order, until the rest fits; the last one is then cut.
    pub(crate) fn fit(&mut self, width: usize, order: &[usize]) {
        self.widest = width;
        for column in order {
            if self
                .widths()
                .iter()
                .zip(self.shown)
                .filter(|(_, shown)| *shown)
                .map(|(width, _)| width + 2)
                .sum::<usize>()
                <= width.saturating_add(2)
            {
                return;
            }
            self.hide(*column);
        }
    }

    /// Leaves a column out.
    pub(crate) fn hide(&mut self, column: usize) {
        if let Some(shown) = self.shown.get_mut(column) {
            *shown = false;
        }
    }

    fn widths(&self) -> [usize; N] {
        let mut widths = self.head.map(UnicodeWidthStr::width);
        for row in &self.rows {
            for (width, cell) in widths.iter_mut().zip(row) {
                *width = (*width).max(shown_width(cell));
            }
        }
        widths
    }

    pub(crate) fn row(&mut self, row: [String; N]) {
        self.rows.push(row.map(|cell| drawing::shown(&cell).into_owned()));
    }
}

impl<const N: usize> fmt::Display for Table<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let widths = self.widths();
        let last = self.shown.iter().rposition(|shown| *shown);
        let head = self.head.map(|cell| Styled(FAINT, cell).to_string());
        for row in std::iter::once(&head).chain(&self.rows) {
            let mut line = String::new();
            let cells = row.iter().zip(widths).zip(self.shown).enumerate();
            for (index, ((cell, width), _)) in cells.filter(|(_, (_, shown))| *shown) {
                let gap = if line.is_empty() { "" } else { "  " };
                let pad = if Some(index) == last { 0 } else { width.saturating_sub(shown_width(cell)) };
                line.push_str(&format!("{gap}{cell}{:pad$}", ""));
            }
            writeln!(f, "{}", cut(line.trim_end(), self.widest))?;
        }
        Ok(())
    }
}

/// How many columns a text takes, its escapes left out.
pub(crate) fn shown_width(text: &str) -> usize {
    anstream::adapter::strip_str(text).to_string().width()
}

/// A line of at most so many columns, its escapes kept and closed.
pub(crate) fn cut(line: &str, width: usize) -> String {
    if shown_width(line) <= width {
        return line.to_owned();
    }
    let more = drawing::shown("…");
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
        if taken + wide + more.width() > width {
            out.push_str(&more);
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
    use crate::printer::BAD;

    #[test]
    fn lines_are_cut_by_what_is_seen() {
        assert_eq!(cut("abc", 3), "abc");
        assert_eq!(shown_width(&cut("\x1b[31mabcdef\x1b[0m", 4)), 4);
        assert_eq!(shown_width(&cut("日本語です", 6)), 5);
    }

    #[test]
    fn what_does_not_fit_is_left_out_and_cut() {
        let mut table = Table::new(["ID", "BY", "WHY"]);
        table.row(["12345".into(), "somebody".into(), "because of something".into()]);
        table.fit(15, &[1]);
        let text = anstream::adapter::strip_str(&table.to_string()).to_string();
        assert_eq!(text, "ID     WHY\n12345  because…\n");
    }

    #[test]
    fn columns_line_up_whatever_their_style() {
        let mut table = Table::new(["A", "LONG", "END"]);
        table.row(["wörld".into(), Styled(BAD, "x").to_string(), "e".into()]);
        let text = anstream::adapter::strip_str(&table.to_string()).to_string();
        assert_eq!(text, "A      LONG  END\nwörld  x     e\n");
    }
}
