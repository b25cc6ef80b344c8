//! A real sshd with keys of its own, on a free port of this machine.

use std::fs;
use std::net::Ipv4Addr;
use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;

use windlass_farm::{Farm, Kind};
use windlass_fleet::{FromEnvironment, Here, Nowhere};

pub(crate) struct Sshd {
    pub(crate) port: u16,
    farm: Farm,
}

pub(crate) fn free_port() -> u16 {
    windlass_farm::free_port(Ipv4Addr::LOCALHOST).unwrap()
}

/// The agent that belongs to these tests. A build of the whole workspace has made it already.
pub(crate) fn agent_binary() -> PathBuf {
    let here = std::env::current_exe().unwrap();
    let agent = here.ancestors().nth(2).unwrap().join("windlass-agent");
    if !agent.exists() {
        let args = ["build", "--quiet", "--package", "windlass-agent"];
        assert!(Command::new(env!("CARGO")).args(args).status().unwrap().success());
    }
    agent
}

/// Says that a test cannot do its work here.
pub(crate) fn skip(test: &str, why: &str) {
    println!("SKIPPED: {test}: {why}");
    if let Some(path) = std::env::var_os("WINDLASS_SKIP_LOG") {
        use std::io::Write as _;
        let mut file = fs::OpenOptions::new().append(true).create(true).open(path).unwrap();
        writeln!(file, "{test}: {why}").unwrap();
    }
}

/// One host; `None` where there can be none, which is said.
pub(crate) fn farm(test: &str, kind: Kind) -> Option<Farm> {
    if !windlass_farm::is_possible() {
        skip(test, "there is no sshd");
        return None;
    }
    Some(Farm::with([("web01".to_owned(), kind, String::new())]).unwrap())
}

/// This side, with the keys and the configuration of a farm.
pub(crate) fn here(farm: &Farm) -> Here {
    Here {
        home: farm.path(""),
        user: "root".into(),
        ssh_config: Some(farm.path("ssh_config")),
        ssh_agent: None,
        secrets: Arc::new(FromEnvironment),
        led_to: Arc::new(Nowhere),
    }
}

impl Sshd {
    /// `None` where there is no sshd, which is said.
    pub(crate) fn start(test: &str) -> Option<Self> {
        let farm = farm(test, Kind::Plain)?;
        Some(Self { port: farm.hosts[0].port, farm })
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        match name.strip_prefix("cache/") {
            Some(rest) => self.farm.hosts[0].path("home/.cache").join(rest),
            None => self.farm.path(name),
        }
    }

    pub(crate) fn here(&self) -> Here {
        here(&self.farm)
    }

    /// Writes a file of known hosts in which this host has that key.
    pub(crate) fn know(&self, file: &str, key: &str) {
        let key = fs::read_to_string(self.path(key)).unwrap();
        let key: Vec<&str> = key.split_whitespace().take(2).collect();
        fs::write(self.path(file), format!("[127.0.0.1]:{} {}\n", self.port, key.join(" "))).unwrap();
    }

    /// The same with hashed names.
    pub(crate) fn hash_known(&self, from: &str, to: &str) {
        fs::copy(self.path(from), self.path(to)).unwrap();
        let hashed = Command::new("ssh-keygen").args(["-q", "-H", "-f"]).arg(self.path(to)).output().unwrap();
        assert!(hashed.status.success());
        assert!(fs::read_to_string(self.path(to)).unwrap().starts_with("|1|"));
    }
}
