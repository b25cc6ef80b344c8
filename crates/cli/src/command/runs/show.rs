//! `windlass runs show [RUN]`

use windlass_model::outcome::RunStatus;
use windlass_report::{Clock, JsonOptions, TextOptions};

use crate::access::Access;
use crate::args::{DocumentFormat, ShowArgs};
use crate::drive::ask_for_help;
use crate::exit::Exit;
use crate::failure::Outcome;
use crate::printer::{FAINT, Printer, Styled, WARN};

pub(super) async fn run(args: &ShowArgs, access: &Access, printer: &mut Printer) -> Outcome {
    let run = access.find(&args.run.run).await?;
    let fold = access.fold(run).await?;
    match args.output {
        DocumentFormat::Json => {
            printer
                .write_out(|mut out| windlass_report::write_json(&fold, &JsonOptions::default(), &mut out));
        }
        DocumentFormat::Text => {
            let options =
                TextOptions { clock: Clock::Wall, palette: printer.palette(), flags: access.typed().flag() };
            printer.write_out(|mut out| windlass_report::write_text(&fold, &options, &mut out));
            let row = access.row(run).await?;
            if let Some(trouble) = &row.trouble {
                printer.warn(trouble);
            }
            printer.note(Styled(FAINT, format_args!("digest {}", fold.layout().submission.digest())));
            let goes_on =
                matches!(fold.status(), RunStatus::Running | RunStatus::Paused | RunStatus::Submitted);
            if goes_on && !access.has_owner() && fold.asked().next().is_none() {
                printer.note(format_args!(
                    "{} `{}` goes on with it",
                    Styled(WARN, "no process drives this run:"),
                    access.typed().command("recover")
                ));
            }
            if !fold.status().is_terminal() {
                ask_for_help(&fold, true, access.typed(), printer);
            }
        }
    }
    Ok(Exit::Succeeded)
}
