//! Flags of the commands that only look: validate, preview, explain, plugins, schema, and what documents the command.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

use super::context::ContextArgs;
use super::nodes::AmongArgs;
use super::output::DocumentFormat;
use super::param::{PlanArgs, SecretsArgs};

/// `windlass validate`
#[derive(Debug, Args)]
#[command(after_help = "\
Every problem of every file is shown at once, drawn where it is. `windlass explain CODE` says more about one.

Examples:
  windlass validate plans/*.yaml
  windlass validate --output json plan.yaml     for editors and CI
  cat plan.yaml | windlass validate -")]
pub(crate) struct ValidateArgs {
    /// Plan files; `-` is standard input.
    #[arg(required = true, value_name = "FILE")]
    pub(crate) files: Vec<PathBuf>,
    #[command(flatten)]
    pub(crate) among: AmongArgs,
    #[command(flatten)]
    pub(crate) context: ContextArgs,
    #[command(flatten)]
    pub(crate) secrets: SecretsArgs,
    /// How to print the result.
    #[arg(long, value_enum, default_value_t, value_name = "FORMAT")]
    pub(crate) output: DocumentFormat,
}

/// `windlass preview`
#[derive(Debug, Args)]
#[command(after_help = "\
Nothing is touched, no check is called, and no store is opened.

Examples:
  windlass preview rolling-patch.yaml -p release=1.4
  windlass preview rolling-patch.yaml --node web03          what would be asked of it, with its variables
  windlass preview rolling-patch.yaml --stepset maintenance --output json")]
pub(crate) struct PreviewArgs {
    #[command(flatten)]
    pub(crate) plan: PlanArgs,
    #[command(flatten)]
    pub(crate) context: ContextArgs,
    /// Show what is to be done on this node: its batch, lock and variables, and requests with their templates rendered
    /// as far as that can be before the run; may be given many times.
    #[arg(long = "node", value_name = "NAME")]
    pub(crate) nodes: Vec<String>,
    /// How many targets of each block to list; 0 lists all.
    #[arg(long, value_name = "N", default_value_t = 10)]
    pub(crate) show: usize,
    /// How to print the result.
    #[arg(long, value_enum, default_value_t, value_name = "FORMAT")]
    pub(crate) output: DocumentFormat,
}

/// `windlass explain`
#[derive(Debug, Args)]
pub(crate) struct ExplainArgs {
    /// The code, such as WL-0204, or just 204; without one, all codes are listed.
    #[arg(value_name = "CODE")]
    pub(crate) code: Option<String>,
}

/// `windlass plugins`
#[derive(Debug, Args)]
pub(crate) struct PluginsArgs {
    #[command(subcommand)]
    pub(crate) command: PluginsCommand,
}

/// The subcommands of `windlass plugins`.
#[derive(Debug, Subcommand)]
pub(crate) enum PluginsCommand {
    /// List all plugins.
    List {
        /// How to print the result.
        #[arg(long, value_enum, default_value_t, value_name = "FORMAT")]
        output: DocumentFormat,
    },
    /// Show what a plugin does, takes and gives, with examples.
    Show {
        /// The plugin, as plans say it in `use`.
        #[arg(value_name = "NAME")]
        name: String,
        /// How to print the result; JSON holds the schemas.
        #[arg(long, value_enum, default_value_t, value_name = "FORMAT")]
        output: DocumentFormat,
    },
}

/// `windlass schema`
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  windlass schema plan > plan.schema.json
  # then, as the first line of a plan file, for editors with the YAML language server:
  # yaml-language-server: $schema=plan.schema.json")]
pub(crate) struct SchemaArgs {
    /// Of what.
    #[arg(value_enum, value_name = "WHAT")]
    pub(crate) what: SchemaKind,
}

/// What there is a schema of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum SchemaKind {
    /// Plan files.
    Plan,
    /// Inventory files.
    Inventory,
}

/// `windlass completions`
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  windlass completions bash > ~/.local/share/bash-completion/completions/windlass
  windlass completions zsh  > ~/.zfunc/_windlass
  windlass completions fish > ~/.config/fish/completions/windlass.fish")]
pub(crate) struct CompletionsArgs {
    /// The shell.
    #[arg(value_enum, value_name = "SHELL")]
    pub(crate) shell: clap_complete::Shell,
}

/// `windlass man`
#[derive(Debug, Args)]
pub(crate) struct ManArgs {
    /// The directory, such as /usr/local/share/man/man1.
    #[arg(value_name = "DIR")]
    pub(crate) dir: PathBuf,
}

/// `windlass docs`
#[derive(Debug, Args)]
pub(crate) struct DocsArgs {
    /// Which document.
    #[arg(value_enum, value_name = "WHAT")]
    pub(crate) what: DocsKind,
}

/// Which documents are made from the code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum DocsKind {
    /// The command line.
    Cli,
    /// The plugins.
    Plugins,
    /// The API of a server, as OpenAPI.
    Api,
    /// The settings of a server.
    ServerConfig,
    /// The metrics of a server.
    Metrics,
}
