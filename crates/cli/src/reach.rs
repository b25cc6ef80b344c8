//! How this process reaches nodes: the fleet behind the registry of plugins.

use std::sync::Arc;

use windlass_fleet::{Agents, Declared, Fleet, Gate, Here, InDirectory, Ways, is_here};
use windlass_hub::Hub;
use windlass_model::code;
use windlass_plugin::{Registry, SecretProvider};

use crate::args::{DataDirArgs, ReachArgs};
use crate::exit::Exit;
use crate::failure::Failure;

/// The connections of this process.
pub(crate) fn fleet(args: &ReachArgs, secrets: Option<Arc<dyn SecretProvider>>) -> Fleet {
    fleet_and(args, secrets, None)
}

/// The same, and those of agents that dial in. Logins look for their secrets where a file declares them, else in the environment.
pub(crate) fn fleet_and(
    args: &ReachArgs,
    secrets: Option<Arc<dyn SecretProvider>>,
    agents: Option<Hub>,
) -> Fleet {
    let gate = args.connect_at_once.map_or_else(Gate::default, |count| Gate::of(count.get()));
    let here = Here::of_this_process();
    // Names are of hosts and not of runs, as facts are.
    let here = match DataDirArgs::default().choose() {
        Ok(data_dir) => here.led_to(InDirectory(data_dir.path().join("names"))),
        Err(_) => here,
    };
    let here = match secrets {
        Some(secrets) => here.secrets(Declared(secrets)),
        None => here,
    };
    let ways = Ways::new(here, Agents::of_this_process());
    match agents {
        Some(agents) => Fleet::new(ways.dialled(agents), gate),
        None => Fleet::new(ways, gate),
    }
}

/// The same plugins, with those that work on nodes behind the fleet.
pub(crate) fn over(registry: &Registry, fleet: &Fleet) -> Result<Registry, Failure> {
    windlass_fleet::over(registry, fleet, is_here).map_err(|error| {
        Failure::new(Exit::Bug, code::BUG, "a plugin of ours is not well-formed").because(&error)
    })
}
