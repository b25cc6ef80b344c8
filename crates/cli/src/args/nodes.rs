//! Flags of `nodes`, and those with which other commands choose nodes.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use windlass_model::span::Span;

use super::context::ContextArgs;
use super::output::DocumentFormat;
use super::param::SecretsArgs;
use super::run::ReachArgs;

/// Says where the nodes are listed where no flag does.
pub(crate) const INVENTORY_VARIABLE: &str = "WINDLASS_INVENTORY";

/// Where the nodes are listed.
#[derive(Clone, Debug, Default, Args)]
pub(crate) struct InventoryArgs {
    /// Where the nodes are listed: a file, a folder of files, or a program that prints them; may be given many times.
    ///
    /// All of them make one inventory together. Without the flag, the paths in $WINDLASS_INVENTORY are read, with colons
    /// between them. `-` is standard input.
    #[arg(short = 'i', long, value_name = "PATH")]
    pub(crate) inventory: Vec<PathBuf>,
}

/// Where the nodes are listed: here, or on a server.
#[derive(Clone, Debug, Default, Args)]
pub(crate) struct NodesPlaceArgs {
    #[command(flatten)]
    pub(crate) inventory: InventoryArgs,
    #[command(flatten)]
    pub(crate) context: ContextArgs,
}

/// Which nodes a plan works on.
#[derive(Clone, Debug, Default, Args)]
pub(crate) struct AmongArgs {
    #[command(flatten)]
    pub(crate) inventory: InventoryArgs,
    /// Narrow the targets of every block to these nodes, such as `@web,!web07`.
    ///
    /// It only takes away: what the plan does not select is not worked on. `windlass nodes select --help` says how
    /// selections are written.
    #[arg(long, value_name = "SELECTION")]
    pub(crate) selection: Option<String>,
}

/// `windlass nodes`
#[derive(Debug, Args)]
pub(crate) struct NodesArgs {
    #[command(subcommand)]
    pub(crate) command: NodesCommand,
}

/// The subcommands of `windlass nodes`.
#[derive(Debug, Subcommand)]
pub(crate) enum NodesCommand {
    /// List nodes.
    List(NodesListArgs),
    /// Show everything that is known of a node: how it is reached, what it is a part of, its variables.
    Show(NodeShowArgs),
    /// Show the variables of a node, and with --blame who supplies each.
    Vars(NodeVarsArgs),
    /// Show what nodes report of themselves: system, processors, memory, disks, network.
    Facts(NodesFactsArgs),
    /// Print the nodes that a selection chooses, one name a line.
    Select(NodesSelectArgs),
}

/// `windlass nodes list`
#[derive(Debug, Args)]
#[command(after_help = "\
Nodes out of service are listed and marked; no selection ever chooses them.

Examples:
  windlass nodes list -i hosts.yaml
  windlass nodes list -i inventory/ '@web,!label:rack=r2'
  windlass nodes list -i hosts.yaml --below switch-7          switches, hosts and containers, as a tree")]
pub(crate) struct NodesListArgs {
    /// Only these nodes.
    #[arg(value_name = "SELECTION")]
    pub(crate) selection: Option<String>,
    /// Only what is a part of this node, at all depths, as a tree.
    #[arg(long, value_name = "NODE", conflicts_with = "selection")]
    pub(crate) below: Option<String>,
    #[command(flatten)]
    pub(crate) place: NodesPlaceArgs,
    /// How to print the result.
    #[arg(long, value_enum, default_value_t, value_name = "FORMAT")]
    pub(crate) output: DocumentFormat,
}

/// `windlass nodes show`
#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  windlass nodes show web01 -i hosts.yaml")]
pub(crate) struct NodeShowArgs {
    /// The node.
    #[arg(value_name = "NODE")]
    pub(crate) name: String,
    #[command(flatten)]
    pub(crate) place: NodesPlaceArgs,
    /// How to print the result.
    #[arg(long, value_enum, default_value_t, value_name = "FORMAT")]
    pub(crate) output: DocumentFormat,
}

