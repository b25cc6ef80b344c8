//! Flags of `logs`.

use clap::{Args, ValueEnum};
use windlass_model::log_level::LogLevel;

use super::runs::RunRef;

/// `windlass logs`
#[derive(Debug, Args)]
#[command(after_help = "\
RUN is a run's id, the beginning of one, or `last`, which is the default. The run may be going on in another process.

Each line has its time, the action with the number of its attempt, and where it came from:
  |  printed by a program    !  printed as an error    *  said by the plugin    -  said by the run

The files themselves are plain text, one line a record: DATA_DIR/logs/PLAN/RUN/all.log, and
nodes/NODE.log of each node on which something was printed.

Examples:
  windlass logs                                     the last run
  windlass logs --follow --level warn               what goes wrong, as it happens
  windlass logs 01a2 --node web03 --tail 50         the last lines of a node
  windlass logs --action restart --since 10m        what one action printed lately
  windlass logs --output json | jq -r .text         for programs")]
pub(crate) struct LogsArgs {
    #[command(flatten)]
    pub(crate) run: RunRef,
    /// Only lines of this node; a name or a pattern, and may be given again.
    #[arg(long, value_name = "NODE")]
    pub(crate) node: Vec<String>,
    /// Only lines that matter at least so much: error, warn, info or debug.
    #[arg(long, value_name = "LEVEL", default_value = "info")]
    pub(crate) level: LogLevel,
    /// Only lines of actions whose name, or whose address if there is a `/` in it, matches; may be given again.
    #[arg(long, value_name = "PATTERN")]
    pub(crate) action: Vec<String>,
    /// Only lines from then on: a time such as 2026-11-20T14:53:00Z, or how long ago, such as 10m.
    #[arg(long, value_name = "TIME")]
    pub(crate) since: Option<String>,
    /// Only so many of the last lines, and those that follow.
    #[arg(long, short = 'n', value_name = "N")]
    pub(crate) tail: Option<usize>,
    /// Begin at this offset of the file, which is the `next` of the last line that was seen with --output json.
    #[arg(long, value_name = "OFFSET", conflicts_with = "tail")]
    pub(crate) from: Option<u64>,
    /// Go on until the run ends.
    #[arg(long, short)]
    pub(crate) follow: bool,
    /// How to print.
    #[arg(long, value_enum, default_value_t, value_name = "FORMAT")]
    pub(crate) output: LogFormat,
}

/// For logs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// One JSON object a line.
    Json,
}
