//! Programs that tests want on a throwaway machine and that nobody wants on this one: package managers of other systems,
//! another init system, a server of Puppet.
//!
//! ```text
//! apt-get --download-only ──► the packages that are absent here ──► unpacked below target/tmp/tools/NAME
//! ```
//! Tests lay that folder over the files of this machine, in a copy that is gone with them.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};

use crate::node;
use crate::python;
use crate::repo::Repo;
use crate::tools::{Missing, is_root_with_apt};

/// A set of Debian packages that is unpacked and not installed.
#[derive(Debug)]
struct Kept {
    name: &'static str,
    packages: &'static [&'static str],
    /// Another release of Debian than this machine's that they are of. Then everything that they need comes along, down to the C
    /// library, which the programs of this machine can do with, too.
    suite: Option<&'static str>,
    reason: &'static str,
}

const FOR_TESTS: &[Kept] = &[
    Kept {
        name: "package-managers",
        packages: &[
            "createrepo-c",
            "dnf",
            "libarchive-tools",
            "makepkg",
            "pacman-package-manager",
            "rpm",
            "zypper",
        ],
        suite: None,
        reason: "the tests of the module `package` work with dnf, zypper and pacman",
    },
    Kept {
        name: "dnf5",
        packages: &["createrepo-c", "dnf5", "rpm"],
        suite: Some("sid"),
        reason: "the tests of the module `package` work with dnf 5",
    },
    Kept {
        name: "puppet-server",
        packages: &["puppetserver", "default-jre-headless"],
        suite: None,
        reason: "the tests of the module `puppet.agent` have a real server",
    },
    Kept {
        name: "openrc",
        packages: &["openrc"],
        suite: None,
        reason: "the tests of the module `service` work with services of OpenRC",
    },
];

/// What asks a server everything that its document says can be asked. The version is one that was tried.
const SCHEMATHESIS: &str = "schemathesis==4.32.5";

/// What people sign in by; it is certified by those who made the standard.
const OIDC_PROVIDER: &str = "oidc-provider@9.13.3";

/// Unpacks what is not there yet, where that is possible (Debian, as root), and gives back what is missing.
pub(crate) fn ensure(repo: &Repo) -> Vec<Missing> {
    // Where cargo tells tests to keep what they need.
    let place = repo.target().join("tmp/tools");
    let mut missing = Vec::new();
    for kept in FOR_TESTS {
        if let Err(error) = unpacked(kept, &place) {
            let reason = format!("{}; they cannot be unpacked: {error:#}", kept.reason);
            missing.push(Missing { name: kept.name.into(), reason });
        }
    }
    if let Err(error) = python::environment(&place.join("schemathesis"), &[SCHEMATHESIS]) {
        let reason = format!("a server is asked everything that can be asked by it; {error:#}");
        missing.push(Missing { name: "schemathesis".into(), reason });
    }
    if let Err(error) = node::package(&place.join("oidc-provider"), OIDC_PROVIDER) {
        let reason = format!("people sign in by a real provider of identities; {error:#}");
        missing.push(Missing { name: "oidc-provider".into(), reason });
    }
    missing
}

fn unpacked(kept: &Kept, place: &Path) -> Result<()> {
    let root = place.join(kept.name);
    let list = place.join(format!("{}.list", kept.name));
    let mut wanted = kept.packages.join("\n");
    wanted.extend(kept.suite.map(|suite| format!("\nof {suite}")));
    if root.exists() && fs::read_to_string(&list).is_ok_and(|there| there == wanted) {
        return Ok(());
    }
    ensure!(is_root_with_apt(), "that needs root and apt");
    println!("unpacking {} for tests", kept.packages.join(" "));
    let fresh = place.join(format!("{}.new", kept.name));
    for old in [&root, &fresh] {
        if old.exists() {
            fs::remove_dir_all(old).with_context(|| format!("cannot remove {}", old.display()))?;
        }
    }
    let archives = fresh.join("archives");
    fs::create_dir_all(archives.join("partial"))?;
    let from = match kept.suite {
        Some(suite) => other_suite(suite, &fresh.join("apt"))?,
        None => Vec::new(),
    };
    if kept.suite.is_some() || !download(kept, &archives, &from) {
        let mut update = Command::new("apt-get");
        ensure!(quiet(update.args(["update", "--quiet"]).args(&from)), "`apt-get update` failed");
        ensure!(download(kept, &archives, &from), "apt-get does not find {}", kept.packages.join(", "));
    }
    let files = fresh.join("root");
    for part in ["bin", "sbin", "lib", "lib64"] {
        fs::create_dir_all(files.join("usr").join(part))?;
        // Packages may still name the places that are links on every machine by now.
        symlink(Path::new("usr").join(part), files.join(part))?;
    }
    for archive in fs::read_dir(&archives)? {
        let archive = archive?.path();
        if archive.extension().is_some_and(|end| end == "deb") {
            unpack(&archive, &files).with_context(|| format!("cannot unpack {}", archive.display()))?;
        }
    }
    fs::rename(&files, &root)?;
    fs::remove_dir_all(&fresh)?;
    fs::write(&list, wanted).with_context(|| format!("cannot write {}", list.display()))
}

