//! `windlass runs watch [RUN]`

use std::time::Duration;

use windlass_report::Fold;
use windlass_runtime::Clock;

use crate::access::{Access, apply};
use crate::args::{LiveFormat, WatchArgs};
use crate::drive::{ask_for_help, catch_signals};
use crate::exit::Exit;
use crate::failure::Outcome;
use crate::live::{Live, Seat};
use crate::printer::{Printer, Styled, WARN};

const TICK: Duration = Duration::from_millis(100);

pub(super) async fn run(args: &WatchArgs, access: &Access, printer: &mut Printer) -> Outcome {
    // Listened for from the beginning: one that came between two looks would be lost.
    let mut signals = catch_signals()?;
    let run = access.find(&args.run.run).await?;
    let mut fold = Fold::new(access.layout(run).await?);
    let mut live = Live::new(args.output, Seat::Watcher, access.data_dir().clone());
    let mut events = access.events(run, 1, true).await?;
    let mut tick = tokio::time::interval(TICK);
    tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let clock = Clock::system();
    // What happened before is in the picture; only what happens from now on is told line by line.
    let told_from = access.row(run).await?.view.seq;
    loop {
        tokio::select! {
            biased;
            _ = signals.next() => {
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
    live.end(&fold, None, printer);
    if fold.status().is_terminal() {
        return Ok(Exit::of(fold.status()));
    }
    printer.note(format_args!(
        "{} `{}` goes on with it",
        Styled(WARN, "no process drives this run:"),
        access.data_dir().command("recover")
    ));
    ask_for_help(&fold, true, access.data_dir(), printer);
    Ok(Exit::Waiting)
}
