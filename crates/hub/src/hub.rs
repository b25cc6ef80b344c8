//! Who is here.

use std::collections::HashMap;
use std::fmt;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use serde_json::json;
use tokio::sync::{Notify, Semaphore};
use tokio::time::Instant;
use tokio_rustls::rustls::ServerConfig;
use tonic::{Code, Status};
use windlass_access::{Audit, Noted, Outcome};
use windlass_enrol::{Agent, Enrol, Error, Now, server_config};
use windlass_meter::Count;
use windlass_model::code;
use windlass_model::{Value, time::Time};
use windlass_objects::Objects;
use windlass_runtime::Clock;

use crate::present::Present;
use crate::probe::Found;
use crate::program::{self, FETCH_AT_ONCE, Program};
use crate::refusal::coded;
use crate::status;

/// How agents are served.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// How often a silent agent is asked whether it lives.
    pub ask_every: Duration,
    /// How long it has to answer before its connection is cut.
    pub answer_within: Duration,
    /// How long an agent may be away before the status of its node says so; a reconnect is not worth writing down.
    pub away_after: Duration,
    /// How long all have to come back when the server begins.
    pub back_within: Duration,
    /// The port at which is knocked to find out whether the machine of an agent that is away is there.
    pub knock_port: u16,
}

/// What the hub stands on.
#[derive(Clone, Debug)]
pub struct Parts {
    /// Who may be an agent.
    pub enrol: Enrol,
    /// Who did what.
    pub audit: Audit,
    /// The nodes.
    pub objects: Objects,
    /// What time it is.
    pub clock: Clock,
    /// The version of the server.
    pub version: &'static str,
    /// The program that is offered to agents like it; none: each keeps its own.
    pub program: Option<PathBuf>,
}

/// The agents that are here. Cheap to clone. Until it is [opened](Self::open), there are none.
#[derive(Clone)]
pub struct Hub(Arc<Inner>);

pub(crate) struct Inner {
    pub(crate) options: Options,
    pub(crate) parts: OnceLock<Parts>,
    present: Mutex<HashMap<String, Arc<Present>>>,
    /// Earlier connections of agents that have dialled anew, over which work comes to its end.
    released: Mutex<Vec<Arc<Present>>>,
    /// Who waits for the agent of a node.
    waiting: Mutex<HashMap<String, Arc<Notify>>>,
    /// When the status of a node is to be looked at.
    pub(crate) due: Mutex<HashMap<String, Instant>>,
    /// What was found of the machines of those who are away.
    pub(crate) reach: Mutex<Found>,
    pub(crate) woken: Notify,
    /// When somebody was last noted to have been refused, so that who tries again and again fills no record.
    noted: Mutex<HashMap<String, Time>>,
    pub(crate) next: AtomicU64,
    /// The program that is offered, once its hash is known.
    pub(crate) program: OnceLock<Program>,
    pub(crate) fetching: Arc<Semaphore>,
    /// Nobody is taken in any more.
    pub(crate) closed: AtomicBool,
    pub(crate) counts: Counts,
    /// Connections without a certificate.
    pub(crate) strangers: Arc<Semaphore>,
}

/// What has happened since this process began.
#[derive(Debug, Default)]
pub struct Counts {
    /// Agents that joined.
    pub joined: Count,
    /// Agents that dialled in, and were taken in.
    pub arrived: Count,
    /// Agents that went.
    pub left: Count,
    /// Who wanted to join or serve, and was refused.
    pub refused: Count,
}

/// How many may be about to join at once.
const STRANGERS: usize = 128;
/// How soon a change is written down.
const SOON: Duration = Duration::from_secs(1);
/// How often the same refusal is noted.
const NOTED_EVERY: Duration = Duration::from_secs(600);

impl Default for Options {
    fn default() -> Self {
        Self {
            ask_every: Duration::from_secs(10),
            answer_within: Duration::from_secs(10),
            away_after: Duration::from_secs(10),
            back_within: Duration::from_secs(90),
            // Where firewalls let most pass.
            knock_port: 22,
        }
    }
}

// === impl Hub: its beginning ===

impl Hub {
    /// Nobody is here yet.
    #[must_use]
    pub fn new(options: Options) -> Self {
        Self(Arc::new(Inner {
            options,
            parts: OnceLock::new(),
            present: Mutex::default(),
            released: Mutex::default(),
            waiting: Mutex::default(),
            due: Mutex::default(),
            reach: Mutex::default(),
            woken: Notify::new(),
            noted: Mutex::default(),
            next: AtomicU64::new(1),
            program: OnceLock::new(),
            fetching: Arc::new(Semaphore::new(FETCH_AT_ONCE)),
            closed: AtomicBool::new(false),
            counts: Counts::default(),
            strangers: Arc::new(Semaphore::new(STRANGERS)),
        }))
    }

