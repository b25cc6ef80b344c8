//! Programs of other people that come from Python's registry: each in an environment of its own, so that nothing is changed on
//! this machine.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

/// The interpreter by its real path: in front of it there may be one that chooses versions, which takes its time.
pub(crate) const PYTHON: &str = "/usr/bin/python3";

/// An environment with these packages, made where it is not there yet.
pub(crate) fn environment(dir: &Path, packages: &[&str]) -> Result<PathBuf> {
    let (done, wanted) = (dir.join("installed"), packages.join("\n"));
    if !fs::read_to_string(&done).is_ok_and(|there| there == wanted) {
        println!("installing {}", packages.join(" and "));
        run(Command::new(PYTHON).args(["-m", "venv", "--clear"]).arg(dir))?;
        run(Command::new(dir.join("bin/pip"))
            .args(["install", "--quiet", "--disable-pip-version-check"])
            .args(packages))?;
        fs::write(&done, wanted).with_context(|| format!("cannot write {}", done.display()))?;
    }
    Ok(dir.to_owned())
}

fn run(command: &mut Command) -> Result<()> {
    let program = command.get_program().to_string_lossy().into_owned();
    let output = command.output().with_context(|| format!("cannot start {program}"))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
        bail!("{program} ended with {}: {said}", output.status);
    }
    Ok(())
}
