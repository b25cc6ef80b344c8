//! The command line as types: every subcommand, flag and help text, and nothing else.
//!
//! What a flag does is in `command/`; here is what it is called and how it is explained.

mod adhoc;
mod agent;
mod agents;
mod context;
mod inspect;
mod logs;
#[cfg(test)]
mod mentions;
mod nodes;
mod objects;
mod output;
mod param;
mod rehearse;
mod run;
mod runs;
mod search;
mod server;
mod up;

use clap::builder::styling::{AnsiColor, Styles};
use clap::{Parser, Subcommand, ValueEnum};

pub(crate) use self::adhoc::{AdHocArgs, CopyArgs, ExecArgs};
pub(crate) use self::agent::{AgentArgs, AgentCommand, AgentPlaceArgs, AgentRunArgs, JoinArgs};
pub(crate) use self::agents::{
    AgentsArgs, AgentsCommand, AgentsListArgs, AgentsRevokeArgs, AgentsTokenArgs, AgentsTokensArgs,
};
pub(crate) use self::context::{
    AuditArgs, CA_VARIABLE, CONTEXT_VARIABLE, ContextArgs, ContextsArgs, LoginArgs, NAMESPACE_VARIABLE,
    PasswdArgs, PlaceArgs, SERVER_VARIABLE, TOKEN_VARIABLE, TokensArgs, WhoamiArgs,
};
pub(crate) use self::inspect::{
    CompletionsArgs, DocsArgs, DocsKind, ExplainArgs, ManArgs, PluginsArgs, PluginsCommand, PreviewArgs,
    SchemaArgs, SchemaKind, ValidateArgs,
};
pub(crate) use self::logs::{LogFormat, LogsArgs};
pub(crate) use self::nodes::{
    AmongArgs, INVENTORY_VARIABLE, InventoryArgs, NodeShowArgs, NodeVarsArgs, NodesArgs, NodesCommand,
    NodesFactsArgs, NodesListArgs, NodesPlaceArgs, NodesSelectArgs,
};
pub(crate) use self::objects::{ApplyArgs, DeleteArgs, DiffArgs, FreezeArgs, GetArgs, ObjectFormat, OneArgs};
pub(crate) use self::output::{DocumentFormat, LiveFormat, ReportFormat};
pub(crate) use self::param::{ParamArg, ParamArgs, ParamValue};
pub(crate) use self::rehearse::RehearseArgs;
pub(crate) use self::run::{DATA_DIR_VARIABLE, DataDirArgs, ReachArgs, RecoverArgs, RunArgs};
pub(crate) use self::runs::{
    ApproveArgs, CommandArgs, EventsArgs, ListArgs, ReportArgs, ResolveArgs, RetryArgs, RunsArgs,
    RunsCommand, ShowArgs, WatchArgs,
};
pub(crate) use self::server::{
    AgentTokenArgs, BackupArgs, ConfigArgs, ConfigCommand, RestoreArgs, RetentionArgs, ServerArgs,
    ServerCommand, TokenArgs, UnitArgs,
};
pub(crate) use self::up::UpArgs;

const STYLES: Styles = Styles::styled()
    .header(AnsiColor::Green.on_default().bold())
    .usage(AnsiColor::Green.on_default().bold())
    .literal(AnsiColor::Cyan.on_default().bold())
    .placeholder(AnsiColor::Cyan.on_default());

const ABOUT: &str = "Carry out risky change on many machines: checked, limited, durable, rehearsed.";

const AFTER: &str = "\
See it at work:
  windlass up                        a server, a fleet and a first run, on this machine

Begin here:
  windlass validate plan.yaml        is the plan well-formed? every problem at once
  windlass preview  plan.yaml        what would happen, where, and how bad it can get
  windlass rehearse plan.yaml        run it in virtual time against simulated targets
  windlass run      plan.yaml        run it, with every step on disk before it acts

Without a plan:
  windlass exec '@web' -- uptime     run a command on nodes of an inventory
  windlass copy '@web' motd /etc/motd