    /// Takes agents in from now on.
    ///
    /// # Errors
    ///
    /// The store cannot be read.
    pub async fn open(&self, parts: Parts) -> Result<(), Error> {
        let (mut after, mut known) = (None::<String>, Vec::new());
        loop {
            let page = parts.enrol.agents(after.as_deref(), 1000).await?;
            let Some(last) = page.last() else { break };
            after = Some(last.node.clone());
            known.extend(page.into_iter().map(|agent| agent.node));
        }
        if let Some(path) = parts.program.clone() {
            let inner = Arc::downgrade(&self.0);
            // It is megabytes.
            tokio::task::spawn_blocking(move || match program::read(&path) {
                Ok(program) => inner.upgrade().iter().for_each(|inner| inner.offers(program.clone())),
                Err(error) => {
                    tracing::warn!(path = %path.display(), %error, "no program is offered to agents: it cannot be read");
                }
            });
        }
        // It is opened once, by whoever opens the server.
        let _ = self.0.parts.set(parts);
        let back = Instant::now() + self.0.options.back_within;
        locked(&self.0.due).extend(known.into_iter().map(|node| (node, back)));
        tokio::spawn(status::keep(Arc::downgrade(&self.0)));
        Ok(())
    }

    /// How TLS is spoken with agents; none until it is open.
    ///
    /// # Errors
    ///
    /// The authority cannot be used.
    pub fn tls(&self) -> Result<Option<ServerConfig>, Error> {
        let Some(parts) = self.0.parts.get() else { return Ok(None) };
        let clock = parts.clock.clone();
        server_config(&parts.enrol, Now(Arc::new(move || clock.now()))).map(Some)
    }

    /// Who may be an agent; none until it is open.
    #[must_use]
    pub fn enrol(&self) -> Option<&Enrol> {
        self.0.parts.get().map(|parts| &parts.enrol)
    }

    /// Revokes the agent of a node: its connection is cut now, and no certificate of it is good any more. None where
    /// there is no agent.
    ///
    /// # Errors
    ///
    /// The store cannot be written.
    pub async fn revoke(&self, node: &str) -> Result<Option<Agent>, Error> {
        let Some(parts) = self.0.parts.get() else { return Ok(None) };
        let revoked = parts.enrol.revoke(node, parts.clock.now()).await?;
        if revoked.is_some() {
            for present in self.0.connections(node) {
                present.cut(coded(Code::PermissionDenied, &code::AGENT_REVOKED, "this agent was revoked"));
            }
            self.0.is_due(node, SOON);
        }
        Ok(revoked)
    }

    /// The server ends: all are cut, and will dial in again when it is back.
    pub fn close(&self) {
        self.0.closed.store(true, Ordering::Relaxed);
        for present in self.0.all() {
            present.cut(Status::unavailable("the server ends"));
        }
    }

    /// How many are here.
    #[must_use]
    pub fn count(&self) -> usize {
        self.0.count()
    }

    /// What has happened since this process began.
    #[must_use]
    pub fn counts(&self) -> &Counts {
        &self.0.counts
    }

    pub(crate) fn inner(&self) -> &Arc<Inner> {
        &self.0
    }
}

impl Default for Hub {
    fn default() -> Self {
        Self::new(Options::default())
    }
}

impl fmt::Debug for Hub {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hub").field("here", &self.count()).finish_non_exhaustive()
    }
}

// === impl Inner: who comes and goes ===

impl Inner {
    pub(crate) fn find(&self, node: &str) -> Option<Arc<Present>> {
        locked(&self.present).get(node).cloned()
    }

    /// A program is offered from now on, and to those who are here already.
    fn offers(&self, program: Program) {
        if self.program.set(program).is_ok() {
            self.all().iter().for_each(|present| self.offer(present));
        }
    }

    /// Offers the program to an agent, if there is one, and it has another.
    pub(crate) fn offer(&self, present: &Present) {
        let Some((program, parts)) = self.program.get().zip(self.parts.get()) else { return };
        if let Some(offer) = program.offer(&present.hello, parts.version) {
            present.say(offer);
        }
    }

    pub(crate) fn count(&self) -> usize {
        locked(&self.present).len()
    }

    /// Those who are here.
    pub(crate) fn here(&self) -> Vec<Arc<Present>> {
        locked(&self.present).values().cloned().collect()
    }

    fn all(&self) -> Vec<Arc<Present>> {
        let released = locked(&self.released).clone();
        self.here().into_iter().chain(released).collect()
    }

    /// All connections of the agent of a node.
    pub(crate) fn connections(&self, node: &str) -> Vec<Arc<Present>> {
        let released = locked(&self.released);
        let older = released.iter().filter(|present| present.node == node).cloned();
        older.chain(self.find(node)).collect()
    }

