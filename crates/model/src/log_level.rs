//! How much a line of a run's log matters.

use std::fmt;
use std::str::FromStr;

/// How much a line matters; the later variants matter more.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum LogLevel {
    /// For whoever wants to know exactly.
    Debug,
    /// What goes on.
    #[default]
    Info,
    /// Worth a look.
    Warn,
    /// Something went wrong.
    Error,
}

/// A word that names no level.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no level; write error, warn, info or debug")]
pub struct UnknownLevel(String);

// === impl LogLevel ===

impl LogLevel {
    /// Its word.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Debug => "debug",
            Self::Info => "info",
            Self::Warn => "warn",
            Self::Error => "error",
        }
    }
}

impl fmt::Display for LogLevel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.word())
    }
}

impl FromStr for LogLevel {
    type Err = UnknownLevel;

    fn from_str(text: &str) -> Result<Self, UnknownLevel> {
        match text {
            "debug" => Ok(Self::Debug),
            "info" => Ok(Self::Info),
            "warn" => Ok(Self::Warn),
            "error" => Ok(Self::Error),
            other => Err(UnknownLevel(other.to_owned())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_read_as_they_print_and_are_ordered() {
        let all = [LogLevel::Debug, LogLevel::Info, LogLevel::Warn, LogLevel::Error];
        assert!(all.is_sorted());
        for level in all {
            assert_eq!(level.to_string().parse(), Ok(level));
        }
        assert!("fatal".parse::<LogLevel>().is_err());
    }
}
