//! `windlass runs …`: look at runs and command them, whoever drives them.

mod approve;
mod command;
mod events;
mod list;
mod report;
mod resolve;
mod retry;
mod show;
mod watch;

use windlass_model::event::Command;

use crate::access::Access;
use crate::args::{ApproveArgs, PlaceArgs, RunsArgs, RunsCommand};
use crate::failure::Outcome;
use crate::printer::Printer;
use crate::session::tokio_runtime;

pub(super) fn run(args: &RunsArgs, printer: &mut Printer) -> Outcome {
    tokio_runtime()?.block_on(async {
        match &args.command {
            RunsCommand::Retry(args) => retry::run(args, printer).await,
            other => {
                let access = Access::open(place(other)).await?;
                let outcome = one(other, &access, printer).await;
                let closed = access.close().await;
                let exit = outcome?;
                closed.map(|()| exit)
            }
        }
    })
}

/// `windlass approve`
pub(super) fn approve(args: &ApproveArgs, printer: &mut Printer) -> Outcome {
    tokio_runtime()?.block_on(async {
        let access = Access::open(&args.run.place).await?;
        let outcome = approve::run(args, &access, printer).await;
        let closed = access.close().await;
        let exit = outcome?;
        closed.map(|()| exit)
    })
}

async fn one(command: &RunsCommand, access: &Access, printer: &mut Printer) -> Outcome {
    match command {
        RunsCommand::List(args) => list::run(args, access, printer).await,
        RunsCommand::Show(args) => show::run(args, access, printer).await,
        RunsCommand::Events(args) => events::run(args, access, printer).await,
        RunsCommand::Report(args) => report::run(args, access, printer).await,
        RunsCommand::Watch(args) => watch::run(args, access, printer).await,
        RunsCommand::Stop(args) => command::run(args, Command::Stop, access, printer).await,
        RunsCommand::Cancel(args) => command::run(args, Command::Cancel, access, printer).await,
        RunsCommand::Kill(args) => command::run(args, Command::Kill, access, printer).await,
        RunsCommand::Pause(args) => command::run(args, Command::Pause, access, printer).await,
        RunsCommand::Resume(args) => command::run(args, Command::Resume, access, printer).await,
        RunsCommand::Approve(args) => approve::run(args, access, printer).await,
        RunsCommand::Reject(args) => approve::reject(args, access, printer).await,
        RunsCommand::Resolve(args) => resolve::run(args, access, printer).await,
        RunsCommand::Retry(args) => retry::run(args, printer).await,
    }
}

fn place(command: &RunsCommand) -> &PlaceArgs {
    match command {
        RunsCommand::List(args) => &args.place,
        RunsCommand::Show(args) => &args.run.place,
        RunsCommand::Events(args) => &args.run.place,
        RunsCommand::Report(args) => &args.run.place,
        RunsCommand::Watch(args) => &args.run.place,
        RunsCommand::Stop(args)
        | RunsCommand::Cancel(args)
        | RunsCommand::Kill(args)
        | RunsCommand::Pause(args)
        | RunsCommand::Resume(args)
        | RunsCommand::Reject(args) => &args.run.place,
        RunsCommand::Approve(args) => &args.run.place,
        RunsCommand::Resolve(args) => &args.run.place,
        RunsCommand::Retry(args) => &args.run.place,
    }
}
