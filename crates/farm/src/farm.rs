//! Many hosts, and what it takes to reach them.

use std::fs;
use std::io;
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use crate::host::{Host, Kind, Own, Setup, Stay};
use crate::keys::{free_port, keygen};

/// Hosts, the key that opens them, and the files that name them.
#[derive(Debug)]
pub struct Farm {
    /// The hosts, which are down before their directory is gone.
    pub hosts: Vec<Host>,
    dir: PathBuf,
    /// Removed with everything in it.
    _kept: Option<TempDir>,
}

/// How many ports are tried for a host beside the first.
const PORTS: u32 = 4;

// === impl Farm ===

impl Farm {
    /// So many plain hosts on 127.0.0.1 and its neighbours, in a directory that goes with them.
    ///
    /// # Errors
    ///
    /// A host does not come up.
    pub fn of(count: u8) -> io::Result<Self> {
        Self::with((1..=count).map(|n| (format!("web{n:02}"), Kind::Plain, String::new())))
    }

    /// These hosts: their names, what is odd about them, and further lines of their `sshd_config`.
    ///
    /// # Errors
    ///
    /// A host does not come up.
    pub fn with(hosts: impl IntoIterator<Item = (String, Kind, String)>) -> io::Result<Self> {
        let mut farm = Self::empty()?;
        for (index, (name, kind, config)) in hosts.into_iter().enumerate() {
            let last = u8::try_from(index.saturating_add(1)).map_err(io::Error::other)?;
            let address = Ipv4Addr::new(127, 0, 0, last);
            farm.add_at(address, &name, kind, &config, &Own::default())?;
        }
        farm.write()?;
        Ok(farm)
    }

    /// A farm without hosts, in a directory that goes with it.
    ///
    /// # Errors
    ///
    /// The directory or a key cannot be made.
    pub fn empty() -> io::Result<Self> {
        let kept = TempDir::new()?;
        let mut farm = Self::begin(kept.path())?;
        farm._kept = Some(kept);
        Ok(farm)
    }

    /// An empty farm in a directory that stays.
    ///
    /// # Errors
    ///
    /// The directory or a key cannot be made.
    pub fn begin(dir: &Path) -> io::Result<Self> {
        fs::create_dir_all(dir.join(".ssh"))?;
        for name in ["user_key", "stranger_key", "wrong_host_key"] {
            keygen(&dir.join(name))?;
        }
        fs::copy(dir.join("user_key.pub"), dir.join("authorized"))?;
        Ok(Self { hosts: Vec::new(), dir: dir.to_owned(), _kept: None })
    }

    /// Adds a host and waits until it answers.
    ///
    /// # Errors
    ///
    /// It does not come up.
    pub fn add(&mut self, setup: Setup) -> io::Result<()> {
        let dir = self.dir.join(&setup.name);
        self.hosts.push(Host::start(setup, &dir, &self.dir.join("authorized"))?);
        Ok(())
    }

    /// Adds a plain host on 127.0.0.1, with further lines of its `sshd_config`, that has this for itself.
    ///
    /// # Errors
    ///
    /// It does not come up.
    pub fn add_own(&mut self, name: &str, config: &str, own: &Own) -> io::Result<()> {
        self.add_at(Ipv4Addr::LOCALHOST, name, Kind::Plain, config, own)
    }

    fn add_at(
        &mut self,
        address: Ipv4Addr,
        name: &str,
        kind: Kind,
        config: &str,
        own: &Own,
    ) -> io::Result<()> {
        // Between looking for a port and listening there, somebody else may take it.
        let mut tries = 1..=PORTS;
        loop {
            let setup = Setup {
                name: name.to_owned(),
                address,
                port: free_port(address)?,
                kind,
                config: config.to_owned(),
                stay: Stay::WhileHeld,
                own: own.clone(),
            };
            match self.add(setup) {
                Err(_) if tries.next().is_some() => {}
                added => return added,
            }
        }
    }

    /// Writes the files that name the hosts: `known_hosts` and `ssh_config`, the latter also as that of a home.
    ///
    /// # Errors
    ///
    /// A file cannot be written.
    pub fn write(&self) -> io::Result<()> {
        let (mut known, mut config) = (String::new(), String::new());
        for host in &self.hosts {
            let key = match host.kind {
                Kind::WrongKey => self.path("wrong_host_key.pub"),
                _ => host.path("host_key.pub"),
            };
            known.push_str(&host.known_as(&key)?);
            config.push_str(&format!(
                "Host {}\n  HostName {}\n  Port {}\n",
                host.name, host.address, host.port
            ));
        }
        let at = self.dir.display();
        // The usual exchange of keys costs three times as much processor time, which is not what is tried here.
        config.push_str(&format!(
            "Host *\n  IdentityFile {at}/user_key\n  IdentitiesOnly yes\n  UserKnownHostsFile {at}/known_hosts\n  \
             KexAlgorithms curve25519-sha256\n"
        ));
        fs::write(self.path("known_hosts"), known)?;
        fs::write(self.path("ssh_config"), &config)?;
        fs::write(self.path(".ssh/config"), &config)
    }

    /// A file of the farm's directory: `user_key`, `known_hosts`, `ssh_config`.
    #[must_use]
    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.join(name)
    }

    /// A host by its position.
    #[must_use]
    pub fn host(&self, index: usize) -> Option<&Host> {
        self.hosts.get(index)
    }

    /// How a host's node is reached, as a flow mapping of YAML.
    #[must_use]
    pub fn transport(&self, host: &Host) -> String {
        format!(
            "{{use: ssh, port: {}, user: root, credentials: [{{key: {}}}], knownHosts: {}}}",
            host.port,
            self.path("user_key").display(),
            self.path("known_hosts").display()
        )
    }

    /// A host as a node that is written out in a plan, as a flow mapping of YAML.
    #[must_use]
    pub fn node(&self, host: &Host) -> String {
        format!("{{name: {}, addresses: {}, transport: {}}}", host.name, host.address, self.transport(host))
    }

    /// All hosts as nodes that are written out in a plan.
    #[must_use]
    pub fn nodes(&self) -> String {
        let nodes: Vec<String> = self.hosts.iter().map(|host| self.node(host)).collect();
        format!("[{}]", nodes.join(", "))
    }
}
