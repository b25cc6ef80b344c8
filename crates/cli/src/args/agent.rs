//! Flags of `agent`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

/// `windlass agent`
#[derive(Debug, Args)]
#[command(after_help = "\
An agent dials in to a server by itself, so nothing on its node listens, and the server needs no way in. It does what the server's
runs order for its node, as the user that it runs as, and nothing else.

Examples:
  windlass agent join https://windlass.example.org:8443 --token wlj_...
  windlass agent run")]
pub(crate) struct AgentArgs {
    #[command(subcommand)]
    pub(crate) command: AgentCommand,
}

/// What an agent does.
#[derive(Debug, Subcommand)]
pub(crate) enum AgentCommand {
    /// Become the agent of a node, once, and serve.
    Join(JoinArgs),
    /// Serve: dial in to the server that was joined, and again whenever the connection is lost.
    Run(AgentRunArgs),
    /// Say whether it would come up. It serves nobody.
    #[command(hide = true)]
    Check(AgentPlaceArgs),
}

/// `windlass agent join`
#[derive(Debug, Args)]
pub(crate) struct JoinArgs {
    /// Where the server is: https://HOST:PORT.
    #[arg(value_name = "URL")]
    pub(crate) server: String,
    /// The join token, of which the server keeps no copy. Others on this machine can see command lines: rather set
    /// $WINDLASS_JOIN_TOKEN.
    #[arg(long, value_name = "TOKEN", env = "WINDLASS_JOIN_TOKEN", hide_env_values = true)]
    pub(crate) token: String,
    /// The node to be the agent of; what this machine calls itself unless given.
    #[arg(long, value_name = "NODE")]
    pub(crate) name: Option<String>,
    /// Join, and leave serving to `windlass agent run`.
    #[arg(long)]
    pub(crate) only: bool,
    #[command(flatten)]
    pub(crate) place: AgentPlaceArgs,
}

/// `windlass agent run`
#[derive(Debug, Args)]
pub(crate) struct AgentRunArgs {
    /// Keep this program, whatever the server offers.
    #[arg(long)]
    pub(crate) keep_program: bool,
    #[command(flatten)]
    pub(crate) place: AgentPlaceArgs,
}

/// Where an agent keeps what it must not lose.
#[derive(Debug, Args)]
pub(crate) struct AgentPlaceArgs {
    /// Where the agent keeps its key, its certificate and the journals of its work; $WINDLASS_AGENT_DIR, /var/lib/windlass-agent for
    /// root, $XDG_STATE_HOME/windlass-agent or ~/.local/state/windlass-agent unless given.
    #[arg(long, value_name = "DIR")]
    pub(crate) data_dir: Option<PathBuf>,
}
