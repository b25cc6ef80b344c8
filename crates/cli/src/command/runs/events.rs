//! `windlass runs events [RUN]`

use windlass_report::Clock;

use crate::access::Access;
use crate::args::EventsArgs;
use crate::exit::Exit;
use crate::failure::Outcome;
use crate::printer::Printer;

pub(super) async fn run(args: &EventsArgs, access: &Access, printer: &mut Printer) -> Outcome {
    let run = access.find(&args.run.run).await?;
    let layout = access.layout(run).await?;
    let mut events = access.events(run, args.from, args.follow).await?;
    while let Some(event) = events.next().await {
        printer.line(windlass_report::event_json(&event?, &layout, Clock::Wall));
        if printer.is_out_closed() {
            break;
        }
    }
    Ok(Exit::Succeeded)
}
