//! The program: its few arguments, and the session on its standard input and output.

use std::ffi::OsString;
use std::process::ExitCode;

use crate::cache::Cache;
use crate::pipe;
use crate::session::{Session, SessionEnd};

const HELP: &str = "\
windlass-agent makes attempts on this machine for a Windlass elsewhere.

  windlass-agent serve     speak frames on standard input and output; Windlass starts it so
  windlass-agent version   print the version
";

/// The exit code for arguments that are not understood.
const USAGE: u8 = 2;
/// The exit code for a connection that was of no use.
const FAILED: u8 = 1;

/// Runs the program.
pub fn main(mut args: impl Iterator<Item = OsString>) -> ExitCode {
    match (args.next().as_ref().and_then(|word| word.to_str()), args.next()) {
        (Some("serve"), None) => serve(),
        (Some("version" | "--version"), None) => {
            say(std::io::stdout(), &format!("windlass-agent {}\n", env!("CARGO_PKG_VERSION")));
            ExitCode::SUCCESS
        }
        (Some("help" | "--help"), None) => {
            say(std::io::stdout(), HELP);
            ExitCode::SUCCESS
        }
        _ => {
            say(std::io::stderr(), HELP);
            ExitCode::from(USAGE)
        }
    }
}

fn serve() -> ExitCode {
    // A session of its own, so that the end of the connection does not take the work along. It fails
    // where this process leads a group already, and then it is a session's leader or of no concern.
    let _ = rustix::process::setsid();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let ended = runtime.map_err(|error| format!("cannot start: {error}")).and_then(|runtime| {
        let ended = runtime.block_on(async {
            let (reader, writer) = (pipe::stdin(), pipe::stdout());
            let (reader, writer) = reader
                .and_then(|reader| writer.map(|writer| (reader, writer)))
                .map_err(|error| format!("standard input and output cannot be waited for: {error}"))?;
            Ok(Session::standard(Cache::find()).serve(reader, writer).await)
        });
        // What still blocks a thread is not waited for: all work has ended.
        runtime.shutdown_background();
        ended
    });
    match ended {
        Ok(SessionEnd::Bye | SessionEnd::Closed | SessionEnd::Terminated) => ExitCode::SUCCESS,
        Ok(SessionEnd::Protocol(why)) | Err(why) => {
            say(std::io::stderr(), &format!("windlass-agent: {why}\n"));
            ExitCode::from(FAILED)
        }
    }
}

fn say(mut to: impl std::io::Write, text: &str) {
    // Whom could it be told that nobody listens?
    let _ = to.write_all(text.as_bytes());
    let _ = to.flush();
}
