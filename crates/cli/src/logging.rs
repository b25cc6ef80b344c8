//! What a server says while it works, a line for each thing, on standard error: as text, or as JSON for programs that collect it.
//!
//! Only what our own crates say is taken, and only from a level on; spans are nothing to it.

use std::fmt::{self, Write as _};
use std::io::Write as _;

use serde_json::{Map, Value};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Level, Metadata, Subscriber};
use windlass_model::time::Time;
use windlass_runtime::Clock;

/// How lines are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LineForm {
    /// For people.
    Text,
    /// For programs.
    Json,
}

/// See the module.
struct Lines {
    form: LineForm,
    level: Level,
    clock: Clock,
}

/// The fields of an event.
#[derive(Default)]
struct Fields {
    message: String,
    others: Map<String, Value>,
}

const OURS: &str = "windlass";

/// Writes what is said from now on, in the whole process.
pub(crate) fn begin(form: LineForm, level: Level) {
    // Somebody who has begun it before has it.
    let _ = tracing::subscriber::set_global_default(Lines { form, level, clock: Clock::system() });
}

/// A line.
fn line(form: LineForm, at: Time, level: Level, target: &str, fields: Fields) -> String {
    let Fields { message, others } = fields;
    match form {
        LineForm::Json => {
            let mut map = Map::new();
            map.insert("at".to_owned(), at.to_string().into());
            map.insert("level".to_owned(), level.as_str().to_ascii_lowercase().into());
            map.insert("message".to_owned(), message.into());
            map.insert("target".to_owned(), target.into());
            // What is ours stays so, whatever a field is called.
            for (name, value) in others {
                map.entry(name).or_insert(value);
            }
            Value::Object(map).to_string()
        }
        LineForm::Text => {
            let message = message.replace('\n', " ");
            let mut text = format!("{at} {:<5} {message}", level.as_str().to_ascii_lowercase());
            for (name, value) in others {
                let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
                let _ = write!(text, " {name}={value:?}");
            }
            text
        }
    }
}

// === impl Lines ===

impl Subscriber for Lines {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.is_event() && *metadata.level() <= self.level && metadata.target().starts_with(OURS)
    }

    fn max_level_hint(&self) -> Option<tracing::level_filters::LevelFilter> {
        Some(self.level.into())
    }

    fn event(&self, event: &Event<'_>) {
        let mut fields = Fields::default();
        event.record(&mut fields);
        let metadata = event.metadata();
        let line = line(self.form, self.clock.now(), *metadata.level(), metadata.target(), fields);
        // Where standard error is gone, nobody reads it.
        let _ = writeln!(std::io::stderr().lock(), "{line}");
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

// === impl Fields ===

impl Fields {
    fn put(&mut self, field: &Field, value: Value) {
        self.others.insert(field.name().to_owned(), value);
    }
}

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        let text = format!("{value:?}");
        if field.name() == "message" { self.message = text } else { self.put(field, text.into()) }
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        if field.name() == "message" {
            value.clone_into(&mut self.message)
        } else {
            self.put(field, value.into())
        }
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.put(field, value.into());
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.put(field, value.into());
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.put(field, value.into());
    }

    fn record_error(&mut self, field: &Field, value: &(dyn std::error::Error + 'static)) {
        self.put(field, windlass_model::causes::with_causes(value).into());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_of_each_form_stays_one_line() {
        let fields = || Fields {
            message: "a disk is\nslow".to_owned(),
            others: [("level".to_owned(), Value::from("x")), ("run".to_owned(), 7.into())]
                .into_iter()
                .collect(),
        };
        let json = line(LineForm::Json, Time::ZERO, Level::WARN, "windlass_runtime", fields());
        let read: Value = serde_json::from_str(&json).unwrap();
        assert_eq!((&read["level"], &read["run"]), (&Value::from("warn"), &Value::from(7)));
        assert!(!json.contains('\n'));
        let text = line(LineForm::Text, Time::ZERO, Level::WARN, "windlass_runtime", fields());
        assert!(text.contains("warn  a disk is") && text.ends_with("run=\"7\""), "{text}");
    }
}
