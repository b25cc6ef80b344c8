//! Whoever keeps services: which one it is, and the same questions to each.

use std::path::Path;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use windlass_plugin::{Call, CallError};

use super::{openrc, systemd, sysv};
use crate::system::tool;

/// An init system.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Init {
    /// systemd.
    Systemd,
    /// OpenRC.
    Openrc,
    /// Scripts in `/etc/init.d`.
    Sysv,
}

/// What was found of a service.
#[derive(Clone, Debug, Default)]
pub(super) struct Found {
    pub(super) running: bool,
    pub(super) enabled: Option<bool>,
    /// That whether it starts with the machine cannot be changed.
    pub(super) is_fixed: bool,
    /// That it ran to a good end, as it should.
    pub(super) is_done: bool,
    /// That what describes it has changed since it was read.
    pub(super) is_outdated: bool,
    pub(super) says: Option<String>,
}

/// What can be done about a service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verb {
    Start,
    Stop,
    Restart,
    Reload,
    Enable,
    Disable,
}

/// The init system that is asked.
#[derive(Clone, Copy, Debug)]
pub(super) struct Keeper {
    init: Init,
    user: bool,
}

/// The code of a service that does not exist.
pub(super) const UNKNOWN: &str = "unknownService";

// === impl Verb ===

impl Verb {
    /// What most init systems call it.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Start => "start",
            Self::Stop => "stop",
            Self::Restart => "restart",
            Self::Reload => "reload",
            Self::Enable => "enable",
            Self::Disable => "disable",
        }
    }
}

// === impl Keeper ===

impl Keeper {
    pub(super) fn find(init: Option<Init>, user: bool) -> Result<Self, CallError> {
        let is_there = |path: &str| Path::new(path).exists();
        let init = match init {
            Some(init) => init,
            None if user || is_there("/run/systemd/system") => Init::Systemd,
            None if is_there("/run/openrc") => Init::Openrc,
            None if is_there("/etc/init.d") => Init::Sysv,
            None => {
                let message = "this machine has neither systemd nor OpenRC nor scripts in /etc/init.d";
                return Err(CallError::permanent("notFound", message));
            }
        };
        let program = match init {
            Init::Systemd => "systemctl",
            Init::Openrc => "rc-service",
            Init::Sysv => return Ok(Self { init, user }),
        };
        match tool::find(program) {
            Some(_) => Ok(Self { init, user }),
            None => Err(tool::missing(program, "name another `init`, or leave it out")),
        }
    }

    pub(super) fn init(self) -> Init {
        self.init
    }

    /// How a service is.
    pub(super) async fn look(self, name: &str, call: &Call) -> Result<Found, CallError> {
        match self.init {
            Init::Systemd => systemd::look(name, self.user, call).await,
            Init::Openrc => openrc::look(name, call).await,
            Init::Sysv => sysv::look(name, call).await,
        }
    }

    pub(super) async fn act(self, verb: Verb, name: &str, call: &Call) -> Result<(), CallError> {
        match self.init {
            Init::Systemd => systemd::act(verb, name, self.user, call).await,
            Init::Openrc => openrc::act(verb, name, call).await,
            Init::Sysv => sysv::act(verb, name, call).await,
        }
    }

    /// Has descriptions of services read again, where they are kept in memory.
    pub(super) async fn reload_units(self, call: &Call) -> Result<(), CallError> {
        match self.init {
            Init::Systemd => systemd::reload_units(self.user, call).await,
            Init::Openrc | Init::Sysv => Ok(()),
        }
    }

    /// What a service said last, where somebody kept it.
    pub(super) async fn last_words(self, name: &str, call: &Call) -> Vec<String> {
        match self.init {
            Init::Systemd => systemd::last_words(name, self.user, call).await,
            Init::Openrc | Init::Sysv => Vec::new(),
        }
    }
}

pub(super) fn unknown(name: &str, where_to_look: &str) -> CallError {
    CallError::permanent(UNKNOWN, format!("there is no service `{name}`; {where_to_look}"))
}
