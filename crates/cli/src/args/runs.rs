//! Flags of `runs …`.

use std::path::PathBuf;
use std::str::FromStr;

use clap::{Args, Subcommand};

use super::context::PlaceArgs;
use super::output::{DocumentFormat, LiveFormat, ReportFormat};
use super::param::{ParamArgs, SecretsArgs};
use super::run::{LiveArgs, ReachArgs, ReasonArgs};
use super::search::{LabelArg, When};

/// `windlass runs`
#[derive(Debug, Args)]
#[command(after_help = "\
RUN is a run's id, the beginning of one, or `last`, which is the default.

While another process drives the runs of the data directory, these commands go to it; otherwise they read and write \
the directory themselves, and `windlass recover` goes on with what is unfinished. With --context they are about the runs \
of a server, with the same words and the same output.")]
pub(crate) struct RunsArgs {
    #[command(subcommand)]
    pub(crate) command: RunsCommand,
}

/// The subcommands of `windlass runs`.
#[derive(Debug, Subcommand)]
pub(crate) enum RunsCommand {
    /// List runs, newest first.
    List(ListArgs),
    /// Show where a run stands, and what it waits for.
    Show(ShowArgs),
    /// Print the log of a run, one JSON object a line.
    Events(EventsArgs),
    /// Print the report of a run.
    Report(ReportArgs),
    /// Follow a run as it goes on.
    Watch(WatchArgs),
    /// Start nothing new; let what is in flight end.
    Stop(CommandArgs),
    /// Stop, and ask what is in flight to end (TERM).
    Cancel(CommandArgs),
    /// Stop, and end what is in flight (KILL).
    Kill(CommandArgs),
    /// Start nothing new until resumed.
    Pause(CommandArgs),
    /// Go on after a pause.
    Resume(CommandArgs),
    /// Agree with a run that waits for approval.
    Approve(ApproveArgs),
    /// Refuse a run that waits for approval; it ends.
    Reject(CommandArgs),
    /// Settle what waits for a person after a crash or a failed undo.
    Resolve(ResolveArgs),
    /// Run again what did not succeed, as a new run of the same group.
    Retry(RetryArgs),
}

/// Which run, and where it is kept.
#[derive(Clone, Debug, Args)]
pub(crate) struct RunRef {
    /// The run: its id, the beginning of one, or `last`.
    #[arg(value_name = "RUN", default_value = "last", hide_default_value = true)]
    pub(crate) run: String,
    #[command(flatten)]
    pub(crate) place: PlaceArgs,
}

/// `windlass runs list`
#[derive(Debug, Args)]
#[command(after_help = "\
Conditions of different kinds must all hold; of one kind, one of those that are given. Each label is a kind of its own. \
A text is looked for in the plan's name and description, the user, the labels and the reason, whatever its case.

A time is a length of time before now (90m, 2h, 7d) or a date and time in UTC (2026-11-20, 2026-11-20T13:00, or with an \
offset: 2026-11-20T13:00:00+01:00).

Examples:
  windlass runs list --status running,paused             what is under way
  windlass runs list --status failed --since 24h         what failed since yesterday
  windlass runs list --label team=web --label team=db    of either team
  windlass runs list --label ticket --user ada           with a label of any value, and by ada
  windlass runs list --group autumn                      of the plans that say `group: autumn`")]
pub(crate) struct ListArgs {
    /// How many to list; 0 lists all.
    #[arg(long, short = 'n', value_name = "N", default_value_t = 20)]
    pub(crate) limit: usize,
    /// Only runs that stand like this: running, paused, awaitingApproval, succeeded, failed, stopped, submitted.
    #[arg(long, value_name = "STATUS", value_delimiter = ',')]
    pub(crate) status: Vec<String>,
    /// Only runs of the plan of this name.
    #[arg(long, value_name = "NAME")]
    pub(crate) plan: Vec<String>,
    /// Only runs with this label, with this value if one is given.
    #[arg(long, value_name = "KEY[=VALUE]", value_parser = LabelArg::from_str)]
    pub(crate) label: Vec<LabelArg>,
    /// Only runs of this group: a group's id, or the name that plans give it; retries are of the group of what they retry.
    #[arg(long, value_name = "ID|NAME")]
    pub(crate) group: Vec<String>,
    /// Only these runs: ids, beginnings of ids, or `last`.
    #[arg(long, value_name = "RUN")]
    pub(crate) id: Vec<String>,
    /// Only runs that this user submitted.
    #[arg(long, value_name = "USER")]
    pub(crate) user: Vec<String>,
    /// Only runs that say this somewhere.
    #[arg(long, value_name = "TEXT")]
    pub(crate) text: Option<String>,
    /// Only runs submitted then or later.
    #[arg(long, value_name = "TIME", value_parser = When::from_str)]
    pub(crate) since: Option<When>,
    /// Only runs submitted before then.
    #[arg(long, value_name = "TIME", value_parser = When::from_str)]
    pub(crate) until: Option<When>,
    /// How to print the result.
    #[arg(long, value_enum, default_value_t, value_name = "FORMAT")]
    pub(crate) output: DocumentFormat,
    #[command(flatten)]
    pub(crate) place: PlaceArgs,
}

