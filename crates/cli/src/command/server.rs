//! `windlass server`: one process with its store, its runs, its objects, and its API on a port.

mod backup;
mod config;
mod retention;
mod unit;

use std::num::NonZeroUsize;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use windlass_hub::Hub;
use windlass_model::code;
use windlass_runtime::Clock;
use windlass_server::{
    AgentToken, Connections, Error, First, Limits, Operating, Options, Retention, Server, Tls,
};
use windlass_store::Store as _;
use windlass_store_fjall::FjallStore;

use crate::args::{AgentTokenArgs, DataDirArgs, ReachArgs, ServerArgs, ServerCommand, TokenArgs};
use crate::data_dir::{self, DataDir};
use crate::drive::catch_signals;
use crate::exit::Exit;
use crate::failure::{Failure, Outcome};
use crate::notify::Notify;
use crate::printer::{FAINT, Printer, STRONG, Styled};
use crate::session::tokio_runtime;
use crate::{control, logging, plan_file, reach};

/// How often it is looked at the most what was kept long enough.
const SHORTEST: Duration = Duration::from_secs(1);
/// How long attempts in flight have to end when the server does; they are taken up again when it begins.
const GRACE: Duration = Duration::from_secs(5);

pub(super) fn run(args: &ServerArgs, printer: &mut Printer) -> Outcome {
    match &args.command {
        Some(ServerCommand::Token(args)) => tokio_runtime()?.block_on(token(args, printer)),
        Some(ServerCommand::AgentToken(args)) => tokio_runtime()?.block_on(agent_token(args, printer)),
        Some(ServerCommand::Backup(args)) => backup::backup(args, printer),
        Some(ServerCommand::Restore(args)) => backup::restore(args, printer),
        Some(ServerCommand::Retention(args)) => retention::run(args, printer),
        Some(ServerCommand::Unit(args)) => unit::run(args, printer),
        Some(ServerCommand::Config(args)) => config::run(args, printer),
        None => tokio_runtime()?.block_on(serve(args, printer)),
    }
}

async fn serve(args: &ServerArgs, printer: &mut Printer) -> Outcome {
    let settings = config::settings(args)?;
    logging::begin(settings.log_format, settings.log_level);
    let notify = Notify::of_environment();
    let mut signals = catch_signals()?;
    let data_dir = DataDirArgs { data_dir: settings.data_dir.clone() }.choose()?;
    data_dir::create(data_dir.path())?;
    let registry = plan_file::registry()?;
    let agents = Hub::default();
    let reached = ReachArgs { connect_at_once: NonZeroUsize::new(settings.connect_at_once.0) };
    let fleet = reach::fleet_and(&reached, None, Some(agents.clone()));
    let tls = settings.tls_certificate.clone().zip(settings.tls_key.clone());
    let options = Options {
        data_dir: data_dir.path().to_owned(),
        listen: settings.listen,
        tls: tls.map(|(certificate, key)| Tls { certificate, key }),
        without_tls: settings.tls_elsewhere,
        name: format!("windlass server {} (process {})", env!("CARGO_PKG_VERSION"), std::process::id()),
        version: env!("CARGO_PKG_VERSION"),
        agents,
        enrol: Default::default(),
        oidc: config::oidc(&settings)?,
        traces: config::traces(&settings)?,
        agent_program: settings.agent_program.clone().or_else(|| std::env::current_exe().ok()),
        operating: Operating {
            metrics: settings.metrics_listen,
            retention: Retention {
                runs: settings.retention_runs.map(|span| span.0),
                output: settings.retention_output.map(|span| span.0),
                newest: u32::try_from(settings.retention_newest.0).unwrap_or(u32::MAX),
                every: settings.retention_every.0.max(SHORTEST),
            },
            connections: Connections { most: settings.connections.0, head_within: settings.head_within.0 },
            limits: Limits {
                per_second: u32::try_from(settings.requests_per_second.0).ok(),
                burst: u32::try_from(settings.burst.0).unwrap_or(u32::MAX),
                body_within: settings.body_within.0,
            },
        },
    };
    let scheme = if options.tls.is_some() { "https" } else { "http" };
    let opened = Server::open(options, reach::over(&registry, &fleet)?).await;
    let mut server = opened.map_err(failure)?;
    // Whoever has the files may command its runs without a token, as those of any other process.
    let control = control::Server::start(data_dir.path(), server.runs());
    if let Err(error) = &control {
        printer.warn(format_args!("other processes of this user cannot command it without a token: {error}"));
    }
    greet(&server, scheme, &data_dir, printer);
    notify.ready(&format!("{scheme}://{}", server.address()));
    let mut alive = notify.every().map(tokio::time::interval);
    let ended = loop {
        tokio::select! {
            step = signals.next() => {
                printer.note(format_args!("ending in good order ({})", step.why));
                notify.stopping(step.why);
                break Ok(Exit::Succeeded);
            }
            error = server.failed() => {
                notify.stopping("it cannot go on");
                break Err(failure(error));
            }
            // Whoever is stuck says nothing, and is begun again.
            Some(()) = next(&mut alive) => {
                if server.is_well().await {
                    notify.alive();
                }
            }
        }
    };
    drop(control);
    let closed = server.close(GRACE).await.map_err(failure);
    let exit = ended?;
    closed.map(|()| exit)
}

