//! One step from a request to its rehearsal.

use windlass_plugin::Registry;
use windlass_rehearsal::Rehearsal;
use windlass_runtime::{Error, Request};

/// A rehearsal of what a request asks for, in virtual time, against the simulations of these plugins.
///
/// Give it faults, then [play](Rehearsal::play) it.
///
/// # Errors
///
/// Everything that is wrong with the request, as when it is submitted.
pub fn rehearse(request: Request, registry: &Registry) -> Result<Rehearsal<'_>, Error> {
    Ok(Rehearsal::new(request.setup(registry.catalog())?, registry))
}
