//! The one place that writes to the terminal: data to standard output, everything else to standard error.
//!
//! Styled text is always written with its escapes; the streams take them out where colour is not wanted.
//! A reader that goes away (`| head`) is no error: what comes after is dropped, and whoever only prints
//! can ask [`Printer::is_out_closed`] and end.

use std::borrow::Cow;
use std::fmt;
use std::io::{self, IsTerminal, Write};

use anstream::{AutoStream, ColorChoice};
use anstyle::{AnsiColor, Effects, Style};

use crate::args::ColorWhen;
use crate::drawing;

/// What is worth looking at.
pub(crate) const STRONG: Style = Style::new().bold();
/// What can be passed over.
pub(crate) const FAINT: Style = Style::new().effects(Effects::DIMMED);
/// What is well.
pub(crate) const GOOD: Style = AnsiColor::Green.on_default();
/// What is not.
pub(crate) const BAD: Style = AnsiColor::Red.on_default().bold();
/// What needs attention.
pub(crate) const WARN: Style = AnsiColor::Yellow.on_default();
/// What goes on.
pub(crate) const BUSY: Style = AnsiColor::Cyan.on_default();

/// A text in a style.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Styled<T>(pub(crate) Style, pub(crate) T);

/// Both streams.
#[derive(Debug)]
pub(crate) struct Printer {
    color: ColorChoice,
    reader: Reader,
    is_out_closed: bool,
    /// Why standard output cannot be written, where it is not for a reader that went away.
    out_error: Option<io::Error>,
}

/// Who reads standard output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reader {
    /// Somebody who can do without signs that their terminal does not have.
    Person,
    /// A program, which gets every byte as it is.
    Program,
}

// === impl Styled ===

impl<T: fmt::Display> fmt::Display for Styled<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}{}", self.0.render(), self.1, self.0.render_reset())
    }
}

// === impl Printer ===

impl Printer {
    pub(crate) fn new(color: ColorWhen) -> Self {
        let color = match color {
            ColorWhen::Auto => ColorChoice::Auto,
            ColorWhen::Always => ColorChoice::Always,
            ColorWhen::Never => ColorChoice::Never,
        };
        Self { color, reader: Reader::Person, is_out_closed: false, out_error: None }
    }

    /// The same, for somebody else to read.
    pub(crate) fn for_reader(self, reader: Reader) -> Self {
        Self { reader, ..self }
    }

    /// Data, on standard output.
    pub(crate) fn out(&mut self, text: impl fmt::Display) {
        self.write_out(|out| write!(out, "{text}"));
    }

    /// A line of data, on standard output.
    pub(crate) fn line(&mut self, text: impl fmt::Display) {
        self.write_out(|out| writeln!(out, "{text}"));
    }

    /// Whole lines of data, with their ends, on standard output.
    pub(crate) fn page(&mut self, text: &str) {
        match self.reader {
            Reader::Program => self.write_out(|out| out.write_all(text.as_bytes())),
            Reader::Person if self.is_out_closed => {}
            Reader::Person => {
                let stdout = io::stdout();
                let written = shown(text, self.choice(&stdout), stdout.lock());
                self.note_written(written);
            }
        }
    }

    /// The same for people, on standard error. Where that is gone there is nobody left to tell.
    pub(crate) fn page_err(&mut self, text: &str) {
        let stderr = io::stderr();
        let _ = shown(text, self.choice(&stderr), stderr.lock());
    }

    /// Data that is written piece by piece, on standard output.
    pub(crate) fn write_out(&mut self, write: impl FnOnce(&mut dyn Write) -> io::Result<()>) {
        if self.is_out_closed {
            return;
        }
        let stdout = io::stdout();
        let color = self.choice(&stdout);
        let written = match self.reader {
            Reader::Program => {
                let mut out = io::BufWriter::new(AutoStream::new(stdout.lock(), color));
                write(&mut out).and_then(|()| out.flush())
            }
            Reader::Person => {
                let mut text = Vec::new();
                write(&mut text).and_then(|()| shown(&String::from_utf8_lossy(&text), color, stdout.lock()))
            }
        };
        self.note_written(written);
    }

    fn note_written(&mut self, written: io::Result<()>) {
        if let Err(error) = written {
            self.is_out_closed = true;
            self.out_error = Some(error).filter(|error| error.kind() != io::ErrorKind::BrokenPipe);
        }
    }

    /// A line for people, on standard error.
    pub(crate) fn note(&mut self, text: impl fmt::Display) {
        self.write_err(format_args!("{text}\n"));
    }

    /// A warning, on standard error.
    pub(crate) fn warn(&mut self, text: impl fmt::Display) {
        self.note(format_args!("{}: {text}", Styled(WARN.bold(), "warning")));
    }

