//! What a package manager is called, what it is told, and what its words mean: a table for each.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use windlass_plugin::CallError;

use super::wanted::Wanted;
use super::{Changed, apk, apt, dnf, pacman, zypper};
use crate::system::tool::{self, Tool};

/// A package manager.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Manager {
    /// Debian, Ubuntu and their kin.
    Apt,
    /// Fedora, Red Hat and their kin.
    Dnf,
    /// SUSE.
    Zypper,
    /// Alpine.
    Apk,
    /// Arch.
    Pacman,
}

/// Names of packages, and the versions of each that are installed.
pub(super) type Installed = BTreeMap<String, Vec<String>>;

/// What a manager is asked to do.
#[derive(Clone, Debug)]
pub(super) struct Ask {
    pub(super) purpose: Purpose,
    /// All that are installed.
    pub(super) all: bool,
    /// Those that are not installed.
    pub(super) new: Vec<Wanted>,
    /// Those that are.
    pub(super) old: Vec<Wanted>,
}

/// What for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    Install,
    Latest,
    Remove,
}

/// What is allowed.
#[derive(Clone, Copy, Debug)]
pub(super) struct Settings<'a> {
    pub(super) allow_removals: bool,
    pub(super) allow_downgrade: bool,
    pub(super) purge: bool,
    pub(super) options: &'a [String],
}

/// What a manager does about an older version that would take the place of a newer one, where that is not allowed.
#[derive(Clone, Copy)]
pub(super) enum Older {
    /// It refuses.
    Refused,
    /// It would do it; a rehearsal says this.
    Announced(&'static str),
    /// It would do it and says nothing; this prints a negative number where the first version is the newer one.
    Compared(fn(&str, &str) -> Tool),
}

/// What a manager says when something is broken, and what mends that.
pub(super) type Mend = (&'static str, fn() -> Tool);

/// One package manager.
pub(super) struct Flavour {
    pub(super) manager: Manager,
    pub(super) program: &'static str,
    /// Lists what is installed.
    pub(super) list: fn() -> Tool,
    pub(super) listed: fn(&str) -> Installed,
    /// Where the index lies; its time is when it was fetched.
    pub(super) index: &'static str,
    /// What says which repositories there are.
    pub(super) sources: &'static [&'static str],
    pub(super) fetch: fn(&Settings<'_>) -> Tool,
    pub(super) rehearse: fn(&Ask, &Settings<'_>) -> Vec<Tool>,
    /// The exit codes of a rehearsal that went well.
    pub(super) rehearsed: &'static [i32],
    /// What it says where it was not to go on, and would have.
    pub(super) aborted: Option<&'static str>,
    /// What it would do. A version before is only known to be there, not always which one; `filled` says.
    pub(super) planned: fn(&str) -> Vec<Changed>,
    pub(super) older: Older,
    pub(super) change: fn(&Ask, &Settings<'_>) -> Vec<Tool>,
    /// The exit codes of a change that went well.
    pub(super) good: &'static [i32],
    /// What it says when somebody else uses it.
    pub(super) locked: &'static [&'static str],
    /// What it says of packages that it does not know.
    pub(super) unknown: &'static [&'static str],
    /// What it says when an installation was cut off, and what mends that.
    pub(super) mend: Option<Mend>,
}

const ALL: &[&Flavour] = &[&apt::APT, &dnf::DNF, &zypper::ZYPPER, &apk::APK, &pacman::PACMAN];

/// The manager that there is. Where there are several, the one whose database describes the machine.
pub(super) fn find(manager: Option<Manager>) -> Result<&'static Flavour, CallError> {
    if let Some(manager) = manager {
        let flavour = ALL.iter().find(|flavour| flavour.manager == manager);
        let flavour = flavour.filter(|flavour| tool::find(flavour.program).is_some());
        return flavour.copied().ok_or_else(|| {
            let name = serde_json::to_value(manager).unwrap_or_default();
            let name = name.as_str().unwrap_or_default();
            tool::missing(name, "name another `manager`, or leave it out")
        });
    }
    let there = ALL.iter().find(|flavour| tool::find(flavour.program).is_some());
    there.copied().ok_or_else(|| {
        let message = "this machine has none of apt-get, dnf, zypper, apk and pacman";
        CallError::permanent("notFound", message)
    })
}

// === impl Ask ===

impl Ask {
    pub(super) fn names(&self, between: &str) -> Vec<String> {
        self.new.iter().chain(&self.old).map(|wanted| wanted.with(between)).collect()
    }
}

pub(super) fn named(wanted: &[Wanted], between: &str) -> Vec<String> {
    wanted.iter().map(|wanted| wanted.with(between)).collect()
}

/// What would be done, with the versions that there are.
pub(super) fn filled(planned: Vec<Changed>, installed: &Installed) -> Vec<Changed> {
    let mut planned: Vec<Changed> = planned
        .into_iter()
        .map(|mut changed| {
            let there = installed.get(&changed.name).map(|versions| versions.join(", "));
            match (&changed.before, there) {
                (Some(_), there) => changed.before = there,
                // Some packages, such as kernels, are installed beside what there is.
                (None, Some(there)) => {
                    changed.after = changed.after.map(|after| format!("{there}, {after}"));
                    changed.before = Some(there);
                }
                (None, None) => {}
            }
            changed
        })
        .filter(|changed| changed.before != changed.after)
        .collect();
    planned.sort_by(|a, b| a.name.cmp(&b.name));
    planned
}

/// What is there when that was done.
pub(super) fn with(installed: &Installed, planned: &[Changed]) -> Installed {
    let mut after = installed.clone();
    for changed in planned {
        match &changed.after {
            Some(version) => after.insert(changed.name.clone(), vec![version.clone()]),
            None => after.remove(&changed.name),
        };
    }
    after
}

/// Adds a version of a package.
pub(super) fn add(installed: &mut Installed, name: &str, version: &str) {
    installed.entry(name.to_owned()).or_default().push(version.to_owned());
}