async fn next(ticks: &mut Option<tokio::time::Interval>) -> Option<()> {
    ticks.as_mut()?.tick().await;
    Some(())
}

fn greet(server: &Server, scheme: &str, data_dir: &DataDir, printer: &mut Printer) {
    let base = format!("{scheme}://{}", server.address());
    printer.line(format_args!("listens on {}", Styled(STRONG, &base)));
    printer.note(Styled(FAINT, format_args!("everything is kept in {}", data_dir.path().display())));
    let taken = server.taken_over();
    if !taken.runs.is_empty() {
        printer.note(format_args!("goes on with {} unfinished runs", taken.runs.len()));
    }
    for (what, count) in [
        ("need plugins that are not here", taken.unrunnable.len()),
        ("have records that cannot be read", taken.damaged.len()),
        ("have secrets that cannot be read", taken.sealed.len()),
    ] {
        if count > 0 {
            printer.warn(format_args!("{count} runs are left as they are: they {what}"));
        }
    }
    if let Some(First { issued, good_for }) = server.first() {
        let hours = good_for.as_secs() / 3600;
        printer.line(format_args!(
            "token of `admin`, shown this once, good for {hours} hours: {}",
            issued.token
        ));
        printer.note(format_args!("try: curl -H 'Authorization: Bearer TOKEN' {base}/api/v1/me"));
    }
}

fn opened(args: &DataDirArgs) -> Result<(DataDir, Arc<FjallStore>), Failure> {
    let data_dir = args.choose()?;
    data_dir.must_hold_runs()?;
    let store = Arc::new(FjallStore::open(data_dir.path(), windlass_store_fjall::Options::default())?);
    Ok((data_dir, store))
}

async fn agent_token(args: &AgentTokenArgs, printer: &mut Printer) -> Outcome {
    let (data_dir, store) = opened(&args.data_dir)?;
    let (nodes, good_for) = (args.nodes.clone(), args.good_for.0);
    let wanted = AgentToken { nodes, uses: args.uses, good_for, replaces: args.replace };
    let now = Clock::system().now();
    let made = windlass_server::agent_token(Arc::clone(&store) as _, data_dir.path(), wanted, now).await;
    store.close().await?;
    printer.line(made.map_err(failure)?);
    Ok(Exit::Succeeded)
}

async fn token(args: &TokenArgs, printer: &mut Printer) -> Outcome {
    let (data_dir, store) = opened(&args.data_dir)?;
    let user = windlass_server::has_user(Arc::clone(&store) as _, &args.user).await.map_err(failure)?;
    if !user {
        let message = format!("there is no user `{}` in {}", args.user, Path::display(data_dir.path()));
        return Err(Failure::new(Exit::Invalid, code::UNKNOWN_OBJECT, message)
            .help("the first start of a server makes `admin`; others are objects of the kind User"));
    }
    let good_for = args.good_for.map(|span| span.0);
    let now = Clock::system().now();
    let issued = windlass_server::issue(Arc::clone(&store) as _, &args.user, good_for, now).await?;
    store.close().await?;
    printer.line(issued.token);
    Ok(Exit::Succeeded)
}

pub(super) fn failure(error: Error) -> Failure {
    let help = error.help();
    let failure = match error {
        Error::Store(error) => return error.into(),
        error => {
            let exit = if matches!(error, Error::Open(_)) { Exit::Invalid } else { Exit::Store };
            let failure = Failure::new(exit, code::SERVER, error.to_string());
            match std::error::Error::source(&error) {
                Some(source) => failure.because(source),
                None => failure,
            }
        }
    };
    match help {
        Some(help) => failure.help(help),
        None => failure,
    }
}
