//! What the manager of services that started this process is told: that it is ready, alive, about to end. Where none did, nobody.
//!
//! It is the protocol of systemd: datagrams of `KEY=value` to the socket that `NOTIFY_SOCKET` names.

use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::time::Duration;

/// Whoever wants to know.
#[derive(Debug)]
pub(crate) struct Notify(Option<(UnixDatagram, SocketAddr)>);

// === impl Notify ===

impl Notify {
    /// The one that the environment names.
    pub(crate) fn of_environment() -> Self {
        Self(std::env::var("NOTIFY_SOCKET").ok().and_then(|name| {
            let address = match name.strip_prefix('@') {
                Some(name) => SocketAddr::from_abstract_name(name).ok()?,
                None => SocketAddr::from_pathname(&name).ok()?,
            };
            Some((UnixDatagram::unbound().ok()?, address))
        }))
    }

    /// It serves, at this address.
    pub(crate) fn ready(&self, address: &str) {
        self.say(&format!("READY=1\nSTATUS=listens on {address}"));
    }

    /// It ends.
    pub(crate) fn stopping(&self, why: &str) {
        self.say(&format!("STOPPING=1\nSTATUS=ending: {why}"));
    }

    /// It is alive.
    pub(crate) fn alive(&self) {
        self.say("WATCHDOG=1");
    }

    /// How often it is to say that it is alive: twice as often as it must.
    pub(crate) fn every(&self) -> Option<Duration> {
        let is_ours = |pid: String| pid.parse() == Ok(std::process::id());
        if !std::env::var("WATCHDOG_PID").map_or(true, is_ours) {
            return None;
        }
        let micros: u64 = std::env::var("WATCHDOG_USEC").ok()?.parse().ok()?;
        self.0.as_ref().map(|_| Duration::from_micros((micros / 2).max(1000)))
    }

    fn say(&self, text: &str) {
        if let Some((socket, address)) = &self.0 {
            // Nobody has to be listening any more.
            let _ = socket.send_to_addr(text.as_bytes(), address);
        }
    }
}
