//! `facts`: what a node reports of itself.
//!
//! Everything is read from files of the kernel and of the system, without starting a program; what a
//! system does not tell is left out. Only the executables of `custom` are started.
//!
//! ```text
//! /etc/os-release, /proc, /sys ─ read here ─► texts ─ parsed in facts/ (pure) ─► Facts
//! ```

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;
use windlass_plugin::{About, Call, CallError, Foresight, Plugin, Reply, Simulated, Simulation, Value};

use crate::look;

mod custom;
mod machine;
mod network;
mod os;

pub use self::machine::{Cpu, Disk, Memory, Mount};
pub use self::network::{Interface, Network};
pub use self::os::{Kernel, Os};

/// Reports what there is to know of a node.
#[derive(Clone, Copy, Debug, Default)]
pub struct FactsOf;

/// What `facts` is asked.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Request {
    /// A directory of executables, each of which prints JSON, or a line of text: facts of its name, without its ending.
    #[serde(default)]
    pub custom: Option<PathBuf>,
}

/// What a node reports of itself.
#[derive(Clone, Debug, Default, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Facts {
    /// The operating system.
    pub os: Os,
    /// The kernel.
    pub kernel: Kernel,
    /// What installs packages: `apt`, `dnf`, `yum`, `apk`, `zypper`, `pacman`.
    pub packages: Option<String>,
    /// What runs services: `systemd`, `openrc`, `sysv`, else the name of the first process.
    pub init: Option<String>,
    /// The processors.
    pub cpu: Cpu,
    /// The memory.
    pub memory: Memory,
    /// The disks.
    pub disks: Vec<Disk>,
    /// The file systems that lie on a disk.
    pub mounts: Vec<Mount>,
    /// The network.
    pub network: Network,
    /// What it runs in: `kvm`, `docker`, `lxc`, …; nothing on bare metal, or where it does not tell.
    pub virtualization: Option<String>,
    /// When it was asked, and since when it runs.
    pub time: Clock,
    /// What its own executables report.
    pub custom: BTreeMap<String, Value>,
}

/// When a node was asked, and since when it runs.
#[derive(Clone, Debug, Default, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Clock {
    /// Its own time, in seconds since 1970.
    pub unix: u64,
    /// For how long it has been running, in seconds.
    pub uptime_seconds: Option<u64>,
    /// Its time zone, as far as it is named.
    pub zone: Option<String>,
}

/// Where managers of packages are, the one of the system before those that may come along.
const MANAGERS: [(&str, &str); 6] = [
    ("apt", "usr/bin/apt-get"),
    ("dnf", "usr/bin/dnf"),
    ("zypper", "usr/bin/zypper"),
    ("pacman", "usr/bin/pacman"),
    ("apk", "sbin/apk"),
    ("yum", "usr/bin/yum"),
];

// === impl FactsOf ===

impl Plugin for FactsOf {
    type Request = Request;
    type Response = Facts;

    fn about(&self) -> About {
        About::acting("facts", "reports what a node knows of itself")
            .on_target()
            .idempotent()
            .description("Changes nothing. Operating system, kernel, packages, init, processors, memory, disks, network, virtualization, time. What a system does not tell is left out. No program is started but those of `custom`, whose failure is a failure of the action; a noop starts none of them, and reports the rest.")
            .example("report everything; `save: {ip: network.addresses[0]}` keeps an address for `targets['NAME'].store.ip`", json!({}))
            .example("with executables of your own", json!({"custom": "/etc/windlass/facts.d"}))
    }

    async fn call(&self, call: Call, request: Request) -> Result<Reply<Facts>, CallError> {
        let mut facts = here(&call).await?;
        if let Some(directory) = &request.custom {
            facts.custom = custom::run(directory, &call).await?;
        }
        Ok(Reply::unchanged(facts))
    }

    async fn noop(&self, call: Call, _: Request) -> Result<Foresight, CallError> {
        Ok(Foresight::answer(here(&call).await?))
    }

    fn simulate(&self, simulation: &Simulation<'_>, _: &Request) -> Simulated<Facts> {
        look::passes(simulation, Facts::default())
    }
}

