//! What the API asks of whoever it is a part of: about the process and not about what is kept.

use std::fmt::Debug;
use std::future::Future;
use std::pin::Pin;

use bytes::Bytes;
use tokio::sync::mpsc;
use windlass_contract::{NewBackup, Retained};

use crate::asked::Tally;

/// A future in a box.
pub type HostFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// The server around the API.
pub trait Host: Debug + Send + Sync {
    /// Why it can take no work for now, if that is so.
    fn trouble(&self) -> Option<String>;

    /// Everything that is counted, as text.
    fn metrics(&self, asked: Tally, form: MetricsForm) -> HostFuture<'_, String>;

    /// Lets go what was kept long enough, or says what would go.
    fn retain(&self, dry_run: bool) -> HostFuture<'_, Result<Retained, String>>;

    /// A backup of everything as it is now, in pieces.
    fn backup(&self, wanted: NewBackup) -> HostFuture<'_, Result<Pieces, String>>;
}

/// Pieces of something, while it is made. Whoever does not take them holds up its making, and nobody else.
pub type Pieces = mpsc::Receiver<std::io::Result<Bytes>>;

/// In which form metrics are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MetricsForm {
    /// As Prometheus reads them.
    Prometheus,
    /// As OpenMetrics has them.
    OpenMetrics,
}
