//! The subcommands, one file each.

mod adhoc;
mod agent;
mod agents;
mod audit;
mod completions;
mod contexts;
mod docs;
mod explain;
mod login;
mod logs;
mod man;
mod nodes;
mod objects;
mod passwd;
mod plugins;
mod preview;
mod recover;
mod rehearse;
mod run;
mod runs;
mod schema;
mod server;
mod tokens;
mod up;
mod validate;
mod whoami;

use std::path::Path;

use crate::args::{
    AgentsCommand, Command, DocumentFormat, LiveFormat, LogFormat, NodesCommand, ObjectFormat,
    PluginsCommand, ReportFormat, RunsCommand,
};
use crate::exit::Exit;
use crate::failure::{Failure, Outcome};
use crate::printer::{Printer, Reader};

/// Does what was asked, says what went wrong, and how to exit.
pub(crate) fn dispatch(command: Command, printer: Printer) -> Exit {
    let form = Form::of(&command);
    let drives = drives(&command);
    let mut printer = printer.for_reader(match form {
        Form::Text => Reader::Person,
        Form::Json | Form::Bytes => Reader::Program,
    });
    let exit = match perform(command, &mut printer) {
        Ok(exit) => exit,
        Err(failure) => {
            if form == Form::Json {
                printer.line(failure.to_json());
            }
            failure.print(&mut printer);
            failure.exit()
        }
    };
    // A file that holds half a report must not look like a whole one.
    if let Some(error) = printer.out_error() {
        let failure = Failure::file("write to", Path::new("standard output"), &error);
        failure.print(&mut printer);
        return if exit == Exit::Succeeded && !drives { failure.exit() } else { exit };
    }
    exit
}

/// Whether the exit code says what a run came to, whatever becomes of what is printed.
fn drives(command: &Command) -> bool {
    match command {
        Command::Run(_) | Command::Exec(_) | Command::Copy(_) | Command::Recover(_) => true,
        Command::Runs(args) => matches!(args.command, RunsCommand::Retry(_) | RunsCommand::Watch(_)),
        _ => false,
    }
}

fn perform(command: Command, printer: &mut Printer) -> Outcome {
    match command {
        Command::Validate(args) => validate::run(&args, printer),
        Command::Explain(args) => explain::run(&args, printer),
        Command::Plugins(args) => plugins::run(&args, printer),
        Command::Schema(args) => schema::run(&args, printer),
        Command::Completions(args) => completions::run(&args, printer),
        Command::Nodes(args) => nodes::run(&args, printer),
        Command::Man(args) => man::run(&args, printer),
        Command::Docs(args) => docs::run(&args, printer),
        Command::Preview(args) => preview::run(&args, printer),
        Command::Rehearse(args) => rehearse::run(&args, printer),
        Command::Run(args) => run::run(&args, printer),
        Command::Exec(args) => adhoc::exec(&args, printer),
        Command::Copy(args) => adhoc::copy(&args, printer),
        Command::Runs(args) => runs::run(&args, printer),
        Command::Logs(args) => logs::run(&args, printer),
        Command::Recover(args) => recover::run(&args, printer),
        Command::Server(args) => server::run(&args, printer),
        Command::Up(args) => up::run(&args, printer),
        Command::Login(args) => login::run(&args, printer),
        Command::Contexts(args) => contexts::run(&args, printer),
        Command::Whoami(args) => whoami::run(&args, printer),
        Command::Tokens(args) => tokens::run(&args, printer),
        Command::Passwd(args) => passwd::run(&args, printer),
        Command::Apply(args) => objects::apply(&args, printer),
        Command::Get(args) => objects::get(&args, printer),
        Command::Describe(args) => objects::describe(&args, printer),
        Command::Edit(args) => objects::edit(&args, printer),
        Command::Diff(args) => objects::diff(&args, printer),
        Command::Delete(args) => objects::delete(&args, printer),
        Command::Freeze(args) => objects::freeze(&args, printer),
        Command::Approve(args) => runs::approve(&args, printer),
        Command::Audit(args) => audit::run(&args, printer),
        Command::Agent(args) => agent::run(&args, printer),
        Command::Agents(args) => agents::run(&args, printer),
    }
}