    /// An agent has dialled anew, and goes on with its work over this connection.
    pub(crate) fn released(&self, before: Arc<Present>) {
        before.release();
        let mut released = locked(&self.released);
        released.retain(|present| !present.token().is_cancelled());
        released.push(before);
    }

    /// Somebody is here, in the place of who was, if anybody was. `expect` is who was seen there: somebody else may have come
    /// since.
    pub(crate) fn arrived(
        &self,
        present: &Arc<Present>,
        expect: Option<&Arc<Present>>,
    ) -> Result<(), Arc<Present>> {
        {
            let mut all = locked(&self.present);
            match (all.get(&present.node), expect) {
                (Some(other), Some(expect)) if Arc::ptr_eq(other, expect) => {}
                (Some(other), _) => return Err(Arc::clone(other)),
                (None, _) => {}
            }
            all.insert(present.node.clone(), Arc::clone(present));
        }
        locked(&self.reach).remove(&present.node);
        self.counts.arrived.one();
        self.is_due(&present.node, SOON);
        let waiting = locked(&self.waiting).remove(&present.node);
        if let Some(waiting) = waiting {
            waiting.notify_waiters();
        }
        Ok(())
    }

    /// Somebody is not here any more, unless somebody else has come since.
    pub(crate) fn left(&self, present: &Arc<Present>) {
        {
            let mut all = locked(&self.present);
            if all.get(&present.node).is_some_and(|other| Arc::ptr_eq(other, present)) {
                all.remove(&present.node);
            }
        }
        self.counts.left.one();
        self.is_due(&present.node, self.options.away_after);
    }

    /// Hears when the agent of a node comes.
    pub(crate) fn wait_for(&self, node: &str) -> Arc<Notify> {
        Arc::clone(locked(&self.waiting).entry(node.to_owned()).or_default())
    }

    /// Nobody waits any more; the last one to say so takes the place away.
    pub(crate) fn waited(&self, node: &str, waiting: Arc<Notify>) {
        let mut all = locked(&self.waiting);
        drop(waiting);
        if all.get(node).is_some_and(|it| Arc::strong_count(it) == 1) {
            all.remove(node);
        }
    }

    /// The status of a node is to be looked at.
    pub(crate) fn is_due(&self, node: &str, within: Duration) {
        let at = Instant::now() + within;
        locked(&self.due).entry(node.to_owned()).and_modify(|due| *due = at.min(*due)).or_insert(at);
        self.woken.notify_one();
    }

    /// Notes what an agent did, or was refused.
    pub(crate) async fn note(&self, node: &str, from: &str, verb: &str, outcome: Outcome, after: Value) {
        let Some(parts) = self.parts.get() else { return };
        let at = parts.clock.now();
        match (verb, outcome) {
            (_, Outcome::Denied) => self.counts.refused.one(),
            ("join", _) => self.counts.joined.one(),
            _ => {}
        }
        if outcome == Outcome::Denied {
            let mut noted = locked(&self.noted);
            let key = format!("{node} {verb}");
            if noted.get(&key).is_some_and(|before| at.since(*before) < NOTED_EVERY) {
                return;
            }
            if noted.len() > 10_000 {
                noted.clear();
            }
            noted.insert(key, at);
        }
        let noted = Noted {
            at,
            user: format!("agent {node}"),
            from: from.to_owned(),
            verb: verb.to_owned(),
            resource: format!("Agent {node}"),
            outcome,
            before: Value::Null,
            after,
        };
        if let Err(error) = parts.audit.note(noted).await {
            tracing::error!(node, %error, "what an agent did cannot be noted");
        }
    }

    /// Cuts those whose certificates have ended.
    pub(crate) fn cut_over(&self, now: Time) {
        let over = |present: &&Arc<Present>| present.certificate.not_after <= now;
        let mut all: Vec<Arc<Present>> = locked(&self.present).values().filter(over).cloned().collect();
        {
            let mut released = locked(&self.released);
            released.retain(|present| !present.token().is_cancelled());
            all.extend(released.iter().filter(over).cloned());
        }
        for present in all {
            let until = present.certificate.not_after;
            present.cut(coded(
                Code::Unauthenticated,
                &code::AGENT_REVOKED,
                format!("the certificate of `{}` was good until {until}", present.node),
            ));
        }
    }
}

/// What is said to who is not served because somebody else is.
pub(crate) fn second(node: &str, first: &Present) -> Status {
    coded(
        Code::AlreadyExists,
        &code::AGENT_COPIED,
        format!(
            "`{node}` is served already, by an agent on `{}` at {} that answers: two agents use one key. Join one of them again, as \
             another node",
            first.hello.host,
            first.from.ip()
        ),
    )
}

/// What is noted of that.
pub(crate) fn copied(first: &Present, second: &str) -> Value {
    json!({"why": "two agents use one key", "servedAt": first.from.to_string(), "alsoAt": second})
}

pub(crate) fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
