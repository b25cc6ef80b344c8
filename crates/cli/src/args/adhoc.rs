//! Flags of `exec` and `copy`: work that is not worth a plan file.

use std::path::PathBuf;

use clap::Args;
use windlass_model::amount::Amount;
use windlass_model::span::Span;

use super::context::PlaceArgs;
use super::nodes::InventoryArgs;
use super::param::SecretsArgs;
use super::run::{LiveArgs, ReachArgs};

/// On which nodes, how many at once, and what may fail.
#[derive(Debug, Args)]
pub(crate) struct AdHocArgs {
    /// The nodes, such as `@web,!web07`; `windlass nodes select --help` says how selections are written.
    #[arg(value_name = "SELECTION")]
    pub(crate) selection: String,
    #[command(flatten)]
    pub(crate) inventory: InventoryArgs,
    /// How many nodes at once: a count, or a share such as 20%.
    #[arg(short, long, value_name = "COUNT|PERCENT", default_value = "50", value_parser = Amount::parse)]
    pub(crate) concurrency: Amount,
    /// Begin on no further node once more than so many have failed: a count, or a share such as 5%.
    ///
    /// Without it, every node has its turn. Whatever is given, the exit code is 1 as soon as one node has failed.
    #[arg(long, value_name = "COUNT|PERCENT", value_parser = Amount::parse)]
    pub(crate) failures: Option<Amount>,
    /// How long it may take on each node.
    #[arg(short, long, value_name = "DURATION", default_value = "10m")]
    pub(crate) timeout: Span,
    /// Change nothing: say what would be changed.
    #[arg(long)]
    pub(crate) noop: bool,
    #[command(flatten)]
    pub(crate) place: PlaceArgs,
    #[command(flatten)]
    pub(crate) live: LiveArgs,
    #[command(flatten)]
    pub(crate) reach: ReachArgs,
    #[command(flatten)]
    pub(crate) secrets: SecretsArgs,
}

/// `windlass exec`
#[derive(Debug, Args)]
#[command(after_help = "\
Each line of output is printed as it arrives, with the node that it is from: standard output to standard output, standard
error to standard error. It is a run like any other: its log is kept, `windlass recover` goes on with it after a crash,
Ctrl-C stops it, and a node that another run works on is waited for.

The command is run as it stands, without a shell; --shell runs it in one. Nothing in it is a template unless --template says so.

Examples:
  windlass exec '@web' -- uptime
  windlass exec '@web,!web07' -i hosts.yaml --shell -- 'df -h / | tail -n 1'
  windlass exec 'role:db' --concurrency 1 --failures 0 -- systemctl restart postgresql
  windlass exec '@web' --template -- echo '{{ node.name }} is in {{ node.labels.rack }}'

Exit codes: 0 succeeded on every node · 1 failed on one · 2 invalid · 3 stopped · 4 waits for a person · 5 store locked or unavailable")]
pub(crate) struct ExecArgs {
    #[command(flatten)]
    pub(crate) ad_hoc: AdHocArgs,
    /// Run it in a shell: all words make one script, with spaces between them.
    #[arg(long)]
    pub(crate) shell: bool,
    /// Read `{{ }}` in the command as templates, with what templates of a plan see of a node.
    #[arg(long)]
    pub(crate) template: bool,
    /// The directory to run in.
    #[arg(long, value_name = "DIR")]
    pub(crate) cwd: Option<String>,
    /// The program and its arguments.
    #[arg(last = true, required = true, value_name = "COMMAND")]
    pub(crate) command: Vec<String>,
}

/// `windlass copy`
#[derive(Debug, Args)]
#[command(after_help = "\
What is there already with the same content, owner and mode is left alone. Each file takes its place whole, or not at all.
A directory is copied with all that is in it; what else is there stays, unless --purge says otherwise.
A DESTINATION that ends with / is the directory to copy into.

Examples:
  windlass copy '@web' motd /etc/motd --mode 0644 --owner root
  windlass copy '@web' site/ /srv/site --purge --noop")]
pub(crate) struct CopyArgs {
    #[command(flatten)]
    pub(crate) ad_hoc: AdHocArgs,
    /// The file or directory on this machine.
    #[arg(value_name = "SOURCE")]
    pub(crate) source: PathBuf,
    /// Where it goes on the nodes.
    #[arg(value_name = "DESTINATION")]
    pub(crate) destination: String,
    /// Who owns it.
    #[arg(long, value_name = "USER")]
    pub(crate) owner: Option<String>,
    /// Its group.
    #[arg(long, value_name = "GROUP")]
    pub(crate) group: Option<String>,
    /// Its permission bits, such as 0644; of a directory those of the directory itself.
    #[arg(long, value_name = "BITS")]
    pub(crate) mode: Option<String>,
    /// Keep what was there beside it. Only for files.
    #[arg(long)]
    pub(crate) backup: bool,
    /// Remove from a directory what is not in SOURCE.
    #[arg(long, conflicts_with = "backup")]
    pub(crate) purge: bool,
}
