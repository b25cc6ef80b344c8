//! Which server is meant, and flags of the commands about servers and who one is there.

use std::path::PathBuf;

use clap::Args;
use windlass_model::span::Span;

use super::objects::ObjectFormat;
use super::output::DocumentFormat;
use super::run::DataDirArgs;

/// Says which context is meant where no flag does.
pub(crate) const CONTEXT_VARIABLE: &str = "WINDLASS_CONTEXT";
/// Says where the server is, where no context does.
pub(crate) const SERVER_VARIABLE: &str = "WINDLASS_SERVER";
/// The token for that.
pub(crate) const TOKEN_VARIABLE: &str = "WINDLASS_TOKEN";
/// The certificates to trust there.
pub(crate) const CA_VARIABLE: &str = "WINDLASS_CA";
/// The namespace, where no flag says.
pub(crate) const NAMESPACE_VARIABLE: &str = "WINDLASS_NAMESPACE";

/// Which server, and which namespace there.
#[derive(Clone, Debug, Default, Args)]
pub(crate) struct ContextArgs {
    /// The server, by the name that `windlass login` gave it; $WINDLASS_CONTEXT unless given.
    #[arg(long, value_name = "NAME")]
    pub(crate) context: Option<String>,
    /// The namespace there; $WINDLASS_NAMESPACE, that of the context, or `default` unless given.
    #[arg(long, value_name = "NAME")]
    pub(crate) namespace: Option<String>,
}

/// Where runs are: in a data directory, or on a server.
#[derive(Clone, Debug, Default, Args)]
pub(crate) struct PlaceArgs {
    #[command(flatten)]
    pub(crate) data_dir: DataDirArgs,
    #[command(flatten)]
    pub(crate) context: ContextArgs,
}

/// `windlass login`
#[derive(Debug, Args)]
#[command(after_help = "\
The token is tried, and kept with the address in ~/.config/windlass/contexts.toml, which only you can read. It becomes the current
context: what needs a server asks that one. `run`, `runs` and `logs` stay on this machine unless --context or
WINDLASS_CONTEXT says otherwise.

In scripts, the variables WINDLASS_SERVER, WINDLASS_TOKEN, WINDLASS_CA and WINDLASS_NAMESPACE do without a file.

Examples:
  windlass login http://127.0.0.1:8380 --token @token.txt
  windlass login https://windlass.example --context prod --ca ca.pem --namespace web
  windlass login https://windlass.example --oidc            in a browser, by the provider of identities
  windlass login https://windlass.example --oidc --device   in a browser on another machine")]
pub(crate) struct LoginArgs {
    /// Where the server is: http://HOST:PORT or https://HOST[:PORT].
    #[arg(value_name = "URL")]
    pub(crate) url: String,
    /// The token: `@FILE`, or `-` for standard input, which is also where it is read from without this flag.
    ///
    /// A token does not belong on a command line, where every user of this machine can read it.
    #[arg(long, value_name = "@FILE|-", default_value = "-", hide_default_value = true)]
    pub(crate) token: String,
    /// Sign in by the server's provider of identities, in a browser, in the place of a token.
    #[arg(long, conflicts_with = "token")]
    pub(crate) oidc: bool,
    /// With --oidc: by a code that is typed into a browser anywhere else, for machines that have none.
    #[arg(long, requires = "oidc")]
    pub(crate) device: bool,
    /// What to call it; the host of the address unless given.
    #[arg(long, value_name = "NAME")]
    pub(crate) context: Option<String>,
    /// The namespace that is meant where none is said.
    #[arg(long, value_name = "NAME")]
    pub(crate) namespace: Option<String>,
    /// Certificates to trust, in PEM, instead of those of this machine.
    #[arg(long, value_name = "FILE")]
    pub(crate) ca: Option<PathBuf>,
}

/// `windlass contexts`
#[derive(Debug, Args)]
pub(crate) struct ContextsArgs {
    /// Make this the current one.
    #[arg(long = "use", value_name = "NAME")]
    pub(crate) current: Option<String>,
    /// Forget this one, and its token here; the token itself is ended with `windlass tokens --revoke`.
    #[arg(long, value_name = "NAME", conflicts_with = "current")]
    pub(crate) forget: Option<String>,
    /// How to print.
    #[arg(long, value_enum, default_value_t, value_name = "FORMAT")]
    pub(crate) output: DocumentFormat,
}

/// `windlass whoami`
#[derive(Debug, Args)]
pub(crate) struct WhoamiArgs {
    #[command(flatten)]
    pub(crate) context: ContextArgs,
    /// How to print.
    #[arg(short, long, value_enum, default_value_t, value_name = "FORMAT")]
    pub(crate) output: ObjectFormat,
}

/// `windlass tokens`
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  windlass tokens                                           yours, or everybody's if you may see them
  windlass tokens --new ci --good-for 30d --only web        for a program that works in the namespace web
  windlass tokens --revoke abcdefghijklmnop                 ends it, at once")]
pub(crate) struct TokensArgs {
    #[command(flatten)]
    pub(crate) context: ContextArgs,
    /// Make a token, with a note of what it is for; it is shown this once.
    #[arg(long, value_name = "NOTE")]
    pub(crate) new: Option<String>,
    /// Whose it is to be; yours unless given.
    #[arg(long = "for", value_name = "USER", requires = "new")]
    pub(crate) user: Option<String>,
    /// How long it is good for; without end unless given.
    #[arg(long, value_name = "DURATION", requires = "new")]
    pub(crate) good_for: Option<Span>,
    /// Confine it to this namespace; may be given again.
    #[arg(long = "only", value_name = "NAMESPACE", requires = "new")]
    pub(crate) only: Vec<String>,
    /// End a token.
    #[arg(long, value_name = "ID", conflicts_with = "new")]
    pub(crate) revoke: Option<String>,
    /// How to print.
    #[arg(short, long, value_enum, default_value_t, value_name = "FORMAT")]
    pub(crate) output: ObjectFormat,
}

/// `windlass passwd`
#[derive(Debug, Args)]
#[command(after_help = "\
It is read from the terminal, or a line from standard input; never from the command line. Other sessions of the user end.

Examples:
  windlass passwd                       yours; with --current where you have one
  windlass passwd ann < password.txt    somebody else's, for those who may write passwords
  windlass passwd ann --remove")]
pub(crate) struct PasswdArgs {
    /// Whose; yours unless given.
    #[arg(value_name = "USER")]
    pub(crate) user: Option<String>,
    /// Ask for the password so far, too: to change one's own.
    #[arg(long, conflicts_with = "remove")]
    pub(crate) current: bool,
    /// Take it away.
    #[arg(long)]
    pub(crate) remove: bool,
    #[command(flatten)]
    pub(crate) context: ContextArgs,
}

/// `windlass audit`
#[derive(Debug, Args)]
pub(crate) struct AuditArgs {
    #[command(flatten)]
    pub(crate) context: ContextArgs,
    /// How many of the newest entries.
    #[arg(long, short = 'n', value_name = "N", default_value_t = 50)]
    pub(crate) limit: usize,
    /// Only entries before this number.
    #[arg(long, value_name = "SEQ")]
    pub(crate) before: Option<u64>,
    /// Look whether the record is whole, and who says so.
    #[arg(long, conflicts_with_all = ["before"])]
    pub(crate) verify: bool,
    /// How to print.
    #[arg(short, long, value_enum, default_value_t, value_name = "FORMAT")]
    pub(crate) output: ObjectFormat,
}
