//! Ways to nodes: over SSH, into a container, here, by an agent that dialled in; whatever the node's settings say.
//!
//! ```text
//!   ssh ────────▶ Session ─┐
//!   container ──▶ Child   ─┼─▶ start an agent ──missing──▶ place it, start it
//!   local ──────▶ Child   ─┘          └── it cannot run there ──▶ Bare
//!   agent ──────▶ Dialled ──▶ the agent that is there
//! ```

use std::sync::Arc;
use std::time::Duration;

use windlass_model::transport::{AgentUse, Container, Transport, Way};
use windlass_plugin::{BoxFuture, CallError, Node};

use crate::agents::Agents;
use crate::bare::Bare;
use crate::connect::{Connect, Connection, Destination, Reached};
use crate::dialled::{Dialled, Nobody};
use crate::elevate::Become;
use crate::exec::{Channel, Exec};
use crate::here::Here;
use crate::local::Child;
use crate::place::{self, Placed, Start};
use crate::ssh::{Resolver, Settings, Ssh};

/// The ways that there are.
#[derive(Debug)]
pub struct Ways {
    resolver: Arc<Resolver>,
    ssh: Ssh,
    agents: Agents,
    dialled: Arc<dyn Dialled>,
}

/// Where programs can be run, as whom, and how long each step of a dialogue may take.
struct Foothold {
    exec: Arc<dyn Exec>,
    other: Option<Become>,
    step: Duration,
}

/// How long an agent may take to be placed. A slow line takes a while for a few megabytes.
const PLACING: Duration = Duration::from_secs(120);
/// How long an agent that dials in by itself is waited for.
const COMES_BACK: Duration = Duration::from_secs(10);

/// Whether a node is this machine: nothing is said of how to reach it, or that it is, as who we are.
#[must_use]
pub fn is_here(node: &Node) -> bool {
    node.transport.as_deref().is_none_or(|transport| {
        transport.uses == Some(Way::Local) && transport.r#become.is_none() && transport.agent.is_none()
    })
}

// === impl Ways ===

impl Ways {
    /// The ways from here, with these agents to place.
    #[must_use]
    pub fn new(here: Here, agents: Agents) -> Self {
        let led_to = Arc::clone(&here.led_to);
        let resolver = Arc::new(Resolver::new(here));
        let ssh = Ssh::new(Arc::clone(&resolver), led_to);
        Self { ssh, resolver, agents, dialled: Arc::new(Nobody) }
    }

    /// The same, and by agents that dialled in.
    #[must_use]
    pub fn dialled(self, dialled: impl Dialled) -> Self {
        Self { dialled: Arc::new(dialled), ..self }
    }

    /// As the environment of this process says.
    #[must_use]
    pub fn of_this_process() -> Self {
        Self::new(Here::of_this_process(), Agents::of_this_process())
    }

    async fn foothold(&self, node: &Arc<Node>, transport: &Transport) -> Result<Foothold, CallError> {
        let name = &node.name;
        let step = transport.connect_timeout.map_or(Settings::of("", "").step, |span| span.0);
        Ok(match transport.uses.unwrap_or_default() {
            Way::Ssh => {
                let (session, target) = self.ssh.reach(node).await?;
                Foothold { exec: session, other: target.other, step: target.settings.step }
            }
            Way::Local => Foothold {
                exec: Arc::new(Child::here(name)),
                other: self.other(name, transport).await?,
                step,
            },
            Way::Container => {
                let nothing = Container { name: None, runtime: None };
                let container = transport.container.as_ref().unwrap_or(&nothing);
                let runtime = container.runtime.as_deref().unwrap_or("docker");
                // The runtime can be anybody in the container without being asked for a password.
                let user = transport.r#become.as_ref().map(|other| other.user.as_str());
                let inside = container.name.as_deref().unwrap_or(name);
                let exec = Child::container(name, runtime, inside, user);
                Foothold { exec: Arc::new(exec), other: None, step }
            }
            // An agent that dialled in is not started from here: see `connect`.
            Way::Agent => Foothold { exec: Arc::new(Child::here(name)), other: None, step },
        })
    }

