//! Networks: namespaces that reach one another only where a cable was laid.

use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use crate::keys::run;

/// A network with nothing but a loopback, and the cables that were laid. Gone when the last who holds it is.
#[derive(Clone, Debug)]
pub struct Net(Arc<Name>);

#[derive(Debug)]
struct Name(String);

// === impl Net ===

impl Net {
    /// Whether there can be networks on this machine: who asks has to be root, and have `ip`.
    #[must_use]
    pub fn is_possible() -> bool {
        Self::new().is_ok()
    }

    /// A network.
    ///
    /// # Errors
    ///
    /// There can be none.
    pub fn new() -> io::Result<Self> {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let net = Self(Arc::new(Name(format!("farm-{}-{count}", std::process::id()))));
        run(Command::new("ip").args(["netns", "add", net.name()]))?;
        net.ip(&["link", "set", "lo", "up"])?;
        Ok(net)
    }

    /// Lays a cable to another network. Both ends have an address with the length of their net: `10.0.0.1/24`.
    ///
    /// # Errors
    ///
    /// The cable cannot be laid.
    pub fn join(&self, near: &str, other: &Self, far: &str) -> io::Result<()> {
        let (to, from) = (self.towards(other), other.towards(self));
        self.ip(&["link", "add", &to, "type", "veth", "peer", "name", &from, "netns", other.name()])?;
        for (net, end, address) in [(self, &to, near), (other, &from, far)] {
            net.ip(&["address", "add", address, "dev", end])?;
            net.ip(&["link", "set", end, "up"])?;
        }
        Ok(())
    }

    /// Pulls the cable to another network out at that other end, or plugs it in again. Nobody hears of it: what is sent
    /// is lost.
    ///
    /// # Errors
    ///
    /// There is no such cable.
    pub fn plug(&self, other: &Self, is_in: bool) -> io::Result<()> {
        other.ip(&["link", "set", &other.towards(self), if is_in { "up" } else { "down" }])
    }

    /// Loses all that is sent from here to an address, or does so no more. Nobody hears of it, and what comes from there arrives.
    ///
    /// # Errors
    ///
    /// The kernel refuses.
    pub fn hole(&self, to: &str, is_there: bool) -> io::Result<()> {
        self.ip(&["route", if is_there { "add" } else { "del" }, "blackhole", to])
    }

    /// Sends what goes to an address over a neighbour's.
    ///
    /// # Errors
    ///
    /// The kernel refuses.
    pub fn route(&self, to: &str, over: &str) -> io::Result<()> {
        self.ip(&["route", "add", to, "via", over])
    }

    /// A program in this network.
    #[must_use]
    pub fn command(&self, program: &Path) -> Command {
        let mut words = self.enter().into_iter();
        let mut command = Command::new(words.next().unwrap_or_default());
        command.args(words).arg(program);
        command
    }

    /// The words by which a program is started in it.
    pub(crate) fn enter(&self) -> Vec<OsString> {
        let mut net = OsString::from("--net=");
        net.push(PathBuf::from("/run/netns").join(self.name()));
        vec!["nsenter".into(), net, "--".into()]
    }

    fn name(&self) -> &str {
        &self.0.0
    }

    /// What the end of a cable is called. Names of interfaces are short.
    fn towards(&self, other: &Self) -> String {
        let count = other.name().rsplit('-').next().unwrap_or_default();
        format!("to{count}")
    }

    fn ip(&self, args: &[&str]) -> io::Result<()> {
        run(Command::new("ip").args(["-n", self.name()]).args(args))
    }
}

impl Drop for Name {
    fn drop(&mut self) {
        let _ = run(Command::new("ip").args(["netns", "delete", &self.0]));
    }
}
