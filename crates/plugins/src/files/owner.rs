//! Users and groups: from names to numbers and back.
//!
//! The files of this machine are read first. What does not stand there is asked of `getent`, which knows
//! directories such as LDAP too.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{Error, Visitor};
use serde::{Deserialize, Deserializer};
use windlass_plugin::{Call, CallError, Output};

use super::trouble::{UNKNOWN_GROUP, UNKNOWN_USER};
use crate::process::{self, Job, Kept, Watch};

/// A user or a group, by name or by number.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Account(String);

/// Where names stand.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Database {
    Users,
    Groups,
}

const EXPECTS: &str = "a name or a number";

// === impl Account ===

impl Account {
    /// As it was written.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// A name in which nothing stands that cannot stand there.
    fn is_sound(&self) -> bool {
        !self.0.is_empty() && !self.0.starts_with('-') && !self.0.contains([':', '\n', '\0', ',', '/'])
    }
}

impl<'de> Deserialize<'de> for Account {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Either;
        impl Visitor<'_> for Either {
            type Value = Account;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(EXPECTS)
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Account, E> {
                let account = Account(text.to_owned());
                if account.is_sound() { Ok(account) } else { Err(E::custom(format!("expected {EXPECTS}"))) }
            }

            fn visit_u64<E: Error>(self, number: u64) -> Result<Account, E> {
                self.visit_str(&number.to_string())
            }
        }
        deserializer.deserialize_any(Either)
    }
}

impl JsonSchema for Account {
    fn schema_name() -> Cow<'static, str> {
        "Account".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": ["string", "integer"], "minLength": 1, "minimum": 0, "x-expects": EXPECTS })
    }
}

// === impl Database ===

impl Database {
    fn file(self) -> &'static str {
        match self {
            Self::Users => "/etc/passwd",
            Self::Groups => "/etc/group",
        }
    }

    /// The number of an account.
    pub(crate) async fn id_of(self, account: &Account, call: &Call) -> Result<u32, CallError> {
        let Account(name) = account;
        if let Ok(id) = name.parse::<u32>() {
            // The largest number means "leave it" to the system.
            return if id == u32::MAX { Err(self.unknown(name)) } else { Ok(id) };
        }
        let text = tokio::fs::read_to_string(self.file()).await.unwrap_or_default();
        if let Some(id) = id_in(&text, name) {
            return Ok(id);
        }
        let answer = self.asked(name, call).await;
        answer.and_then(|text| id_in(&text, name)).ok_or_else(|| self.unknown(name))
    }

    /// The name of a number, as far as the files of this machine know; otherwise the number.
    pub(crate) fn name_of(self, id: u32) -> String {
        let text = std::fs::read_to_string(self.file()).unwrap_or_default();
        name_in(&text, id).map_or_else(|| id.to_string(), str::to_owned)
    }

    async fn asked(self, name: &str, call: &Call) -> Option<String> {
        let map = match self {
            Self::Users => "passwd",
            Self::Groups => "group",
        };
        let job = Job {
            program: "getent".into(),
            args: vec![map.into(), name.into()],
            env: BTreeMap::from([("LC_ALL".to_owned(), Some("C".to_owned()))]),
            cwd: None,
            stdin: None,
            kept: Kept::TO_READ,
        };
        // What it prints is nothing that anybody wants to read in a log.
        let quiet = Call { output: Output::default(), ..call.clone() };
        let finished = process::run(job, &quiet, &Watch::default()).await.ok()?;
        (finished.exit_code == Some(0)).then_some(finished.stdout.text)
    }

    fn unknown(self, name: &str) -> CallError {
        match self {
            Self::Users => CallError::permanent(UNKNOWN_USER, format!("there is no user `{name}`")),
            Self::Groups => CallError::permanent(UNKNOWN_GROUP, format!("there is no group `{name}`")),
        }
    }
}

fn id_in(text: &str, name: &str) -> Option<u32> {
    let mut entries = text.lines().filter_map(entry);
    entries.find(|(other, _)| *other == name).map(|(_, id)| id)
}

fn name_in(text: &str, id: u32) -> Option<&str> {
    let mut entries = text.lines().filter_map(entry);
    entries.find(|(_, other)| *other == id).map(|(name, _)| name)
}

/// Name and number of a line: `root:x:0:…`.
fn entry(line: &str) -> Option<(&str, u32)> {
    let mut fields = line.split(':');
    let name = fields.next()?;
    Some((name, fields.nth(1)?.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_files_of_accounts() {
        let text = "root:x:0:0:root:/root:/bin/sh\n# odd\n+::::::\ndaemon:x:1:1::/:/bin/false\n";
        assert_eq!(id_in(text, "daemon"), Some(1));
        assert_eq!(id_in(text, "nobody"), None);
        assert_eq!(name_in(text, 0), Some("root"));
        assert_eq!(name_in(text, 7), None);
    }

    #[test]
    fn names_and_numbers_are_accounts() {
        let check = |json: serde_json::Value| Account::deserialize(json).ok().map(|account| account.0);
        assert_eq!(check("www-data".into()), Some("www-data".into()));
        assert_eq!(check(33.into()), Some("33".into()));
        for wrong in ["", "-r", "a:b", "a\nb"] {
            assert_eq!(check(wrong.into()), None, "{wrong:?}");
        }
    }
}
