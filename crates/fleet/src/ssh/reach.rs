//! Hosts over SSH: one connection per host, whatever is started on it.

use std::sync::{Arc, Mutex, PoisonError};

use windlass_plugin::{CallError, Node};

use super::kept::Kept;
use super::resolve::Resolver;
use super::session::Session;
use super::settings::Settings;
use crate::connect::ByWay;
use crate::elevate::Become;
use crate::led_to::LedTo;

/// The hosts that are reached by SSH.
#[derive(Debug)]
pub(crate) struct Ssh {
    resolver: Arc<Resolver>,
    kept: Kept,
    sessions: Mutex<ByWay<Place>>,
}

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

// === impl Ssh ===

impl Ssh {
    /// By settings that somebody knows of each node.
    pub(crate) fn new(resolver: Arc<Resolver>, led_to: Arc<dyn LedTo>) -> Self {
        Self { resolver, kept: Kept::with(led_to), sessions: Mutex::default() }
    }

    /// A connection to a node: the one that there is, or a new one.
    pub(crate) async fn reach(&self, node: &Arc<Node>) -> Result<(Arc<Session>, Target), CallError> {
        let target = self.resolver.target(node).await?;
        let place = {
            let mut sessions = self.sessions.lock().unwrap_or_else(PoisonError::into_inner);
            sessions.with(node, |place| Arc::clone(place))
        };
        let mut place = place.lock().await;
        if let Some(session) = place.as_ref().filter(|session| !session.is_closed()) {
            return Ok((Arc::clone(session), target));
        }
        let session = Arc::new(Session::open_with(&target.settings, &self.kept).await?);
        *place = Some(Arc::clone(&session));
        Ok((session, target))
    }

    /// Lets go of a node's connection; it is closed when nobody uses it any more.
    pub(crate) fn leave(&self, node: &Node) {
        self.sessions.lock().unwrap_or_else(PoisonError::into_inner).remove(node);
    }
}
