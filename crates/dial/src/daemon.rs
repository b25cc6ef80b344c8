//! The agent that runs by itself: dials in, serves, renews its certificate, dials in again.

use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::future::OptionFuture;
use tokio::sync::{Semaphore, watch};
use tokio::time::Instant;
use uuid::Uuid;
use windlass_agent::Cache;
use windlass_line::from_agent::What as Said;
use windlass_line::from_server::What;
use windlass_line::{
    FromAgent, FromServer, Hello, Issued, NotOpened, Offer, OpenAs, Probe, Probed, Queue, RenewRequest,
    knock, path,
};

use crate::backoff::{Backoff, at_least_half};
use crate::channel::{Channel, call, chain, connect, serve};
use crate::error::Error;
use crate::home::{Home, Identity};
use crate::join::now;
use crate::session::{Others, session, session_as};
use crate::tls::identified;
use crate::upgrade::Upgrades;
use crate::{error, facts};

/// How an agent behaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// How long it waits at the most before it dials in again, the first time.
    pub first_wait: Duration,
    /// And ever.
    pub most_wait: Duration,
    /// How long it waits after a refusal that stays one until a person does something.
    pub refused_wait: Duration,
    /// How often it looks whether the facts of its node have changed.
    pub facts_every: Duration,
}

/// An agent that runs by itself.
pub struct Daemon {
    home: Home,
    options: Options,
    /// What tells this process from another one with the same key.
    instance: String,
    version: &'static str,
    upgrades: Option<Upgrades>,
    /// What starts agents as other users, where it does.
    others: Option<Arc<dyn Others>>,
    /// How many sessions are open.
    open: watch::Sender<usize>,
    knocking: Arc<Semaphore>,
    say: Arc<dyn Fn(&str) + Send + Sync>,
}

/// Why a connection came to an end that the agent wanted.
enum Next {
    /// It has a new certificate, and dials in with that.
    Renewed,
}

/// How long a connection must have lasted for the next one to be dialled as if nothing had been wrong.
const LASTED: Duration = Duration::from_secs(3);
/// How long what was said takes to be written down.
const SAID_WITHIN: Duration = Duration::from_millis(200);
/// At how many machines it knocks at once for its server.
const KNOCKS: usize = 64;
/// How often the clock is looked at.
const LOOK_EVERY: Duration = Duration::from_secs(30);

impl Default for Options {
    fn default() -> Self {
        Self {
            first_wait: Duration::from_secs(2),
            most_wait: Duration::from_secs(60),
            refused_wait: Duration::from_secs(300),
            facts_every: Duration::from_secs(3600),
        }
    }
}

// === impl Daemon ===

impl Daemon {
    /// The agent whose directory this is. What it has to say goes to `say`, a line at a time.
    pub fn new(
        home: Home,
        options: Options,
        version: &'static str,
        say: impl Fn(&str) + Send + Sync + 'static,
    ) -> Self {
        let instance = Uuid::new_v4().to_string();
        let (open, _) = watch::channel(0);
        let knocking = Arc::new(Semaphore::new(KNOCKS));
        let say = Arc::new(say);
        Self { home, options, instance, version, upgrades: None, others: None, open, knocking, say }
    }

    /// The same, which takes other programs that its server offers.
    #[must_use]
    pub fn upgrades(self, upgrades: Upgrades) -> Self {
        Self { upgrades: Some(upgrades), ..self }
    }

    /// The same, which lets agents that these start act as other users.
    #[must_use]
    pub fn others(self, others: impl Others) -> Self {
        Self { others: Some(Arc::new(others)), ..self }
    }

    /// Serves until this process is told to end, or for as long as the future is polled.
    ///
    /// # Errors
    ///
    /// There is no agent in the directory, or another process serves as it. What else is wrong is said and tried again.
    pub async fn run(self) -> Result<(), Error> {
        let _lock = self.home.lock()?;
        let mut identity = self.home.identity()?;
        let mut backoff = Backoff::new(self.options.first_wait, self.options.most_wait);
        loop {
            let begun = Instant::now();
            let ended = self.once(&mut identity).await;
            if begun.elapsed() >= LASTED {
                backoff.reset();
            }
            let wait = match ended {
                Ok(Next::Renewed) => continue,
                Err(Error::Refused(status)) if error::is_final(&status) => {
                    let wait = at_least_half(self.options.refused_wait);
                    (self.say)(&told(&Error::Refused(status), wait));
                    wait
                }
                Err(error) => {
                    let wait = backoff.next();
                    (self.say)(&told(&error, wait));
                    wait
                }
            };
            tokio::time::sleep(wait).await;
            // Somebody may have let it join again meanwhile.
            if let Ok(again) = self.home.identity() {
                identity = again;
            }
        }
    }

