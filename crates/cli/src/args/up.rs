//! Flags of `up`.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, value_parser};

/// `windlass up`
#[derive(Debug, Args)]
#[command(after_help = "\
It is a server like any other, on this machine alone: what it keeps lies in a directory of its own, its agents join with a token and
work in directories of their own, and nothing else of this machine is touched. Called again, it goes on with what is there.

Examples:
  windlass up
  windlass up --nodes 50 --no-run")]
pub(crate) struct UpArgs {
    /// Where everything is kept; $XDG_STATE_HOME/windlass-up or ~/.local/state/windlass-up unless given.
    #[arg(long, value_name = "DIR")]
    pub(crate) data_dir: Option<PathBuf>,
    /// Where it listens.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8380")]
    pub(crate) listen: SocketAddr,
    /// How many agents there are.
    #[arg(long, value_name = "COUNT", default_value = "6", value_parser = value_parser!(u16).range(1..=200))]
    pub(crate) nodes: u16,
    /// Begin without a first run.
    #[arg(long)]
    pub(crate) no_run: bool,
}
