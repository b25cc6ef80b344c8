//! Flags of `run` and `recover`, and those that several commands share.

use std::num::NonZeroUsize;
use std::path::PathBuf;

use clap::Args;
use windlass_model::span::Span;

use super::context::PlaceArgs;
use super::output::LiveFormat;
use super::param::{PlanArgs, SecretsArgs};
use crate::failure::Failure;

/// Says where runs are kept where no flag does.
pub(crate) const DATA_DIR_VARIABLE: &str = "WINDLASS_DATA_DIR";

/// Where runs are kept.
#[derive(Clone, Debug, Default, Args)]
pub(crate) struct DataDirArgs {
    /// Where runs are kept; $WINDLASS_DATA_DIR, $XDG_STATE_HOME/windlass or ~/.local/state/windlass unless given.
    #[arg(long, value_name = "DIR")]
    pub(crate) data_dir: Option<PathBuf>,
}

/// How a run that goes on is shown.
#[derive(Clone, Debug, Default, Args)]
pub(crate) struct LiveArgs {
    /// How to print: text for people, json for one document at the end, events for the log as it grows.
    #[arg(long, value_enum, default_value_t, value_name = "FORMAT")]
    pub(crate) output: LiveFormat,
}

/// How nodes are reached.
#[derive(Clone, Debug, Default, Args)]
pub(crate) struct ReachArgs {
    /// How many connections to nodes may be made at once; 64 unless given.
    #[arg(long, value_name = "COUNT")]
    pub(crate) connect_at_once: Option<NonZeroUsize>,
}

/// Why a run is submitted.
#[derive(Clone, Debug, Default, Args)]
pub(crate) struct ReasonArgs {
    /// Why, for the record of the server that drives the run.
    #[arg(long, value_name = "TEXT", default_value = "", hide_default_value = true)]
    pub(crate) why: String,
}

// === impl ReasonArgs ===

impl ReasonArgs {
    /// Refuses a reason that nobody would keep.
    pub(crate) fn refuse_here(&self) -> Result<(), Failure> {
        match self.why.is_empty() {
            true => Ok(()),
            false => Err(Failure::usage("--why is for the record of a server, and this run is driven here")
                .help("leave it out, or give --context")),
        }
    }
}

/// `windlass run`
#[derive(Debug, Args)]
#[command(after_help = "\
Every step is on disk before it acts. If this process dies, `windlass recover` goes on where it was.

Ctrl-C asks the run to end, one step harsher each time:
  once    stop: nothing new starts, what is in flight ends by itself
  twice   cancel: what is in flight is asked to end
  thrice  kill: what is in flight is ended
SIGTERM and SIGHUP stop, too. Deferred work and checks run in any case.

With --context, a server drives the run: FILE is sent to it, or is the name of a plan that it has; nodes, variables and
secrets are those of its namespace, and what of them is named on this command line is refused.

Examples:
  windlass run rolling-patch.yaml -p release=1.4
  windlass run rolling-patch.yaml -p token=@token.txt --approve
  windlass run rolling-patch.yaml -p release=1.4 --noop
  windlass run rolling-patch --context prod -p release=1.4      a plan of the server's namespace
  windlass run rolling-patch.yaml --output events | jq -c 'select(.kind == \"actionEnded\")'

Exit codes: 0 succeeded · 1 failed · 2 invalid · 3 stopped · 4 waits for a person · 5 store locked or unavailable")]
pub(crate) struct RunArgs {
    #[command(flatten)]
    pub(crate) plan: PlanArgs,
    /// Approve the run as yourself, where its plan lets the author approve.
    #[arg(long)]
    pub(crate) approve: bool,
    /// Change nothing: ask every action what it would change. Conditions and checks are really evaluated.
    ///
    /// It is a run with a log of its own. An action that cannot tell says so, and what depends on a change that was
    /// not made is unknown instead of failed. No lock is taken, no approval needed, no delay waited for.
    #[arg(long, conflicts_with = "approve")]
    pub(crate) noop: bool,
    /// Ask nodes for their facts first, where those that are kept are older than this.
    ///
    /// All nodes of --selection are asked, or all of the inventory. A node that does not answer is a warning.
    #[arg(long, value_name = "DURATION")]
    pub(crate) fresh_facts: Option<Span>,
    #[command(flatten)]
    pub(crate) reason: ReasonArgs,
    #[command(flatten)]
    pub(crate) place: PlaceArgs,
    #[command(flatten)]
    pub(crate) live: LiveArgs,
    #[command(flatten)]
    pub(crate) reach: ReachArgs,
}

/// `windlass recover`
#[derive(Debug, Args)]
#[command(after_help = "\
Finished work is not repeated; what was in flight when the process died is taken up as its plugin and plan allow, or \
a person is asked. Remaining retries, delays and batches are kept.

All unfinished runs go on at once. The exit code is that of the worst: 5 for one that cannot be gone on with, then 4 for
one that waits for a person, 1 for one that failed, 3 for one that was stopped. --output json prints {\"runs\": [...]} with
one document for each, --output events says in each line which run it is of.

Example:
  windlass recover --data-dir /var/lib/windlass")]
pub(crate) struct RecoverArgs {
    #[command(flatten)]
    pub(crate) data_dir: DataDirArgs,
    #[command(flatten)]
    pub(crate) live: LiveArgs,
    #[command(flatten)]
    pub(crate) reach: ReachArgs,
    #[command(flatten)]
    pub(crate) secrets: SecretsArgs,
}
