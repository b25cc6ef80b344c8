//! `cargo xtask tidy`: the house rules that a machine can check.
//!
//! Each rule is a file under `tidy/` with pure functions over paths and texts, proved there by an example that passes and
//! one that fails. This file only gathers the files, asks every rule, and prints what they find.

mod clippy_bans;
mod codes;
mod layout;
mod links;
mod machine_paths;
mod rust_source;
mod scenarios;
mod size;
mod storeys;
mod tokens;

use std::fmt;

use anyhow::{Result, bail};

use self::rust_source::RustSource;
use crate::repo::{Repo, TextFile};

pub(crate) const HELP: &str = "\
  size         no file over 800 lines, no main.rs over 50 (--verbose also lists files over 400)
  layout       no mod.rs; no utils, common, helpers, misc, manager; lib.rs is docs, mods and uses; every file opens with //!
  tokens       no todo!, FIXME, #[ignore], #[allow], unsafe outside crates/sandbox, no sleeping in tests
  storeys      crates import downwards only, inherit the workspace's lints, and take versions from the workspace
  clippy-bans  the pure crates have the clippy.toml that bans clocks, randomness, spawning and files
  codes        every error code in the code has its page in docs/errors, and the other way round
  links        relative links in Markdown lead somewhere
  machine-path no path of one person's machine in docs and configuration
  scenarios    the scenario numbers w1 to w36 have a test (--scenarios lists those that have none)

Where a line is right and the rule is not, say so on that line or the one above it:
  // tidy-allow: sleep: the program under test has no other sign of life";

const VERBOSE: &str = "--verbose";
const SCENARIOS: &str = "--scenarios";

/// Something that breaks a rule.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Finding {
    pub(crate) path: String,
    /// From 1; 0 where the whole file is meant.
    pub(crate) line: usize,
    pub(crate) rule: &'static str,
    pub(crate) message: String,
}

impl Finding {
    fn new(path: &str, line: usize, rule: &'static str, message: impl Into<String>) -> Self {
        Self { path: path.into(), line, rule, message: message.into() }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            0 => write!(f, "{}: {}: {}", self.path, self.rule, self.message),
            line => write!(f, "{}:{line}: {}: {}", self.path, self.rule, self.message),
        }
    }
}

pub(crate) fn run(repo: &Repo, args: &[String]) -> Result<()> {
    if let Some(unknown) = args.iter().find(|arg| ![VERBOSE, SCENARIOS].contains(&arg.as_str())) {
        bail!("tidy has no option {unknown}; there is: {VERBOSE}, {SCENARIOS}");
    }
    let files = repo.text_files()?;
    let sources: Vec<RustSource> = files.iter().filter_map(RustSource::of).collect();
    if args.iter().any(|arg| arg == SCENARIOS) {
        return list_scenarios(&sources);
    }
    if args.iter().any(|arg| arg == VERBOSE) {
        for note in files.iter().filter_map(size::note) {
            println!("note: {note}");
        }
    }
    let findings = check(&files, &sources);
    for finding in &findings {
        println!("{finding}");
    }
    if !findings.is_empty() {
        bail!("{} places break a rule of the house", findings.len());
    }
    println!("tidy: {} files keep the rules", files.len());
    Ok(())
}

fn check(files: &[TextFile], sources: &[RustSource]) -> Vec<Finding> {
    let mut findings: Vec<Finding> = files.iter().flat_map(check_file).collect();
    findings.extend(sources.iter().flat_map(check_source));
    findings.extend(links::check(files));
    findings.extend(codes::check(files, sources));
    findings.extend(clippy_bans::check(files));
    findings.extend(scenarios::check(sources));
    findings.sort();
    findings
}

fn check_file(file: &TextFile) -> Vec<Finding> {
    let mut findings: Vec<Finding> = size::check(file).into_iter().collect();
    findings.extend(machine_paths::check(file));
    findings.extend(storeys::check(file));
    findings
}

fn check_source(source: &RustSource) -> Vec<Finding> {
    let mut findings = layout::check(source);
    findings.extend(tokens::check(source));
    findings
}

fn list_scenarios(sources: &[RustSource]) -> Result<()> {
    let missing = scenarios::missing(sources);
    if missing.is_empty() {
        println!("every scenario has a test");
    } else {
        let names: Vec<String> = missing.iter().map(|number| format!("w{number}")).collect();
        println!("without a test: {}", names.join(" "));
    }
    Ok(())
}
