//! What would be changed or was changed, as a text that a person reads: a unified diff of contents,
//! and a line for each property.
//!
//! It must not show secrets by itself: whoever makes one leaves out what its request marks as secret;
//! the runtime redacts known values besides.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use similar::TextDiff;

/// What was changed, or would be, for people to read. Bounded in size.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct Diff(String);

/// Texts that are longer are compared by size only.
const LONGEST_COMPARED: usize = 1 << 20;
/// How much of a diff is kept.
const LONGEST_KEPT: usize = 32 << 10;
const LEFT_OUT: &str = "… the rest of this diff is left out\n";

// === impl Diff ===

impl Diff {
    /// Contents before and after; `None` is a file that is not there. Empty when they are equal.
    #[must_use]
    pub fn of_bytes(name: &str, before: Option<&[u8]>, after: Option<&[u8]>) -> Self {
        if before == after {
            return Self::default();
        }
        let text = |bytes: Option<&[u8]>| match bytes {
            None => Some(String::new()),
            Some(bytes) if bytes.len() > LONGEST_COMPARED || bytes.contains(&0) => None,
            Some(bytes) => std::str::from_utf8(bytes).ok().map(str::to_owned),
        };
        let (Some(old), Some(new)) = (text(before), text(after)) else {
            let size = |bytes: Option<&[u8]>| match bytes {
                None => "absent".to_owned(),
                Some(bytes) => format!("{} bytes", bytes.len()),
            };
            return Self(format!("{name}: content {} -> {}\n", size(before), size(after)));
        };
        let side = |bytes: Option<&[u8]>| if bytes.is_some() { name } else { "/dev/null" };
        let compared = TextDiff::from_lines(&old, &new);
        let unified = compared.unified_diff().context_radius(3).header(side(before), side(after)).to_string();
        if unified.is_empty() {
            // An empty file that appears or goes has no lines to show.
            let (from, to) = if before.is_none() { ("absent", "empty") } else { ("empty", "absent") };
            return Self(format!("{name}: {from} -> {to}\n"));
        }
        Self(bounded(unified))
    }

    /// The same for texts.
    #[must_use]
    pub fn of_texts(name: &str, before: Option<&str>, after: Option<&str>) -> Self {
        Self::of_bytes(name, before.map(str::as_bytes), after.map(str::as_bytes))
    }

    /// Adds a property that is another than before; nothing where it is the same.
    #[must_use]
    pub fn property(
        self,
        name: impl fmt::Display,
        before: impl fmt::Display,
        after: impl fmt::Display,
    ) -> Self {
        let (before, after) = (before.to_string(), after.to_string());
        if before == after { self } else { self.line(format_args!("{name}: {before} -> {after}")) }
    }

    /// Adds a line.
    #[must_use]
    pub fn line(mut self, line: impl fmt::Display) -> Self {
        use fmt::Write as _;
        let _ = writeln!(self.0, "{line}");
        Self(bounded(self.0))
    }

    /// Adds what another one says.
    #[must_use]
    pub fn and(self, other: &Self) -> Self {
        Self(bounded(self.0 + &other.0))
    }

    /// Whether there is no difference.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The text, on its way out.
    #[must_use]
    pub fn into_text(self) -> String {
        bounded(self.0)
    }

    /// `None` where there is no difference: what a response holds.
    #[must_use]
    pub fn some(self) -> Option<Self> {
        if self.is_empty() { None } else { Some(self) }
    }
}

impl fmt::Display for Diff {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

fn bounded(mut text: String) -> String {
    if text.len() <= LONGEST_KEPT {
        return text;
    }
    let end = (0..=LONGEST_KEPT).rev().find(|end| text.is_char_boundary(*end)).unwrap_or(0);
    let end = text.get(..end).and_then(|kept| kept.rfind('\n')).map_or(end, |newline| newline + 1);
    text.truncate(end);
    text.push_str(LEFT_OUT);
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shows_contents_and_properties() {
        let diff =
            Diff::of_texts("/etc/motd", Some("a\nb\n"), Some("a\nc\n")).property("mode", "0644", "0600");
        insta::assert_snapshot!(diff, @r"
        --- /etc/motd
        +++ /etc/motd
        @@ -1,2 +1,2 @@
         a
        -b
        +c
        mode: 0644 -> 0600
        ");
    }

    #[test]
    fn says_what_appears_and_what_cannot_be_shown() {
        let check =
            |before: Option<&[u8]>, after: Option<&[u8]>| Diff::of_bytes("f", before, after).to_string();
        assert_eq!(check(None, Some(b"")), "f: absent -> empty\n");
        assert_eq!(check(Some(b""), None), "f: empty -> absent\n");
        assert_eq!(check(Some(b"x"), Some(b"x")), "");
        assert_eq!(check(None, Some(b"x\n")), "--- /dev/null\n+++ f\n@@ -0,0 +1 @@\n+x\n");
        assert_eq!(check(Some(b"x"), Some(b"\0\xff")), "f: content 1 bytes -> 2 bytes\n");
    }

    #[test]
    fn is_bounded_and_says_so() {
        let long: String = (0..20_000).map(|line| format!("line {line}\n")).collect();
        let diff = Diff::of_texts("f", None, Some(&long));
        assert!(diff.as_str().len() < LONGEST_KEPT + 100);
        assert!(diff.as_str().ends_with(LEFT_OUT));
        let again = diff.line("x").line("y");
        assert_eq!(again.as_str().matches(LEFT_OUT).count(), 1, "{}", again.as_str().len());
    }
}