/// `windlass runs show`
#[derive(Debug, Args)]
pub(crate) struct ShowArgs {
    #[command(flatten)]
    pub(crate) run: RunRef,
    /// How to print the result.
    #[arg(long, value_enum, default_value_t, value_name = "FORMAT")]
    pub(crate) output: DocumentFormat,
}

/// `windlass runs events`
#[derive(Debug, Args)]
pub(crate) struct EventsArgs {
    #[command(flatten)]
    pub(crate) run: RunRef,
    /// Begin with the event of this number.
    #[arg(long, value_name = "SEQ", default_value_t = 1)]
    pub(crate) from: u64,
    /// Go on until the run ends.
    #[arg(long, short)]
    pub(crate) follow: bool,
}

/// `windlass runs report`
#[derive(Debug, Args)]
pub(crate) struct ReportArgs {
    #[command(flatten)]
    pub(crate) run: RunRef,
    /// In which form.
    #[arg(long, value_enum, default_value_t, value_name = "FORMAT")]
    pub(crate) output: ReportFormat,
    /// Write it into this file instead of to standard output.
    #[arg(long = "out", short = 'o', value_name = "FILE")]
    pub(crate) file: Option<PathBuf>,
}

/// `windlass runs watch`
#[derive(Debug, Args)]
#[command(after_help = "\
Ctrl-C ends the watching, not the run. The exit code is the run's when it ends meanwhile.")]
pub(crate) struct WatchArgs {
    #[command(flatten)]
    pub(crate) run: RunRef,
    /// How to print.
    #[arg(long, value_enum, default_value_t, value_name = "FORMAT")]
    pub(crate) output: LiveFormat,
}

/// `windlass runs stop`, `cancel`, `kill`, `pause`, `resume`, `reject`
#[derive(Debug, Args)]
pub(crate) struct CommandArgs {
    #[command(flatten)]
    pub(crate) run: RunRef,
    /// Why, for the record.
    #[arg(long, value_name = "TEXT", default_value = "", hide_default_value = true)]
    pub(crate) why: String,
}

/// `windlass runs approve`
#[derive(Debug, Args)]
pub(crate) struct ApproveArgs {
    #[command(flatten)]
    pub(crate) run: RunRef,
    /// Approve only if the run has this digest, as `runs show` prints it.
    #[arg(long, value_name = "DIGEST")]
    pub(crate) digest: Option<String>,
    /// Why, for the record.
    #[arg(long, value_name = "TEXT", default_value = "", hide_default_value = true)]
    pub(crate) why: String,
}

/// `windlass runs resolve`
#[derive(Debug, Args)]
#[group(id = "verdict", required = true, multiple = true, args = ["done", "failed", "again"])]
#[command(after_help = "\
`windlass runs show` lists what waits, and what is known of it.

Examples:
  windlass runs resolve --done patch/web03/reboot           it was done: go on with the next action
  windlass runs resolve --failed patch/web03/reboot         it was not: count it as failed
  windlass runs resolve --again 'patch/*/reboot'            run all of them again
  windlass recover                                          then go on, if no process drives the run")]
pub(crate) struct ResolveArgs {
    #[command(flatten)]
    pub(crate) run: RunRef,
    /// It was done: go on as if it had succeeded.
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) done: Vec<String>,
    /// It was not done: count it as failed.
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) failed: Vec<String>,
    /// Run it again.
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) again: Vec<String>,
    /// Why, for the record.
    #[arg(long, value_name = "TEXT", default_value = "", hide_default_value = true)]
    pub(crate) why: String,
}

/// `windlass runs retry`
#[derive(Debug, Args)]
#[command(after_help = "\
A run is never run twice: this makes a new one, with the plan, parameters and targets of the old. Secrets are not kept \
for it and have to be given again.")]
pub(crate) struct RetryArgs {
    #[command(flatten)]
    pub(crate) run: RunRef,
    /// Run everything again, also what succeeded.
    #[arg(long)]
    pub(crate) from_scratch: bool,
    #[command(flatten)]
    pub(crate) params: ParamArgs,
    #[command(flatten)]
    pub(crate) secrets: SecretsArgs,
    #[command(flatten)]
    pub(crate) reason: ReasonArgs,
    /// Approve the run as yourself, where its plan lets the author approve.
    #[arg(long)]
    pub(crate) approve: bool,
    #[command(flatten)]
    pub(crate) live: LiveArgs,
    #[command(flatten)]
    pub(crate) reach: ReachArgs,
}
