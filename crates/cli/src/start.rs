//! From the process's arguments to its exit code.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::process::ExitCode;

use clap::Parser;
use clap::error::ErrorKind;
use windlass_fleet::Agents;

use crate::args::Cli;
use crate::exit::Exit;
use crate::printer::Printer;
use crate::{bug, command};

/// Runs the command that the process was given, and says how to exit.
#[must_use]
pub fn run_from_env() -> ExitCode {
    // As it is placed for another user, this program is an agent.
    let mut args = std::env::args_os();
    if args.next().is_some_and(|program| Agents::is_placed(Path::new(&program))) {
        return windlass_agent::program::main(args);
    }
    bug::listen();
    guarded(run).into()
}

/// A panic that nobody caught is a bug, and is told as one.
fn guarded(run: impl FnOnce() -> Exit) -> Exit {
    catch_unwind(AssertUnwindSafe(run)).unwrap_or_else(|_| {
        bug::report();
        Exit::Bug
    })
}

fn run() -> Exit {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // Help and version are what was asked for; everything else is not understood. A closed pipe is quiet.
            let _ = error.print();
            return match error.kind() {
                ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => Exit::Succeeded,
                _ => Exit::Invalid,
            };
        }
    };
    command::dispatch(cli.command, Printer::new(cli.color))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_exits_with_70() {
        assert_eq!(guarded(|| panic!("on purpose")).code(), 70);
        assert_eq!(guarded(|| Exit::Stopped).code(), 3);
    }
}
