//! `cargo xtask bench`: the table of benchmarks. A benchmark is an example of the crate that it measures, or, where it
//! measures whole programs, a function here; it prints each figure beside its limit measured in the same run.

use anyhow::{Result, bail};

mod console;
mod fleet;

use crate::process::run as run_process;
use crate::repo::Repo;

pub(crate) const HELP: &str = "\
Without a name every benchmark runs, one after the other, in a release build. Arguments after the name go to the
benchmark. Run them on a quiet machine: each figure is a ratio to what the same disk and processor gave a moment ago.

`server` takes `agents [COUNT] [ROUNDS]`, or `load [RUNS] [PER_SECOND] [SECONDS] [WATCHERS] [SOAK_MINUTES]`; without them it does both.

`fleet` takes numbers of hosts, what to measure, and `--rounds N`: `bench fleet 100 500` is what it does by itself, `bench
fleet 20 floor exec` takes a minute. It can measure floor exec steps files output latency memory hung; with `peers`, it
installs other tools under target/peers and measures them beside.

`console` takes parts (load delay frames memory log) and `--targets N`, `--rate EVENTS_A_SECOND`, `--minutes N` for memory (3; 60 is
the whole of it), `--megabytes N` for the log, `--rounds N`. It needs Node.js and Chromium.";

struct Bench {
    name: &'static str,
    about: &'static str,
    what: What,
}

enum What {
    Example {
        package: &'static str,
        example: &'static str,
    },
    /// Several that belong together; the first argument may choose one.
    Examples {
        package: &'static str,
        examples: &'static [&'static str],
    },
    Here(fn(&Repo, &[String]) -> Result<()>),
}

/// To add a benchmark: write `crates/X/examples/NAME.rs` and add a row.
const BENCHES: &[Bench] = &[
    Bench {
        name: "engine",
        about: "durable throughput, sequential work, memory and recovery",
        what: What::Example { package: "windlass-runtime", example: "bench" },
    },
    Bench {
        name: "store",
        about: "commits of the embedded store beside a plain append",
        what: What::Example { package: "windlass-store-fjall", example: "commit_throughput" },
    },
    Bench {
        name: "logs",
        about: "keeping, reading and following the output of 500 nodes beside a plain write",
        what: What::Example { package: "windlass-logs", example: "logs" },
    },
    Bench {
        name: "inventory",
        about: "loading and selecting 100,000 nodes beside reading their bytes",
        what: What::Example { package: "windlass-sources", example: "inventory" },
    },
    Bench {
        name: "server",
        about: "ten thousand agents of one server; reads beside 100,000 runs, a thousand watchers",
        what: What::Examples { package: "windlass-server", examples: &["agents", "load"] },
    },
    Bench {
        name: "fleet",
        about: "commands and steps on hundreds of hosts, beside a client that does nothing else and beside other tools",
        what: What::Here(fleet::run),
    },
    Bench {
        name: "console",
        about: "first load, event to screen, frames, memory and a log of a gigabyte, in a real browser",
        what: What::Here(console::run),
    },
];

fn run_example(repo: &Repo, package: &str, example: &str, args: &[String]) -> Result<()> {
    let mut command = repo.cargo(&["run", "--release", "--quiet", "-p", package, "--example", example]);
    run_process(command.arg("--").args(args))
}

pub(crate) fn run(repo: &Repo, args: &[String]) -> Result<()> {
    let (name, rest) = match args.split_first() {
        Some((name, rest)) => (Some(name.as_str()), rest),
        None => (None, args),
    };
    for bench in select(name)? {
        println!("==> {}: {}", bench.name, bench.about);
        match bench.what {
            What::Example { package, example } => run_example(repo, package, example, rest)?,
            What::Examples { package, examples } => match rest.split_first() {
                Some((chosen, rest)) if examples.contains(&chosen.as_str()) => {
                    run_example(repo, package, chosen, rest)?;
                }
                Some((other, _)) => bail!("`{other}` is none of {}", examples.join(", ")),
                None => {
                    for example in examples {
                        run_example(repo, package, example, &[])?;
                    }
                }
            },
            What::Here(run) => run(repo, rest)?,
        }
    }
    Ok(())
}

fn select(name: Option<&str>) -> Result<Vec<&'static Bench>> {
    let chosen: Vec<&Bench> =
        BENCHES.iter().filter(|bench| name.is_none_or(|name| bench.name == name)).collect();
    if chosen.is_empty() {
        let known: Vec<&str> = BENCHES.iter().map(|bench| bench.name).collect();
        bail!("there is no benchmark {:?}; there is: {}", name.unwrap_or_default(), known.join(", "));
    }
    Ok(chosen)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_or_one_or_an_answer() {
        assert_eq!(select(None).unwrap().len(), BENCHES.len());
        assert_eq!(select(Some("engine")).unwrap().len(), 1);
        assert!(select(Some("engin")).err().unwrap().to_string().contains("engine"));
    }
}