    /// One connection, to its end.
    async fn once(&self, identity: &mut Identity) -> Result<Next, Error> {
        let channel = connect(&identity.server, Arc::new(identified(identity)?)).await?;
        if now() >= identity.renew_at() {
            *identity = self.renew(&channel, identity).await?;
            return Ok(Next::Renewed);
        }
        let (queue, said) = Queue::new();
        let _ = queue.put(Said::Hello(self.hello()).into());
        let mut heard = serve(&channel, said).await?;
        let (node, cache) = (identity.node.clone(), Cache::at(self.home.path()));
        let reporting = report(node.clone(), queue.clone(), self.options.facts_every);
        let mut reporting = std::pin::pin!(reporting);
        let mut fetching = std::pin::pin!(OptionFuture::from(None));
        let mut look = tokio::time::interval(LOOK_EVERY.min(lasts(identity)));
        loop {
            let heard = tokio::select! {
                heard = heard.next() => heard,
                () = &mut reporting => continue,
                Some(()) = &mut fetching => {
                    fetching.set(None.into());
                    continue;
                }
                _ = look.tick() => {
                    if now() < identity.renew_at() {
                        continue;
                    }
                    *identity = self.renew(&channel, identity).await?;
                    return Ok(Next::Renewed);
                }
            };
            let heard: FromServer = match heard {
                Some(Ok(heard)) => heard,
                Some(Err(status)) => return Err(channel.explain(status).await),
                None => return Err(Error::Ended("the server ended it".to_owned())),
            };
            match heard.what {
                Some(What::Welcome(welcome)) => {
                    (self.say)(&format!(
                        "serves as `{node}` at {}, whose version is {}",
                        identity.server, welcome.version
                    ));
                    self.upgrades.iter().for_each(|upgrades| upgrades.welcomed(&self.home));
                }
                Some(What::Open(number)) => {
                    let opened = session(channel.clone(), number, node.clone(), cache.clone());
                    let (say, open) = (Arc::clone(&self.say), self.open.clone());
                    open.send_modify(|open| *open += 1);
                    tokio::spawn(async move {
                        let _closed = Closed(open);
                        if let Err(error) = opened.await {
                            say(&format!("a session cannot be opened: {error}"));
                        }
                    });
                }
                Some(What::OpenAs(open)) => self.open_as(open, channel.clone(), node.clone(), queue.clone()),
                Some(What::Ping(number)) => drop(queue.put(Said::Pong(number).into())),
                Some(What::Said(text)) => (self.say)(&format!("the server says: {text}")),
                Some(What::Offer(offer)) => {
                    if let Some(upgrades) = &self.upgrades {
                        fetching.set(Some(self.upgrade(upgrades, channel.clone(), offer)).into());
                    }
                }
                Some(What::Probe(Probe { number, address })) => {
                    // More at once than it is ever asked.
                    if let (Ok(turn), Ok(address)) =
                        (Arc::clone(&self.knocking).try_acquire_owned(), address.parse())
                    {
                        let queue = queue.clone();
                        tokio::spawn(async move {
                            let _turn = turn;
                            let answers = knock(address).await;
                            let _ = queue.put(Said::Probed(Probed { number, answers }).into());
                        });
                    }
                }
                // What a later version says.
                None => {}
            }
        }
    }

