//! `windlass runs stop|cancel|kill|pause|resume [RUN]`

use windlass_model::event::{Author, Command};

use crate::access::Access;
use crate::args::CommandArgs;
use crate::control::Ask;
use crate::exit::Exit;
use crate::failure::Outcome;
use crate::printer::{FAINT, Printer, Styled};
use crate::user;

pub(super) async fn run(
    args: &CommandArgs,
    command: Command,
    access: &Access,
    printer: &mut Printer,
) -> Outcome {
    let run = access.find(&args.run.run).await?;
    let by = Author { user: user::current(), why: args.why.clone() };
    access.ask(Ask::Command { run, command, by }).await?;
    let resume = access.typed().command("runs resume");
    let paused = format!("is paused: nothing new starts, what is in flight ends; `{resume}` goes on");
    let what = match command {
        Command::Pause => paused.as_str(),
        Command::Resume => "goes on",
        Command::Stop => "is stopping: nothing new starts, what is in flight ends by itself",
        Command::Cancel => "is being cancelled: what is in flight is asked to end",
        Command::Kill => "is being killed: what is in flight is ended",
    };
    let row = access.row(run).await?;
    if row.view.status.is_terminal() {
        printer.line(format_args!("run {run} has ended: {}", row.view.status.word()));
        return Ok(Exit::Succeeded);
    }
    printer.line(format_args!("run {run} {what}"));
    mention_recovery(access, printer);
    Ok(Exit::Succeeded)
}

/// What was recorded takes effect when somebody drives the run.
pub(super) fn mention_recovery(access: &Access, printer: &mut Printer) {
    if !access.has_owner() {
        printer.note(Styled(
            FAINT,
            format_args!(
                "no process drives it now: this is recorded, and `{}` goes on from there",
                access.typed().command("recover")
            ),
        ));
    }
}