/// What stands on standard output.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    /// Text for people.
    Text,
    /// JSON; failures are documents, too.
    Json,
    /// Something else that is not to be touched.
    Bytes,
}

// === impl Form ===

impl Form {
    fn of(command: &Command) -> Self {
        match command {
            Command::Validate(args) => args.output.into(),
            Command::Preview(args) => args.output.into(),
            Command::Rehearse(args) => args.output.into(),
            Command::Run(args) => args.live.output.into(),
            Command::Exec(args) => args.ad_hoc.live.output.into(),
            Command::Copy(args) => args.ad_hoc.live.output.into(),
            Command::Recover(args) => args.live.output.into(),
            Command::Runs(args) => Self::of_runs(&args.command),
            Command::Logs(args) => match args.output {
                LogFormat::Text => Self::Text,
                LogFormat::Json => Self::Json,
            },
            Command::Plugins(args) => match &args.command {
                PluginsCommand::List { output } | PluginsCommand::Show { output, .. } => (*output).into(),
            },
            Command::Nodes(args) => match &args.command {
                NodesCommand::List(args) => args.output.into(),
                NodesCommand::Show(args) => args.output.into(),
                NodesCommand::Vars(args) => args.output.into(),
                NodesCommand::Facts(args) => args.output.into(),
                NodesCommand::Select(args) => args.output.into(),
            },
            Command::Agents(args) => match &args.command {
                AgentsCommand::List(args) => args.output.into(),
                AgentsCommand::Token(args) => args.output.into(),
                AgentsCommand::Tokens(args) => args.output.into(),
                AgentsCommand::Revoke(_) => Self::Text,
            },
            Command::Apply(args) => args.output.into(),
            Command::Get(args) => args.output.into(),
            Command::Whoami(args) => args.output.into(),
            Command::Tokens(args) => args.output.into(),
            Command::Audit(args) => args.output.into(),
            Command::Contexts(args) => args.output.into(),
            Command::Explain(_)
            | Command::Man(_)
            | Command::Server(_)
            | Command::Up(_)
            | Command::Agent(_)
            | Command::Login(_)
            | Command::Passwd(_)
            | Command::Describe(_)
            | Command::Edit(_)
            | Command::Diff(_)
            | Command::Delete(_)
            | Command::Freeze(_)
            | Command::Approve(_) => Self::Text,
            Command::Schema(_) | Command::Completions(_) | Command::Docs(_) => Self::Bytes,
        }
    }

    fn of_runs(command: &RunsCommand) -> Self {
        match command {
            RunsCommand::List(args) => args.output.into(),
            RunsCommand::Show(args) => args.output.into(),
            RunsCommand::Events(_) => Self::Json,
            RunsCommand::Report(args) => match args.output {
                ReportFormat::Text => Self::Text,
                ReportFormat::Json => Self::Json,
                ReportFormat::Html => Self::Bytes,
            },
            RunsCommand::Watch(args) => args.output.into(),
            RunsCommand::Retry(args) => args.live.output.into(),
            RunsCommand::Stop(_)
            | RunsCommand::Cancel(_)
            | RunsCommand::Kill(_)
            | RunsCommand::Pause(_)
            | RunsCommand::Resume(_)
            | RunsCommand::Approve(_)
            | RunsCommand::Reject(_)
            | RunsCommand::Resolve(_) => Self::Text,
        }
    }
}

impl From<DocumentFormat> for Form {
    fn from(format: DocumentFormat) -> Self {
        match format {
            DocumentFormat::Text => Self::Text,
            DocumentFormat::Json => Self::Json,
        }
    }
}

impl From<ObjectFormat> for Form {
    fn from(format: ObjectFormat) -> Self {
        match format {
            ObjectFormat::Text => Self::Text,
            ObjectFormat::Json | ObjectFormat::Jsonl => Self::Json,
            ObjectFormat::Yaml => Self::Bytes,
        }
    }
}

impl From<LiveFormat> for Form {
    fn from(format: LiveFormat) -> Self {
        match format {
            LiveFormat::Text => Self::Text,
            LiveFormat::Json | LiveFormat::Events => Self::Json,
        }
    }
}