    /// A session as another user, or why there is none.
    fn open_as(&self, open_as: OpenAs, channel: Channel, node: String, queue: Queue<FromAgent>) {
        let Some(others) = self.others.clone() else {
            let message = format!("the agent of `{node}` does not become other users");
            let (number, code, permanent) = (open_as.number, "become".to_owned(), true);
            let not = NotOpened { number, code, message, permanent, causes: Vec::new() };
            // Where nobody listens any more, nobody waits either.
            let _ = queue.put(Said::NotOpened(not).into());
            return;
        };
        let (say, open) = (Arc::clone(&self.say), self.open.clone());
        open.send_modify(|open| *open += 1);
        tokio::spawn(async move {
            let _closed = Closed(open);
            match session_as(channel, open_as, &node, &*others).await {
                Ok(None) => {}
                Ok(Some(not)) => _ = queue.put(Said::NotOpened(not).into()),
                Err(error) => say(&format!("a session cannot be opened: {error}")),
            }
        });
    }

    /// The next certificate, which is on the disk before it is used.
    async fn renew(&self, channel: &Channel, identity: &Identity) -> Result<Identity, Error> {
        use rcgen::{KeyPair, PublicKeyData as _};
        let key = KeyPair::generate().map_err(Error::certificate)?;
        let request = RenewRequest { public_key: key.der_bytes().to_vec().into() };
        let issued: Issued = call(channel, path::RENEW, request).await?;
        let next = Identity::new(identity.server.clone(), key.serialize_der(), issued, now());
        self.home.keep(&next)?;
        (self.say)("has a new certificate");
        Ok(next)
    }

    /// Takes an offered program, when nothing is open; or says why not. It returns only then.
    async fn upgrade(&self, upgrades: &Upgrades, channel: Channel, offer: Offer) {
        let short: String = offer.sha256.chars().take(12).collect();
        match upgrades.fetch(&self.home, &channel, &offer).await {
            Ok(path) => {
                (self.say)(&format!(
                    "has fetched and tried the program {short} of version {}; takes it when nothing is open",
                    offer.version
                ));
                let mut open = self.open.subscribe();
                if open.wait_for(|open| *open == 0).await.is_ok() {
                    (self.say)(&format!("goes on as the program {short}"));
                    // What was said is written down by somebody else, who will not be there any more.
                    tokio::time::sleep(SAID_WITHIN).await;
                    let error = upgrades.swap(&self.home, &path, &offer.sha256);
                    (self.say)(&format!("goes on as it is: {}", chain(&error)));
                }
            }
            Err(why) => {
                (self.say)(&format!("does not take the program {short} of version {}: {why}", offer.version))
            }
        }
    }

    fn hello(&self) -> Hello {
        let system = rustix::system::uname();
        let text = |text: &std::ffi::CStr| text.to_string_lossy().into_owned();
        Hello {
            instance: self.instance.clone(),
            version: self.version.to_owned(),
            os: text(system.sysname()).to_lowercase(),
            arch: text(system.machine()),
            host: text(system.nodename()),
            program: self.upgrades.as_ref().map(Upgrades::own).unwrap_or_default(),
        }
    }
}

/// A session has ended.
struct Closed(watch::Sender<usize>);

impl Drop for Closed {
    fn drop(&mut self) {
        self.0.send_modify(|open| *open = open.saturating_sub(1));
    }
}

impl std::fmt::Debug for Daemon {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Daemon").field("home", &self.home).finish_non_exhaustive()
    }
}

/// A sixtieth of the certificate's life, so that one that lives for seconds is renewed in time.
fn lasts(identity: &Identity) -> Duration {
    let life = Duration::from_secs(identity.not_after.saturating_sub(identity.since));
    (life / 60).max(Duration::from_millis(50))
}

/// Says what the node reports, at first and when that has changed.
async fn report(node: String, queue: Queue<FromAgent>, every: Duration) {
    let mut before = None;
    loop {
        let facts = facts::here(&node).await;
        if let Some(facts) = facts.filter(|facts| before.as_ref() != Some(facts)) {
            if !queue.put(Said::Facts(facts.to_string()).into()) {
                return std::future::pending().await;
            }
            before = Some(facts);
        }
        tokio::time::sleep(at_least_half(every)).await;
    }
}

fn told(error: &Error, wait: Duration) -> String {
    let text = chain(error);
    let help = error.help().map_or_else(String::new, |help| format!("; {help}"));
    format!("{text}{help} ({}; tries again in {} s)", error.code(), wait.as_secs_f64().ceil())
}