While a run goes on, from another terminal:
  windlass runs watch                follow it
  windlass logs --follow             follow what its actions print
  windlass runs pause | resume       nothing new starts; go on
  windlass runs stop                 end it in good order (Ctrl-C does the same)

Exit codes: 0 succeeded · 1 failed · 2 invalid input or usage · 3 stopped · 4 waiting for a person ·
5 store locked or unavailable · 70 a bug in Windlass";

/// The whole command line.
#[derive(Debug, Parser)]
#[command(
    name = "windlass",
    version,
    about = ABOUT,
    after_help = AFTER,
    styles = STYLES,
    max_term_width = 110,
    subcommand_required = true,
    arg_required_else_help = true
)]
pub(crate) struct Cli {
    /// When to use colour; `auto` means on a terminal, unless NO_COLOR says no or CLICOLOR_FORCE says yes.
    #[arg(
        long,
        global = true,
        value_enum,
        default_value_t,
        value_name = "WHEN",
        hide_possible_values = true
    )]
    pub(crate) color: ColorWhen,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// When to use colour.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum ColorWhen {
    /// On a terminal, as NO_COLOR, CLICOLOR_FORCE and TERM say.
    #[default]
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// The subcommands, in the order of the help.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Check plan files and report everything that is wrong with them.
    Validate(ValidateArgs),
    /// Show what a run would do, where, and how bad it can get. Touches nothing.
    Preview(PreviewArgs),
    /// Run a plan in virtual time against simulated targets, with faults where you want them.
    Rehearse(RehearseArgs),
    /// Run a plan.
    Run(RunArgs),
    /// Run a command on nodes, through the same engine, limits and log.
    Exec(ExecArgs),
    /// Copy a file or directory to nodes.
    Copy(CopyArgs),
    /// Look at runs and command them.
    Runs(RunsArgs),
    /// Show what the actions of a run printed, and what happened in between.
    Logs(LogsArgs),
    /// Look at the nodes of an inventory.
    Nodes(NodesArgs),
    /// Go on with every unfinished run of a data directory.
    Recover(RecoverArgs),
    /// Show it at work: a server, a fleet of agents and a first run, all on this machine.
    Up(UpArgs),
    /// Serve objects, runs and people to a team, over HTTP.
    Server(ServerArgs),
    /// Make a server known here, and oneself to it.
    Login(LoginArgs),
    /// List the servers that are known here, and choose the current one.
    Contexts(ContextsArgs),
    /// Say who one is to a server, and what one may do there.
    Whoami(WhoamiArgs),
    /// List, make and end tokens.
    Tokens(TokensArgs),
    /// Give oneself, or somebody else, a password to sign in with a browser.
    Passwd(PasswdArgs),
    /// Make objects of a server as files say.
    Apply(ApplyArgs),
    /// List objects of a server, or print some.
    Get(GetArgs),
    /// Show everything about an object: what is wanted, how it stands, who changed it when.
    Describe(OneArgs),
    /// Change an object in an editor.
    Edit(OneArgs),
    /// Show what a file would change, or what revisions of an object differ in.
    Diff(DiffArgs),
    /// Delete objects.
    Delete(DeleteArgs),
    /// Stop all change in a scope, at once, until the freeze is lifted.
    Freeze(FreezeArgs),
    /// Agree with a run that waits for approval; the same as `runs approve`.
    Approve(ApproveArgs),
    /// Show who did what on a server, and whether that record is whole.
    Audit(AuditArgs),
    /// Be the agent of this machine: dial in to a server, and do what its runs order here.
    Agent(AgentArgs),
    /// List and revoke the agents of a server, and make tokens by which others join.
    Agents(AgentsArgs),
    /// Explain an error code.
    Explain(ExplainArgs),
    /// List the plugins and show what each takes and gives.
    Plugins(PluginsArgs),
    /// Print a JSON Schema, for editors and other programs.
    Schema(SchemaArgs),
    /// Print a completion script for a shell.
    Completions(CompletionsArgs),
    /// Write the man pages into a directory.
    Man(ManArgs),
    /// Print a reference document made from the code.
    #[command(hide = true)]
    Docs(DocsArgs),
}
