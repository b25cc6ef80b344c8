//! A run as it goes on, in the form that was asked for.
//!
//! ```text
//!   event ─▶ Fold ─▶ Live ─┬─ text on a terminal   lines that stay, above a picture that is drawn over (frame, painter)
//!                          ├─ text elsewhere       lines with times
//!                          ├─ text of a command    what is printed on the nodes (output)
//!                          ├─ events               the event as JSON
//!                          └─ json                 nothing before the end
//! ```
//!
//! Progress goes to standard error, the result to standard output. Whoever drives it applies events to the fold
//! first, and calls [`Live::tick`] now and then.

mod fit;
mod frame;
mod heat;
mod line;
mod outlook;
mod output;
mod painter;
mod several;

use std::path::Path;
use std::time::{Duration, Instant};

use windlass_model::element::ElementId;
use windlass_model::event::Event;
use windlass_model::outcome::RunStatus;
use windlass_model::time::Time;
use windlass_report::{Clock, Fold, JsonOptions, Stamp, TextOptions, legible, words};

use self::frame::Frame;
pub(crate) use self::frame::Seat;
use self::line::Weight;
use self::output::Output;
use self::painter::Painter;
pub(crate) use self::several::Labels;
use self::several::Several;
use crate::args::LiveFormat;
use crate::drawing;
use crate::printer::{self, BAD, FAINT, GOOD, Printer, STRONG, Styled, WARN};
use crate::typed::Typed;

/// A run that is over before this leaves no picture behind.
const FIRST: Duration = Duration::from_millis(150);
/// How often the picture is drawn at most.
const EVERY: Duration = Duration::from_millis(100);
/// The same for runs so large that looking them through takes a while.
const EVERY_LARGE: Duration = Duration::from_millis(500);
/// From how many events on a run is large.
const LARGE: u64 = 200_000;

/// Shows a run.
#[derive(Debug)]
pub(crate) struct Live {
    form: Form,
    seat: Seat,
    typed: Typed,
    /// How runs are told apart; empty where there is one.
    labels: Labels,
    /// Not to be drawn again before.
    next: Instant,
}

#[derive(Debug)]
enum Form {
    Picture(Painter),
    Lines,
    Output(Box<Output>),
    Events,
    Silent,
}

// === impl Live ===

impl Live {
    pub(crate) fn new(format: LiveFormat, seat: Seat, typed: Typed) -> Self {
        Self::of_several(format, seat, typed, Labels::default())
    }

    /// Shows several runs at once, each line with the label of its run.
    pub(crate) fn of_several(format: LiveFormat, seat: Seat, typed: Typed, labels: Labels) -> Self {
        let form = match format {
            LiveFormat::Text if printer::is_live_terminal() => Form::Picture(Painter::default()),
            LiveFormat::Text => Form::Lines,
            LiveFormat::Events => Form::Events,
            LiveFormat::Json => Form::Silent,
        };
        Self { form, seat, typed, labels, next: Instant::now() + FIRST }
    }

    /// Shows people what is printed on the nodes instead of what happens in the run.
    pub(crate) fn show_output(&mut self, logs: &Path) {
        if matches!(self.form, Form::Picture(_) | Form::Lines) {
            self.form = Form::Output(Box::new(Output::new(logs)));
        }
    }

    /// The same for a run of a server, whose lines are handed over one by one.
    pub(crate) fn show_output_of_server(&mut self) {
        if matches!(self.form, Form::Picture(_) | Form::Lines) {
            self.form = Form::Output(Box::new(Output::handed_over()));
        }
    }

    /// Shows a line of the log of a server's run.
    pub(crate) fn printed(&mut self, line: &[u8], printer: &mut Printer) {
        if let Form::Output(output) = &mut self.form {
            output.take(line, printer);
        }
    }

