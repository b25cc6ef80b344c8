//! `cargo xtask agent`: the agent as one static program that runs on any Linux of its kind.

use std::path::PathBuf;

use anyhow::{Context, Result, bail};

use crate::process::{capture, run as run_process};
use crate::repo::Repo;

pub(crate) const HELP: &str = "\
Builds `windlass-agent` as it is handed to people: small, without symbols, and static, so that it needs nothing of the
machine that it is placed on, whatever its C library. Says how large it is.

Windlass finds an agent beside its own program, in ../libexec/windlass, or where $WINDLASS_AGENT says.";

/// What is more would be felt on a slow line, which it crosses once for each node and version.
const MOST: u64 = 8 << 20;

pub(crate) fn run(repo: &Repo, args: &[String]) -> Result<()> {
    if let Some(unknown) = args.first() {
        bail!("`{unknown}` is not understood; see `cargo xtask help agent`");
    }
    let built = build(repo)?;
    let size = std::fs::metadata(&built).with_context(|| format!("{} was not made", built.display()))?.len();
    println!("{}: {:.1} MB, static", built.display(), size as f64 / 1e6);
    if size > MOST {
        bail!("that is more than the {} MB that an agent may have", MOST >> 20);
    }
    Ok(())
}

/// Builds it and says where it is.
pub(crate) fn build(repo: &Repo) -> Result<PathBuf> {
    let target = host(repo)?;
    // With a target of its own, build scripts and macros are not built static, too.
    let mut build =
        repo.cargo(&["build", "--profile", "agent", "--package", "windlass-agent", "--target", &target]);
    // What is put where it was linked for needs no adjusting when it starts, which is a quarter of starting.
    build.env("RUSTFLAGS", "-C target-feature=+crt-static -C relocation-model=static");
    run_process(&mut build)?;
    Ok(repo.target().join(&target).join("agent/windlass-agent"))
}

/// The target that this machine's own programs are built for.
fn host(repo: &Repo) -> Result<String> {
    let version = capture(repo.command("rustc").arg("-vV"))?;
    let host = version.lines().find_map(|line| line.strip_prefix("host: "));
    host.map(str::to_owned).context("`rustc -vV` names no host")
}
