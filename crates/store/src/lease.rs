//! The token of a lease. Who holds what is decided by the stores; this is only what a holder shows
//! with each of its transactions.

use std::fmt;
use std::sync::Arc;

use crate::Revision;

/// Proof that somebody held a lease, with the fencing number of that tenure.
///
/// The number is the revision at which the lease was granted, so a later holder always has a larger
/// one, also after a restart.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct LeaseToken {
    /// The name of the lease.
    pub name: Arc<str>,
    /// The fencing number of this tenure.
    pub fence: Revision,
}

impl fmt::Display for LeaseToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}#{}", self.name, self.fence)
    }
}
