//! `cargo xtask ci`: the gate. The steps run in order, each announced and timed; the first failure ends it with advice.
//!
//! The tests are the last step so that their summary is the last thing to read.

use std::time::{Duration, Instant};

use anyhow::Result;

use crate::process::{Reported, human, run as run_process};
use crate::repo::Repo;
use crate::{deny, docs, fuzz, test, tidy};

pub(crate) const HELP: &str = "\
Runs, in this order: formatting, clippy with warnings as errors, tidy, deny, drift of the reference docs, ten seconds of
every fuzz target, and then exactly `cargo xtask test`. It stops at the first step that fails and says what to do.
`.ci/run` calls this with CI=true, where a test that cannot run is a failure.";

struct Step {
    name: &'static str,
    run: fn(&Repo) -> Result<()>,
    /// What to do when it fails.
    advice: &'static str,
}

const STEPS: &[Step] = &[
    Step {
        name: "format",
        run: |repo| {
            run_process(&mut repo.cargo(FORMAT))?;
            run_process(repo.cargo(FORMAT).current_dir(repo.path("fuzz")))
        },
        advice: "run `cargo fmt --all`, here or in fuzz/",
    },
    Step {
        name: "clippy",
        run: |repo| run_process(&mut repo.cargo(CLIPPY)),
        advice: "repair what clippy names; an exception is `#[expect(lint, reason = \"...\")]`",
    },
    Step {
        name: "tidy",
        run: |repo| tidy::run(repo, &[]),
        advice: "each line names a rule; `cargo xtask help tidy` explains them",
    },
    Step {
        name: "deny",
        run: |repo| deny::run(repo, &[]),
        advice: "choose another dependency, or put it on a list in deny.toml with a reason",
    },
    Step {
        name: "docs",
        run: |repo| docs::run(repo, &["--check".into()]),
        advice: "run `cargo xtask docs` and commit what it wrote",
    },
    Step {
        name: "fuzz",
        run: |repo| fuzz::run(repo, &["--seconds".into(), "10".into()]),
        advice: "keep the input it found as a test, then repair the reader",
    },
];

const FORMAT: &[&str] = &["fmt", "--all", "--check"];
const CLIPPY: &[&str] =
    &["clippy", "--workspace", "--all-targets", "--locked", "--keep-going", "--", "--deny", "warnings"];

pub(crate) fn run(repo: &Repo, _args: &[String]) -> Result<()> {
    let started = Instant::now();
    let total = STEPS.len() + 1;
    let mut times: Vec<(&str, Duration)> = Vec::new();
    for (index, step) in STEPS.iter().enumerate() {
        println!("\n==> {}/{total} {}", index + 1, step.name);
        let begin = Instant::now();
        if let Err(error) = (step.run)(repo) {
            if !error.is::<Reported>() {
                eprintln!("{error:#}");
            }
            eprintln!(
                "\nerror: step `{}` failed: {}; then go on with `cargo xtask ci`",
                step.name, step.advice
            );
            return Err(Reported.into());
        }
        println!("<== {} passed in {}", step.name, human(begin.elapsed()));
        times.push((step.name, begin.elapsed()));
    }
    let times: Vec<String> = times.iter().map(|(name, time)| format!("{name} {}", human(*time))).collect();
    println!("\nso far: {} (in all {})", times.join(", "), human(started.elapsed()));
    println!("\n==> {total}/{total} test");
    test::run(repo, &[])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_step_gives_advice() {
        for step in STEPS {
            assert!(!step.advice.is_empty(), "{}", step.name);
        }
    }
}
