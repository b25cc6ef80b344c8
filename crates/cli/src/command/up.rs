//! `windlass up`: a server, a fleet of agents, sample objects and a first run, all on this machine and in one directory.
//!
//! Nothing in it is a way of its own: the server is that of `windlass server`, the agents join with a token and speak mutual
//! TLS, objects and runs go in over the API.

mod demo;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::task::JoinSet;
use windlass_client::{Client, Server as Known};
use windlass_contract::{NewRun, NewToken};
use windlass_dial::{Daemon, Home, Joining, join};
use windlass_hub::Hub;
use windlass_model::code;
use windlass_model::span::Span;
use windlass_model::time::Time;
use windlass_server::{AgentToken, Options, Server};

use crate::args::{LiveFormat, ReachArgs, UpArgs};
use crate::command::agent::AsOthers;
use crate::command::server::failure;
use crate::data_dir::{self, quoted};
use crate::drive::{Drive, Tells, catch_signals, drive};
use crate::exit::Exit;
use crate::failure::{Failure, Outcome};
use crate::printer::{FAINT, Printer, STRONG, Styled};
use crate::session::tokio_runtime;
use crate::signals::Signals;
use crate::typed::Typed;
use crate::{plan_file, reach};

/// The agents that serve.
type Agents = JoinSet<Result<(), windlass_dial::Error>>;

/// Where things lie below the directory.
const SERVER: &str = "server";
const NODES: &str = "nodes";
const TOKEN: &str = "token";
const CONTEXT: &str = "up";
/// How long a token of ours is good for; the next start makes another.
const GOOD_FOR: Duration = Duration::from_secs(30 * 24 * 3600);
/// How long a join token is: it is used now.
const JOINS_WITHIN: Duration = Duration::from_secs(600);
/// How long all agents have to be here.
const READY_WITHIN: Duration = Duration::from_secs(60);
const LOOK_EVERY: Duration = Duration::from_millis(20);
/// How long attempts in flight have to end when it does.
const GRACE: Duration = Duration::from_secs(2);

pub(super) fn run(args: &UpArgs, printer: &mut Printer) -> Outcome {
    let runtime = tokio_runtime()?;
    let ended = runtime.block_on(up(args, printer));
    // What still blocks a thread is not waited for.
    runtime.shutdown_background();
    ended
}

async fn up(args: &UpArgs, printer: &mut Printer) -> Outcome {
    let mut signals = catch_signals()?;
    let directory = match &args.data_dir {
        Some(directory) => std::path::absolute(directory).unwrap_or_else(|_| directory.clone()),
        None => data_dir::beside("windlass-up")?,
    };
    data_dir::create(&directory)?;
    let hub = Hub::default();
    let mut server = open(args.listen, &directory, hub.clone()).await?;
    let mut agents = JoinSet::new();
    let ended = shown(args, &directory, &mut server, &hub, &mut agents, &mut signals, printer).await;
    printer.note("ending: what is unfinished goes on when it is begun again");
    let closed = server.close(GRACE).await.map_err(failure);
    agents.shutdown().await;
    ended?;
    closed.map(|()| Exit::Succeeded)
}

/// Everything between its beginning and its end.
async fn shown(
    args: &UpArgs,
    directory: &Path,
    server: &mut Server,
    hub: &Hub,
    agents: &mut Agents,
    signals: &mut Signals,
    printer: &mut Printer,
) -> Result<(), Failure> {
    let begun = std::time::Instant::now();
    let url = format!("http://{}", server.address());
    let nodes = demo::nodes(args.nodes);
    let furnished = async {
        let client = signed_in(&url, server, directory).await?;
        demo::furnish(&client, &nodes, &directory.join(NODES)).await?;
        serve(server, &nodes, directory, agents).await?;
        all_here(hub, nodes.len(), agents).await?;
        Ok::<_, Failure>(client)
    };
    let client = tokio::select! {
        furnished = furnished => furnished?,
        _ = signals.next() => return Ok(()),
    };
    greet(&url, directory, nodes.len(), begun.elapsed(), printer);
    if !args.no_run {
        first_run(&client, server, signals, printer).await?;
        if signals.have_come() {
            return Ok(());
        }
    }
    advise(&url, directory, printer);
    tokio::select! {
        _ = signals.next() => Ok(()),
        error = server.failed() => Err(failure(error)),
    }
}

