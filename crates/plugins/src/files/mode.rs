//! Permission bits as plans write them.

use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer};

/// Permission bits, written as an octal text: `"0644"`.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Mode(u32);

const EXPECTS: &str =
    "permission bits as octal digits in quotes, such as \"0644\"; symbolic ones such as u+x are not known";

// === impl Mode ===

impl Mode {
    /// The bits themselves.
    #[must_use]
    pub fn bits(self) -> u32 {
        self.0
    }

    fn read(text: &str) -> Option<Self> {
        let digits = text.strip_prefix('0').filter(|rest| rest.len() >= 3).unwrap_or(text);
        let fits = matches!(digits.len(), 3 | 4) && digits.bytes().all(|byte| matches!(byte, b'0'..=b'7'));
        if fits { u32::from_str_radix(digits, 8).ok().map(Self) } else { None }
    }
}

impl<'de> Deserialize<'de> for Mode {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::read(&text).ok_or_else(|| D::Error::custom(format!("expected {EXPECTS}")))
    }
}

impl JsonSchema for Mode {
    fn schema_name() -> Cow<'static, str> {
        "Mode".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "pattern": "^0?[0-7]{3,4}$", "x-expects": EXPECTS })
    }
}

impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&shown(self.0))
    }
}

impl fmt::Debug for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Bits as people write them.
pub(crate) fn shown(bits: u32) -> String {
    format!("{bits:04o}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn octal_digits_and_nothing_else() {
        let check = |text: &str| Mode::read(text).map(Mode::bits);
        assert_eq!(check("0644"), Some(0o644));
        assert_eq!(check("644"), Some(0o644));
        assert_eq!(check("4755"), Some(0o4755));
        assert_eq!(check("04755"), Some(0o4755));
        assert_eq!(check("000"), Some(0));
        for wrong in ["", "0", "44", "0888", "u+x", "0o644", "64400", "-644", "+644"] {
            assert_eq!(check(wrong), None, "{wrong}");
        }
    }
}
