//! `cargo xtask fleet`: hundreds of hosts on this machine, to try things on.

use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Context, Result, bail};
use windlass_farm::{Farm, Host, Kind, Own, SSHD, Setup, Stay};

use crate::process::human;
use crate::repo::Repo;
use crate::tools;

pub(crate) const HELP: &str = "\
up [--hosts N]   N real sshds (100 unless given) on 127.0.1.1 and its neighbours, port 2222, each with a key and a home of its
                 own, and five odd ones: a wrong host key, no shell, a home that cannot be written, a slow and a hung one
status           which of them are up
down             take them down

What it takes to reach them lies in target/fleet: `inventory.yaml` for Windlass, `ssh_config` for ssh, the user's key. Nobody but
this machine can reach them. They stay until they are taken down.";

const USUAL: u16 = 100;
const MOST: u16 = 2000;
const PORT: u16 = 2222;

pub(crate) fn run(repo: &Repo, args: &[String]) -> Result<()> {
    let dir = repo.target().join("fleet");
    let words: Vec<&str> = args.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["up"] => up(&dir, USUAL),
        ["up", "--hosts", count] => {
            let count = count.parse().ok().filter(|count| (1..=MOST).contains(count));
            up(&dir, count.with_context(|| format!("--hosts takes a number from 1 to {MOST}"))?)
        }
        ["status"] => status(&dir),
        ["down"] => down(&dir),
        _ => bail!("say `up [--hosts N]`, `status` or `down`; see `cargo xtask help fleet`"),
    }
}

fn up(dir: &Path, count: u16) -> Result<()> {
    if let Some(missing) = tools::ensure(tools::FOR_TESTS).iter().find(|missing| missing.name == "sshd") {
        bail!("{SSHD} is missing: {}", missing.reason);
    }
    if hosts(dir)?.iter().any(|host| Host::is_up(host)) {
        bail!("a fleet is up already; take it down with `cargo xtask fleet down`");
    }
    let begun = Instant::now();
    let mut farm = Farm::begin(dir).with_context(|| format!("cannot make {}", dir.display()))?;
    let plain = (1..=count).map(|n| (format!("h{n:04}"), Kind::Plain));
    let odd = Kind::ODD.map(|kind| (kind.word().to_owned(), kind));
    for (index, (name, kind)) in plain.chain(odd).enumerate() {
        let address = address(index)?;
        farm.add(Setup {
            name,
            address,
            port: PORT,
            kind,
            config: String::new(),
            stay: Stay::UntilTakenDown,
            own: Own::default(),
        })?;
    }
    farm.write()?;
    let inventory = dir.join("inventory.yaml");
    std::fs::write(&inventory, inventory_of(&farm, PORT))?;
    println!(
        "{} hosts are up after {}\n\n  ssh -F {} h0001\n  the inventory: {}\n  `cargo xtask fleet down` takes them down",
        farm.hosts.len(),
        human(begun.elapsed()),
        farm.path("ssh_config").display(),
        inventory.display(),
    );
    Ok(())
}

/// 127.0.1.1 and on, without the first and the last of each 256, which look like networks.
pub(crate) fn address(index: usize) -> Result<Ipv4Addr> {
    let (block, place) = (index / 250, index % 250);
    let (third, fourth) = (u8::try_from(block.saturating_add(1))?, u8::try_from(place.saturating_add(1))?);
    Ok(Ipv4Addr::new(127, 0, third, fourth))
}

pub(crate) fn inventory_of(farm: &Farm, port: u16) -> String {
    let transport = format!(
        "{{use: ssh, user: root, port: {port}, credentials: [{{key: {}}}], knownHosts: {}}}",
        farm.path("user_key").display(),
        farm.path("known_hosts").display(),
    );
    let mut text = format!(
        "apiVersion: windlass.dev/v1\nkind: Inventory\nspec:\n  cluster: {{name: fleet, transport: {transport}}}\n  groups:\n    \
         - {{name: plain, labels: kind=plain}}\n    - {{name: odd, labels: kind!=plain}}\n  nodes:\n"
    );
    for host in &farm.hosts {
        let Host { name, address, kind, .. } = host;
        text.push_str(&format!(
            "    - {{name: {name}, addresses: {address}, labels: {{kind: {}}}}}\n",
            kind.word()
        ));
    }
    text
}

/// The directories of the hosts that there are or were.
fn hosts(dir: &Path) -> Result<Vec<PathBuf>> {
    let Ok(entries) = std::fs::read_dir(dir) else { return Ok(Vec::new()) };
    let mut hosts = Vec::new();
    for entry in entries {
        let path = entry?.path();
        if path.join("sshd_config").exists() {
            hosts.push(path);
        }
    }
    hosts.sort();
    Ok(hosts)
}

fn status(dir: &Path) -> Result<()> {
    let hosts = hosts(dir)?;
    let (up, down): (Vec<_>, Vec<_>) = hosts.iter().partition(|host| Host::is_up(host));
    println!("{} hosts are up, {} are down", up.len(), down.len());
    for host in down {
        println!("  down: {}", host.file_name().unwrap_or_default().to_string_lossy());
    }
    Ok(())
}

fn down(dir: &Path) -> Result<()> {
    let taken = hosts(dir)?.iter().filter(|host| Host::take_down(host)).count();
    if dir.exists() {
        std::fs::remove_dir_all(dir).with_context(|| format!("cannot remove {}", dir.display()))?;
    }
    println!("{taken} hosts were taken down");
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_host_has_an_address_of_its_own() {
        let all: std::collections::BTreeSet<Ipv4Addr> =
            (0..2005).map(|index| address(index).unwrap()).collect();
        assert_eq!(all.len(), 2005);
        assert!(all.iter().all(|address| address.octets()[3] != 0 && address.octets()[2] != 0));
    }
}
