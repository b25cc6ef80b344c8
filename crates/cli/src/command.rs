//! The subcommands, one file each.

mod completions;
mod docs;
mod explain;
mod man;
mod plugins;
mod preview;
mod recover;
mod rehearse;
mod run;
mod runs;
mod schema;
mod validate;

use crate::args::{Command, DocumentFormat, LiveFormat, PluginsCommand};
use crate::exit::Exit;
use crate::failure::Outcome;
use crate::printer::Printer;

/// Does what was asked, says what went wrong, and how to exit.
pub(crate) fn dispatch(command: Command, printer: &mut Printer) -> Exit {
    let form = Form::of(&command);
    match perform(command, printer) {
        Ok(exit) => exit,
        Err(failure) => {
            if form == Form::Machine {
                printer.line(failure.to_json());
            }
            failure.print(printer);
            failure.exit()
        }
    }
}

fn perform(command: Command, printer: &mut Printer) -> Outcome {
    match command {
        Command::Validate(args) => validate::run(&args, printer),
        Command::Explain(args) => explain::run(&args, printer),
        Command::Plugins(args) => plugins::run(&args, printer),
        Command::Schema(args) => schema::run(&args, printer),
        Command::Completions(args) => completions::run(&args, printer),
        Command::Man(args) => man::run(&args, printer),
        Command::Docs(args) => docs::run(&args, printer),
        Command::Preview(args) => preview::run(&args, printer),
        Command::Rehearse(args) => rehearse::run(&args, printer),
        Command::Run(args) => run::run(&args, printer),
        Command::Runs(args) => runs::run(&args, printer),
        Command::Recover(args) => recover::run(&args, printer),
    }
}

/// Who reads standard output.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    Person,
    Machine,
}

// === impl Form ===

impl Form {
    fn of(command: &Command) -> Self {
        let document = |format| if format == DocumentFormat::Text { Self::Person } else { Self::Machine };
        let live = |format| if format == LiveFormat::Text { Self::Person } else { Self::Machine };
        match command {
            // It prints its own document, problems included.
            Command::Validate(_) => Self::Person,
            Command::Preview(args) => document(args.output),
            Command::Rehearse(args) => live(args.output),
            Command::Run(args) => live(args.live.output),
            Command::Recover(args) => live(args.live.output),
            Command::Runs(args) if args.command.is_for_machine() => Self::Machine,
            Command::Plugins(args) => match &args.command {
                PluginsCommand::List { output } | PluginsCommand::Show { output, .. } => document(*output),
            },
            Command::Runs(_)
            | Command::Explain(_)
            | Command::Schema(_)
            | Command::Completions(_)
            | Command::Man(_)
            | Command::Docs(_) => Self::Person,
        }
    }
}
