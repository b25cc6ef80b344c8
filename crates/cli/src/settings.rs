//! What can be set of a server: in one place, from which the file, the variables, the flags, the example and the reference
//! page follow.
//!
//! ```text
//!   flags ─┐
//!   $WINDLASS_SERVER_… ─┼─► Given: of each key the strongest ─► Settings, or everything that is wrong with them
//!   a file in TOML ─┘
//! ```
//!
//! It opens no port and no store; what the settings mean to a server, `command/server.rs` says.

mod consistent;
mod declared;
mod form;
mod given;
mod page;

pub(crate) use self::declared::Settings;
pub(crate) use self::given::{Given, Said};
pub(crate) use self::page::{example, reference};

/// Names the file where no flag does.
pub(crate) const CONFIG_VARIABLE: &str = "WINDLASS_SERVER_CONFIG";

/// Something that can be set.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Setting {
    /// What it is called in the file: `listen`, or `tls.certificate` for `certificate` in the table `tls`.
    pub(crate) key: &'static str,
    /// What it means.
    pub(crate) about: &'static str,
    /// What it is unless somebody says otherwise, as it is typed; empty where it then is not there, or not fixed.
    pub(crate) default: &'static str,
    /// What somebody might say.
    pub(crate) example: &'static str,
    /// The flag that says it; empty where only `--set` does.
    pub(crate) flag: &'static str,
    /// What may stand there, in words.
    pub(crate) expects: &'static str,
    /// How it is written in TOML.
    pub(crate) sort: Sort,
}

/// How a value is written in TOML.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sort {
    /// In quotes.
    Text,
    /// As a whole number.
    Number,
    /// As `true` or `false`.
    Truth,
}

// === impl Setting ===

impl Setting {
    /// The variable that says it.
    pub(crate) fn variable(&self) -> String {
        // It is that of every other command, too.
        if self.key == "data-dir" {
            return crate::args::DATA_DIR_VARIABLE.to_owned();
        }
        format!("{}{}", given::PREFIX, self.key.to_ascii_uppercase().replace(['.', '-'], "_"))
    }

    /// The table that it stands in, and what it is called there.
    pub(crate) fn place(&self) -> (Option<&'static str>, &'static str) {
        match self.key.split_once('.') {
            Some((table, key)) => (Some(table), key),
            None => (None, self.key),
        }
    }
}