    /// Whom to become, with the password.
    async fn other(&self, name: &str, transport: &Transport) -> Result<Option<Become>, CallError> {
        match &transport.r#become {
            Some(other) => Ok(Some(self.resolver.other(name, other).await?)),
            None => Ok(None),
        }
    }

    /// An agent on this machine, as another user.
    ///
    /// # Errors
    ///
    /// That user cannot be become, or no agent runs as them.
    pub async fn here_as(&self, node: &Arc<Node>, other: Become) -> Result<Connection, CallError> {
        let transport = Transport { uses: Some(Way::Local), ..Transport::default() };
        let mut foothold = Foothold { other: Some(other), ..self.foothold(node, &transport).await? };
        let started = self.agent(node, &transport, &mut foothold).await?;
        started.map(|channel| connection(foothold.exec, channel)).map_err(|why| {
            let message = format!("`{}`: no agent runs there as that user: {why}", node.name);
            CallError::permanent("agent", message)
        })
    }

    /// Starts an agent, or says why there can be none.
    async fn agent(
        &self,
        node: &Arc<Node>,
        transport: &Transport,
        on: &mut Foothold,
    ) -> Result<Result<Channel, String>, CallError> {
        let (exec, other, step) = (&*on.exec, on.other.as_ref(), on.step);
        let agents = self.agents.all().await?;
        match place::start(exec, agents, other, step).await? {
            Start::Runs(channel) => return Ok(Ok(channel)),
            Start::Broken { why } => {
                return Ok(Err(format!("the agent that lies there does not run: {why}")));
            }
            Start::NoShell { said } => return Ok(Err(no_shell(&said))),
            Start::Missing { system } => {
                let Some(binary) = self.agents.fit(&system).await? else {
                    return Ok(Err(self.agents.lack(&system)));
                };
                if let Some(why) = system.rsplit(' ').next().and_then(|machine| binary.unfit(machine)) {
                    return Ok(Err(why));
                }
                match place::place(exec, binary, other, step, PLACING).await? {
                    Placed::Yes => {}
                    Placed::No { why } => return Ok(Err(format!("the agent cannot be placed: {why}"))),
                }
            }
        }
        if transport.uses.unwrap_or_default() == Way::Ssh {
            // A connection keeps room for half of what was pushed through it at once, for as long as it lives: hundreds of them
            // would keep hundreds of megabytes.
            self.ssh.leave(node);
            *on = self.foothold(node, transport).await?;
        }
        let (exec, other) = (&*on.exec, on.other.as_ref());
        Ok(match place::start(exec, agents, other, step).await? {
            Start::Runs(channel) => Ok(channel),
            Start::Broken { why } => Err(format!("the agent was placed and does not run: {why}")),
            Start::Missing { .. } => Err("the agent was placed and is not there".to_owned()),
            Start::NoShell { said } => Err(no_shell(&said)),
        })
    }
}

fn uses_agent(node: &Node) -> bool {
    node.transport.as_deref().is_some_and(|transport| transport.uses == Some(Way::Agent))
}

/// A stream to an agent that was started.
fn connection(exec: Arc<dyn Exec>, channel: Channel) -> Connection {
    // An agent says nothing on its standard error; whatever comes must not hold the connection up.
    let Channel { stdout, stderr, stdin, ended } = channel;
    exec.ignore(stderr);
    Connection { reader: stdout, writer: stdin, keep: Box::new((exec, ended)) }
}

fn no_shell(said: &str) -> String {
    let said = if said.is_empty() { "nothing" } else { said };
    format!("no POSIX shell answered, and what did said: {said}")
}

impl Connect for Ways {
    fn connect<'a>(&'a self, to: &'a Destination) -> BoxFuture<'a, Result<Reached, CallError>> {
        Box::pin(async move {
            let nothing = Transport::default();
            let transport = to.node.transport.as_deref().unwrap_or(&nothing);
            if uses_agent(&to.node) {
                let other = self.other(&to.node.name, transport).await?;
                let within = transport.connect_timeout.map_or(COMES_BACK, |span| span.0);
                return Ok(Reached::Agent(self.dialled.reach(&to.node.name, other.as_ref(), within).await?));
            }
            let mut foothold = self.foothold(&to.node, transport).await?;
            let started = match transport.agent.unwrap_or_default() {
                AgentUse::Never => Err("`agent: never` says so".to_owned()),
                AgentUse::Auto => self.agent(&to.node, transport, &mut foothold).await?,
            };
            let Foothold { exec, other, step } = foothold;
            Ok(match started {
                Ok(channel) => Reached::Agent(connection(exec, channel)),
                Err(why) => Reached::Bare(Bare { exec, other, step, why }),
            })
        })
    }

    fn is_made_here(&self, to: &Destination) -> bool {
        !uses_agent(&to.node)
    }

    fn leave(&self, node: &Node) {
        self.ssh.leave(node);
    }
}