    /// Anything, on standard error.
    pub(crate) fn write_err(&mut self, text: impl fmt::Display) {
        self.page_err(&text.to_string());
    }

    /// What moves the cursor, on standard error as it is; colours are taken out where they are not wanted.
    ///
    /// A terminal may read it in pieces; one that knows synchronised updates shows nothing of it before all is there.
    pub(crate) fn draw(&mut self, text: &str) {
        let stderr = io::stderr();
        let is_plain = self.choice(&stderr) == ColorChoice::Never;
        let text = if is_plain { without_colors(text) } else { text.to_owned() };
        let update = format!("\x1b[?2026h{text}\x1b[?2026l");
        let _ = stderr.lock().write_all(update.as_bytes());
    }

    /// Why not everything is on standard output that should be, unless its reader went away.
    pub(crate) fn out_error(&mut self) -> Option<io::Error> {
        self.out_error.take()
    }

    /// Whether the reader of standard output has gone away.
    pub(crate) fn is_out_closed(&self) -> bool {
        self.is_out_closed
    }

    /// Colours for reports. They are always written; the stream takes them out where they are not wanted.
    #[expect(clippy::unused_self, reason = "who prints decides about colours")]
    pub(crate) fn palette(&self) -> windlass_report::Palette {
        windlass_report::Palette::ANSI
    }

    /// Whether what is printed on standard output has colours.
    pub(crate) fn is_out_colored(&self) -> bool {
        let stdout = io::stdout();
        self.choice(&stdout) != ColorChoice::Never
    }

    /// Whether what is printed on standard error has colours.
    pub(crate) fn is_err_colored(&self) -> bool {
        let stderr = io::stderr();
        self.choice(&stderr) != ColorChoice::Never
    }

    fn choice(&self, stream: &impl anstream::stream::RawStream) -> ColorChoice {
        match self.color {
            ColorChoice::Auto => AutoStream::choice(stream),
            choice => choice,
        }
    }
}

/// Writes a text for people. In one piece, so that nothing comes in between: a stream that takes colours out writes each
/// line by itself.
fn shown(text: &str, color: ColorChoice, mut to: impl Write) -> io::Result<()> {
    to.write_all(readable(text, color).as_bytes())?;
    to.flush()
}

/// A text for people, as any terminal can show it and whatever is in it.
fn readable(text: &str, color: ColorChoice) -> Cow<'_, str> {
    let mut text = drawing::harmless(text);
    let shown = match drawing::shown(&text) {
        Cow::Owned(shown) => Some(shown),
        Cow::Borrowed(_) => None,
    };
    if let Some(shown) = shown {
        text = Cow::Owned(shown);
    }
    if color == ColorChoice::Never && text.as_bytes().contains(&0x1b) {
        text = Cow::Owned(anstream::adapter::strip_str(&text).to_string());
    }
    text
}

/// Whether standard error is a terminal on which things can be drawn over.
pub(crate) fn is_live_terminal() -> bool {
    let is_dumb = std::env::var_os("TERM").is_none_or(|term| term.is_empty() || term == "dumb");
    io::stderr().is_terminal() && !is_dumb
}

/// The columns and rows of the terminal; what is usual where there is none.
pub(crate) fn terminal_size() -> (usize, usize) {
    let size = terminal_size::terminal_size_of(io::stderr()).or_else(terminal_size::terminal_size);
    size.map_or((100, 30), |(width, height)| (usize::from(width.0).max(20), usize::from(height.0).max(6)))
}

/// The columns of standard output, where it is a terminal.
pub(crate) fn out_width() -> Option<usize> {
    let stdout = io::stdout();
    let size = stdout.is_terminal().then(|| terminal_size::terminal_size_of(stdout)).flatten();
    size.map(|(width, _)| usize::from(width.0).max(20))
}

/// The text without escapes that end in `m`: the colours go, the cursor still moves.
fn without_colors(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("\x1b[") {
        let (before, escape) = rest.split_at(at);
        out.push_str(before);
        let end = escape.char_indices().skip(2).find(|(_, char)| char.is_ascii_alphabetic());
        let (at, last) = end.unwrap_or((escape.len().saturating_sub(1), 'm'));
        let (escape, tail) = escape.split_at((at + 1).min(escape.len()));
        if last != 'm' {
            out.push_str(escape);
        }
        rest = tail;
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_go_and_the_cursor_still_moves() {
        assert_eq!(without_colors("\x1b[2A\x1b[31mred\x1b[0m\x1b[K"), "\x1b[2Ared\x1b[K");
        assert_eq!(without_colors("\x1b["), "");
    }
}
