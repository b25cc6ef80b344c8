//! Connections to nodes: opened when first needed, kept warm, never too many handshakes at once.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::sync::Semaphore;
use windlass_model::id::RunId;
use windlass_plugin::CallError;
use windlass_wire::{Hello, Versions};

use crate::connect::{Connect, Destination};
use crate::peer::Peer;

/// The connections of a process. Cheap to clone.
#[derive(Clone)]
pub struct Fleet(Arc<Inner>);

struct Inner {
    connect: Box<dyn Connect>,
    /// One place per node; its lock is held while a connection is made, so that a hung node delays nobody else.
    places: Mutex<HashMap<String, Arc<tokio::sync::Mutex<Option<Peer>>>>>,
    gate: Gate,
    hello_within: Duration,
}

/// How many connections may be in the making at once.
#[derive(Clone, Debug)]
pub struct Gate(Arc<Semaphore>);

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

// === impl Fleet ===

impl Fleet {
    /// Connections made in some way.
    pub fn new(connect: impl Connect, gate: Gate) -> Self {
        let hello_within = Duration::from_secs(30);
        Self(Arc::new(Inner { connect: Box::new(connect), places: Mutex::default(), gate, hello_within }))
    }

    /// A connection to a node: the one that there is, or a new one.
    pub async fn peer(&self, to: &Destination) -> Result<Peer, CallError> {
        let inner = &*self.0;
        let place = {
            let mut places = inner.places.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(places.entry(to.node.name.clone()).or_default())
        };
        let mut peer = place.lock().await;
        if let Some(peer) = peer.as_ref().filter(|peer| peer.is_alive()) {
            return Ok(peer.clone());
        }
        *peer = None;
        let connection = {
            let _turn = inner.gate.0.acquire().await;
            inner.connect.connect(to).await?
        };
        let met = Peer::greet(connection, ours(), inner.hello_within).await?;
        *peer = Some(met.clone());
        Ok(met)
    }

    /// The connection to a node is to be made anew: it is not known to be any good.
    pub async fn renew(&self, to: &Destination) {
        let place = {
            let places = self.0.places.lock().unwrap_or_else(PoisonError::into_inner);
            places.get(&to.node.name).cloned()
        };
        if let Some(place) = place {
            *place.lock().await = None;
        }
    }

    /// A run has ended: nothing of it will be asked for again, and idle connections are closed.
    pub async fn forget(&self, run: RunId) {
        let places: Vec<_> = {
            let mut places = self.0.places.lock().unwrap_or_else(PoisonError::into_inner);
            places.drain().map(|(_, place)| place).collect()
        };
        for place in places {
            if let Some(peer) = place.lock().await.take() {
                peer.forget(run).await;
            }
        }
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
