//! Records as people and programs read them.

use std::borrow::Cow;
use std::io::Write;

use serde_json::{Map, json};
use windlass_logs::{Filter, Form, Found, Record, Source};
use windlass_model::log_level::LogLevel;

use crate::args::LogFormat;
use crate::printed::legible_line;
use crate::printer::{BAD, FAINT, GOOD, STRONG, Styled, WARN};

/// How records are shown, and which.
#[derive(Debug)]
pub(super) struct Show {
    format: LogFormat,
    filter: Filter,
}

// === impl Show ===

impl Show {
    pub(super) fn new(format: LogFormat, filter: Filter) -> Self {
        Self { format, filter }
    }

    /// Shows a line if it is wanted.
    pub(super) fn line(&self, found: &Found<'_>, to: &mut Vec<u8>) {
        match &found.record {
            Some(record) if self.filter.wants(record) => match self.format {
                LogFormat::Text => text(record, to),
                LogFormat::Json => json(record, found, to),
            },
            Some(_) => {}
            // Torn by a crash, or damaged: better shown than lost.
            None if found.line.is_empty() || found.line.starts_with(b"#") || !self.filter.takes_damaged() => {
            }
            None => {
                let line = String::from_utf8_lossy(found.line);
                match self.format {
                    LogFormat::Text => push_line(to, &Styled(FAINT, legible_line(&line))),
                    LogFormat::Json => push_line(
                        to,
                        &json!({"offset": found.offset, "next": found.next, "damaged": true, "text": line}),
                    ),
                }
            }
        }
    }
}

fn text(record: &Record<'_>, to: &mut Vec<u8>) {
    let Record { at, level, source, form, address, attempt, .. } = record;
    let at = at.to_string().replacen('T', " ", 1);
    let at = at.trim_end_matches('Z');
    let attempt = if *attempt > 1 { format!("#{attempt}") } else { String::new() };
    let address = if address.is_empty() { "run" } else { address };
    let (sign, style) = match (source, level) {
        (_, LogLevel::Error) => (sign(*source), BAD),
        (Source::Err, _) => ("!", WARN),
        (Source::Out, LogLevel::Info) => ("|", anstyle::Style::new()),
        (_, LogLevel::Warn) => (sign(*source), WARN),
        (_, LogLevel::Debug) => (sign(*source), FAINT),
        (Source::Event, LogLevel::Info) => ("-", GOOD),
        (Source::Note, LogLevel::Info) => ("*", FAINT),
    };
    let said = legible_line(&String::from_utf8_lossy(&record.text)).into_owned();
    let more = if *form == Form::Part { " …" } else { "" };
    let who = Styled(STRONG, format_args!("{address}{attempt}"));
    push_line(
        to,
        &format_args!("{} {who} {} {}{more}", Styled(FAINT, at), Styled(style, sign), Styled(style, said)),
    );
}

fn sign(source: Source) -> &'static str {
    match source {
        Source::Out => "|",
        Source::Err => "!",
        Source::Note => "*",
        Source::Event => "-",
    }
}

fn json(record: &Record<'_>, found: &Found<'_>, to: &mut Vec<u8>) {
    let Record { at, level, source, form, address, attempt, node, printed_at, text } = record;
    let mut line = Map::new();
    line.insert("at".into(), at.to_string().into());
    line.insert("level".into(), level.word().into());
    line.insert("stream".into(), source.word().into());
    line.insert("address".into(), (*address).into());
    if *attempt > 0 {
        line.insert("attempt".into(), (*attempt).into());
    }
    if let Some(node) = node {
        line.insert("node".into(), (*node).into());
    }
    if let Some(printed) = printed_at {
        line.insert("printedAt".into(), printed.to_string().into());
    }
    let said = String::from_utf8_lossy(text);
    if let Cow::Owned(_) = &said {
        // What is no text is there to the last byte.
        let hex: String = text.iter().map(|byte| format!("{byte:02x}")).collect();
        line.insert("hex".into(), hex.into());
    }
    line.insert("text".into(), said.into());
    if *form == Form::Part {
        line.insert("goesOn".into(), true.into());
    }
    // Of what comes from a server, only that knows where in its file it stands.
    if found.next > 0 {
        line.insert("offset".into(), found.offset.into());
        line.insert("next".into(), found.next.into());
    }
    push_line(to, &serde_json::Value::Object(line));
}

fn push_line(to: &mut Vec<u8>, line: &dyn std::fmt::Display) {
    // Writing into memory cannot fail.
    let _ = writeln!(to, "{line}");
}
