//! `cargo xtask bench fleet`: what work on hundreds of hosts costs this side, beside what it must cost and what it costs
//! with other tools, all measured in one run.
//!
//! The hosts are real sshds on this machine, whose processors they share: what they need stands in the time on the wall
//! of every row, and in nobody's processor time.

use anyhow::{Result, bail};

use crate::repo::Repo;

mod cost;
mod ground;
mod peers;
mod steps;
mod streams;

use self::ground::{AT_ONCE, Built, Ground};
use self::peers::Peers;

/// What is measured, in this order.
const PARTS: [&str; 9] = ["floor", "exec", "steps", "peers", "files", "output", "latency", "memory", "hung"];

/// What somebody wants to know.
#[derive(Debug, PartialEq, Eq)]
struct Wanted {
    counts: Vec<usize>,
    parts: Vec<&'static str>,
    rounds: usize,
}

pub(super) fn run(repo: &Repo, args: &[String]) -> Result<()> {
    let wanted = Wanted::read(args)?;
    let built = Built::make(repo)?;
    let peers = if wanted.has("peers") { Peers::install(repo) } else { Peers::default() };
    println!(
        "medians of {} rounds (other tools: of 1 beyond 100 hosts), {AT_ONCE} hosts at once, {} processors\n\
         pinned for all: KexAlgorithms=curve25519-sha256; OpenSSH's usual exchange costs three times as much on both sides\n\
         CPU: user and system of the tool with its children; masters of OpenSSH that it detaches are missing, in its favour\n\
         {}",
        wanted.rounds,
        std::thread::available_parallelism()?,
        peers.versions(),
    );
    for count in &wanted.counts {
        let mut ground = Ground::of(&built, *count, wanted.rounds, repo.target().join("bench-fleet"))?;
        for part in &wanted.parts {
            match *part {
                "floor" => steps::floor(&ground)?,
                "exec" => steps::exec(&ground, &peers)?,
                "steps" => steps::steps(&ground, &peers)?,
                "files" => streams::files(&ground)?,
                "output" => streams::output(&ground)?,
                "latency" => streams::latency(&ground)?,
                "memory" => streams::memory(&ground)?,
                "hung" => streams::hung(&mut ground)?,
                _ => {}
            }
        }
        let dir = ground.dir.clone();
        drop(ground);
        std::fs::remove_dir_all(dir)?;
    }
    Ok(())
}

// === impl Wanted ===

impl Wanted {
    fn read(args: &[String]) -> Result<Self> {
        let mut wanted = Self { counts: Vec::new(), parts: Vec::new(), rounds: 3 };
        let mut args = args.iter().map(String::as_str).filter(|arg| *arg != "--");
        while let Some(arg) = args.next() {
            if arg == "--rounds" {
                match args.next().and_then(|rounds| rounds.parse().ok()).filter(|rounds| *rounds > 0) {
                    Some(rounds) => wanted.rounds = rounds,
                    None => bail!("--rounds takes a number"),
                }
            } else if let Some(count) = arg.parse().ok().filter(|count| (1..=2000).contains(count)) {
                wanted.counts.push(count);
            } else if let Some(part) = PARTS.iter().find(|part| **part == arg) {
                wanted.parts.push(part);
            } else {
                bail!("{arg:?} is neither a number of hosts up to 2000 nor one of {}", PARTS.join(", "));
            }
        }
        if wanted.counts.is_empty() {
            wanted.counts = vec![100, 500];
        }
        if wanted.parts.is_empty() {
            wanted.parts = PARTS.to_vec();
        }
        Ok(wanted)
    }

    fn has(&self, part: &str) -> bool {
        self.parts.contains(&part)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Wanted> {
        Wanted::read(&text.split_whitespace().map(str::to_owned).collect::<Vec<_>>())
    }

    #[test]
    fn numbers_are_hosts_and_words_are_parts() {
        let all = Wanted { counts: vec![100, 500], parts: PARTS.to_vec(), rounds: 3 };
        assert_eq!(read("").unwrap(), all);
        let some = Wanted { counts: vec![20], parts: vec!["floor", "exec"], rounds: 1 };
        assert_eq!(read("-- 20 floor exec --rounds 1").unwrap(), some);
        assert!(read("ecex").unwrap_err().to_string().contains("exec"));
        assert!(read("0").is_err() && read("--rounds").is_err());
    }
}