/// `windlass nodes vars`
#[derive(Debug, Args)]
#[command(after_help = "\
Variables lie over each other: cluster, namespace, groups from the outermost in, what the node is a part of, the node. The
nearest wins, whole. A plan's own variables are farther away than all of these, those of blocks and sequences nearer.

Examples:
  windlass nodes vars web01 -i hosts.yaml
  windlass nodes vars web01 -i hosts.yaml --blame           who supplies each, and what it hides")]
pub(crate) struct NodeVarsArgs {
    /// The node.
    #[arg(value_name = "NODE")]
    pub(crate) name: String,
    /// Say who supplies each variable, and whose values it hides.
    #[arg(long)]
    pub(crate) blame: bool,
    #[command(flatten)]
    pub(crate) place: NodesPlaceArgs,
    /// How to print the result.
    #[arg(long, value_enum, default_value_t, value_name = "FORMAT")]
    pub(crate) output: DocumentFormat,
}

/// `windlass nodes facts`
#[derive(Debug, Args)]
#[command(after_help = "\
Nodes are asked over the connections that plans use, and what they say is kept in the data directory. Selections, plans and
`maxPer` see what is kept as `facts`; `windlass run --fresh-facts 1h` asks first where it is older.

Nodes of a server report when their agent comes, and when a run asks them; the server keeps that. With --context nobody is asked
unless --refresh or --max-age says so, and then a run of the server asks, which changes nothing and waits for no lock.

Examples:
  windlass nodes facts -i hosts.yaml                       all nodes, as a table
  windlass nodes facts web01 -i hosts.yaml --refresh       one, with everything that it says
  windlass nodes facts '@web' --context prod --max-age 1h  those of a server
  windlass nodes select 'where:facts.os.name == \"debian\"' -i hosts.yaml

Exit codes: 0 all are known · 1 a node did not answer · 2 invalid")]
pub(crate) struct NodesFactsArgs {
    /// Which nodes; all unless given.
    #[arg(value_name = "SELECTION")]
    pub(crate) selection: Option<String>,
    #[command(flatten)]
    pub(crate) place: NodesPlaceArgs,
    /// Ask a node again where what is kept of it is older; 1h unless given, where the nodes are not a server's.
    #[arg(long, value_name = "DURATION")]
    pub(crate) max_age: Option<Span>,
    /// Ask all of them again.
    #[arg(long, conflicts_with = "max_age")]
    pub(crate) refresh: bool,
    #[command(flatten)]
    pub(crate) reach: ReachArgs,
    #[command(flatten)]
    pub(crate) secrets: SecretsArgs,
    /// How to print the result.
    #[arg(long, value_enum, default_value_t, value_name = "FORMAT")]
    pub(crate) output: DocumentFormat,
}

/// `windlass nodes select`
#[derive(Debug, Args)]
#[command(after_help = "\
How a selection is written; a comma means `and also`, an exclamation mark leaves out:
  web01   web*   web[01-20]   /^web[0-9]+$/      nodes by name
  @web   @eu-*                                   groups, with the groups in them
  role:db                                        a role
  label:rack=r1   'label:(rack=r1,env!=dev)'     labels
  'where:vars.weight > 5'                        an expression over vars, facts and node
  '@web,!web07,!label:rack=r2'                   the web nodes but those

What is included is united, then what is excluded is taken away. A pattern that matches nothing is a warning; a name that
does not exist, and a selection that chooses nothing, are errors.

Examples:
  windlass nodes select '@web,!web07' -i hosts.yaml
  windlass nodes select 'where:facts.os.name == \"debian\"' -i hosts.yaml --output json")]
pub(crate) struct NodesSelectArgs {
    /// The selection.
    #[arg(value_name = "SELECTION")]
    pub(crate) selection: String,
    #[command(flatten)]
    pub(crate) place: NodesPlaceArgs,
    /// How to print the result.
    #[arg(long, value_enum, default_value_t, value_name = "FORMAT")]
    pub(crate) output: DocumentFormat,
}