/// The server, as `windlass server` opens it.
async fn open(listen: SocketAddr, directory: &Path, agents: Hub) -> Result<Server, Failure> {
    let registry = plan_file::registry()?;
    let fleet = reach::fleet_and(&ReachArgs::default(), None, Some(agents.clone()));
    let data_dir = directory.join(SERVER);
    data_dir::create(&data_dir)?;
    let options = Options {
        data_dir,
        listen,
        tls: None,
        without_tls: false,
        name: format!("windlass up {} (process {})", env!("CARGO_PKG_VERSION"), std::process::id()),
        version: env!("CARGO_PKG_VERSION"),
        agents,
        enrol: Default::default(),
        // They are this program already.
        agent_program: None,
        oidc: None,
        traces: None,
        operating: Default::default(),
    };
    Server::open(options, reach::over(&registry, &fleet)?).await.map_err(failure)
}

/// A client that may do everything: with the token of an earlier start, or one that is made with that of the first.
async fn signed_in(url: &str, server: &Server, directory: &Path) -> Result<Client, Failure> {
    let path = directory.join(TOKEN);
    let client = |token: String| Client::new(&Known { url: url.to_owned(), token: Some(token), ca: None });
    let first = match server.first() {
        Some(first) => first.issued.token.clone(),
        None => {
            let kept = std::fs::read_to_string(&path).unwrap_or_default();
            let kept = client(kept.trim().to_owned())?;
            kept.me().await.map_err(|error| {
                Failure::new(
                    Exit::Invalid,
                    code::UNAUTHENTICATED,
                    "the token of the first start is not good any more",
                )
                .because(&error)
                .help(format!("remove {} to begin anew", quoted(&directory.to_string_lossy())))
            })?;
            return Ok(kept);
        }
    };
    let wanted =
        NewToken { note: "windlass up".to_owned(), expires_in: Some(Span(GOOD_FOR)), ..NewToken::default() };
    let made = client(first)?.issue(&wanted).await?;
    data_dir::write_secret(&path, &format!("{}\n", made.token))?;
    Ok(client(made.token)?)
}

/// Lets each node's agent join that has not, and serve.
async fn serve(
    server: &Server,
    nodes: &[String],
    directory: &Path,
    agents: &mut Agents,
) -> Result<(), Failure> {
    let address = server.address().to_string();
    for node in nodes {
        let home = Home::at(agent_home(directory, node));
        // One that joined where the server listened before has no way to it any more.
        let is_joined = home.identity().is_ok_and(|identity| identity.server == address);
        if !is_joined {
            let wanted = AgentToken {
                nodes: node.clone(),
                uses: 1,
                good_for: JOINS_WITHIN,
                // The directory of the one before is gone.
                replaces: true,
            };
            let token = server.agent_token(wanted).await.map_err(failure)?;
            let joining = Joining { server: address.clone(), token, node: Some(node.clone()) };
            join(&home, &joining).await.map_err(crate::command::agent::failure)?;
        }
        let options = windlass_dial::Options {
            first_wait: Duration::from_millis(200),
            most_wait: Duration::from_secs(2),
            ..windlass_dial::Options::default()
        };
        let agent = Daemon::new(home, options, env!("CARGO_PKG_VERSION"), |_| {});
        agents.spawn(agent.others(AsOthers::new()).run());
    }
    Ok(())
}

