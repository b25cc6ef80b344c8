//! `windlass completions SHELL`

use clap::CommandFactory;

use crate::args::{Cli, CompletionsArgs};
use crate::exit::Exit;
use crate::failure::Outcome;
use crate::printer::Printer;

pub(super) fn run(args: &CompletionsArgs, printer: &mut Printer) -> Outcome {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "windlass", &mut script);
    printer.out(String::from_utf8_lossy(&script));
    Ok(Exit::Succeeded)
}
