//! `cargo xtask fuzz`: brief, coverage-guided runs of every target in `fuzz/`.
//!
//! The targets are libFuzzer programs. `fuzz/.cargo/config.toml` asks the stable compiler for the coverage that
//! libFuzzer follows, so neither a nightly toolchain nor cargo-fuzz is needed. Inputs found along the way stay in
//! `fuzz/corpus/` on this machine; inputs worth keeping are committed in `fuzz/seeds/`.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, bail};

use crate::process::{describe, run as run_process};
use crate::repo::{Repo, is_ci};
use crate::tools;

pub(crate) const HELP: &str = "\
Builds the targets in fuzz/fuzz_targets and runs each for N seconds (default 10), or only the one that is named. A new
target is a file there and a `[[bin]]` in fuzz/Cargo.toml; inputs to start from go to fuzz/seeds/TARGET.

A finding is written to fuzz/artifacts/TARGET; run the target once with that file as its argument to see it again.";

const DEFAULT: Duration = Duration::from_secs(10);
/// Longer inputs reach no new code in a brief run, they only make it slower.
const MAX_LEN: usize = 16 * 1024;

pub(crate) fn run(repo: &Repo, args: &[String]) -> Result<()> {
    let request = Request::parse(args)?;
    let missing = tools::ensure(tools::FOR_FUZZING);
    if let Some(tool) = missing.first() {
        if is_ci() {
            bail!("{} is missing: {}", tool.name, tool.reason);
        }
        println!("skipped: fuzz: {} is missing: {}", tool.name, tool.reason);
        return Ok(());
    }
    let dir = repo.path("fuzz");
    let mut build = repo.cargo(&["build", "--release", "--bins"]);
    // The flags in fuzz/.cargo are the ones that count here; those of the environment would replace them.
    build.current_dir(&dir).env_remove("RUSTFLAGS").env_remove("CARGO_ENCODED_RUSTFLAGS");
    build.env("CARGO_TARGET_DIR", repo.target().join("fuzz"));
    run_process(&mut build)?;
    for target in chosen(targets(&dir)?, request.target.as_deref())? {
        fuzz_one(repo, &dir, &target, request.time)?;
    }
    Ok(())
}

#[derive(Debug, PartialEq, Eq)]
struct Request {
    target: Option<String>,
    time: Duration,
}

impl Request {
    fn parse(args: &[String]) -> Result<Self> {
        let mut request = Self { target: None, time: DEFAULT };
        let mut words = args.iter();
        while let Some(word) = words.next() {
            match word.as_str() {
                "--seconds" => {
                    let value = words.next().context("--seconds needs a number")?;
                    let seconds =
                        value.parse().with_context(|| format!("{value:?} is not a number of seconds"))?;
                    request.time = Duration::from_secs(seconds);
                }
                flag if flag.starts_with('-') => bail!("there is no option {flag}; there is: --seconds N"),
                name => request.target = Some(name.into()),
            }
        }
        Ok(request)
    }
}

fn targets(dir: &Path) -> Result<Vec<String>> {
    let folder = dir.join("fuzz_targets");
    let mut names = Vec::new();
    for entry in std::fs::read_dir(&folder).with_context(|| format!("cannot read {}", folder.display()))? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "rs") {
            names.extend(path.file_stem().map(|stem| stem.to_string_lossy().into_owned()));
        }
    }
    names.sort();
    Ok(names)
}

fn chosen(all: Vec<String>, wanted: Option<&str>) -> Result<Vec<String>> {
    let Some(wanted) = wanted else { return Ok(all) };
    if !all.iter().any(|name| name == wanted) {
        bail!("there is no fuzz target {wanted}; there is: {}", all.join(", "));
    }
    Ok(vec![wanted.to_owned()])
}

fn fuzz_one(repo: &Repo, dir: &Path, target: &str, time: Duration) -> Result<()> {
    println!("fuzzing {target} for {} s", time.as_secs());
    let (corpus, seeds, artifacts) =
        (dir.join("corpus").join(target), dir.join("seeds").join(target), dir.join("artifacts").join(target));
    for folder in [&corpus, &artifacts] {
        std::fs::create_dir_all(folder).with_context(|| format!("cannot create {}", folder.display()))?;
    }
    let mut command = repo.command(&program(repo, target)?);
    command.arg(format!("-max_total_time={}", time.as_secs()));
    command.arg(format!("-max_len={MAX_LEN}")).args(["-timeout=10", "-rss_limit_mb=2048", "-verbosity=0"]);
    command.args(["-print_final_stats=1", "-close_fd_mask=1"]);
    command.arg(format!("-artifact_prefix={}/", artifacts.display()));
    command.arg(&corpus);
    if seeds.is_dir() {
        command.arg(&seeds);
    }
    let output = command.output().with_context(|| format!("cannot start `{}`", describe(&command)))?;
    let log = String::from_utf8_lossy(&output.stderr);
    if !output.status.success() {
        eprintln!("{log}");
        bail!("fuzz target {target} found an input it cannot take; see {}", artifacts.display());
    }
    println!("  {} inputs tried, {} of them new to the code", statistic(&log, TRIED), statistic(&log, NEW));
    Ok(())
}

const TRIED: &str = "stat::number_of_executed_units:";
const NEW: &str = "stat::new_units_added:";

fn statistic<'a>(log: &'a str, name: &str) -> &'a str {
    log.lines().find_map(|line| line.strip_prefix(name)).map_or("?", str::trim)
}

/// The built program. The folder between carries the name of the machine's target triple.
fn program(repo: &Repo, target: &str) -> Result<String> {
    let built = repo.target().join("fuzz");
    for entry in std::fs::read_dir(&built).with_context(|| format!("cannot read {}", built.display()))? {
        let path = entry?.path();
        let candidate = path.join("release").join(target);
        if path.join("release").is_dir() && candidate.is_file() {
            return Ok(candidate.to_string_lossy().into_owned());
        }
    }
    bail!("fuzz target {target} was not built: does fuzz/Cargo.toml have a [[bin]] for it?")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(words: &[&str]) -> Result<Request> {
        Request::parse(&words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>())
    }

    #[test]
    fn requests() {
        assert_eq!(parse(&[]).unwrap(), Request { target: None, time: DEFAULT });
        let request = parse(&["plan_parser", "--seconds", "60"]).unwrap();
        assert_eq!(request, Request { target: Some("plan_parser".into()), time: Duration::from_secs(60) });
        assert!(parse(&["--seconds", "ten"]).is_err());
        assert!(parse(&["--minutes"]).is_err());
    }

    #[test]
    fn statistics_are_read_from_the_log() {
        assert_eq!(statistic("a\nstat::new_units_added:          7\nb", NEW), "7");
        assert_eq!(statistic("a", NEW), "?");
    }

    #[test]
    fn an_unknown_target_is_answered_with_the_known_ones() {
        let all = || vec!["a".to_owned(), "b".to_owned()];
        assert_eq!(chosen(all(), None).unwrap(), all());
        assert_eq!(chosen(all(), Some("b")).unwrap(), ["b"]);
        assert!(chosen(all(), Some("c")).unwrap_err().to_string().contains("a, b"));
    }
}
