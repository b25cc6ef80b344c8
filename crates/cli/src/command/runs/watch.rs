//! `windlass runs watch [RUN]`

use std::time::Duration;

use windlass_report::Fold;
use windlass_runtime::Clock;

use crate::access::{Access, apply};
use crate::args::{LiveFormat, WatchArgs};
use crate::drive::ask_for_help;
use crate::exit::Exit;
use crate::failure::Outcome;
use crate::live::Live;
use crate::printer::{Printer, Styled, WARN};

const TICK: Duration = Duration::from_millis(100);

pub(super) async fn run(args: &WatchArgs, access: &Access, printer: &mut Printer) -> Outcome {
    let run = access.find(&args.run.run).await?;
    let mut fold = Fold::new(access.layout(run).await?);
    let mut live = Live::new(args.output, "  Ctrl-C ends the watching, not the run");
    let mut events = access.events(run, 1, true).await?;
    let mut tick = tokio::time::interval(TICK);
    tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let clock = Clock::system();
    // What happened before is in the picture; only what happens from now on is told line by line.
    let told_from = access.row(run).await?.view.seq;
    loop {
        tokio::select! {
            biased;
            _ = tokio::signal::ctrl_c() => {
                live.leave(printer);
                printer.note("no longer watching; the run goes on");
                return Ok(Exit::Succeeded);
            }
            event = events.next() => match event {
                Some(event) => {
                    let event = event?;
                    apply(&mut fold, &event)?;
                    if args.output == LiveFormat::Events || event.seq >= told_from {
                        live.event(&fold, &event, printer);
                    }
                    if printer.is_out_closed() {
                        return Ok(Exit::Succeeded);
                    }
                }
                None => break,
            },
            _ = tick.tick() => live.tick(&fold, clock.now(), printer),
        }
    }
    live.end(&fold, printer);
    if fold.status().is_terminal() {
        return Ok(Exit::of(fold.status()));
    }
    printer.note(format_args!(
        "{} `windlass recover` goes on with it",
        Styled(WARN, "no process drives this run:")
    ));
    ask_for_help(&fold, true, printer);
    Ok(Exit::Waiting)
}
