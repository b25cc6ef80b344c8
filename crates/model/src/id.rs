//! Typed identifiers. New ones are drawn outside this crate and handed in.

use std::fmt;
use std::hash::Hasher as _;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::chance::Fnv;

macro_rules! typed_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub Uuid);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl FromStr for $name {
            type Err = uuid::Error;

            fn from_str(text: &str) -> Result<Self, uuid::Error> {
                text.parse().map(Self)
            }
        }
    };
}

typed_id! {
    /// One run. Version 7, so that ids sort by the time of submission.
    RunId
}
typed_id! {
    /// What runs that belong together share: a retry and what it retries.
    GroupId
}

/// Into how many virtual shards runs are hashed, so that their ownership can move later.
pub const SHARDS: u16 = 1024;

// === impl GroupId ===

impl GroupId {
    /// The group that goes by a name: the same for every plan that says so.
    #[must_use]
    pub fn named(name: &str) -> Self {
        use sha2::{Digest as _, Sha256};
        let digest: [u8; 32] = Sha256::digest(name.as_bytes()).into();
        let mut bytes = [0; 16];
        bytes.iter_mut().zip(digest).for_each(|(byte, hashed)| *byte = hashed);
        // Version 8: made by an own rule.
        Self(uuid::Builder::from_custom_bytes(bytes).into_uuid())
    }
}

// === impl RunId ===

impl RunId {
    /// The virtual shard that this run belongs to, for ever.
    #[must_use]
    pub fn shard(self) -> u16 {
        // Whatever else changes, a run must never move to another shard.
        let mut hasher = Fnv::default();
        hasher.write(self.0.as_bytes());
        let hash = hasher.finish();
        u16::try_from(hash % u64::from(SHARDS)).unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shards_and_named_groups_never_move() {
        let run: RunId = "01a1f974-7ec5-72fb-a118-8b8abff7ec0b".parse().unwrap();
        assert_eq!(run.shard(), 75);
        assert_eq!(GroupId::named("autumn").to_string(), "defae041-58b9-817d-bb4a-5f7bd72bd712");
    }
}
