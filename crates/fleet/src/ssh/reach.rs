//! Agents over SSH: one connection per host, one agent per user on it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::io::AsyncReadExt as _;
use windlass_plugin::{BoxFuture, CallError, Node};

use super::place::{self, Agents, Start};
use super::session::Session;
use super::settings::Settings;
use crate::connect::{Connect, Connection, Destination};

/// A way to nodes by SSH.
pub struct Ssh {
    find: Box<Find>,
    agents: Agents,
    sessions: Mutex<HashMap<String, Place>>,
}

/// How a node's settings are found.
type Find = dyn Fn(&Node) -> Result<Target, CallError> + Send + Sync;

/// Where the session of a host is kept; locked while it is made.
type Place = Arc<tokio::sync::Mutex<Option<Arc<Session>>>>;

/// How a node is reached, and as whom one acts there.
#[derive(Clone, Debug)]
pub struct Target {
    /// The host.
    pub settings: Settings,
    /// The user to act as, where that is another one than who logs in.
    pub other: Option<Become>,
}

/// The user to act as.
#[derive(Clone)]
pub struct Become {
    /// Whom.
    pub user: String,
    /// By what.
    pub method: Method,
    /// The password that it asks for. It never stands on a command line.
    pub password: Option<String>,
}

/// By what one becomes another user.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// `sudo`.
    Sudo,
    /// `doas`.
    Doas,
    /// `su`.
    Su,
}

/// How long an agent may take to be placed. A slow line takes a while for a few megabytes.
const PLACING: Duration = Duration::from_secs(120);

// === impl Ssh ===

impl Ssh {
    /// By settings that somebody knows of each node.
    pub fn new(
        find: impl Fn(&Node) -> Result<Target, CallError> + Send + Sync + 'static,
        agents: Agents,
    ) -> Self {
        Self { find: Box::new(find), agents, sessions: Mutex::default() }
    }

    async fn session(&self, node: &Node, settings: &Settings) -> Result<Arc<Session>, CallError> {
        let place = {
            let mut sessions = self.sessions.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(sessions.entry(node.name.clone()).or_default())
        };
        let mut place = place.lock().await;
        if let Some(session) = place.as_ref().filter(|session| !session.is_closed()) {
            return Ok(Arc::clone(session));
        }
        let session = Arc::new(Session::open(settings).await?);
        *place = Some(Arc::clone(&session));
        Ok(session)
    }

    async fn agent(
        &self,
        session: &Session,
        name: &str,
        target: &Target,
    ) -> Result<(super::Channel, Vec<u8>), CallError> {
        let (other, step) = (target.other.as_ref(), target.settings.step);
        let broken = |why: String| {
            let message = format!("the agent does not run on `{name}`: {why}");
            CallError::permanent("agent", message)
        };
        match place::start(session, &self.agents, other, step).await? {
            Start::Runs(channel, said) => return Ok((channel, said)),
            Start::Broken { why } => return Err(broken(why)),
            Start::Missing { system } => {
                let Some(binary) = self.agents.fit(&system) else {
                    return Err(broken(format!("there is none for `{system}`")));
                };
                place::place(session, binary, other, PLACING).await?;
            }
        }
        match place::start(session, &self.agents, other, step).await? {
            Start::Runs(channel, said) => Ok((channel, said)),
            Start::Broken { why } => Err(broken(why)),
            Start::Missing { .. } => Err(broken("it was placed and is not there".to_owned())),
        }
    }
}

impl Connect for Ssh {
    fn connect<'a>(&'a self, to: &'a Destination) -> BoxFuture<'a, Result<Connection, CallError>> {
        Box::pin(async move {
            let target = (self.find)(&to.node)?;
            let session = self.session(&to.node, &target.settings).await?;
            let (channel, said) = self.agent(&session, &to.node.name, &target).await?;
            let super::Channel { stdout, stdin, events } = channel;
            let reader = Box::pin(std::io::Cursor::new(said).chain(stdout));
            Ok(Connection { reader, writer: stdin, keep: Box::new((session, events)) })
        })
    }
}

impl std::fmt::Debug for Ssh {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Ssh").finish_non_exhaustive()
    }
}

// === impl Become ===

impl Become {
    /// A script as a command, run by the other user.
    pub(super) fn command(&self, script: &str) -> String {
        // Within double quotes of the login shell's single quotes nothing more needs quoting: the script has none.
        let user = format!("'{}'", self.user.replace('\'', "'\\''"));
        match (self.method, &self.password) {
            (Method::Sudo, None) => format!("exec sudo -n -H -u {user} -- /bin/sh -c '{script}'"),
            (Method::Sudo, Some(_)) => format!("exec sudo -S -p '' -H -u {user} -- /bin/sh -c '{script}'"),
            (Method::Doas, None) => format!("exec doas -n -u {user} /bin/sh -c '{script}'"),
            (Method::Doas, Some(_)) => format!("exec doas -u {user} /bin/sh -c '{script}'"),
            (Method::Su, _) => format!("exec su - {user} -s /bin/sh -c '{script}'"),
        }
    }
}

impl std::fmt::Debug for Become {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Become")
            .field("user", &self.user)
            .field("method", &self.method)
            .finish_non_exhaustive()
    }
}
