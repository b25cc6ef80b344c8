//! Flags of `server`.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, Subcommand};
use windlass_model::span::Span;

use super::context::ContextArgs;
use super::run::{DataDirArgs, ReachArgs};

/// `windlass server`
#[derive(Debug, Args)]
#[command(
    args_conflicts_with_subcommands = true,
    after_help = "\
The first start of a data directory makes a user `admin`, and prints a token for it, this once. The API is described at
/api/v1/openapi.json, and asked with `Authorization: Bearer TOKEN`.

Ctrl-C and SIGTERM end it in good order: it takes no more requests, and what is unfinished goes on when it begins again. Killing it
loses nothing that was acknowledged.

Examples:
  windlass server --data-dir /var/lib/windlass
  windlass server --listen 0.0.0.0:8443 --tls-cert server.pem --tls-key server.key --data-dir /var/lib/windlass
  windlass server --config /etc/windlass/server.toml
  windlass server token alice --good-for 30d --data-dir /var/lib/windlass
  windlass server agent-token 'web*' --uses 20 --data-dir /var/lib/windlass"
)]
pub(crate) struct ServerArgs {
    #[command(subcommand)]
    pub(crate) command: Option<ServerCommand>,
    /// A file with settings, as `windlass server config example` prints one; $WINDLASS_SERVER_CONFIG unless given.
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// Set something that has no flag of its own: a key of the file, and its value.
    #[arg(long, value_name = "KEY=VALUE")]
    pub(crate) set: Vec<String>,
    /// Where it listens; 127.0.0.1:8380 unless given. Addresses that other machines can reach need a certificate.
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) listen: Option<SocketAddr>,
    /// The certificate and those that lead to its authority, in PEM.
    #[arg(long, value_name = "FILE")]
    pub(crate) tls_cert: Option<PathBuf>,
    /// The key of the certificate, in PEM.
    #[arg(long, value_name = "FILE")]
    pub(crate) tls_key: Option<PathBuf>,
    /// Listen without a certificate where other machines can reach it: something in front of it speaks TLS.
    #[arg(long)]
    pub(crate) without_tls: bool,
    /// The program that is offered to agents on machines like this one, whose own is another; this one unless given.
    #[arg(long, value_name = "FILE")]
    pub(crate) agent_program: Option<PathBuf>,
    /// How the server's own log is written, on standard error: text for people, or json; text unless given.
    #[arg(long, value_name = "FORMAT")]
    pub(crate) log_format: Option<String>,
    #[command(flatten)]
    pub(crate) data_dir: DataDirArgs,
    #[command(flatten)]
    pub(crate) reach: ReachArgs,
}

/// What else can be done with a server's data directory.
#[derive(Debug, Subcommand)]
pub(crate) enum ServerCommand {
    /// Make a token for a user, while the server does not run: for whoever has its files and no token.
    Token(TokenArgs),
    /// Make a token by which agents may join, while the server does not run; while it does, POST /api/v1/agenttokens makes one.
    AgentToken(AgentTokenArgs),
    /// Look at what can be set, and at what is.
    Config(ConfigArgs),
    /// Back everything up into a file: of a server that runs, or of the directory of one that does not.
    Backup(BackupArgs),
    /// Make a data directory of a backup, where there is none.
    Restore(RestoreArgs),
    /// Say which runs were kept long enough, and would go; or let them go now.
    Retention(RetentionArgs),
    /// Print a unit of systemd for a server.
    Unit(UnitArgs),
}

/// `windlass server backup`
#[derive(Debug, Args)]
#[command(after_help = "\
It is of one moment: everything that was acknowledged before it began is in it. The server goes on meanwhile. It needs the right to write
`Server`. Nothing is written over, and each part has a checksum.

Examples:
  windlass server backup /backup/monday.wlb --context team
  windlass server backup /backup/monday.wlb --data-dir /var/lib/windlass      while no server runs there")]
pub(crate) struct BackupArgs {
    /// The file to write.
    #[arg(value_name = "FILE")]
    pub(crate) to: PathBuf,
    /// With the keys: whoever has the file then has every secret, and can speak as the server to its agents.
    #[arg(long)]
    pub(crate) with_keys: bool,
    /// Without what runs have printed.
    #[arg(long)]
    pub(crate) without_logs: bool,
    #[command(flatten)]
    pub(crate) data_dir: DataDirArgs,
    #[command(flatten)]
    pub(crate) context: ContextArgs,
}

/// `windlass server restore`
#[derive(Debug, Args)]
pub(crate) struct RestoreArgs {
    /// The backup.
    #[arg(value_name = "FILE")]
    pub(crate) from: PathBuf,
    /// Say whether it is whole and what is in it, and write nothing.
    #[arg(long)]
    pub(crate) check: bool,
    #[command(flatten)]
    pub(crate) data_dir: DataDirArgs,
}

/// `windlass server retention`
#[derive(Debug, Args)]
#[command(after_help = "\
The server looks by itself, once an hour. How long runs are kept, its settings say (`retention`), and each Namespace for its own. Where
nobody says anything, they are kept for ever. It needs the right to write `Server`.

Examples:
  windlass server retention --context team              nothing is removed
  windlass server retention --context team --now")]
pub(crate) struct RetentionArgs {
    /// Let them go now.
    #[arg(long)]
    pub(crate) now: bool,
    #[command(flatten)]
    pub(crate) context: ContextArgs,
}

/// `windlass server unit`
#[derive(Debug, Args)]
pub(crate) struct UnitArgs {
    /// The file with the settings.
    #[arg(long, value_name = "FILE", default_value = "/etc/windlass/server.toml")]
    pub(crate) config: PathBuf,
    /// The user that it runs as.
    #[arg(long, value_name = "USER", default_value = "windlass")]
    pub(crate) user: String,
}

/// `windlass server config`
#[derive(Debug, Args)]
pub(crate) struct ConfigArgs {
    #[command(subcommand)]
    pub(crate) command: ConfigCommand,
}

/// What can be done with settings.
#[derive(Debug, Subcommand)]
pub(crate) enum ConfigCommand {
    /// Say everything that is wrong with a file of settings, and with the variables that are set.
    Check {
        /// The file; $WINDLASS_SERVER_CONFIG unless given.
        #[arg(value_name = "FILE")]
        file: Option<PathBuf>,
    },
    /// Print a file with every setting, commented out.
    Example,
}

/// `windlass server agent-token`
#[derive(Debug, Args)]
pub(crate) struct AgentTokenArgs {
    /// The node that may join by it, or a pattern of names, such as `web*`.
    #[arg(value_name = "NODES")]
    pub(crate) nodes: String,
    /// How many agents may join by it.
    #[arg(long, value_name = "COUNT", default_value = "1")]
    pub(crate) uses: u32,
    /// How long it is good for.
    #[arg(long, value_name = "DURATION", default_value = "24h")]
    pub(crate) good_for: Span,
    /// Let an agent that joins by it take the place of one that the node has.
    #[arg(long)]
    pub(crate) replace: bool,
    #[command(flatten)]
    pub(crate) data_dir: DataDirArgs,
}

/// `windlass server token`
#[derive(Debug, Args)]
pub(crate) struct TokenArgs {
    /// Whose.
    #[arg(default_value = "admin")]
    pub(crate) user: String,
    /// How long it is good for; without end unless given.
    #[arg(long, value_name = "DURATION")]
    pub(crate) good_for: Option<Span>,
    #[command(flatten)]
    pub(crate) data_dir: DataDirArgs,
}
