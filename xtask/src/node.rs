//! Programs of other people that come from the registry of Node: each in a directory of its own, so that nothing is changed on this
//! machine.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail};

/// A package with what it needs, installed where it is not there yet. Nothing of it is run.
pub(crate) fn package(dir: &Path, wanted: &str) -> Result<()> {
    let done = dir.join("installed");
    if fs::read_to_string(&done).is_ok_and(|there| there == wanted) {
        return Ok(());
    }
    println!("installing {wanted}");
    fs::create_dir_all(dir).with_context(|| format!("cannot make {}", dir.display()))?;
    let mut npm = Command::new("npm");
    npm.args(["install", "--ignore-scripts", "--no-audit", "--no-fund", "--no-update-notifier", "--prefix"]);
    let output = npm.arg(dir).arg(wanted).output().context("cannot start npm")?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
        bail!("npm ended with {}: {said}", output.status);
    }
    fs::write(&done, wanted).with_context(|| format!("cannot write {}", done.display()))
}
