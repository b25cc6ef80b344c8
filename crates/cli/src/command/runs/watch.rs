//! `windlass runs watch [RUN]`

use std::time::Duration;

use windlass_model::code;
use windlass_model::id::RunId;
use windlass_model::outcome::RunStatus;
use windlass_report::Fold;
use windlass_runtime::Clock;

use crate::access::{Access, apply};
use crate::args::{LiveFormat, WatchArgs};
use crate::drive::{ask_for_help, catch_signals};
use crate::exit::Exit;
use crate::failure::{Failure, Outcome};
use crate::live::{Live, Seat};
use crate::printer::{Printer, Styled, WARN};
use crate::signals::Signals;

const TICK: Duration = Duration::from_millis(100);

/// How often a lost connection is made again before anybody hears of it.
const AGAIN: u32 = 3;

pub(super) async fn run(args: &WatchArgs, access: &Access, printer: &mut Printer) -> Outcome {
    // Listened for from the beginning: one that came between two looks would be lost.
    let mut signals = catch_signals()?;
    let run = access.find(&args.run.run).await?;
    let mut watch = Watch {
        run,
        fold: Fold::new(access.layout(run).await?),
        live: Live::new(args.output, Seat::Watcher, access.typed().clone()),
        // What happened before is in the picture; only what happens from now on is told line by line.
        told_from: if args.output == LiveFormat::Events { 0 } else { access.row(run).await?.view.seq },
    };
    let mut end = watch.follow(access, &mut signals, printer).await;
    let mut lost = 0;
    // Whoever drove the run is gone; somebody else may drive it, or nobody.
    while matches!(&end, Err(failure) if failure.is(&code::CONTROL)) && lost < AGAIN {
        lost += 1;
        let Ok(again) = Access::open(&args.run.place).await else { break };
        let seq = watch.fold.seq();
        end = watch.follow(&again, &mut signals, printer).await;
        again.close().await?;
        if watch.fold.seq() > seq {
            lost = 0;
        }
    }
    watch.live.leave(printer);
    let Watch { fold, mut live, .. } = watch;
    match end? {
        End::Run => {}
        End::Reader => return Ok(Exit::Succeeded),
        End::Person => {
            printer.note("no longer watching; the run goes on");
            return Ok(Exit::Succeeded);
        }
    }
    live.end(&fold, None, printer);
    if fold.status().is_terminal() {
        return Ok(Exit::of(fold.status()));
    }
    if fold.asked().next().is_none() && fold.status() != RunStatus::AwaitingApproval {
        printer.note(format_args!(
            "{} `{}` goes on with it",
            Styled(WARN, "no process drives this run:"),
            access.typed().command("recover")
        ));
    }
    ask_for_help(&fold, true, access.typed(), printer);
    Ok(Exit::Waiting)
}

/// What has been seen so far.
struct Watch {
    run: RunId,
    fold: Fold,
    live: Live,
    told_from: u64,
}

/// Why there is nothing more to see.
enum End {
    /// The run has ended, or nobody drives it.
    Run,
    /// Nobody reads what is written.
    Reader,
    /// Whoever watched has seen enough.
    Person,
}

// === impl Watch ===

impl Watch {
    async fn follow(
        &mut self,
        access: &Access,
        signals: &mut Signals,
        printer: &mut Printer,
    ) -> Result<End, Failure> {
        let mut events = access.events(self.run, self.fold.seq().saturating_add(1), true).await?;
        let mut tick = tokio::time::interval(TICK);
        tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let clock = Clock::system();
        loop {
            tokio::select! {
                biased;
                _ = signals.next() => return Ok(End::Person),
                event = events.next() => {
                    let Some(event) = event else { return Ok(End::Run) };
                    let event = event?;
                    apply(&mut self.fold, &event)?;
                    if event.seq >= self.told_from {
                        self.live.event(&self.fold, &event, printer);
                    }
                    if printer.is_out_closed() {
                        return Ok(End::Reader);
                    }
                },
                _ = tick.tick() => self.live.tick(&self.fold, clock.now(), printer),
            }
        }
    }
}
