//! `cargo xtask deny`: what we hold dependencies to, read from `cargo metadata` and `deny.toml`.
//!
//! The lists are in the format of cargo-deny. The checks are ours because they need neither another tool to build nor an
//! advisory database to fetch; they are its `licenses`, `bans` and `sources`, not its `advisories`.

mod graph;
mod licence;
mod rules;

use anyhow::{Context, Result, bail};

use self::graph::Graph;
use self::rules::Rules;
use crate::process::capture;
use crate::repo::Repo;

pub(crate) const HELP: &str = "\
Checks every crate we build on against deny.toml: its licence is one we allow, it is not banned, there is one version of
it, and it comes from the public registry. Exceptions go to deny.toml with a reason. It knows no security advisories: run
`cargo deny check advisories` for those where it is installed.";

pub(crate) fn run(repo: &Repo, _args: &[String]) -> Result<()> {
    let path = repo.path("deny.toml");
    let text = std::fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
    let rules = Rules::parse(&text)?;
    // Only what is built here: crates for other systems need not even be downloaded.
    let host = host(repo)?;
    let metadata = capture(&mut repo.cargo(&[
        "metadata",
        "--format-version",
        "1",
        "--locked",
        "--filter-platform",
        &host,
    ]))?;
    let graph = Graph::parse(&metadata)?;
    let problems = rules.check(&graph);
    for problem in &problems {
        println!("{problem}");
    }
    if !problems.is_empty() {
        bail!("{} problems with dependencies", problems.len());
    }
    println!("deny: {} crates keep the rules of deny.toml", graph.packages.len());
    Ok(())
}

fn host(repo: &Repo) -> Result<String> {
    let version = capture(repo.command("rustc").arg("-vV"))?;
    let host = version.lines().find_map(|line| line.strip_prefix("host: "));
    host.map(str::to_owned).context("rustc does not say for which host it builds")
}
