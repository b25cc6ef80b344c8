//! What is wrong with a plan, or worth a look: every problem with its place, drawn there or as JSON.

use std::fmt;
use std::ops::Range;

use miette::{Diagnostic, LabeledSpan, ReportHandler, Severity, SourceCode};
use serde::Serialize;
use windlass_model::Value;
use windlass_model::problem::{Problem, Problems};

use crate::source::Source;

mod pair;

use self::pair::Pair;

/// A problem and its places.
#[derive(Clone, Debug)]
pub struct Found {
    /// The problem.
    pub problem: Problem,
    /// The bytes of the plan's text that it is about; `None` when that has no such place.
    pub span: Option<Range<usize>>,
    /// What was given from outside of that text, when it is about that.
    pub given: Option<Excerpt>,
}

/// A part of a text: an argument of a command line, a line of a file.
#[derive(Clone, Debug)]
pub struct Excerpt {
    /// The text.
    pub source: Source,
    /// The bytes of it that are meant.
    pub span: Range<usize>,
}

/// Problems with their places, in the order of the plan's text, each once.
///
/// As an error it holds at least one. Whether a problem is a warning, its code says.
#[derive(Clone, Debug)]
pub struct Findings {
    source: Source,
    found: Vec<Found>,
}

/// How many problems are drawn before the rest is only counted.
const MAX_DRAWN: usize = 50;

/// What is said beside a place when there are two of them.
const GIVEN: &str = "given here";
const DECLARED: &str = "declared here";

// === impl Found ===

impl Found {
    /// A problem at a place of the plan's text.
    #[must_use]
    pub fn at(problem: Problem, span: Range<usize>) -> Self {
        Self { problem, span: Some(span), given: None }
    }
}

// === impl Findings ===

impl Findings {
    /// Problems of a text.
    #[must_use]
    pub fn of(source: &Source, mut found: Vec<Found>) -> Self {
        // What has no place in the text comes first: it is about what was given for all of it.
        found.sort_by(|a, b| {
            let key = |found: &Found| found.span.as_ref().map(|span| (span.start, span.end));
            key(a).cmp(&key(b)).then_with(|| a.problem.code.cmp(&b.problem.code))
        });
        found.dedup_by(|a, b| {
            a.span == b.span && a.problem.code == b.problem.code && a.problem.message == b.problem.message
        });
        Self { source: source.clone(), found }
    }

    /// Whether there is nothing to say.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.found.is_empty()
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

    /// The plan's text.
    #[must_use]
    pub fn source_text(&self) -> &Source {
        &self.source
    }

    /// Each problem as a diagnostic of its own.
    pub fn diagnostics(&self) -> impl Iterator<Item = impl Diagnostic + '_> {
        self.found.iter().map(|found| Drawn::new(found, &self.source))
    }

    /// All problems drawn in their texts by a handler: graphical with or without colour, narrated, plain.
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
            let drawn = Drawn::new(found, &self.source);
            // The debug form of a report is the drawing.
            text.push_str(&Shown(handler, &drawn).to_string());
            text.push('\n');
        }
        if let Some(rest) = self.found.len().checked_sub(MAX_DRAWN).filter(|rest| *rest > 0) {
            text.push_str(&format!("and {rest} more problems\n"));
        }
        text
    }

    /// All problems as JSON: `{source, problems}`.
    #[must_use]
    pub fn to_json(&self) -> Value {
        serde_json::json!({"source": self.source.name(), "problems": self.to_json_list()})
    }

    /// Each problem as JSON: `{code, address, pointer, message, help, line, column, offset, length, given: {source,
    /// text}}`. What has no place lacks the numbers, what was not given lacks `given`.
    #[must_use]
    pub fn to_json_list(&self) -> Value {
        self.found.iter().map(|found| serde_json::json!(Placed::of(found, &self.source))).collect()
    }
}

#[derive(Serialize)]
struct Placed<'a> {
    #[serde(flatten)]
    problem: &'a Problem,
    #[serde(flatten)]
    place: Option<Place>,
    #[serde(skip_serializing_if = "Option::is_none")]
    given: Option<Given<'a>>,
}

#[derive(Serialize)]
struct Place {
    line: usize,
    column: usize,
    offset: usize,
    length: usize,
}

#[derive(Serialize)]
struct Given<'a> {
    source: &'a str,
    text: &'a str,
}

impl<'a> Placed<'a> {
    fn of(found: &'a Found, source: &Source) -> Self {
        let place = found.span.as_ref().map(|span| {
            let (line, column) = source.position(span.start);
            Place { line, column, offset: span.start, length: span.len() }
        });
        let given = found.given.as_ref().map(|given| Given {
            source: given.source.name(),
            text: given.source.text().get(given.span.clone()).unwrap_or_default(),
        });
        Self { problem: &found.problem, place, given }
    }
}

impl std::error::Error for Findings {}

impl fmt::Display for Findings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, found) in self.found.iter().enumerate() {
            if index > 0 {
                f.write_str("\n")?;
            }
            if let Some(span) = &found.span {
                let (line, column) = self.source.position(span.start);
                write!(f, "{}:{line}:{column}: ", self.source.name())?;
            }
            write!(f, "{}", found.problem)?;
        }
        Ok(())
    }
}

#[derive(Debug)]
struct Drawn<'a> {
    found: &'a Found,
    texts: Pair<'a>,
}

impl<'a> Drawn<'a> {
    fn new(found: &'a Found, source: &'a Source) -> Self {
        Self { found, texts: Pair { given: found.given.as_ref().map(|given| &given.source), plan: source } }
    }
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
        Some(if self.found.problem.code.is_warning() { Severity::Warning } else { Severity::Error })
    }

    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        self.found.problem.help.as_ref().map(|help| Box::new(help) as Box<dyn fmt::Display>)
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        Some(&self.texts)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        let Found { span, given, .. } = self.found;
        let is_both = span.is_some() && given.is_some();
        let label = move |text: &str| is_both.then(|| text.to_owned());
        let given =
            given.iter().map(move |given| LabeledSpan::new(label(GIVEN), given.span.start, given.span.len()));
        let plan = span
            .iter()
            .map(move |span| LabeledSpan::new(label(DECLARED), self.texts.plan_at(span.start), span.len()));
        Some(Box::new(given.chain(plan)))
    }
}
