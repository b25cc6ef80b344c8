//! What is printed on the nodes, line by line as it arrives, and at the end which nodes failed.
//!
//! It reads the log of the run, which holds every line that is kept, in order. Standard output goes to standard output,
//! everything else to standard error, so that what comes out can be handed on to another program.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::path::Path;

use anstyle::Style;
use windlass_logs::{Form, Reader, Record, RunFiles, Source, decode};
use windlass_model::element::{ElementId, Work};
use windlass_model::log_level::LogLevel;
use windlass_model::outcome::RunStatus;
use windlass_report::words::count;
use windlass_report::{Fold, Length, legible};

use crate::printed::legible_line;
use crate::printer::{BAD, FAINT, GOOD, Printer, STRONG, Styled, WARN};

/// How many lines are printed before anything else has its turn.
const AT_ONCE: usize = 10_000;
/// How much is printed at once.
const PAGE: usize = 64 << 10;
/// How many nodes that failed are named.
const NAMED: usize = 50;
/// What is neither good nor bad.
const PLAIN: Style = Style::new();
/// How long a message may be.
const MESSAGE: usize = 400;

/// Where in the log it is.
#[derive(Debug)]
pub(super) struct Output {
    /// None where lines are handed over.
    reader: Option<Reader>,
}

/// Lines that are printed at once: each by itself costs more than all else about it.
#[derive(Debug)]
struct Page {
    to: To,
    text: String,
    is_out_colored: bool,
    is_err_colored: bool,
}

/// Where lines go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum To {
    Out,
    Err,
}

// === impl Output ===

impl Output {
    /// Of the run whose log lies here.
    pub(super) fn new(logs: &Path) -> Self {
        Self { reader: Some(Reader::new(&RunFiles::within(logs.to_owned()).all(), 0)) }
    }

    /// Of a run whose log lies elsewhere.
    pub(super) fn handed_over() -> Self {
        Self { reader: None }
    }

    /// Prints a line of the log.
    pub(super) fn take(&self, line: &[u8], printer: &mut Printer) {
        let mut page = Page::of(printer);
        if let Some(record) = decode(line) {
            page.record(&record, printer);
        }
        page.print(printer);
    }

    /// Prints what has come since; whether that was all.
    pub(super) fn turn(&mut self, printer: &mut Printer) -> bool {
        let mut page = Page::of(printer);
        let is_all = (0..AT_ONCE).any(|_| !self.line(&mut page, printer));
        page.print(printer);
        is_all
    }

    /// Takes a line; whether there was one. A log that cannot be read harms no run.
    fn line(&mut self, page: &mut Page, printer: &mut Printer) -> bool {
        let Some(Ok(Some(found))) = self.reader.as_mut().map(Reader::line) else { return false };
        if let Some(record) = found.record {
            page.record(&record, printer);
        }
        true
    }

    /// Prints what is left, and what became of the nodes.
    pub(super) fn end(&mut self, fold: &Fold, printer: &mut Printer) {
        while !self.turn(printer) {}
        let failing: Vec<_> = fold.failing().collect();
        for one in failing.iter().take(NAMED) {
            let why = one.failure.map(|failure| legible::line(&failure.message, MESSAGE));
            let why = why.map_or_else(String::new, |why| format!(": {why}"));
            printer.note(format_args!(
                "{} {}{why}",
                Styled(STRONG, name(fold, one.element)),
                Styled(BAD, "failed")
            ));
        }
        if let Some(more) = failing.len().checked_sub(NAMED).filter(|more| *more > 0) {
            printer.note(format_args!("and {more} more"));
        }
        let submission = &fold.layout().submission;
        let blocks = fold.blocks();
        let total: u32 = blocks.iter().map(|block| block.total).sum();
        let well: u32 = blocks.iter().map(|block| block.succeeded).sum();
        let failed: u32 = blocks.iter().map(|block| block.failed).sum();
        let rest = total.saturating_sub(well).saturating_sub(failed);
        let tone = if failed > 0 || fold.status() == RunStatus::Failed { BAD } else { GOOD };
        let mut text = format!(
            "{} on {well} of {}",
            Styled(tone, if failed > 0 { "failed, succeeded" } else { "succeeded" }),
            count(u64::from(total), "node")
        );
        if rest > 0 {
            text.push_str(&format!(", {} on {rest}", Styled(WARN, "not done")));
        }
        let took = Length(fold.at().since(submission.at));
        let run = Styled(FAINT, format_args!("in {took} · run {}", submission.run));
        printer.note(format_args!("{text} {run}"));
    }
}

// === impl Page ===

impl Page {
    fn of(printer: &Printer) -> Self {
        let (is_out_colored, is_err_colored) = (printer.is_out_colored(), printer.is_err_colored());
        Self { to: To::Out, text: String::new(), is_out_colored, is_err_colored }
    }

    fn record(&mut self, record: &Record<'_>, printer: &mut Printer) {
        let said = std::str::from_utf8(&record.text);
        let said = said.map_or_else(|_| String::from_utf8_lossy(&record.text), Cow::Borrowed);
        let said = legible_line(&said);
        let more = if record.form == Form::Part { " …" } else { "" };
        let who = record.node.unwrap_or(record.address);
        match (record.source, record.level) {
            (Source::Out, _) => self.line(To::Out, [who, &said, more], Styled(PLAIN, "|"), printer),
            (Source::Err, _) => self.line(To::Err, [who, &said, more], Styled(WARN, "!"), printer),
            (Source::Note, LogLevel::Warn | LogLevel::Error) => {
                self.line(To::Err, [who, &said, ""], Styled(FAINT, "*"), printer);
            }
            (Source::Note | Source::Event, _) => {}
        }
    }

    /// Who said it, what, and whether more of the line follows.
    fn line(&mut self, to: To, [who, said, more]: [&str; 3], sign: Styled<&str>, printer: &mut Printer) {
        if self.to != to {
            self.print(printer);
            self.to = to;
        }
        let is_colored = if to == To::Out { self.is_out_colored } else { self.is_err_colored };
        if is_colored {
            // Writing into a text cannot fail.
            let _ = writeln!(self.text, "{} {sign} {said}{more}", Styled(STRONG, who));
        } else {
            // Colours that nobody wants would have to be looked for in all that is printed.
            [who, " ", sign.1, " ", said, more, "\n"].iter().for_each(|word| self.text.push_str(word));
        }
        if self.text.len() > PAGE {
            self.print(printer);
        }
    }

    fn print(&mut self, printer: &mut Printer) {
        match self.to {
            _ if self.text.is_empty() => {}
            To::Out => printer.page(&self.text),
            To::Err => printer.page_err(&self.text),
        }
        self.text.clear();
    }
}

/// The node that an element is about, else its address.
fn name(fold: &Fold, element: ElementId) -> String {
    let node = match element.work() {
        Some(Work::Action { block, seq, .. }) => {
            fold.layout().blocks.get(block as usize).and_then(|block| block.sequences.target(seq))
        }
        _ => None,
    };
    let name = node.map_or_else(|| fold.layout().address(element), str::to_owned);
    legible::line(&name, MESSAGE)
}
