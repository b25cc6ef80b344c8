//! What a program costs: time on the wall, processor time of itself and its children, the memory of the largest of them.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

/// What a program cost.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Cost {
    /// Seconds.
    pub(super) wall: f64,
    /// Seconds, user and system together.
    pub(super) cpu: f64,
    /// Of the largest process.
    pub(super) megabytes: f64,
}

/// Columns of the table.
const HEAD: &str = "                                                        wall        CPU   CPU/host  largest process   goal";

// === impl Cost ===

impl Cost {
    /// Runs a program to its good end, and says what it cost.
    pub(super) fn of(command: &Command, scratch: &Path) -> Result<Self> {
        let (report, said) = (scratch.join("time"), scratch.join("said"));
        let mut timed = Command::new("/usr/bin/time");
        timed
            .args(["-f", "%e %U %S %M", "-o"])
            .arg(&report)
            .arg(command.get_program())
            .args(command.get_args());
        for (name, value) in command.get_envs() {
            timed.env(name, value.unwrap_or_default());
        }
        if let Some(dir) = command.get_current_dir() {
            timed.current_dir(dir);
        }
        timed.stdin(Stdio::null()).stdout(Stdio::null()).stderr(fs::File::create(&said)?);
        let status = timed.status().context("cannot start /usr/bin/time")?;
        if !status.success() {
            let said = fs::read_to_string(&said).unwrap_or_default();
            let last: Vec<&str> = said.lines().rev().take(5).collect();
            let program = command.get_program().to_string_lossy();
            bail!("{program} ended with {status}: {}", last.into_iter().rev().collect::<Vec<_>>().join("\n"));
        }
        Self::read(&fs::read_to_string(&report)?)
    }

    fn read(report: &str) -> Result<Self> {
        let numbers: Vec<f64> = report
            .lines()
            .last()
            .unwrap_or_default()
            .split(' ')
            .filter_map(|word| word.parse().ok())
            .collect();
        let [wall, user, system, kilobytes] = numbers.as_slice() else {
            bail!("/usr/bin/time says {report:?}")
        };
        Ok(Self { wall: *wall, cpu: user + system, megabytes: kilobytes / 1e3 })
    }

    /// The median of each.
    pub(super) fn median(costs: &[Self]) -> Self {
        let of = |value: fn(&Self) -> f64| median(costs.iter().map(value).collect());
        Self { wall: of(|cost| cost.wall), cpu: of(|cost| cost.cpu), megabytes: of(|cost| cost.megabytes) }
    }

    /// What each of so many more repetitions cost.
    pub(super) fn each(more: Self, one: Self, times: f64) -> Self {
        Self { wall: (more.wall - one.wall) / times, cpu: (more.cpu - one.cpu) / times, ..more }
    }
}

/// The one in the middle.
pub(super) fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or_default()
}

/// The head of a table.
pub(super) fn print_head(what: &str) {
    println!("\n{what}\n{HEAD}");
}

/// A row of it.
pub(super) fn print(name: &str, cost: Cost, hosts: usize, goal: &str) {
    let Cost { wall, cpu, megabytes } = cost;
    let each = cpu * 1e3 / hosts as f64;
    println!(
        "{}",
        format!("{name:<50} {wall:>7.2} s {cpu:>8.2} s {each:>7.2} ms {megabytes:>13.1} MB   {goal}")
            .trim_end()
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_line_counts() {
        let cost = Cost::read("Command exited with non-zero status 1\n1.50 0.20 0.30 2000\n").unwrap();
        assert_eq!(cost, Cost { wall: 1.5, cpu: 0.5, megabytes: 2.0 });
        assert!(Cost::read("").is_err());
    }

    #[test]
    fn medians_are_taken_of_each() {
        let cost = |wall, cpu| Cost { wall, cpu, megabytes: 1.0 };
        assert_eq!(Cost::median(&[cost(3.0, 1.0), cost(1.0, 2.0), cost(2.0, 9.0)]), cost(2.0, 2.0));
    }
}