async fn all_here(hub: &Hub, count: usize, agents: &mut Agents) -> Result<(), Failure> {
    let mut look = tokio::time::interval(LOOK_EVERY);
    let here = async {
        while hub.count() < count {
            tokio::select! {
                _ = look.tick() => {}
                Some(Ok(Err(error))) = agents.join_next() => return Err(crate::command::agent::failure(error)),
            }
        }
        Ok(())
    };
    tokio::time::timeout(READY_WITHIN, here).await.unwrap_or_else(|_| {
        let message = format!("only {} of {count} agents have dialled in", hub.count());
        Err(Failure::new(Exit::Store, code::NO_AGENT, message).help("begin again, with fewer --nodes"))
    })
}

async fn first_run(
    client: &Client,
    server: &Server,
    signals: &mut Signals,
    printer: &mut Printer,
) -> Result<(), Failure> {
    let params = BTreeMap::from([("release".to_owned(), demo::release())]);
    let wanted =
        NewRun { plan: Some(demo::PLAN.to_owned()), typed_params: params.clone(), ..NewRun::default() };
    let release = params.values().next().map_or("", String::as_str);
    printer.note(format_args!("$ windlass run {} --context {CONTEXT} -p release={release}", demo::PLAN));
    let run = client.submit(demo::NAMESPACE, &wanted).await?.run;
    let typed = Typed::server(format!("--context {CONTEXT}"));
    let how = Drive {
        format: LiveFormat::Text,
        approve: false,
        tells: Tells::Run,
        since: Time::ZERO,
        typed: &typed,
    };
    drive(&server.runs(), run, how, signals, printer).await.map(drop)
}

fn greet(url: &str, directory: &Path, nodes: usize, took: Duration, printer: &mut Printer) {
    printer.line(format_args!(
        "listens on {}, and {nodes} agents have dialled in ({:.1} s)",
        Styled(STRONG, url),
        took.as_secs_f32()
    ));
    printer.note(Styled(FAINT, format_args!("everything is kept in {}", directory.display())));
}

fn advise(url: &str, directory: &Path, printer: &mut Printer) {
    let token = directory.join(TOKEN);
    let token = quoted(&token.to_string_lossy());
    let say = |command: String, about: &str| format!("  {command:<54} {about}\n");
    let (plan, two) = (demo::PLAN, demo::TWO);
    let commands = [
        say("windlass get nodes".to_owned(), "who is here"),
        say(format!("windlass get plan {plan} -o yaml"), "what is done, on which nodes, how many at once"),
        say(
            format!("windlass run {plan} --context {CONTEXT} -p release=2.0"),
            "do it again, with another release",
        ),
        say(format!("windlass runs report last --context {CONTEXT}"), "what happened, and why"),
        say(format!("windlass run {two} --context {CONTEXT}"), "waits until somebody agrees"),
        say(format!("windlass approve last --context {CONTEXT}"), "agree"),
        say(
            "windlass freeze incident --reason 'I want to see it'".to_owned(),
            "nothing is changed until `--lift`",
        ),
        say("windlass audit".to_owned(), "who did what"),
    ];
    if windlass_server::has_console()
        && let Ok(kept) = std::fs::read_to_string(directory.join(TOKEN))
    {
        // A browser keeps what stands behind the `#` to itself.
        printer.line(format_args!(
            "\nIn a browser, signed in (whoever has the link may do everything):\n  {}",
            Styled(STRONG, format_args!("{url}/ui/sign-in#token={}", kept.trim()))
        ));
    }
    printer.line(format_args!(
        "\nIn another terminal, sign in once:\n  \
         windlass login {url} --token @{token} --context {CONTEXT}\n\n\
         Then:\n{}\n\
         What the nodes have lies in {}. Ctrl-C ends all of it; `windlass up` goes on with it.",
        commands.concat(),
        quoted(&directory.join(NODES).to_string_lossy()),
    ));
}

fn agent_home(directory: &Path, node: &str) -> PathBuf {
    directory.join(NODES).join(node).join("agent")
}
