//! Tables of text in columns as wide as what is in them. Styles take no room.

use std::fmt;

use unicode_width::UnicodeWidthStr;

use crate::printer::{FAINT, Styled};

/// Rows under a head. The last column is not padded.
#[derive(Debug)]
pub(crate) struct Table<const N: usize> {
    head: [&'static str; N],
    rows: Vec<[String; N]>,
}

// === impl Table ===

impl<const N: usize> Table<N> {
    pub(crate) fn new(head: [&'static str; N]) -> Self {
        Self { head, rows: Vec::new() }
    }

    pub(crate) fn row(&mut self, row: [String; N]) {
        self.rows.push(row);
    }
}

impl<const N: usize> fmt::Display for Table<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut widths = self.head.map(UnicodeWidthStr::width);
        for row in &self.rows {
            for (width, cell) in widths.iter_mut().zip(row) {
                *width = (*width).max(shown_width(cell));
            }
        }
        let head = self.head.map(|cell| Styled(FAINT, cell).to_string());
        for row in std::iter::once(&head).chain(&self.rows) {
            for (index, (cell, width)) in row.iter().zip(widths).enumerate() {
                let gap = if index == 0 { "" } else { "  " };
                let last = index + 1 == N;
                let pad = if last { 0 } else { width.saturating_sub(shown_width(cell)) };
                write!(f, "{gap}{cell}{:pad$}", "")?;
            }
            writeln!(f)?;
        }
        Ok(())
    }
}

/// How many columns a text takes, its escapes left out.
pub(crate) fn shown_width(text: &str) -> usize {
    anstream::adapter::strip_str(text).to_string().width()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::printer::BAD;

    #[test]
    fn columns_line_up_whatever_their_style() {
        let mut table = Table::new(["A", "LONG", "END"]);
        table.row(["wörld".into(), Styled(BAD, "x").to_string(), "e".into()]);
        let text = anstream::adapter::strip_str(&table.to_string()).to_string();
        assert_eq!(text, "A      LONG  END\nwörld  x     e\n");
    }
}
