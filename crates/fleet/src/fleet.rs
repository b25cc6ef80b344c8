//! Connections to nodes: opened when first needed, kept warm, never too many handshakes at once.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use windlass_model::id::RunId;
use windlass_plugin::{CallError, Node};
use windlass_wire::{Hello, Versions};

use crate::bare::Bare;
use crate::connect::{ByWay, Connect, Destination, Reached};
use crate::peer::Peer;

/// The connections of a process. Cheap to clone.
#[derive(Clone)]
pub struct Fleet(Arc<Inner>);

struct Inner {
    connect: Box<dyn Connect>,
    places: Mutex<ByWay<Place>>,
    gate: Gate,
    hello_within: Duration,
}

/// What is known of a node's connection.
#[derive(Default)]
struct Place {
    /// Its lock is held while a connection is made, so that a hung node delays nobody else.
    link: Kept,
    /// The runs that worked over it.
    runs: BTreeSet<RunId>,
}

/// Where a connection is kept.
type Kept = Arc<tokio::sync::Mutex<Option<Link>>>;

/// What there is at the other end.
#[derive(Clone, Debug)]
pub enum Link {
    /// An agent.
    Agent(Peer),
    /// A place where no agent runs.
    Bare(Bare),
}

/// How many connections may be in the making at once.
#[derive(Clone, Debug)]
pub struct Gate(Arc<Semaphore>);

/// Connections that nobody needs any more. They are closed when this is dropped: not before all who had to be told were told, and best when
/// nothing else is in a hurry, for what it takes to end hundreds of connections is in the way of everything on a machine. An agent
/// ends by itself when its connection does.
pub struct Unneeded {
    fleet: Fleet,
    links: Vec<(Arc<Node>, Kept)>,
}

/// How long agents have to take in that a run is over, all of them together.
const FAREWELL: Duration = Duration::from_secs(3);

// === impl Gate ===

impl Gate {
    /// So many at once.
    #[must_use]
    pub fn of(count: usize) -> Self {
        Self(Arc::new(Semaphore::new(count.max(1))))
    }
}

impl Default for Gate {
    /// Enough to hide the waits of a handshake, few enough not to look like an attack.
    fn default() -> Self {
        Self::of(64)
    }
}

// === impl Link ===

impl Link {
    fn is_usable(&self) -> bool {
        match self {
            Self::Agent(peer) => peer.is_alive(),
            Self::Bare(bare) => bare.is_alive(),
        }
    }
}

// === impl Fleet ===

impl Fleet {
    /// Connections made in some way.
    pub fn new(connect: impl Connect, gate: Gate) -> Self {
        let hello_within = Duration::from_secs(30);
        Self(Arc::new(Inner { connect: Box::new(connect), places: Mutex::default(), gate, hello_within }))
    }

    /// A connection to a node: the one that there is, or a new one.
    pub async fn link(&self, to: &Destination) -> Result<Link, CallError> {
        let inner = &*self.0;
        let place = inner.places().with(&to.node, |place| {
            place.runs.insert(to.run);
            Arc::clone(&place.link)
        });
        let mut link = place.lock().await;
        if let Some(link) = link.as_ref().filter(|link| link.is_usable()) {
            return Ok(link.clone());
        }
        *link = None;
        let reached = {
            let _turn = match inner.connect.is_made_here(to) {
                true => inner.gate.0.acquire().await.ok(),
                // An agent that is waited for holds nobody up.
                false => None,
            };
            inner.connect.connect(to).await?
        };
        let made = match reached {
            Reached::Agent(connection) => {
                Link::Agent(Peer::greet(connection, ours(), inner.hello_within).await?)
            }
            Reached::Bare(bare) => Link::Bare(bare),
        };
        *link = Some(made.clone());
        Ok(made)
    }

    /// The connection to a node is to be made anew: it is not known to be any good.
    pub async fn renew(&self, to: &Destination) {
        let link = self.0.places().get(&to.node).map(|place| Arc::clone(&place.link));
        if let Some(link) = link {
            *link.lock().await = None;
        }
    }

    /// A run has ended: nothing of it will be asked for again. Agents that worked for it drop what they kept, and
    /// connections that served nobody else are given back, to be closed.
    pub async fn forget(&self, run: RunId) -> Unneeded {
        let (mut farewells, mut left) = (JoinSet::new(), Vec::new());
        {
            let mut places = self.0.places();
            for (node, place) in places.iter_mut() {
                if !place.runs.remove(&run) {
                    continue;
                }
                let link = Arc::clone(&place.link);
                if place.runs.is_empty() {
                    left.push((Arc::clone(node), Arc::clone(&link)));
                }
                farewells.spawn(async move {
                    if let Some(Link::Agent(peer)) = link.lock().await.as_ref() {
                        peer.forget(run).await;
                        peer.answers(FAREWELL).await;
                    }
                });
            }
            left.iter().for_each(|(node, _)| places.remove(node));
        }
        // What an agent does not take in now it sweeps away by itself after some days.
        let _ = tokio::time::timeout(FAREWELL, farewells.join_all()).await;
        Unneeded { fleet: self.clone(), links: left }
    }
}

impl Drop for Unneeded {
    fn drop(&mut self) {
        for (node, link) in self.links.drain(..) {
            // Who holds it makes the connection anew for another run, or hangs.
            if let Ok(mut link) = link.try_lock() {
                *link = None;
            }
            self.fleet.0.connect.leave(&node);
        }
    }
}

impl Inner {
    fn places(&self) -> MutexGuard<'_, ByWay<Place>> {
        self.places.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl std::fmt::Debug for Unneeded {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Unneeded").field("links", &self.links.len()).finish_non_exhaustive()
    }
}

impl std::fmt::Debug for Fleet {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Fleet").finish_non_exhaustive()
    }
}

fn ours() -> Hello {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Hello {
        versions: Versions::OURS,
        build: env!("CARGO_PKG_VERSION").to_owned(),
        pid: std::process::id(),
        clock_ms: u64::try_from(since.as_millis()).unwrap_or(u64::MAX),
        facts: BTreeMap::new(),
    }
}
