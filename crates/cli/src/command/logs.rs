//! `windlass logs [RUN]`: what actions printed and what happened in between, from its beginning or as it goes on.
//!
//! It reads the files themselves. Whoever drives the run is asked only where they are, and whether the run goes on; before
//! the end it puts there whatever it still has, so that following ends with the last line.

mod remote;
mod show;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use windlass_logs::{Filter, Log, Reader, RunFiles};
use windlass_model::code;
use windlass_model::id::RunId;
use windlass_model::layout::Layout;
use windlass_model::name::nearest;
use windlass_model::pattern::{Glob, Refused};
use windlass_model::span::Span;
use windlass_model::time::Time;
use windlass_runtime::Clock;

use self::show::Show;
use crate::access::Access;
use crate::args::LogsArgs;
use crate::control::Logs;
use crate::exit::Exit;
use crate::failure::{Failure, Outcome};
use crate::printer::{Printer, Styled, WARN};
use crate::session::tokio_runtime;

/// How often a file is looked at for more: looking costs microseconds, and nothing else tells of lines on every file system.
const LOOK_EVERY: Duration = Duration::from_millis(5);
/// How much is shown before anything else has its turn.
const PORTION: usize = 256 << 10;

pub(super) fn run(args: &LogsArgs, printer: &mut Printer) -> Outcome {
    tokio_runtime()?.block_on(logs(args, printer))
}

async fn logs(args: &LogsArgs, printer: &mut Printer) -> Outcome {
    let access = Access::open(&args.run.place).await?;
    let run = access.find(&args.run.run).await?;
    let row = access.row(run).await?;
    if let Some(remote) = access.remote() {
        return remote::logs(args, &access, remote, run, printer).await;
    }
    let wanted = wanted(args, &access, run).await;
    let (filter, files, lost) = match wanted {
        Ok((filter, Logs { directory: Some(directory), lost })) => {
            (filter, RunFiles::within(directory), lost)
        }
        Ok((_, Logs { directory: None, .. })) => {
            access.close().await?;
            return Err(Failure::usage("no output is kept in this data directory"));
        }
        Err(failure) => {
            access.close().await?;
            return Err(failure);
        }
    };
    let log = Log::of(&files, &filter);
    let path = log.path().to_owned();
    let from = match (args.from, args.tail) {
        (Some(offset), _) => offset,
        (None, Some(lines)) => log.last(lines, &filter).map_err(|error| unreadable(&path, &error))?,
        (None, None) => 0,
    };
    let mut pages = Pages { reader: log.reader(from), path, show: Show::new(args.output, filter) };
    let goes_on = !row.view.status.is_terminal();
    if args.follow && goes_on && access.has_owner() {
        follow(&mut pages, &access, run, row.view.seq, printer).await?;
    } else {
        // Reading may take a while, and others may want to drive runs meanwhile.
        access.close().await?;
        pages.turn(printer)?;
        if args.follow && goes_on {
            printer.note(format_args!(
                "{} there is nothing to follow",
                Styled(WARN, "no process drives this run:")
            ));
        }
    }
    if let Some(lost) = lost {
        printer.warn(lost);
    }
    Ok(Exit::Succeeded)
}

/// Shows lines until the run has ended, or nobody drives it any more.
async fn follow(
    pages: &mut Pages,
    access: &Access,
    run: RunId,
    seq: u64,
    printer: &mut Printer,
) -> Result<(), Failure> {
    let mut events = access.events(run, seq.saturating_add(1), true).await?;
    // Its end is what matters; how the connection ends does not.
    let mut end = std::pin::pin!(async { while let Some(Ok(_)) = events.next().await {} });
    loop {
        pages.turn(printer)?;
        if printer.is_out_closed() {
            return Ok(());
        }
        tokio::select! {
            () = &mut end => break,
            () = tokio::time::sleep(LOOK_EVERY) => {}
        }
    }
    // Whoever drove the run writes out what it has before it answers, and before it goes away.
    let _ = access.logs(run).await;
    pages.turn(printer)
}

