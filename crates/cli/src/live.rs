//! A run as it goes on, in the form that was asked for.
//!
//! ```text
//!   event ─▶ Fold ─▶ Live ─┬─ text on a terminal   lines that stay, above a picture that is drawn over (frame, painter)
//!                          ├─ text elsewhere       lines with times
//!                          ├─ events               the event as JSON
//!                          └─ json                 nothing before the end
//! ```
//!
//! Progress goes to standard error, the result to standard output. Whoever drives it applies events to the fold
//! first, and calls [`Live::tick`] now and then.

mod frame;
mod heat;
mod line;
mod painter;

use std::time::{Duration, Instant};

use windlass_model::event::Event;
use windlass_model::time::Time;
use windlass_report::{Clock, Fold, JsonOptions, Stamp, TextOptions};

use self::frame::Frame;
use self::line::Weight;
use self::painter::Painter;
use crate::args::LiveFormat;
use crate::printer::{self, FAINT, Printer, Styled};

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
    /// What the last line of the picture says.
    hint: &'static str,
    drawn: Option<Instant>,
}

#[derive(Debug)]
enum Form {
    Picture(Painter),
    Lines,
    Events,
    Silent,
}

// === impl Live ===

impl Live {
    pub(crate) fn new(format: LiveFormat, hint: &'static str) -> Self {
        let form = match format {
            LiveFormat::Text if printer::is_live_terminal() => Form::Picture(Painter::default()),
            LiveFormat::Text => Form::Lines,
            LiveFormat::Events => Form::Events,
            LiveFormat::Json => Form::Silent,
        };
        Self { form, hint, drawn: None }
    }

    /// Shows an event that was applied to the fold just now.
    pub(crate) fn event(&mut self, fold: &Fold, event: &Event, printer: &mut Printer) {
        match &mut self.form {
            Form::Silent => {}
            Form::Events => {
                printer.line(windlass_report::event_json(event, fold.layout(), Clock::Wall));
            }
            Form::Lines => {
                if let Some(line) = line::of(fold, event) {
                    printer.note(format_args!("{} {}", Styled(FAINT, time_of_day(event.at)), line.text));
                }
            }
            Form::Picture(painter) => {
                let lines = line::of(fold, event).into_iter().filter(|line| line.weight == Weight::Heavy);
                let lines: Vec<String> = lines
                    .map(|line| format!("{} {}", Styled(FAINT, time_of_day(event.at)), line.text))
                    .collect();
                painter.print(&lines, printer);
            }
        }
    }

    /// Draws the picture anew if it is time to.
    pub(crate) fn tick(&mut self, fold: &Fold, now: Time, printer: &mut Printer) {
        let Form::Picture(painter) = &mut self.form else { return };
        let every = if fold.seq() > LARGE { EVERY_LARGE } else { EVERY };
        if self.drawn.is_some_and(|drawn| drawn.elapsed() < every) {
            return;
        }
        self.drawn = Some(Instant::now());
        let (width, rows) = printer::terminal_size();
        let frame =
            Frame { fold, now, width, rows, is_unicode: crate::drawing::is_unicode(), hint: self.hint };
        painter.draw(&frame.lines(), width, printer);
    }

    /// Says something about the process rather than the run.
    pub(crate) fn say(&mut self, text: &str, printer: &mut Printer) {
        match &mut self.form {
            Form::Picture(painter) => painter.print(&[text.to_owned()], printer),
            Form::Lines | Form::Events | Form::Silent => printer.note(text),
        }
    }

    /// Takes the picture away.
    pub(crate) fn leave(&mut self, printer: &mut Printer) {
        if let Form::Picture(painter) = &mut self.form {
            painter.clear(printer);
        }
    }

    /// Takes the picture away and prints the result.
    pub(crate) fn end(&mut self, fold: &Fold, printer: &mut Printer) {
        match &mut self.form {
            Form::Picture(painter) => painter.clear(printer),
            Form::Lines => {}
            Form::Events => return,
            Form::Silent => {
                printer.write_out(|mut out| {
                    windlass_report::write_json(fold, &JsonOptions::default(), &mut out)
                });
                return;
            }
        }
        let options = TextOptions { clock: Clock::Wall, palette: printer.palette() };
        printer.note("");
        printer.write_out(|mut out| windlass_report::write_text(fold, &options, &mut out));
    }
}

/// An event as a line with its time, if there is something to say.
pub(crate) fn line(fold: &Fold, event: &Event) -> Option<String> {
    line::of(fold, event).map(|line| format!("{} {}", Styled(FAINT, time_of_day(event.at)), line.text))
}

/// `14:03:12`, in UTC like everything that is recorded.
fn time_of_day(at: Time) -> String {
    let stamp = Stamp(Clock::Wall, at).to_string();
    stamp.split_once(' ').map_or(stamp.clone(), |(_, time)| time.to_owned())
}

#[cfg(test)]
mod tests;