/// What makes apt know another release, and nothing of what is installed here. It keeps what it knows in a directory of its own.
fn other_suite(suite: &str, dir: &Path) -> Result<Vec<String>> {
    let mut targets = Command::new("apt-get");
    targets.args(["indextargets", "--format", "$(REPO_URI)", "Created-By: Packages"]);
    let targets = String::from_utf8_lossy(&targets.output()?.stdout).into_owned();
    let mirror = targets.lines().find(|uri| uri.trim_end_matches('/').ends_with("/debian"));
    let mirror = mirror.context("no mirror of Debian is configured")?;
    fs::create_dir_all(dir.join("lists/partial"))?;
    let line =
        format!("deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] {mirror} {suite} main\n");
    fs::write(dir.join("suite.list"), line)?;
    fs::write(dir.join("status"), "")?;
    let at = dir.display();
    let options = [
        format!("Dir::Etc::sourcelist={at}/suite.list"),
        "Dir::Etc::sourceparts=-".to_owned(),
        format!("Dir::State::Lists={at}/lists"),
        format!("Dir::State::status={at}/status"),
        "Dir::Cache::pkgcache=".to_owned(),
        "Dir::Cache::srcpkgcache=".to_owned(),
    ];
    Ok(options.into_iter().flat_map(|option| ["-o".to_owned(), option]).collect())
}

/// What is installed here already need not be had again, unless it is of another release.
fn download(kept: &Kept, archives: &Path, from: &[String]) -> bool {
    let mut apt = Command::new("apt-get");
    apt.args(["install", "--download-only", "--yes", "--quiet", "--no-install-recommends"]);
    // Nothing is changed here, so nobody else needs to be kept away.
    apt.args(["-o", "Debug::NoLocking=true"]);
    apt.arg("-o").arg(format!("Dir::Cache::archives={}", archives.display())).args(from);
    quiet(apt.args(kept.packages))
}

fn unpack(archive: &Path, files: &Path) -> Result<()> {
    let mut deb =
        Command::new("dpkg-deb").arg("--fsys-tarfile").arg(archive).stdout(Stdio::piped()).spawn()?;
    let from = deb.stdout.take().context("dpkg-deb has no output")?;
    let mut tar = Command::new("tar");
    let unpacked = tar.args(["-x", "--keep-directory-symlink", "-C"]).arg(files).stdin(from).status()?;
    ensure!(deb.wait()?.success() && unpacked.success(), "dpkg-deb or tar failed");
    Ok(())
}

fn quiet(command: &mut Command) -> bool {
    command.env("DEBIAN_FRONTEND", "noninteractive").stdin(Stdio::null()).stdout(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_there_is_left_alone() {
        let place = tempfile::tempdir().unwrap();
        let kept = Kept { name: "x", packages: &["one", "two"], suite: None, reason: "x" };
        fs::create_dir(place.path().join("x")).unwrap();
        fs::write(place.path().join("x.list"), "one\ntwo").unwrap();
        unpacked(&kept, place.path()).unwrap();
        assert_eq!(fs::read_dir(place.path().join("x")).unwrap().count(), 0);
    }
}
