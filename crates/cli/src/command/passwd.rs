//! `windlass passwd [USER]`: a password to sign in with a browser.

use std::io::{BufRead as _, IsTerminal as _};
use std::path::Path;

use rustix::termios::{LocalModes, OptionalActions, tcgetattr, tcsetattr};
use windlass_contract::NewPassword;

use crate::args::PasswdArgs;
use crate::exit::Exit;
use crate::failure::{Failure, Outcome};
use crate::printer::Printer;
use crate::session::tokio_runtime;

pub(super) fn run(args: &PasswdArgs, printer: &mut Printer) -> Outcome {
    let client = args.context.choose()?.client;
    let runtime = tokio_runtime()?;
    let own = runtime.block_on(client.me())?.user;
    let user = args.user.clone().unwrap_or_else(|| own.clone());
    if args.remove {
        runtime.block_on(client.remove_password(&user))?;
        printer.line(format_args!("{user} has no password any more"));
        return Ok(Exit::Succeeded);
    }
    let current = if args.current { Some(asked("the password so far", printer)?) } else { None };
    let password = asked("the new password", printer)?;
    if std::io::stdin().is_terminal() && asked("once more", printer)? != password {
        return Err(Failure::usage("the two are not the same, and nothing was changed"));
    }
    runtime.block_on(client.set_password(&user, &NewPassword { password, current }))?;
    printer.line(format_args!("{user} has a new password"));
    Ok(Exit::Succeeded)
}

/// A line of standard input, which a terminal does not show.
fn asked(what: &str, printer: &mut Printer) -> Result<String, Failure> {
    let stdin = std::io::stdin();
    let cannot = |error: std::io::Error| Failure::file("read", Path::new("standard input"), &error);
    let hidden = if stdin.is_terminal() {
        printer.note(format_args!("{what}:"));
        let before = tcgetattr(&stdin).map_err(|error| cannot(error.into()))?;
        let mut silent = before.clone();
        silent.local_modes.remove(LocalModes::ECHO);
        tcsetattr(&stdin, OptionalActions::Flush, &silent).map_err(|error| cannot(error.into()))?;
        Some(before)
    } else {
        None
    };
    let mut line = String::new();
    let read = stdin.lock().read_line(&mut line);
    if let Some(before) = hidden {
        tcsetattr(&stdin, OptionalActions::Flush, &before).map_err(|error| cannot(error.into()))?;
    }
    read.map_err(cannot)?;
    let password = line.trim_end_matches(['\n', '\r']).to_owned();
    if password.is_empty() {
        return Err(Failure::usage(format!("{what} was not given")).help(
            "type it, or give it on standard input: a command line can be read by every user of this machine",
        ));
    }
    Ok(password)
}
