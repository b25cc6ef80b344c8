//! Signals: HUP means nothing here, TERM ends the work and then the process.

use tokio::signal::unix::{SignalKind, signal};

/// What this process is told from outside.
#[derive(Debug)]
pub(crate) struct Signals;

// === impl Signals ===

impl Signals {
    /// Waits until this process is told to end. A HUP is heard and not heeded.
    pub(crate) async fn terminated() {
        let (Ok(mut term), Ok(mut hup)) = (signal(SignalKind::terminate()), signal(SignalKind::hangup()))
        else {
            return std::future::pending().await;
        };
        loop {
            tokio::select! {
                _ = term.recv() => return,
                _ = hup.recv() => {}
            }
        }
    }
}
