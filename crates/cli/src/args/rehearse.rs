//! Flags of `rehearse`.

use clap::Args;

use super::context::ContextArgs;
use super::output::LiveFormat;
use super::param::PlanArgs;

/// `windlass rehearse`
#[derive(Debug, Args)]
#[command(after_help = "\
The same engine as in `run`, with a virtual clock and simulated targets: nothing is touched, and hours take milliseconds.
The same seed gives the same rehearsal, to the last event.

A fault is ADDRESS-GLOB[@ATTEMPT]=KIND, where KIND is fail, permanent, hang, stubborn or slow:DURATION, and `*` matches \
any text; [%PERCENT] and [+FROM..TO] before the `=` make it rarer:
  --fault 'patch/web03/*=fail'                every attempt of every action on web03 fails
  --fault 'patch/*/reboot@1=hang'             the first attempt of every reboot hangs
  --fault 'patch/web0?/drain=slow:90s'        each drain takes 90 s
  --fault 'patch/*/drain%10=fail'             one drain of ten fails
  --fault 'checks.continuous/*+5m..6m=fail'   the plan's continuous checks fail for a minute

Examples:
  windlass rehearse rolling-patch.yaml --targets 1000
  windlass rehearse rolling-patch.yaml --seed 7 --fault 'patch/*/reboot=fail' --crash-at 120
  windlass rehearse rolling-patch.yaml --output json | jq .run.status

Exit codes are those of `run`, so that a rehearsal can be a test.")]
pub(crate) struct RehearseArgs {
    #[command(flatten)]
    pub(crate) plan: PlanArgs,
    #[command(flatten)]
    pub(crate) context: ContextArgs,
    /// Where chance begins: canaries, jitter, simulated times.
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub(crate) seed: u64,
    /// Rehearse a run with --noop.
    #[arg(long)]
    pub(crate) noop: bool,
    /// Make something go wrong; may be given many times.
    #[arg(long = "fault", value_name = "FAULT")]
    pub(crate) faults: Vec<String>,
    /// Let the engine die right after this event and go on; may be given many times.
    #[arg(long = "crash-at", value_name = "EVENT", value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) crash_at: Vec<u64>,
    /// Replace the targets of every block by N simulated nodes n00001, n00002, …
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub(crate) targets: Option<u32>,
    /// How to print: text for people, json for one document, events for the log.
    #[arg(long, value_enum, default_value_t, value_name = "FORMAT")]
    pub(crate) output: LiveFormat,
}
