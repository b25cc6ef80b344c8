//! A named text that knows where its lines begin, and can show a part of itself without reading the rest.

use std::fmt;
use std::ops::Range;
use std::sync::{Arc, OnceLock};

use miette::{MietteError, MietteSpanContents, SourceCode, SourceSpan, SpanContents};
use windlass_model::code;
use windlass_model::problem::Problem;

use crate::findings::{Findings, Found};

/// A named text.
#[derive(Clone)]
pub struct Source(Arc<Inner>);

struct Inner {
    name: String,
    text: String,
    lines: OnceLock<Vec<usize>>,
}

/// How much of a line is shown on either side of a place in it.
const WIDTH: usize = 200;

/// Turns the bytes of a file into text.
///
/// # Errors
///
/// When they are not UTF-8, with the place of the first that is not.
pub fn decode(source_name: &str, bytes: Vec<u8>) -> Result<String, Findings> {
    let refuse = |message: String, shown: String, at: usize| {
        let problem = Problem::new(code::FILE_UNREADABLE, "", "", message).help("save the file as UTF-8");
        Err(Findings::of(&Source::new(source_name, &shown), vec![Found::at(problem, at..at)]))
    };
    if bytes.starts_with(&[0xFF, 0xFE]) || bytes.starts_with(&[0xFE, 0xFF]) {
        return refuse("the file is UTF-16".into(), String::new(), 0);
    }
    let is_short = bytes.len() <= crate::MAX_BYTES;
    if let Some(at) = bytes.iter().position(|byte| *byte == 0).filter(|_| is_short) {
        // Every other byte of a plain text in UTF-16 is one.
        let pairs = bytes.chunks_exact(2).take(64);
        let is_wide = pairs.clone().all(|pair| pair.contains(&0)) && pairs.len() > 1;
        let is_nothing = bytes.iter().take(64).all(|byte| *byte == 0);
        let message = match is_wide && !is_nothing {
            true => "the file is UTF-16",
            false => "the file is no text: there is a zero byte in it",
        };
        let shown = String::from_utf8_lossy(bytes.get(..at).unwrap_or_default()).into_owned();
        let at = shown.len();
        return refuse(message.into(), shown, at);
    }
    match String::from_utf8(bytes) {
        Ok(text) => Ok(match text.strip_prefix('\u{feff}') {
            Some(text) => text.to_owned(),
            None => text,
        }),
        Err(error) => {
            let at = error.utf8_error().valid_up_to();
            let shown = String::from_utf8_lossy(error.as_bytes()).into_owned();
            refuse("the file is not UTF-8 text".into(), shown, at)
        }
    }
}

// === impl Source ===

impl Source {
    /// A text under a name.
    #[must_use]
    pub fn new(name: &str, text: &str) -> Self {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        Self(Arc::new(Inner { name: name.into(), text: text.into(), lines: OnceLock::new() }))
    }

    /// What it is called.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.0.name
    }

    /// The text.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.0.text
    }

    /// Line and column of a place, both from 1; the column counts characters.
    #[must_use]
    pub fn position(&self, offset: usize) -> (usize, usize) {
        let line = self.line_of(offset);
        let start = self.line(line).start;
        let before = self.text().get(start..offset.min(self.text().len())).unwrap_or("");
        (line + 1, before.chars().count() + 1)
    }

    /// The part of a range that is worth underlining: what of it stands on its first line.
    #[must_use]
    pub fn first_line(&self, range: Range<usize>) -> Range<usize> {
        let line = self.line(self.line_of(range.start));
        let end = range.end.min(line.end).max(range.start);
        let text = self.text().get(range.start..end).unwrap_or("");
        range.start..range.start + text.trim_end().len()
    }

    fn lines(&self) -> &[usize] {
        self.0.lines.get_or_init(|| {
            let newlines = self.text().bytes().enumerate().filter(|(_, byte)| *byte == b'\n');
            std::iter::once(0).chain(newlines.map(|(at, _)| at + 1)).collect()
        })
    }

    fn line_of(&self, offset: usize) -> usize {
        self.lines().partition_point(|start| *start <= offset).saturating_sub(1)
    }

    fn line(&self, index: usize) -> Range<usize> {
        let start = self.lines().get(index).copied().unwrap_or(self.text().len());
        let end = self.lines().get(index + 1).copied().unwrap_or(self.text().len());
        start..end
    }
}

impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Source({}, {} bytes)", self.name(), self.text().len())
    }
}

impl SourceCode for Source {
    fn read_span<'a>(
        &'a self,
        span: &SourceSpan,
        before: usize,
        after: usize,
    ) -> Result<Box<dyn SpanContents<'a> + 'a>, MietteError> {
        let text = self.text();
        let (from, to) = (span.offset().min(text.len()), (span.offset() + span.len()).min(text.len()));
        let (first, last) = (self.line_of(from), self.line_of(to));
        if before == 0 && after == 0 {
            // Asked for the place alone: that is how drawings learn line and column.
            let (line, column) = self.position(from);
            let data = text.get(from..to).unwrap_or("").as_bytes();
            let name = self.name().to_owned();
            let at = (line.saturating_sub(1), column.saturating_sub(1));
            return Ok(Box::new(MietteSpanContents::new_named(name, data, *span, at.0, at.1, 1)));
        }
        let top = first.saturating_sub(before);
        let mut start = self.line(top).start;
        let mut end = self.line((last + after).min(self.lines().len().saturating_sub(1))).end;
        let mut line = top;
        // A line may be all of a 50 MB file: show what is around the place.
        let near = floor(text, from.saturating_sub(WIDTH));
        if start < near && near.saturating_sub(start) > WIDTH * 2 {
            let own = self.line(first).start;
            start = if own < near { near } else { own };
            line = first;
        }
        if end > to + WIDTH * 4 {
            let own = self.line(last).end;
            end = if own > to + WIDTH { floor(text, to + WIDTH) } else { own };
        }
        let column = start - self.line(line).start;
        let data = text.get(start..end).unwrap_or("").as_bytes();
        let shown = SourceSpan::new(start.into(), end.saturating_sub(start));
        let lines = self.lines().len();
        let contents =
            MietteSpanContents::new_named(self.name().to_owned(), data, shown, line, column, lines);
        Ok(Box::new(contents))
    }
}

/// The nearest place at or before `at` that is not within a character.
fn floor(text: &str, at: usize) -> usize {
    (0..=at.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0)
}
