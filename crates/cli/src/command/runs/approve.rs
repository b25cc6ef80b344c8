//! `windlass runs approve|reject [RUN]`

use windlass_model::code;
use windlass_model::event::Author;
use windlass_model::outcome::RunStatus;

use super::command::mention_recovery;
use crate::access::Access;
use crate::args::{ApproveArgs, CommandArgs};
use crate::control::Ask;
use crate::exit::Exit;
use crate::failure::{Failure, Outcome};
use crate::printer::Printer;
use crate::user;

pub(super) async fn run(args: &ApproveArgs, access: &Access, printer: &mut Printer) -> Outcome {
    let run = access.find(&args.run.run).await?;
    // Bound to what this person was shown, if they say what that was, else to what the run is now.
    let digest = access.submission(run).await?.digest();
    if let Some(wanted) = &args.digest {
        let wanted = wanted.trim().to_ascii_lowercase();
        if wanted.len() < 8 || !digest.to_string().starts_with(&wanted) {
            return Err(Failure::new(
                Exit::Invalid,
                code::DIGEST_MISMATCH,
                format!("the approval is for digest {wanted}; this run is {digest}"),
            )
            .help("look at `windlass runs show`, and approve the digest that it prints"));
        }
    }
    let by = Author { user: user::current(), why: args.why.clone() };
    access.ask(Ask::Approve { run, digest: Some(digest), by }).await?;
    let row = access.row(run).await?;
    if row.view.status == RunStatus::AwaitingApproval {
        printer.line(format_args!("approved run {run}; it still waits for others"));
    } else {
        printer.line(format_args!("approved run {run}"));
        mention_recovery(access, printer);
    }
    Ok(Exit::Succeeded)
}

pub(super) async fn reject(args: &CommandArgs, access: &Access, printer: &mut Printer) -> Outcome {
    let run = access.find(&args.run.run).await?;
    let by = Author { user: user::current(), why: args.why.clone() };
    access.ask(Ask::Reject { run, by }).await?;
    printer.line(format_args!("rejected run {run}"));
    Ok(Exit::Succeeded)
}
