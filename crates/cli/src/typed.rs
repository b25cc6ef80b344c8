//! How commands to type say where runs are.

use std::fmt::Display;

/// What has to be typed to get at the same runs again.
#[derive(Clone, Debug)]
pub(crate) struct Typed {
    /// Nothing, `--data-dir DIR`, or `--context NAME`.
    flag: String,
    is_server: bool,
}

// === impl Typed ===

impl Typed {
    /// The runs of a data directory.
    pub(crate) fn here(flag: String) -> Self {
        Self { flag, is_server: false }
    }

    /// The runs of a server.
    pub(crate) fn server(flag: String) -> Self {
        Self { flag, is_server: true }
    }

    /// Whether a server drives them: nobody has to go on with them by hand.
    pub(crate) fn is_server(&self) -> bool {
        self.is_server
    }

    /// What a command must say.
    pub(crate) fn flag(&self) -> &str {
        &self.flag
    }

    /// A command to type: `windlass recover --data-dir DIR`.
    pub(crate) fn command(&self, words: impl Display) -> String {
        let gap = if self.flag.is_empty() { "" } else { " " };
        format!("windlass {words}{gap}{}", self.flag)
    }
}
