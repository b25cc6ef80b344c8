//! The same on a node without an agent: what is printed there is taken as if it had been printed here.

use windlass_plugin::bare::{BareEnd, BareNode, BareProgram, BareStreams};
use windlass_plugin::{BoxFuture, Call, CallError, Stream};

use super::capture::{Capture, Watch};
use super::{Finished, Instant, Job};

/// Both streams of a program.
struct Captures<'a> {
    stdout: Capture<'a>,
    stderr: Capture<'a>,
}

/// Runs a program there to its end.
pub(super) async fn run(
    job: Job,
    node: &dyn BareNode,
    call: &Call,
    watch: &Watch,
) -> Result<Finished, CallError> {
    let begun = Instant::now();
    let Job { program, args, env, cwd, stdin, kept } = job;
    let mut argv = vec![text(program)?];
    for arg in args {
        argv.push(text(arg)?);
    }
    let program = BareProgram { argv, env, cwd, stdin: stdin.map(String::into_bytes) };
    let mut captures = Captures {
        stdout: Capture::new(Stream::Stdout, &call.output, watch, kept),
        stderr: Capture::new(Stream::Stderr, &call.output, watch, kept),
    };
    let end = node.run(&program, call, &mut captures).await?;
    let (exit_code, signal) = match end {
        BareEnd::Code(code) => (Some(code), None),
        BareEnd::Signal(name) => (None, Some(crate::program::signal_number(&name))),
    };
    Ok(Finished {
        exit_code,
        signal,
        stdout: captures.stdout.finish(),
        stderr: captures.stderr.finish(),
        took: begun.elapsed(),
        stopped: call.cancel.level(),
    })
}

fn text(word: std::ffi::OsString) -> Result<String, CallError> {
    word.into_string().map_err(|_| CallError::permanent(CallError::REQUEST, "an argument is no UTF-8"))
}

impl BareStreams for Captures<'_> {
    fn take(&mut self, stream: Stream, bytes: &[u8]) {
        match stream {
            Stream::Stderr => self.stderr.take(bytes),
            Stream::Stdout | Stream::Note => self.stdout.take(bytes),
        }
    }

    fn room(&mut self) -> BoxFuture<'_, ()> {
        Box::pin(self.stdout.room())
    }
}