/// The lines that are there.
struct Pages {
    reader: Reader,
    path: PathBuf,
    show: Show,
}

// === impl Pages ===

impl Pages {
    /// Shows all that there is for now.
    fn turn(&mut self, printer: &mut Printer) -> Result<(), Failure> {
        let mut portion = Vec::new();
        loop {
            let found = self.reader.line().map_err(|error| unreadable(&self.path, &error))?;
            let is_last = found.is_none();
            if let Some(found) = found {
                self.show.line(&found, &mut portion);
            }
            if !portion.is_empty() && (is_last || portion.len() >= PORTION) {
                printer.write_out(|out| out.write_all(&portion));
                portion.clear();
            }
            if is_last || printer.is_out_closed() {
                return Ok(());
            }
        }
    }
}

/// What is to be shown, and where it is.
async fn wanted(args: &LogsArgs, access: &Access, run: RunId) -> Result<(Filter, Logs), Failure> {
    let logs = access.logs(run).await?;
    let filter = filter_of(args, access, run, logs.directory.clone()).await?;
    Ok((filter, logs))
}

/// What is to be shown. A node is one of the run, or one that has a file in this directory.
async fn filter_of(
    args: &LogsArgs,
    access: &Access,
    run: RunId,
    directory: Option<PathBuf>,
) -> Result<Filter, Failure> {
    let mut filter = Filter::default();
    filter.level = args.level;
    filter.since = args.since.as_deref().map(since).transpose()?;
    for pattern in &args.action {
        filter.add_action(pattern).map_err(|refused| {
            let why = match refused {
                Refused::Malformed(why) => why,
                Refused::NeedsInventory => "it begins with a /",
                Refused::TooMany => "it stands for too many",
            };
            Failure::usage(format!("--action {pattern} is no pattern: {why}"))
                .help("write the name of an action, or an address, with * and ?: 'patch/web*/restart'")
        })?;
    }
    if !args.node.is_empty() {
        let layout = match access.layout(run).await? {
            // Which nodes these are, only the log knows.
            layout if !layout.submission.late.is_empty() => Arc::clone(access.fold(run).await?.layout()),
            layout => layout,
        };
        let known = known_nodes(&layout);
        for name in &args.node {
            let has_file = || directory.clone().is_some_and(|dir| RunFiles::within(dir).node(name).exists());
            if known.contains(name.as_str()) || has_file() {
                filter.nodes.insert(name.clone());
                continue;
            }
            let globs = Glob::all(name).unwrap_or_default();
            let matching = known.iter().filter(|node| globs.iter().any(|glob| glob.matches(node)));
            let before = filter.nodes.len();
            filter.nodes.extend(matching.map(|node| (*node).to_owned()));
            if filter.nodes.len() == before {
                return Err(no_such_node(name, &known));
            }
        }
    }
    Ok(filter)
}

fn known_nodes(layout: &Layout) -> BTreeSet<&str> {
    let sequences = layout.blocks.iter().map(|block| &block.sequences);
    sequences.flat_map(|sequences| (0..sequences.len()).filter_map(|seq| sequences.target(seq))).collect()
}

fn no_such_node(name: &str, known: &BTreeSet<&str>) -> Failure {
    let near = nearest(name, known.iter().copied());
    let hint = near.map(|near| format!(" (did you mean `{near}`?)")).unwrap_or_default();
    Failure::new(Exit::Invalid, code::NO_NODE_OF_RUN, format!("the run has no node `{name}`{hint}"))
        .help("leave --node out to see the lines of all nodes")
}

fn since(text: &str) -> Result<Time, Failure> {
    if let Ok(span) = text.parse::<Span>() {
        let now = Clock::system().now();
        return Ok(Time(now.0.saturating_sub(u64::try_from(span.0.as_micros()).unwrap_or(u64::MAX))));
    }
    text.parse().map_err(|why| {
        Failure::usage(format!("--since: {why}")).help("or say how long ago, such as 90s, 10m or 2h")
    })
}

fn unreadable(path: &Path, error: &std::io::Error) -> Failure {
    Failure::file("read", path, error)
}
