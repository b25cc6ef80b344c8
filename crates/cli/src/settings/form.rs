//! How the texts of settings become values.

use std::net::SocketAddr;
use std::path::PathBuf;

use tracing::Level;
use windlass_model::span::Span;

use super::Sort;
use crate::logging::LineForm;

/// A value that can be set.
pub(crate) trait Form: Sized {
    /// What may stand there, in words.
    const EXPECTS: &'static str;
    /// How it is written in TOML.
    const SORT: Sort;

    /// The value that a text says; why not, else.
    fn read(text: &str) -> Result<Self, String>;

    /// What it is where nobody says anything, if that can be.
    fn absent() -> Option<Self> {
        None
    }
}

/// A whole number of which there must be one at least.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Count(pub(crate) usize);

/// An address of https, or of http where it does not leave this machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Address(pub(crate) String);

/// A text in which there is something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Text(pub(crate) String);

/// Words with blanks between.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Words(pub(crate) Vec<String>);

impl Form for Address {
    const EXPECTS: &'static str = "an address of https, or of http on this machine";
    const SORT: Sort = Sort::Text;

    fn read(text: &str) -> Result<Self, String> {
        let is_whole = !text.contains(['?', '#']) && !text.contains(char::is_whitespace);
        if windlass_outbound::is_safe(text) && is_whole {
            return Ok(Self(text.to_owned()));
        }
        Err(format!("`{text}` is none"))
    }
}

impl Form for Text {
    const EXPECTS: &'static str = "a text";
    const SORT: Sort = Sort::Text;

    fn read(text: &str) -> Result<Self, String> {
        if text.trim().is_empty() { Err("it is empty".to_owned()) } else { Ok(Self(text.to_owned())) }
    }
}

impl Form for Words {
    const EXPECTS: &'static str = "words with blanks between";
    const SORT: Sort = Sort::Text;

    fn read(text: &str) -> Result<Self, String> {
        let words: Vec<String> = text.split_whitespace().map(str::to_owned).collect();
        if words.is_empty() { Err("there is none".to_owned()) } else { Ok(Self(words)) }
    }
}

impl Form for PathBuf {
    const EXPECTS: &'static str = "a path";
    const SORT: Sort = Sort::Text;

    fn read(text: &str) -> Result<Self, String> {
        if text.is_empty() { Err("it is empty".to_owned()) } else { Ok(text.into()) }
    }
}

impl Form for SocketAddr {
    const EXPECTS: &'static str = "an address and a port, such as `127.0.0.1:8380` or `[::]:8443`";
    const SORT: Sort = Sort::Text;

    fn read(text: &str) -> Result<Self, String> {
        text.parse().map_err(|_| format!("`{text}` is none"))
    }
}

impl Form for bool {
    const EXPECTS: &'static str = "`true` or `false`";
    const SORT: Sort = Sort::Truth;

    fn read(text: &str) -> Result<Self, String> {
        text.parse().map_err(|_| format!("`{text}` is neither"))
    }
}

impl Form for Count {
    const EXPECTS: &'static str = "a whole number from 1 on";
    const SORT: Sort = Sort::Number;

    fn read(text: &str) -> Result<Self, String> {
        match text.replace('_', "").parse() {
            Ok(0) | Err(_) => Err(format!("`{text}` is none")),
            Ok(count) => Ok(Self(count)),
        }
    }
}

impl Form for Span {
    const EXPECTS: &'static str = "a duration, such as `90s`, `5m` or `30d`";
    const SORT: Sort = Sort::Text;

    fn read(text: &str) -> Result<Self, String> {
        text.parse().map_err(|error: windlass_model::span::SpanError| error.to_string())
    }
}

impl Form for LineForm {
    const EXPECTS: &'static str = "`text` or `json`";
    const SORT: Sort = Sort::Text;

    fn read(text: &str) -> Result<Self, String> {
        match text {
            "text" => Ok(Self::Text),
            "json" => Ok(Self::Json),
            _ => Err(format!("`{text}` is neither")),
        }
    }
}

impl Form for Level {
    const EXPECTS: &'static str = "`error`, `warn`, `info` or `debug`";
    const SORT: Sort = Sort::Text;

    fn read(text: &str) -> Result<Self, String> {
        match text {
            "error" => Ok(Self::ERROR),
            "warn" => Ok(Self::WARN),
            "info" => Ok(Self::INFO),
            "debug" => Ok(Self::DEBUG),
            _ => Err(format!("`{text}` is none")),
        }
    }
}

impl<T: Form> Form for Option<T> {
    const EXPECTS: &'static str = T::EXPECTS;
    const SORT: Sort = T::SORT;

    fn read(text: &str) -> Result<Self, String> {
        T::read(text).map(Some)
    }

    fn absent() -> Option<Self> {
        Some(None)
    }
}
