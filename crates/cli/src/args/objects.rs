//! Flags of `apply`, `get` and the other commands about objects of a server.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::context::ContextArgs;

/// How objects are printed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum ObjectFormat {
    /// For people.
    #[default]
    Text,
    /// One JSON document.
    Json,
    /// YAML, one document an object.
    Yaml,
    /// One JSON object a line.
    Jsonl,
}

/// `windlass apply`
#[derive(Debug, Args)]
#[command(after_help = "\
Each object becomes as its file says: it is created, changed, or found to be so already. What an earlier apply had put there and
the file leaves out goes; what others wrote stays. Objects that others refer to come first, whatever the order of the files.

Examples:
  windlass apply web.yaml nodes/               files, and folders of files
  windlass apply web.yaml --dry-run            everything is judged, nothing is written
  kustomize build | windlass apply -           standard input")]
pub(crate) struct ApplyArgs {
    /// Files of objects in YAML or JSON, folders of such files, or `-` for standard input.
    #[arg(value_name = "FILE", required = true)]
    pub(crate) files: Vec<PathBuf>,
    #[command(flatten)]
    pub(crate) context: ContextArgs,
    /// Judge everything, and write nothing.
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// How to print.
    #[arg(short, long, value_enum, default_value_t, value_name = "FORMAT")]
    pub(crate) output: ObjectFormat,
}

/// Which objects.
#[derive(Clone, Debug, Default, Args)]
pub(crate) struct WhichArgs {
    /// Only objects with these labels: `role=web,!retired`.
    #[arg(short = 'l', long, value_name = "SELECTOR")]
    pub(crate) labels: Option<String>,
    /// Only objects with these fields: `spec.parent=rack1`.
    #[arg(long, value_name = "SELECTOR")]
    pub(crate) fields: Option<String>,
    /// Of all namespaces.
    #[arg(short = 'A', long, conflicts_with = "namespace")]
    pub(crate) all_namespaces: bool,
}

/// `windlass get`
#[derive(Debug, Args)]
#[command(after_help = "\
KIND is the name of a kind, singular or plural or short: node, nodes, no. `windlass get kinds` lists them.

Examples:
  windlass get nodes -l role=web
  windlass get plan patch -o yaml > patch.yaml
  windlass get plans -A --watch -o jsonl")]
pub(crate) struct GetArgs {
    /// The kind.
    #[arg(value_name = "KIND")]
    pub(crate) kind: String,
    /// Names; all objects of the kind unless given.
    #[arg(value_name = "NAME")]
    pub(crate) names: Vec<String>,
    #[command(flatten)]
    pub(crate) which: WhichArgs,
    #[command(flatten)]
    pub(crate) context: ContextArgs,
    /// Go on with what changes, until interrupted.
    #[arg(short, long, conflicts_with = "names")]
    pub(crate) watch: bool,
    /// How to print.
    #[arg(short, long, value_enum, default_value_t, value_name = "FORMAT")]
    pub(crate) output: ObjectFormat,
}

/// `windlass describe`, `windlass edit`
#[derive(Debug, Args)]
pub(crate) struct OneArgs {
    /// The kind.
    #[arg(value_name = "KIND")]
    pub(crate) kind: String,
    /// The name.
    #[arg(value_name = "NAME")]
    pub(crate) name: String,
    #[command(flatten)]
    pub(crate) context: ContextArgs,
}

/// `windlass diff`
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  windlass diff web.yaml                      what applying the file would change
  windlass diff plan patch                    what the newest revision changed
  windlass diff plan patch --from 3 --to 7    what two revisions differ in

Exit codes: 0 nothing differs · 1 something does · 2 invalid · 5 the server cannot be reached")]
pub(crate) struct DiffArgs {
    /// A file, folder or `-`; or a kind, with the name of an object behind it.
    #[arg(value_name = "FILE|KIND")]
    pub(crate) what: PathBuf,
    /// The name of the object.
    #[arg(value_name = "NAME")]
    pub(crate) name: Option<String>,
    /// The number of one revision; the one before the other unless given.
    #[arg(long, value_name = "N", requires = "name")]
    pub(crate) from: Option<u64>,
    /// The number of the other; the newest unless given.
    #[arg(long, value_name = "N", requires = "name")]
    pub(crate) to: Option<u64>,
    #[command(flatten)]
    pub(crate) context: ContextArgs,
}

/// `windlass delete`
#[derive(Debug, Args)]
#[command(after_help = "\
An object that others refer to is not deleted; they are named.

Examples:
  windlass delete node web07
  windlass delete --file web.yaml")]
pub(crate) struct DeleteArgs {
    /// The kind.
    #[arg(value_name = "KIND", required_unless_present = "file")]
    pub(crate) kind: Option<String>,
    /// Names.
    #[arg(value_name = "NAME", required_unless_present = "file")]
    pub(crate) names: Vec<String>,
    /// Delete the objects of this file or folder, or of standard input (`-`).
    #[arg(short, long, value_name = "FILE", conflicts_with = "kind")]
    pub(crate) file: Vec<PathBuf>,
    #[command(flatten)]
    pub(crate) context: ContextArgs,
    /// Say what would be deleted.
    #[arg(long)]
    pub(crate) dry_run: bool,
}

/// `windlass freeze`
#[derive(Debug, Args)]
#[command(after_help = "\
A freeze stops running work in its scope at once, and refuses new runs, until it is lifted. Without a scope it covers everything.

Examples:
  windlass freeze incident-42 --reason 'database is down'
  windlass freeze year-end --reason 'no changes until January' --in web --in shop
  windlass freeze incident-42 --lift")]
pub(crate) struct FreezeArgs {
    /// What to call it.
    #[arg(value_name = "NAME")]
    pub(crate) name: String,
    /// Why; whoever is refused is told.
    #[arg(long, value_name = "TEXT", required_unless_present = "lift")]
    pub(crate) reason: Option<String>,
    /// Only in this namespace; may be given again.
    #[arg(long = "in", value_name = "NAMESPACE", conflicts_with = "lift")]
    pub(crate) namespaces: Vec<String>,
    /// Only runs of this plan; may be given again.
    #[arg(long, value_name = "PLAN", conflicts_with = "lift")]
    pub(crate) plan: Vec<String>,
    /// Only runs with these labels; may be given again.
    #[arg(long, value_name = "SELECTOR", conflicts_with = "lift")]
    pub(crate) label: Vec<String>,
    /// Lift it.
    #[arg(long)]
    pub(crate) lift: bool,
    /// The server, by the name that `windlass login` gave it; $WINDLASS_CONTEXT unless given.
    #[arg(long, value_name = "NAME")]
    pub(crate) context: Option<String>,
}
