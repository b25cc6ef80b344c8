//! Whether the machine of an agent that is away is down, or only not to be reached from here: the server knocks at it, and asks a
//! few other agents to knock as well.
//!
//! ```text
//!                    answers the server   answers other agents
//!   agentDown        yes                  -
//!   unreachable      no                   yes
//!   down             no                   no
//!   unknown          no                   there are none to ask
//! ```
//!
//! What answers is the machine, whether or not anything listens at the port: nothing listens for this on nodes.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use futures_util::future::join_all;
use windlass_contract::{AgentReach, Reached};
use windlass_line::Probe;
use windlass_line::from_server::What;
use windlass_line::{KNOCK_WITHIN, knock};
use windlass_model::time::Time;

use crate::hub::{Inner, locked};
use crate::present::Present;

/// How many other agents are asked.
const ASKED: usize = 3;
/// How long they have to answer beyond what the machine has.
const PATIENCE: Duration = Duration::from_secs(2);
/// How soon it is looked again, and how late at the most: the longer an agent is away, the later.
const AGAIN: (Duration, Duration) = (Duration::from_secs(60), Duration::from_secs(3600));
/// So many may be away at once for it to be worth asking: when it is most of them, it is the server's own network.
const WORTH_ASKING: usize = 64;

// === impl Inner ===

impl Inner {
    /// Looks whether a machine is there, whose agent was last seen at an address.
    pub(crate) async fn look(self: &Arc<Self>, node: &str, address: IpAddr, now: Time) -> AgentReach {
        let at = SocketAddr::new(address, self.options.knock_port);
        let peers = if self.is_worth_asking() { self.peers(node, address) } else { Vec::new() };
        let asked: Vec<String> = peers.iter().map(|peer| peer.node.clone()).collect();
        let (answers_here, answers_there) =
            tokio::join!(knock(at), join_all(peers.iter().map(|peer| self.ask(peer, at))));
        let heard: Vec<bool> = answers_there.into_iter().flatten().collect();
        let found = match (answers_here, heard.iter().any(|answers| *answers)) {
            (true, _) => Reached::AgentDown,
            (false, true) => Reached::Unreachable,
            (false, false) if heard.is_empty() => Reached::Unknown,
            (false, false) => Reached::Down,
        };
        AgentReach { found, asked, at: now.to_string() }
    }

    /// When it is looked again, of one that has been away for so long.
    pub(crate) fn again(away_for: Duration) -> Duration {
        (away_for / 2).clamp(AGAIN.0, AGAIN.1)
    }

    fn is_worth_asking(&self) -> bool {
        let (here, away) = (self.count(), locked(&self.reach).len());
        away < WORTH_ASKING.max(here)
    }

    /// Some who are here, on other machines: those whose address is most alike first, who would know best.
    fn peers(&self, node: &str, address: IpAddr) -> Vec<Arc<Present>> {
        let mut peers = self.here();
        peers.retain(|peer| peer.node != node && (peer.from.ip() != address || address.is_loopback()));
        peers.sort_by_cached_key(|peer| {
            (std::cmp::Reverse(alike(peer.from.ip(), address)), peer.node.clone())
        });
        // Not all from next door: what cuts one off from the server may cut them off, too.
        let far = peers.last().filter(|_| peers.len() > ASKED).map(Arc::clone);
        peers.truncate(if far.is_some() { ASKED - 1 } else { ASKED });
        peers.extend(far);
        peers
    }

    /// Asks an agent to knock; none where it does not say.
    async fn ask(&self, peer: &Present, at: SocketAddr) -> Option<bool> {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let answer = peer.asks(number);
        if !peer.say(What::Probe(Probe { number, address: at.to_string() })) {
            return None;
        }
        let answer = tokio::time::timeout(KNOCK_WITHIN + PATIENCE, answer).await;
        peer.asked(number);
        answer.ok().and_then(Result::ok)
    }

    /// Remembers what was found, as long as the agent is away.
    pub(crate) fn found(&self, node: &str, reach: AgentReach) {
        locked(&self.reach).insert(node.to_owned(), reach);
    }
}

/// In how many leading bits two addresses are alike.
fn alike(one: IpAddr, other: IpAddr) -> u32 {
    match (one, other) {
        (IpAddr::V4(one), IpAddr::V4(other)) => (one.to_bits() ^ other.to_bits()).leading_zeros(),
        (IpAddr::V6(one), IpAddr::V6(other)) => (one.to_bits() ^ other.to_bits()).leading_zeros(),
        _ => 0,
    }
}

/// What was found of those who are away.
pub(crate) type Found = HashMap<String, AgentReach>;
