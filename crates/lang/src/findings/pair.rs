//! Two texts as one for a drawing: what was given, and behind it the plan's.
//!
//! A drawing knows one text. That each place says which text it belongs to is enough for it to show both, as
//! long as nobody asks for a part that reaches from one into the other.

use miette::{MietteError, MietteSpanContents, SourceCode, SourceSpan, SpanContents};

use crate::source::Source;

/// Two texts as one.
#[derive(Debug)]
pub(super) struct Pair<'a> {
    pub(super) given: Option<&'a Source>,
    pub(super) plan: &'a Source,
}

// === impl Pair ===

impl Pair<'_> {
    /// Where a place of the plan's text is.
    pub(super) fn plan_at(&self, offset: usize) -> usize {
        self.plan_begins() + offset
    }

    fn plan_begins(&self) -> usize {
        // One more than the text has, so that its end is not the beginning of the next.
        self.given.map_or(0, |given| given.text().len() + 1)
    }
}

impl SourceCode for Pair<'_> {
    fn read_span<'a>(
        &'a self,
        span: &SourceSpan,
        before: usize,
        after: usize,
    ) -> Result<Box<dyn SpanContents<'a> + 'a>, MietteError> {
        let begins = self.plan_begins();
        let (from, to) = (span.offset(), span.offset() + span.len());
        let (source, base) = match self.given {
            Some(given) if from < begins => (given, 0),
            _ => (self.plan, begins),
        };
        if base == 0 && self.given.is_some() && to >= begins {
            return Err(MietteError::OutOfBounds);
        }
        let own = SourceSpan::new((from - base).into(), span.len());
        let contents = source.read_span(&own, before, after)?;
        let shown = SourceSpan::new((contents.span().offset() + base).into(), contents.span().len());
        let name = source.name().to_owned();
        Ok(Box::new(MietteSpanContents::new_named(
            name,
            contents.data(),
            shown,
            contents.line(),
            contents.column(),
            contents.line_count(),
        )))
    }
}
