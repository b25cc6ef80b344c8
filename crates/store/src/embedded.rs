//! The parts that stores inside one process share, so that they cannot differ: how a transaction is
//! checked, what is kept for watchers, who holds a lease. None of them does any I/O or has a thread.

mod history;
mod leases;
mod pending;

pub use history::{History, HistoryLimits};
pub use leases::Leases;
pub use pending::{Pending, View};