    /// Shows an event that was applied to the fold just now.
    pub(crate) fn event(&mut self, fold: &Fold, event: &Event, printer: &mut Printer) {
        match &mut self.form {
            Form::Silent | Form::Output(_) => {}
            Form::Events => {
                let mut line = windlass_report::event_json(event, fold.layout(), Clock::Wall);
                if let Some(map) = line.as_object_mut().filter(|_| !self.labels.is_empty()) {
                    map.insert("run".into(), fold.layout().submission.run.to_string().into());
                }
                printer.line(line);
            }
            Form::Lines => {
                let line = line::of(fold, event).map(|line| line.text);
                if let Some(text) = line.or_else(|| self.labels.end(fold, event)) {
                    printer.note(self.labels.line(fold, event, &text));
                }
            }
            Form::Picture(painter) => {
                let lines = line::of(fold, event).into_iter().filter(|line| line.weight == Weight::Heavy);
                let lines: Vec<String> = lines
                    .filter_map(|line| line.unless_too_many(fold, event))
                    .map(|line| line.text)
                    .chain(self.labels.end(fold, event))
                    .map(|text| self.labels.line(fold, event, &text))
                    .collect();
                painter.print(&lines, printer::terminal_size().0, printer);
            }
        }
    }

    /// Whether it shows what is printed on the nodes.
    pub(crate) fn shows_output(&self) -> bool {
        matches!(self.form, Form::Output(_))
    }

    /// Shows what was printed on the nodes since; whether that was all.
    pub(crate) fn output(&mut self, printer: &mut Printer) -> bool {
        match &mut self.form {
            Form::Output(output) => output.turn(printer),
            _ => true,
        }
    }

    /// Draws the picture anew if it is time to.
    pub(crate) fn tick(&mut self, fold: &Fold, now: Time, printer: &mut Printer) {
        if self.is_due(fold.seq()) {
            let (width, rows) = printer::terminal_size();
            let frame = Frame { fold, now, width, rows, seat: self.seat, typed: &self.typed };
            self.draw(&frame.lines(), printer);
        }
    }

    /// The same for several runs.
    pub(crate) fn tick_several<'a>(
        &mut self,
        folds: impl Iterator<Item = &'a Fold>,
        now: Time,
        printer: &mut Printer,
    ) {
        let folds: Vec<&Fold> = folds.collect();
        if self.is_due(folds.iter().map(|fold| fold.seq()).fold(0, u64::saturating_add)) {
            let (width, rows) = printer::terminal_size();
            let (seat, typed) = (self.seat, &self.typed);
            let picture = Several { folds: &folds, now, width, rows, seat, typed };
            self.draw(&picture.lines(), printer);
        }
    }

    /// Whether there is a picture and it is time to draw it anew.
    fn is_due(&mut self, events: u64) -> bool {
        let is_due = matches!(self.form, Form::Picture(_)) && Instant::now() >= self.next;
        if is_due {
            self.next = Instant::now() + if events > LARGE { EVERY_LARGE } else { EVERY };
        }
        is_due
    }

    fn draw(&mut self, lines: &[String], printer: &mut Printer) {
        if let Form::Picture(painter) = &mut self.form {
            let lines: Vec<String> = lines.iter().map(|line| drawing::shown(line).into_owned()).collect();
            painter.draw(&lines, printer::terminal_size().0, printer);
        }
    }

    /// Says something about the process rather than the run.
    pub(crate) fn say(&mut self, text: &str, printer: &mut Printer) {
        match &mut self.form {
            Form::Picture(painter) => {
                painter.print(&[text.to_owned()], printer::terminal_size().0, printer);
            }
            Form::Lines | Form::Output(_) | Form::Events | Form::Silent => printer.note(text),
        }
    }

    /// Takes the picture away.
    pub(crate) fn leave(&mut self, printer: &mut Printer) {
        if let Form::Picture(painter) = &mut self.form {
            painter.clear(printer::terminal_size().0, printer);
        }
    }

    /// Takes the picture away and prints the result; with it, where the output of its actions lies.
    pub(crate) fn end(&mut self, fold: &Fold, logs: Option<&Path>, printer: &mut Printer) {
        self.leave(printer);
        match &mut self.form {
            Form::Picture(_) | Form::Lines => {}
            Form::Output(output) => {
                output.end(fold, printer);
                return;
            }
            Form::Events => return,
            Form::Silent => {
                printer.write_out(|mut out| {
                    windlass_report::write_json(fold, &JsonOptions::default(), &mut out)
                });
                return;
            }
        }
        let options =
            TextOptions { clock: Clock::Wall, palette: printer.palette(), flags: self.typed.flag() };
        let mut text = Vec::new();
        // Writing into memory cannot fail.
        let _ = windlass_report::write_text(fold, &options, &mut text);
        let text = String::from_utf8_lossy(&text);
        printer.note("");
        printer.out(&text);
        if let Some(logs) = logs {
            printer.note(Styled(FAINT, format_args!("output of the actions: {}", logs.display())));
        }
        // The outcome stands first, and is out of sight when the report is longer than the screen.
        let is_in_sight =
            printer::out_width().is_some() && text.lines().count() + 5 <= printer::terminal_size().1;
        if matches!(self.form, Form::Picture(_)) && !is_in_sight {
            printer.note(format_args!("\n{}", verdict(fold)));
        }
    }
}

