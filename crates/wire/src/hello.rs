//! The first frame of each side: who it is, and which versions it speaks.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// The version that this crate speaks.
///
/// A message that only adds something gets a new kind, marked as one that may be skipped, and no new
/// version. A new version is for what an older side must not misunderstand.
pub const VERSION: u16 = 1;

/// The versions that a side speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Versions {
    /// The oldest.
    pub oldest: u16,
    /// The newest.
    pub newest: u16,
}

/// Who a side is. Maps of texts, so that more can be said later without a new version.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hello {
    /// Which versions it speaks.
    pub versions: Versions,
    /// The version of its program, and what tells two builds of that apart.
    pub build: String,
    /// Its process.
    pub pid: u32,
    /// Its clock, in milliseconds since 1970.
    pub clock_ms: u64,
    /// `os`, `arch`, `host`, `user`, `cache`, whatever is worth knowing.
    pub facts: BTreeMap<String, String>,
}

// === impl Versions ===

impl Versions {
    /// What this crate speaks.
    pub const OURS: Self = Self { oldest: 1, newest: VERSION };

    /// The newest version that both sides speak.
    #[must_use]
    pub fn common(self, other: Self) -> Option<u16> {
        let newest = self.newest.min(other.newest);
        (newest >= self.oldest && newest >= other.oldest).then_some(newest)
    }
}

// === impl Hello ===

impl Hello {
    /// The fact that says for how many milliseconds the machine, or the container, has been up.
    pub const UP_MS: &'static str = "upMs";

    /// How long its machine has been up, where it says so.
    #[must_use]
    pub fn up(&self) -> Option<Duration> {
        self.fact(Self::UP_MS).parse().ok().map(Duration::from_millis)
    }

    /// A fact, or nothing.
    #[must_use]
    pub fn fact(&self, name: &str) -> &str {
        self.facts.get(name).map_or("", String::as_str)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_version_of_both_is_spoken() {
        let check = |ours: (u16, u16), theirs: (u16, u16)| {
            let versions = |(oldest, newest)| Versions { oldest, newest };
            versions(ours).common(versions(theirs))
        };
        assert_eq!(check((1, 3), (2, 5)), Some(3));
        assert_eq!(check((2, 5), (1, 3)), Some(3));
        assert_eq!(check((1, 1), (1, 1)), Some(1));
        assert_eq!(check((1, 2), (3, 4)), None);
        assert_eq!(check((3, 4), (1, 2)), None);
    }
}
