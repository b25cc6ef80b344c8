//! `windlass runs events [RUN]`

use windlass_model::late::Growing;
use windlass_report::Clock;

use crate::access::Access;
use crate::args::EventsArgs;
use crate::exit::Exit;
use crate::failure::Outcome;
use crate::printer::Printer;

pub(super) async fn run(args: &EventsArgs, access: &Access, printer: &mut Printer) -> Outcome {
    let run = access.find(&args.run.run).await?;
    let mut layout = Growing::new(access.layout(run).await?);
    // What was chosen before tells how things are called.
    let is_late = !layout.layout().submission.late.is_empty();
    let from = if is_late { 1 } else { args.from };
    let mut events = access.events(run, from, args.follow).await?;
    while let Some(event) = events.next().await {
        let event = event?;
        layout.apply(&event.what);
        if event.seq < args.from {
            continue;
        }
        printer.line(windlass_report::event_json(&event, layout.layout(), Clock::Wall));
        if printer.is_out_closed() {
            break;
        }
    }
    Ok(Exit::Succeeded)
}