impl Live {
    /// Takes the picture away and prints what became of each run.
    pub(crate) fn end_several<'a>(&mut self, folds: impl Iterator<Item = &'a Fold>, printer: &mut Printer) {
        self.leave(printer);
        match &self.form {
            Form::Picture(_) | Form::Lines | Form::Output(_) => {
                printer.note("");
                for fold in folds {
                    let run = fold.layout().submission.run;
                    let told = verdict(fold);
                    printer.line(format_args!("{told} {}", Styled(FAINT, format_args!("· run {run}"))));
                }
                let report = self.typed.command("runs report RUN");
                printer.note(Styled(FAINT, format_args!("all that happened in one: {report}")));
            }
            Form::Events => {}
            Form::Silent => {
                let documents = folds.map(|fold| {
                    let mut bytes = Vec::new();
                    // Writing into memory cannot fail.
                    let _ = windlass_report::write_json(fold, &JsonOptions::default(), &mut bytes);
                    String::from_utf8_lossy(bytes.trim_ascii_end()).into_owned()
                });
                let documents: Vec<String> = documents.collect();
                printer.line(format_args!("{{\"runs\":[{}]}}", documents.join(",")));
            }
        }
    }
}

/// Which run ended how and why, in one line.
fn verdict(fold: &Fold) -> String {
    let name = legible::line(&fold.layout().submission.plan.metadata.name, 60);
    let noop = if fold.is_noop() { "noop: " } else { "" };
    format!("{} {noop}{}", Styled(STRONG, name), outcome(fold))
}

/// How a run ended and why, or what it waits for.
fn outcome(fold: &Fold) -> String {
    let status = fold.status();
    let tone = match status {
        RunStatus::Succeeded => GOOD,
        RunStatus::Failed => BAD,
        _ => WARN,
    };
    let why = fold.run().reason.as_ref().map(|reason| {
        let at = match reason.element {
            ElementId::Run => String::new(),
            element => format!("{}: ", fold.layout().address(element)),
        };
        format!(": {}", legible::line(&format!("{at}{}", reason.message), 200))
    });
    let word = match status {
        RunStatus::Running if fold.asked().next().is_some() => "waits for a person",
        status => words::run_status(status),
    };
    format!("{}{}", Styled(tone, word), why.unwrap_or_default())
}

/// `14:03:12`, in UTC like everything that is recorded.
fn time_of_day(at: Time) -> String {
    let stamp = Stamp(Clock::Wall, at).to_string();
    stamp.split_once(' ').map_or(stamp.clone(), |(_, time)| time.to_owned())
}

#[cfg(test)]
mod tests;
