//! `windlass agent`: joins a server, and serves.

mod others;

use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::Mutex;

use windlass_dial::{Daemon, Error, Home, Joining, Options, Upgrades, check, join};

pub(crate) use self::others::AsOthers;
use crate::args::{AgentArgs, AgentCommand, AgentPlaceArgs, AgentRunArgs, JoinArgs};
use crate::drive::catch_signals;
use crate::exit::Exit;
use crate::failure::{Failure, Outcome};
use crate::printer::Printer;
use crate::session::tokio_runtime;

const VARIABLE: &str = "WINDLASS_AGENT_DIR";
const OF_ROOT: &str = "/var/lib/windlass-agent";

pub(super) fn run(args: &AgentArgs, printer: &mut Printer) -> Outcome {
    let runtime = tokio_runtime()?;
    let ended = match &args.command {
        AgentCommand::Join(args) => runtime.block_on(join_and_serve(args, printer)),
        AgentCommand::Run(AgentRunArgs { place, keep_program }) => {
            let home = home(place)?;
            let upgrades = if *keep_program { None } else { upgrades(&home) };
            upgrades.iter().for_each(|upgrades| upgrades.go_on(&home));
            runtime.block_on(serve(home, upgrades, printer))
        }
        AgentCommand::Check(place) => {
            let home = home(place)?;
            runtime.block_on(check(&home)).map(|()| Exit::Succeeded).map_err(failure)
        }
    };
    // What still blocks a thread is not waited for.
    runtime.shutdown_background();
    ended
}

async fn join_and_serve(args: &JoinArgs, printer: &mut Printer) -> Outcome {
    let home = home(&args.place)?;
    let joining = Joining { server: args.server.clone(), token: args.token.clone(), node: args.name.clone() };
    let identity = join(&home, &joining).await.map_err(failure)?;
    printer.line(format_args!("joined {} as `{}`", identity.server, identity.node));
    printer.note(format_args!("key and certificate are kept in {}", home.path().display()));
    if args.only {
        return Ok(Exit::Succeeded);
    }
    let upgrades = upgrades(&home);
    serve(home, upgrades, printer).await
}

async fn serve(home: Home, upgrades: Option<Upgrades>, printer: &mut Printer) -> Outcome {
    let mut signals = catch_signals()?;
    let (lines, mut said) = tokio::sync::mpsc::unbounded_channel::<String>();
    let lines = Mutex::new(lines);
    let daemon = Daemon::new(home, Options::default(), env!("CARGO_PKG_VERSION"), move |line| {
        if let Ok(lines) = lines.lock() {
            let _ = lines.send(line.to_owned());
        }
    });
    let daemon = match upgrades {
        Some(upgrades) => daemon.upgrades(upgrades),
        None => daemon,
    };
    let mut running = std::pin::pin!(daemon.others(AsOthers::new()).run());
    loop {
        tokio::select! {
            line = said.recv() => printer.note(line.unwrap_or_default()),
            step = signals.next() => {
                printer.note(format_args!("ending ({})", step.why));
                return Ok(Exit::Succeeded);
            }
            ended = &mut running => return ended.map(|()| Exit::Succeeded).map_err(failure),
        }
    }
}

/// How a program of this agent is begun: as this one was, whatever that is called.
fn upgrades(home: &Home) -> Option<Upgrades> {
    let words = |command: &str| {
        let mut words: Vec<OsString> = ["agent", command, "--data-dir"].map(OsString::from).into();
        words.push(home.path().into());
        words
    };
    Some(Upgrades { program: std::env::current_exe().ok()?, serve: words("run"), check: words("check") })
}

fn home(args: &AgentPlaceArgs) -> Result<Home, Failure> {
    let set = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let of_user = || {
        if rustix::process::geteuid().is_root() {
            return Some(PathBuf::from(OF_ROOT));
        }
        let state = set("XDG_STATE_HOME").or_else(|| set("HOME").map(|home| home.join(".local/state")));
        state.map(|state| state.join("windlass-agent"))
    };
    let path = args.data_dir.clone().or_else(|| set(VARIABLE)).or_else(of_user);
    path.map(Home::at)
        .ok_or_else(|| Failure::usage("there is no home to keep the agent's key in").help("give --data-dir"))
}

pub(super) fn failure(error: Error) -> Failure {
    let exit = match &error {
        Error::Address(_) | Error::Token(_) | Error::NotJoined(_) => Exit::Invalid,
        Error::Refused(_) => Exit::Failed,
        _ => Exit::Store,
    };
    let failure = Failure::new(exit, error.code(), error.to_string());
    let failure = match std::error::Error::source(&error) {
        Some(source) => failure.because(source),
        None => failure,
    };
    match error.help() {
        Some(help) => failure.help(help),
        None => failure,
    }
}
