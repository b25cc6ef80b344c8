//! The page that is being written: counts its bytes, escapes what is foreign.

use std::fmt;
use std::io;

use windlass_model::foresight::Would;
use windlass_model::outcome::{RunStatus, Status};

use crate::legible;
use crate::view::ElementView;

/// After so many bytes, details are left out: a report is to be opened, also that of 100,000 targets.
const ROOM: u64 = 12 << 20;

/// Where HTML goes.
pub(super) struct Page<'a> {
    out: &'a mut dyn io::Write,
    written: u64,
}

/// Foreign text on one line, escaped and kept from changing the direction of what is around it.
pub(super) struct Foreign<'a>(pub(super) &'a str);

/// Foreign text escaped for an attribute, or where [`Foreign`]'s element would be too much.
pub(super) struct Plain<'a>(pub(super) &'a str);

/// How long a line of foreign text may be.
const LINE: usize = 600;

// === impl Page ===

impl<'a> Page<'a> {
    pub(super) fn new(out: &'a mut dyn io::Write) -> Self {
        Self { out, written: 0 }
    }

    /// Whether there is room for details.
    pub(super) fn has_room(&self) -> bool {
        self.written < ROOM
    }
}

impl io::Write for Page<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.out.write(bytes)?;
        self.written = self.written.saturating_add(written as u64);
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

// === impl Foreign, Plain ===

impl fmt::Display for Foreign<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("<bdi>")?;
        escape(&legible::line(self.0, LINE), f)?;
        f.write_str("</bdi>")
    }
}

impl fmt::Display for Plain<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        escape(&legible::line(self.0, LINE), f)
    }
}

/// Escapes for elements and for attributes in either kind of quotes.
pub(super) fn escape(text: &str, out: &mut impl fmt::Write) -> fmt::Result {
    for char in text.chars() {
        match char {
            '&' => out.write_str("&amp;")?,
            '<' => out.write_str("&lt;")?,
            '>' => out.write_str("&gt;")?,
            '"' => out.write_str("&quot;")?,
            '\'' => out.write_str("&#39;")?,
            other => out.write_char(other)?,
        }
    }
    Ok(())
}

/// The class of an element's state.
pub(super) fn class(view: &ElementView) -> &'static str {
    match view.status {
        Status::Pending => "p",
        Status::Running => "r",
        Status::Succeeded if view.changed || view.would == Some(Would::Change) => "s",
        Status::Succeeded if view.would == Some(Would::Unknown) => "k",
        Status::Succeeded => "u",
        Status::Failed => "f",
        Status::Skipped => "k",
        Status::Stopped => "t",
    }
}

/// The class of a run's state.
pub(super) fn run_class(status: RunStatus) -> &'static str {
    match status {
        RunStatus::Succeeded => "s",
        RunStatus::Failed => "f",
        RunStatus::Stopped => "t",
        RunStatus::Running | RunStatus::Submitted => "r",
        RunStatus::Paused | RunStatus::AwaitingApproval => "w",
    }
}

/// What a state is called, with why it was skipped or whether it changed anything.
pub(super) fn state(view: &ElementView) -> String {
    let word = crate::words::status(view.status);
    if let Some(would) = view.would.filter(|_| view.status == Status::Succeeded) {
        return crate::words::would(would).to_owned();
    }
    match (view.skip, view.status) {
        (Some(skip), _) => format!("{word}: {}", crate::words::skip(skip)),
        (None, Status::Succeeded) if view.changed => "changed".to_owned(),
        (None, Status::Succeeded) => "unchanged".to_owned(),
        _ => word.to_owned(),
    }
}
