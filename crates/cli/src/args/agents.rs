//! Flags of `agents`.

use clap::{Args, Subcommand};
use windlass_model::span::Span;

use super::context::ContextArgs;
use super::objects::ObjectFormat;

/// `windlass agents`
#[derive(Debug, Args)]
pub(crate) struct AgentsArgs {
    #[command(subcommand)]
    pub(crate) command: AgentsCommand,
}

/// What is asked about agents.
#[derive(Debug, Subcommand)]
pub(crate) enum AgentsCommand {
    /// List the agents of nodes, and which of them are here.
    List(AgentsListArgs),
    /// Revoke agents: they are cut now, and not taken for agents any more.
    Revoke(AgentsRevokeArgs),
    /// Make a token by which agents may join; it is shown this once.
    Token(AgentsTokenArgs),
    /// List the tokens by which agents may join, or end one.
    Tokens(AgentsTokensArgs),
}

/// `windlass agents list`
#[derive(Debug, Args)]
pub(crate) struct AgentsListArgs {
    #[command(flatten)]
    pub(crate) context: ContextArgs,
    /// Only those that are not here.
    #[arg(long)]
    pub(crate) away: bool,
    /// How to print.
    #[arg(short, long, value_enum, default_value_t, value_name = "FORMAT")]
    pub(crate) output: ObjectFormat,
}

/// `windlass agents revoke`
#[derive(Debug, Args)]
#[command(after_help = "\
A node whose agent was revoked can get another one by a token that `replaces`: windlass agents token NODE --replace")]
pub(crate) struct AgentsRevokeArgs {
    /// The nodes whose agents they are.
    #[arg(value_name = "NODE", required = true)]
    pub(crate) nodes: Vec<String>,
    #[command(flatten)]
    pub(crate) context: ContextArgs,
}

/// `windlass agents token`
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  windlass agents token web01                                  for one agent, within a day
  windlass agents token 'web*' --uses 200 --good-for 2h        for an image that many machines begin from")]
pub(crate) struct AgentsTokenArgs {
    /// The node, or a pattern of nodes such as `web*`.
    #[arg(value_name = "NODES")]
    pub(crate) nodes: String,
    /// How many agents may join by it.
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub(crate) uses: u32,
    /// How long it is good for; 90 days at the most.
    #[arg(long, value_name = "DURATION", default_value = "1d")]
    pub(crate) good_for: Span,
    /// Let whoever joins by it take the place of an agent that the node has; that one is cut then.
    #[arg(long)]
    pub(crate) replace: bool,
    #[command(flatten)]
    pub(crate) context: ContextArgs,
    /// How to print.
    #[arg(short, long, value_enum, default_value_t, value_name = "FORMAT")]
    pub(crate) output: ObjectFormat,
}

/// `windlass agents tokens`
#[derive(Debug, Args)]
pub(crate) struct AgentsTokensArgs {
    /// End this one.
    #[arg(long, value_name = "ID")]
    pub(crate) end: Option<String>,
    #[command(flatten)]
    pub(crate) context: ContextArgs,
    /// How to print.
    #[arg(short, long, value_enum, default_value_t, value_name = "FORMAT")]
    pub(crate) output: ObjectFormat,
}