/// Everything that this machine tells by itself.
async fn here(call: &Call) -> Result<Facts, CallError> {
    let gathered = tokio::task::spawn_blocking(|| gather(Path::new("/")));
    look::unless_cancelled(call, gathered)
        .await?
        .map_err(|error| CallError::retryable("facts", "reading facts did not end well").because(&error))
}

/// Everything that the files below a root tell.
fn gather(root: &Path) -> Facts {
    let read = |path: &str| fs::read_to_string(root.join(path)).unwrap_or_default();
    let is_there = |path: &str| root.join(path).exists();
    let entries = |path: &str| names(&root.join(path));
    let mounts = machine::mounts(&read("proc/self/mounts"));
    Facts {
        os: os::parse(first_of(&[read("etc/os-release"), read("usr/lib/os-release")])),
        kernel: os::kernel(&read("proc/sys/kernel/ostype"), &read("proc/sys/kernel/osrelease")),
        packages: MANAGERS.iter().find(|(_, path)| is_there(path)).map(|(name, _)| (*name).to_owned()),
        init: init(&read("proc/1/comm"), is_there("run/systemd/system"), is_there("run/openrc")),
        cpu: machine::cpu(&read("proc/cpuinfo")),
        memory: machine::memory(&read("proc/meminfo")),
        disks: entries("sys/block")
            .into_iter()
            .filter_map(|name| machine::disk(&name, &read(&format!("sys/block/{name}/size"))))
            .collect(),
        mounts: mounts.into_iter().map(|mount| mount.measured(root)).collect(),
        network: Network {
            hostname: read("proc/sys/kernel/hostname").trim().to_owned(),
            default_interface: network::default_interface(&read("proc/net/route")),
            addresses: network::addresses(&read("proc/net/fib_trie"), &read("proc/net/if_inet6")),
            interfaces: entries("sys/class/net")
                .into_iter()
                .map(|name| {
                    let of = |key: &str| read(&format!("sys/class/net/{name}/{key}"));
                    network::interface(&name, &of("address"), &of("operstate"), &of("mtu"))
                })
                .collect(),
        },
        virtualization: machine::virtualization(
            &read("sys/class/dmi/id/sys_vendor"),
            &read("proc/cpuinfo"),
            &read("run/systemd/container"),
            is_there(".dockerenv"),
        ),
        time: Clock {
            unix: std::time::UNIX_EPOCH.elapsed().map_or(0, |since| since.as_secs()),
            uptime_seconds: machine::uptime(&read("proc/uptime")),
            zone: zone(root),
        },
        custom: BTreeMap::new(),
    }
}

/// What runs services.
fn init(first: &str, has_systemd: bool, has_openrc: bool) -> Option<String> {
    let first = first.trim();
    match (has_systemd, has_openrc, first) {
        (true, ..) | (_, _, "systemd") => Some("systemd".to_owned()),
        (_, true, _) => Some("openrc".to_owned()),
        (_, _, "init") => Some("sysv".to_owned()),
        (_, _, "") => None,
        (_, _, other) => Some(other.to_owned()),
    }
}

/// The name of the time zone, from where the link leads.
fn zone(root: &Path) -> Option<String> {
    let named = fs::read_to_string(root.join("etc/timezone")).ok().map(|text| text.trim().to_owned());
    named.filter(|name| !name.is_empty()).or_else(|| {
        let leads = fs::read_link(root.join("etc/localtime")).ok()?;
        Some(leads.to_str()?.split_once("zoneinfo/")?.1.to_owned())
    })
}

fn first_of(texts: &[String]) -> &str {
    texts.iter().find(|text| !text.is_empty()).map_or("", String::as_str)
}

/// The names in a directory, sorted.
fn names(directory: &Path) -> Vec<String> {
    let entries = fs::read_dir(directory).into_iter().flatten().flatten();
    let mut names: Vec<String> = entries.filter_map(|entry| entry.file_name().into_string().ok()).collect();
    names.sort();
    names
}

#[cfg(test)]
mod tests;
