//! The ground that all run on: the hosts, the programs as they are handed to people, and files that name the hosts.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};
use windlass_farm::{Farm, Kind, Own, Setup, Stay};

use crate::process::run as run_process;
use crate::repo::Repo;
use crate::{agent, fleet, tools};

/// How many connections or commands every tool has going at once.
pub(super) const AT_ONCE: usize = 50;
/// Another port than that of `cargo xtask fleet`, which may be up.
const PORT: u16 = 2322;
/// The usual exchange of keys costs three times as much processor time, on both sides. pyinfra knows this one by its older name alone.
const KEX: &str = "KexAlgorithms curve25519-sha256,curve25519-sha256@libssh.org\n";

/// Programs that are built once for all.
#[derive(Clone, Debug)]
pub(super) struct Built {
    pub(super) windlass: PathBuf,
    pub(super) null: PathBuf,
    pub(super) agent: PathBuf,
}

/// Hosts, and files that name them.
#[derive(Debug)]
pub(super) struct Ground {
    pub(super) built: Built,
    pub(super) farm: Farm,
    pub(super) dir: PathBuf,
    /// How often each measurement is made.
    pub(super) rounds: usize,
}

// === impl Built ===

impl Built {
    pub(super) fn make(repo: &Repo) -> Result<Self> {
        for missing in tools::ensure(tools::FOR_BENCHES) {
            println!("{} is missing: {}", missing.name, missing.reason);
        }
        run_process(&mut repo.cargo(&["build", "--release", "--quiet", "-p", "windlass-cli"]))?;
        run_process(&mut repo.cargo(&[
            "build",
            "--release",
            "--quiet",
            "-p",
            "windlass-fleet",
            "--example",
            "null_client",
        ]))?;
        let release = repo.target().join("release");
        Ok(Self {
            windlass: release.join("windlass"),
            null: release.join("examples/null_client"),
            agent: agent::build(repo)?,
        })
    }
}

// === impl Ground ===

impl Ground {
    /// Brings so many hosts up, which are gone with it.
    pub(super) fn of(built: &Built, hosts: usize, rounds: usize, dir: PathBuf) -> Result<Self> {
        if dir.exists() {
            fs::remove_dir_all(&dir).with_context(|| format!("cannot remove {}", dir.display()))?;
        }
        let mut farm = Farm::begin(&dir)?;
        for index in 0..hosts {
            let name = format!("h{:04}", index + 1);
            add(&mut farm, name, index, Kind::Plain)?;
        }
        let ground = Self { built: built.clone(), farm, dir, rounds };
        ground.write()?;
        Ok(ground)
    }

    /// Adds a host that takes connections and never says a word.
    pub(super) fn add_hung(&mut self) -> Result<()> {
        let index = self.hosts();
        add(&mut self.farm, "hung".to_owned(), index, Kind::Hung)?;
        self.write()
    }

    fn write(&self) -> Result<()> {
        self.farm.write()?;
        fs::write(self.path("inventory.yaml"), fleet::inventory_of(&self.farm, PORT))?;
        let hosts = self.farm.hosts.iter();
        let lines =
            |line: &dyn Fn(&windlass_farm::Host) -> String| hosts.clone().map(line).collect::<String>();
        fs::write(self.path("names"), lines(&|host| format!("{}\n", host.name)))?;
        fs::write(self.path("addresses"), lines(&|host| format!("{}:{}\n", host.address, host.port)))?;
        Ok(())
    }

    pub(super) fn hosts(&self) -> usize {
        self.farm.hosts.len()
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.dir.join(name)
    }

    /// The client that does nothing but what it must: every host runs `true` so many times.
    pub(super) fn null(&self, times: usize) -> Command {
        self.null_with(&times.to_string())
    }

    /// The same, holding a program on every host at once; it prints the memory that this takes.
    pub(super) fn null_holding(&self) -> Command {
        self.null_with("hold")
    }

    fn null_with(&self, times: &str) -> Command {
        let mut command = Command::new(&self.built.null);
        command.arg(self.farm.path("user_key"));
        command.args([&AT_ONCE.to_string(), times]).arg(self.path("addresses"));
        command
    }

    /// Windlass with these arguments.
    pub(super) fn windlass<'a>(&self, args: impl IntoIterator<Item = &'a str>) -> Command {
        let mut command = Command::new(&self.built.windlass);
        command.args(args).current_dir(&self.dir);
        command.env("WINDLASS_AGENT", &self.built.agent).env("WINDLASS_DATA_DIR", self.path("data"));
        command.env("WINDLASS_INVENTORY", self.path("inventory.yaml")).env("HOME", &self.dir);
        command
    }

    /// Programs of OpenSSH for many hosts at once.
    pub(super) fn ssh(&self, words: &str) -> Command {
        let mut command = Command::new("xargs");
        command.args(["-a"]).arg(self.path("names")).args(["-P", &AT_ONCE.to_string(), "-I{}"]);
        command.args(["ssh", "-n", "-F"]).arg(self.farm.path("ssh_config")).args(words.split(' '));
        command
    }

    /// The hosts as they were when they came up: no agent, nothing of what steps made.
    pub(super) fn clear_homes(&self) -> Result<()> {
        for host in &self.farm.hosts {
            clear(&host.path("home"))?;
        }
        Ok(())
    }

    /// The hosts without what steps made.
    pub(super) fn clear_work(&self) -> Result<()> {
        for host in &self.farm.hosts {
            clear(&host.path("home/work"))?;
        }
        Ok(())
    }
}

fn add(farm: &mut Farm, name: String, index: usize, kind: Kind) -> Result<()> {
    let (address, config) = (fleet::address(index)?, KEX.to_owned());
    farm.add(Setup { name, address, port: PORT, kind, config, stay: Stay::WhileHeld, own: Own::default() })
        .context("is another benchmark of the fleet going on?")
}

/// Empties a directory.
fn clear(dir: &Path) -> Result<()> {
    if dir.exists() {
        fs::remove_dir_all(dir)?;
    }
    fs::create_dir_all(dir)?;
    Ok(())
}

/// Runs something that is not measured.
pub(super) fn quietly(command: &mut Command) -> Result<()> {
    let output = command.output()?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
        bail!("{} ended with {}: {said}", command.get_program().to_string_lossy(), output.status);
    }
    Ok(())
}
