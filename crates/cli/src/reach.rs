//! How this process reaches nodes: the fleet behind the registry of plugins.

use windlass_fleet::{Fleet, Gate, Ways, is_here};
use windlass_model::code;
use windlass_plugin::Registry;

use crate::args::ReachArgs;
use crate::exit::Exit;
use crate::failure::Failure;

/// The connections of this process.
pub(crate) fn fleet(args: &ReachArgs) -> Fleet {
    let gate = args.connect_at_once.map_or_else(Gate::default, |count| Gate::of(count.get()));
    Fleet::new(Ways::of_this_process(), gate)
}

/// The same plugins, with those that work on nodes behind the fleet.
pub(crate) fn over(registry: &Registry, fleet: &Fleet) -> Result<Registry, Failure> {
    windlass_fleet::over(registry, fleet, is_here).map_err(|error| {
        Failure::new(Exit::Bug, code::BUG, "a plugin of ours is not well-formed").because(&error)
    })
}
