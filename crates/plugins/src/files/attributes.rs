//! Who owns something and who may do what with it: as a request says it, and as it is.

use std::os::fd::AsFd;
use std::path::Path;

use rustix::fs::{AtFlags, Gid, Mode as Bits, Uid};
use schemars::JsonSchema;
use serde::Deserialize;
use windlass_plugin::{Call, CallError, Diff};

use super::entry::{Entry, Found};
use super::mode::{Mode, shown};
use super::owner::{Account, Database};
use super::trouble::trouble;

/// Who owns it and who may do what with it.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Ownership {
    /// The user who owns it, by name or number. Left out, it is left as it is; what is new belongs to
    /// the user who does the work.
    #[serde(default)]
    pub owner: Option<Account>,
    /// Its group, by name or number; likewise.
    #[serde(default)]
    pub group: Option<Account>,
    /// Its permission bits. Left out, they are left as they are; new files get 0644, new directories 0755.
    #[serde(default)]
    pub mode: Option<Mode>,
}

/// The same in numbers. What is `None` is left as it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Attributes {
    pub(crate) uid: Option<u32>,
    pub(crate) gid: Option<u32>,
    pub(crate) mode: Option<u32>,
}

// === impl Ownership ===

impl Ownership {
    /// Looks the names up.
    pub(crate) async fn resolve(&self, call: &Call) -> Result<Attributes, CallError> {
        let uid = match &self.owner {
            Some(owner) => Some(Database::Users.id_of(owner, call).await?),
            None => None,
        };
        let gid = match &self.group {
            Some(group) => Some(Database::Groups.id_of(group, call).await?),
            None => None,
        };
        Ok(Attributes { uid, gid, mode: self.mode.map(Mode::bits) })
    }
}

// === impl Attributes ===

impl Attributes {
    /// Whether something is already so.
    pub(crate) fn are_those_of(self, found: &Found) -> bool {
        self.uid.is_none_or(|uid| uid == found.uid)
            && self.gid.is_none_or(|gid| gid == found.gid)
            && self.mode.is_none_or(|mode| mode == found.mode)
    }

    /// Adds what is another than it was; with `None`, what something new will have.
    pub(crate) fn add_to(self, mut diff: Diff, before: Option<&Found>, label: &str) -> Diff {
        let mut add = |name: &str, before: Option<String>, after: Option<String>| {
            let Some(after) = after else { return };
            let diff_before = std::mem::take(&mut diff);
            diff = match before {
                Some(before) => diff_before.property(format_args!("{label}{name}"), before, after),
                None => diff_before.line(format_args!("{label}{name}: {after}")),
            };
        };
        let user = |id| Database::Users.name_of(id);
        let group = |id| Database::Groups.name_of(id);
        add("owner", before.map(|found| user(found.uid)), self.uid.map(user));
        add("group", before.map(|found| group(found.gid)), self.gid.map(group));
        add("mode", before.map(|found| shown(found.mode)), self.mode.map(shown));
        diff
    }

    /// Gives an open file these, in the order that leaves no moment in which it can be misused.
    pub(crate) fn give(self, file: impl AsFd, now: &Found, path: &Path) -> Result<(), CallError> {
        let uid = self.uid.filter(|uid| *uid != now.uid);
        let gid = self.gid.filter(|gid| *gid != now.gid);
        let owned = uid.is_some() || gid.is_some();
        if owned {
            rustix::fs::fchown(&file, uid.map(Uid::from_raw), gid.map(Gid::from_raw))
                .map_err(|error| trouble("change the owner of", path, error))?;
        }
        // A change of the owner takes the bits for set-user-id away.
        if let Some(mode) = self.mode.filter(|mode| owned || *mode != now.mode) {
            rustix::fs::fchmod(&file, Bits::from_raw_mode(mode))
                .map_err(|error| trouble("change the mode of", path, error))?;
        }
        Ok(())
    }

    /// The same for something that is there already. A link's own owner is changed, never that of
    /// what it leads to; it has no bits of its own.
    pub(crate) fn give_entry(self, entry: &Entry, now: &Found) -> Result<(), CallError> {
        let uid = self.uid.filter(|uid| *uid != now.uid);
        let gid = self.gid.filter(|gid| *gid != now.gid);
        let owned = uid.is_some() || gid.is_some();
        if owned {
            let (uid, gid) = (uid.map(Uid::from_raw), gid.map(Gid::from_raw));
            rustix::fs::chownat(entry.dir(), entry.name(), uid, gid, AtFlags::SYMLINK_NOFOLLOW)
                .map_err(|error| trouble("change the owner of", entry.path(), error))?;
        }
        if let Some(mode) = self.mode.filter(|mode| (owned || *mode != now.mode) && !now.is_link()) {
            entry.change_mode(mode)?;
        }
        Ok(())
    }
}
