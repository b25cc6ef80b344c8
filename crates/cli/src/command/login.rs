//! `windlass login URL`: makes a server known here, and oneself to it.

mod provided;

use std::io::Read as _;
use std::path::Path;

use windlass_model::name::is_slug;
use windlass_report::{Clock, Stamp};

use crate::args::LoginArgs;
use crate::context::{Contexts, Known};
use crate::exit::Exit;
use crate::failure::{Failure, Outcome};
use crate::printer::{Printer, STRONG, Styled};
use crate::session::tokio_runtime;

/// The longest token that is read.
const LONGEST: u64 = 4096;

pub(super) fn run(args: &LoginArgs, printer: &mut Printer) -> Outcome {
    let name = args.context.clone().unwrap_or_else(|| host(&args.url));
    if !is_slug(&name) {
        return Err(Failure::usage(format!("`{name}` cannot be the name of a context"))
            .help("give one with --context: letters, digits, `-`, `_` and `.`"));
    }
    // Files are found again from wherever the next command is typed.
    let ca = args.ca.as_deref().map(|path| std::path::absolute(path).unwrap_or_else(|_| path.to_owned()));
    let mut known = Known { server: args.url.clone(), token: None, ca, namespace: args.namespace.clone() };
    let runtime = tokio_runtime()?;
    let mut until = None;
    known.token = Some(if args.oidc {
        let signed_in = runtime.block_on(provided::sign_in(&known.client()?, args.device, printer))?;
        until = Some(signed_in.expires_at);
        signed_in.token
    } else {
        token(&args.token)?
    });
    let client = known.client()?;
    let me = runtime.block_on(async { client.me().await })?;
    let mut contexts = Contexts::read()?;
    contexts.contexts.insert(name.clone(), known);
    contexts.current = Some(name.clone());
    contexts.write()?;
    printer.line(format_args!(
        "signed in to {} as {}; it is the current context, `{name}`",
        client.url(),
        Styled(STRONG, &me.user)
    ));
    if let Some(until) = until {
        printer.note(format_args!("it is good until {}", Stamp(Clock::Wall, until)));
    }
    Ok(Exit::Succeeded)
}

fn token(given: &str) -> Result<String, Failure> {
    let mut text = String::new();
    if given == "-" {
        let read = std::io::stdin().lock().take(LONGEST).read_to_string(&mut text);
        read.map_err(|error| Failure::file("read", Path::new("standard input"), &error))?;
    } else if let Some(path) = given.strip_prefix('@') {
        let path = Path::new(path);
        let read = std::fs::File::open(path).and_then(|file| file.take(LONGEST).read_to_string(&mut text));
        read.map_err(|error| Failure::file("read", path, &error))?;
    } else {
        return Err(Failure::usage(
            "a token does not belong on a command line, where every user can read it",
        )
        .help("write it into a file and give --token @FILE, or give it on standard input"));
    }
    let text = text.trim();
    if text.is_empty() {
        return Err(Failure::usage("no token was given")
            .help("the first start of a server prints one; `windlass server token` makes one beside it"));
    }
    Ok(text.to_owned())
}

/// What an address is called by.
fn host(url: &str) -> String {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let authority = rest.split('/').next().unwrap_or_default();
    let host = authority.rsplit_once(':').map_or(authority, |(host, _)| host);
    host.trim_start_matches('[').trim_end_matches(']').replace(':', "-")
}
