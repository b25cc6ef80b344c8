//! The table of subcommands and the help made from it.
//!
//! A new subcommand is a file with `run(&Repo, &[String])` and one row here.

use anyhow::{Result, bail};

use crate::repo::Repo;
use crate::{agent, bench, ci, deny, docs, fleet, fuzz, test, tidy, up, web};

struct Command {
    name: &'static str,
    usage: &'static str,
    about: &'static str,
    help: &'static str,
    run: fn(&Repo, &[String]) -> Result<()>,
}

const COMMANDS: &[Command] = &[
    Command {
        name: "up",
        usage: "[ARGS...]",
        about: "build windlass, and start a server, a fleet and a first run",
        help: up::HELP,
        run: up::run,
    },
    Command {
        name: "test",
        usage: "[--doc | ARGS...]",
        about: "run every test this machine can run, and name the others",
        help: test::HELP,
        run: test::run,
    },
    Command {
        name: "agent",
        usage: "",
        about: "build the agent as one static program, and say how large it is",
        help: agent::HELP,
        run: agent::run,
    },
    Command {
        name: "web",
        usage: "[--types | --dev]",
        about: "build the console, which the next build takes in",
        help: web::HELP,
        run: web::run,
    },
    Command {
        name: "fleet",
        usage: "up [--hosts N] | status | down",
        about: "hundreds of hosts on this machine, to try things on",
        help: fleet::HELP,
        run: fleet::run,
    },
    Command {
        name: "ci",
        usage: "",
        about: "everything a change must pass: the gate",
        help: ci::HELP,
        run: ci::run,
    },
    Command {
        name: "tidy",
        usage: "[--verbose] [--scenarios]",
        about: "the house rules that a machine can check",
        help: tidy::HELP,
        run: tidy::run,
    },
    Command {
        name: "deny",
        usage: "",
        about: "licences, bans, duplicates and sources of dependencies",
        help: deny::HELP,
        run: deny::run,
    },
    Command {
        name: "docs",
        usage: "[--check]",
        about: "write the reference docs that come from the code",
        help: docs::HELP,
        run: docs::run,
    },
    Command {
        name: "bench",
        usage: "[NAME] [ARGS...]",
        about: "run benchmarks, each figure beside its limit",
        help: bench::HELP,
        run: bench::run,
    },
    Command {
        name: "fuzz",
        usage: "[TARGET] [--seconds N]",
        about: "fuzz the readers of foreign bytes, briefly",
        help: fuzz::HELP,
        run: fuzz::run,
    },
];

/// Runs the subcommand that the arguments name, or explains what there is.
pub(crate) fn dispatch(args: &[String]) -> Result<()> {
    let words: Vec<&str> = args.iter().map(String::as_str).collect();
    match words.as_slice() {
        [] | ["help" | "--help" | "-h"] => println!("{}", overview()),
        ["help", name] | [name, "--help" | "-h"] => println!("{}", page(find(name)?)),
        [name, ..] => {
            let command = find(name)?;
            return (command.run)(&Repo::find()?, args.get(1..).unwrap_or_default());
        }
    }
    Ok(())
}

fn find(name: &str) -> Result<&'static Command> {
    let Some(command) = COMMANDS.iter().find(|command| command.name == name) else {
        let known: Vec<&str> = COMMANDS.iter().map(|command| command.name).collect();
        bail!("there is no `cargo xtask {name}`; there is: {}", known.join(", "));
    };
    Ok(command)
}

fn overview() -> String {
    let mut text = String::from("Developer commands of Windlass.\n\nUsage: cargo xtask COMMAND [ARGS]\n\n");
    for command in COMMANDS {
        text.push_str(&format!("  {:<6} {}\n", command.name, command.about));
    }
    text.push_str(
        "\nNew here? `cargo xtask up` shows Windlass at work, `cargo xtask test` proves your machine can develop it.\n\
         Before you hand in a change: `cargo xtask ci`. More about one command: `cargo xtask help COMMAND`.",
    );
    text
}

fn page(command: &Command) -> String {
    let usage = format!("cargo xtask {} {}", command.name, command.usage);
    format!(
        "{}: {}\n\nUsage: {}\n\n{}",
        command.name,
        command.about,
        usage.trim_end(),
        command.help.trim_end()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_overview_names_every_command() {
        let text = overview();
        for command in COMMANDS {
            assert!(text.contains(command.about), "{}", command.name);
            assert!(!command.help.trim().is_empty(), "{} has no help", command.name);
        }
    }

    #[test]
    fn an_unknown_command_is_answered_with_the_known_ones() {
        let error = dispatch(&["tset".into()]).unwrap_err().to_string();
        assert!(error.contains("tset") && error.contains("tidy"), "{error}");
    }
}
