//! The forms that commands print in.

use clap::ValueEnum;

/// For commands that print once.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum DocumentFormat {
    /// For people.
    #[default]
    Text,
    /// One JSON document.
    Json,
}

/// For commands that follow a run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum LiveFormat {
    /// For people: a live picture on a terminal, lines otherwise.
    #[default]
    Text,
    /// One JSON document at the end.
    Json,
    /// The log as it grows, one JSON object a line.
    Events,
}

/// For reports.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum ReportFormat {
    /// For people.
    #[default]
    Text,
    /// One JSON document.
    Json,
    /// One self-contained HTML file.
    Html,
}
