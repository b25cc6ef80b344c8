//! `cargo xtask up`: from a fresh checkout to a plan that ran, in one command.

use anyhow::{Context, Result, bail};

use crate::process::{capture, describe, run as run_process};
use crate::repo::Repo;

pub(crate) const HELP: &str = "\
Builds the `windlass` command, runs the sample plan on this machine against a store of its own in `.windlass/`, with live
progress, and says where the report lies and what to try next. Run it as often as you like: every run is a new one.";

const SAMPLE: &str = "examples/hello-fleet.yaml";
const DATA_DIR: &str = ".windlass";

pub(crate) fn run(repo: &Repo, _args: &[String]) -> Result<()> {
    if !repo.path(SAMPLE).exists() {
        bail!("the sample plan {SAMPLE} is missing from this checkout");
    }
    println!("building windlass (the first time takes a minute or two)");
    run_process(&mut repo.cargo(&["build", "--package", "windlass-cli", "--package", "windlass-agent"]))?;
    let binary = repo.target().join("debug/windlass");
    let windlass = |args: &[&str]| {
        let mut command = repo.command(&binary.to_string_lossy());
        command.args(args).args(["--data-dir", DATA_DIR]);
        command
    };

    let mut plan = windlass(&["run", SAMPLE]);
    println!("\n$ {}", describe(&plan));
    run_process(&mut plan)?;

    let report = repo.path(DATA_DIR).join("report.html");
    let html = capture(&mut windlass(&["runs", "report", "last", "--output", "html"]))?;
    std::fs::write(&report, html).with_context(|| format!("cannot write {}", report.display()))?;
    println!("{}", next_steps(&binary.to_string_lossy(), &report.to_string_lossy()));
    Ok(())
}

fn next_steps(binary: &str, report: &str) -> String {
    format!(
        "\nThe report of this run: {report}\n\n\
         Try next, with {binary}:\n  \
         windlass preview {SAMPLE}                         what would happen, and where\n  \
         windlass rehearse {SAMPLE} --targets 1000         the same plan on a thousand simulated nodes\n  \
         windlass runs list --data-dir {DATA_DIR}                       every run so far\n  \
         windlass runs events last --data-dir {DATA_DIR}                the log that the run is made of\n\n\
         Then docs/guide/tutorial.md: five minutes, and your first plan of your own."
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_way_on_names_the_report_and_the_sample() {
        let text = next_steps("/b/windlass", "/d/report.html");
        assert!(text.contains("/d/report.html") && text.contains(SAMPLE), "{text}");
    }
}
