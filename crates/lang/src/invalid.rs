//! What is wrong with a file: every problem with its place, drawn in the file or as JSON.

use std::fmt;
use std::ops::Range;

use miette::{Diagnostic, LabeledSpan, ReportHandler, Severity, SourceCode};
use serde::Serialize;
use windlass_model::problem::{Problem, Problems};

use crate::source::Source;

/// A problem and its place in the text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// The problem.
    pub problem: Problem,
    /// The bytes of the text that it is about.
    pub span: Range<usize>,
}

/// Everything that is wrong with a file; never empty, in the order of the text, each thing once.
#[derive(Clone, Debug)]
pub struct Invalid {
    source: Source,
    found: Vec<Found>,
}

/// How many problems are drawn before the rest is only counted.
const MAX_DRAWN: usize = 50;

// === impl Found ===

impl Found {
    /// A problem at a place.
    #[must_use]
    pub fn at(problem: Problem, span: Range<usize>) -> Self {
        Self { problem, span }
    }
}

// === impl Invalid ===

impl Invalid {
    pub(crate) fn of(source: &Source, mut found: Vec<Found>) -> Self {
        found.sort_by(|a, b| {
            let key = |found: &Found| (found.span.start, found.span.end);
            key(a).cmp(&key(b)).then_with(|| a.problem.code.cmp(&b.problem.code))
        });
        found.dedup_by(|a, b| {
            a.span == b.span && a.problem.code == b.problem.code && a.problem.message == b.problem.message
        });
        Self { source: source.clone(), found }
    }

    /// The problems with their places.
    #[must_use]
    pub fn found(&self) -> &[Found] {
        &self.found
    }

    /// The problems without their places.
    #[must_use]
    pub fn problems(&self) -> Problems {
        Problems(self.found.iter().map(|found| found.problem.clone()).collect())
    }

    /// The text.
    #[must_use]
    pub fn source_text(&self) -> &Source {
        &self.source
    }

    /// Each problem as a diagnostic of its own.
    pub fn diagnostics(&self) -> impl Iterator<Item = impl Diagnostic + '_> {
        self.found.iter().map(|found| Drawn { found, source: &self.source })
    }

    /// All problems drawn in the file by a handler: graphical with or without colour, narrated, plain.
    #[must_use]
    pub fn render(&self, handler: &dyn ReportHandler) -> String {
        struct Shown<'a>(&'a dyn ReportHandler, &'a Drawn<'a>);
        impl fmt::Display for Shown<'_> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                ReportHandler::debug(self.0, self.1, f)
            }
        }
        let mut text = String::new();
        for found in self.found.iter().take(MAX_DRAWN) {
            let drawn = Drawn { found, source: &self.source };
            // The debug form of a report is the drawing.
            text.push_str(&Shown(handler, &drawn).to_string());
            text.push('\n');
        }
        if let Some(rest) = self.found.len().checked_sub(MAX_DRAWN).filter(|rest| *rest > 0) {
            text.push_str(&format!("and {rest} more problems\n"));
        }
        text
    }

    /// All problems as JSON: `{source, problems: [{code, address, pointer, message, help, line, column, offset, length}]}`.
    #[must_use]
    pub fn to_json(&self) -> windlass_model::Value {
        let problems: Vec<_> = self.found.iter().map(|found| Placed::of(found, &self.source)).collect();
        serde_json::json!({"source": self.source.name(), "problems": problems})
    }
}

#[derive(Serialize)]
struct Placed<'a> {
    #[serde(flatten)]
    problem: &'a Problem,
    line: usize,
    column: usize,
    offset: usize,
    length: usize,
}

impl<'a> Placed<'a> {
    fn of(found: &'a Found, source: &Source) -> Self {
        let (line, column) = source.position(found.span.start);
        Self { problem: &found.problem, line, column, offset: found.span.start, length: found.span.len() }
    }
}

impl std::error::Error for Invalid {}

impl fmt::Display for Invalid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, found) in self.found.iter().enumerate() {
            if index > 0 {
                f.write_str("\n")?;
            }
            let (line, column) = self.source.position(found.span.start);
            write!(f, "{}:{line}:{column}: {}", self.source.name(), found.problem)?;
        }
        Ok(())
    }
}

#[derive(Debug)]
struct Drawn<'a> {
    found: &'a Found,
    source: &'a Source,
}

impl fmt::Display for Drawn<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let problem = &self.found.problem;
        if !problem.address.is_empty() {
            write!(f, "{}: ", problem.address)?;
        }
        f.write_str(&problem.message)
    }
}

impl std::error::Error for Drawn<'_> {}

impl Diagnostic for Drawn<'_> {
    fn code<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        Some(Box::new(&self.found.problem.code))
    }

    fn severity(&self) -> Option<Severity> {
        Some(Severity::Error)
    }

    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        self.found.problem.help.as_ref().map(|help| Box::new(help) as Box<dyn fmt::Display>)
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        Some(self.source)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        let span = self.found.span.clone();
        Some(Box::new(std::iter::once(LabeledSpan::new(None, span.start, span.len()))))
    }
}
