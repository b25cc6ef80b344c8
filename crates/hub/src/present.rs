//! An agent that is here.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Mutex, MutexGuard};

use tokio::sync::{Notify, oneshot};
use tokio_util::sync::CancellationToken;
use tonic::Status;
use windlass_enrol::Certificate;
use windlass_fleet::Connection;
use windlass_line::{FromServer, Hello, NotOpened, Queue};
use windlass_model::Value;
use windlass_model::time::Time;
use windlass_plugin::CallError;

use crate::hub::locked;

/// An agent that is here.
pub(crate) struct Present {
    pub(crate) node: String,
    pub(crate) hello: Hello,
    pub(crate) certificate: Certificate,
    pub(crate) from: SocketAddr,
    pub(crate) since: Time,
    control: Queue<Result<FromServer, Status>>,
    /// Ends the connection, and all that goes over it.
    cut: CancellationToken,
    opening: Mutex<Opening>,
    /// Who waits for what it finds when it knocks.
    asking: Mutex<HashMap<u64, oneshot::Sender<bool>>>,
    /// It answered a ping.
    pub(crate) ponged: Notify,
    /// What it reported of its node, until that is written down.
    pub(crate) facts: Mutex<Option<Value>>,
}

/// A session, or why it could not be opened.
pub(crate) type Opened = Result<Connection, CallError>;

/// The sessions that it was told to open and has not.
#[derive(Default)]
struct Opening {
    next: u64,
    wanted: HashMap<u64, oneshot::Sender<Opened>>,
}

// === impl Present ===

impl Present {
    pub(crate) fn new(
        node: String,
        hello: Hello,
        certificate: Certificate,
        (from, since): (SocketAddr, Time),
        control: Queue<Result<FromServer, Status>>,
        cut: CancellationToken,
    ) -> Self {
        let (opening, asking) = (Mutex::default(), Mutex::default());
        let (ponged, facts) = (Notify::new(), Mutex::new(None));
        Self { node, hello, certificate, from, since, control, cut, opening, asking, ponged, facts }
    }

    /// Says something to it. Who takes nothing in is not here any more.
    pub(crate) fn say(&self, what: impl Into<FromServer>) -> bool {
        let said = self.control.put(Ok(what.into()));
        if !said {
            self.cut.cancel();
        }
        said
    }

    /// Nothing more is said to it on this stream, and sessions that are open go on.
    pub(crate) fn release(&self) {
        self.control.end(None);
    }

    /// Ends it at once, and says why.
    pub(crate) fn cut(&self, why: Status) {
        self.control.end(Some(Err(why)));
        self.cut.cancel();
    }

    /// Waits until it is cut.
    pub(crate) async fn gone(&self) {
        self.cut.cancelled().await;
    }

    pub(crate) fn token(&self) -> &CancellationToken {
        &self.cut
    }

    /// A session to be opened: its number, and where it arrives.
    pub(crate) fn expect(&self) -> (u64, oneshot::Receiver<Opened>) {
        let (sender, receiver) = oneshot::channel();
        let mut opening = self.opening();
        opening.next = opening.next.wrapping_add(1);
        let number = opening.next;
        opening.wanted.insert(number, sender);
        (number, receiver)
    }

    /// Who waits for a session, if somebody does.
    pub(crate) fn take(&self, number: u64) -> Option<oneshot::Sender<Opened>> {
        let mut opening = self.opening();
        let sender = opening.wanted.remove(&number);
        if opening.wanted.is_empty() {
            opening.wanted = HashMap::new();
        }
        sender
    }

    /// A session could not be opened. What nobody waits for is nothing.
    pub(crate) fn not_opened(&self, not: NotOpened) {
        let NotOpened { number, code, message, permanent, causes } = not;
        if let Some(wanted) = self.take(number) {
            let error = match permanent {
                true => CallError::permanent(&code, message),
                false => CallError::retryable(&code, message),
            };
            let _ = wanted.send(Err(CallError { causes, ..error }));
        }
    }

    /// Where arrives what it finds when it knocks.
    pub(crate) fn asks(&self, number: u64) -> oneshot::Receiver<bool> {
        let (sender, receiver) = oneshot::channel();
        locked(&self.asking).insert(number, sender);
        receiver
    }

    /// Nobody waits for that any more.
    pub(crate) fn asked(&self, number: u64) {
        locked(&self.asking).remove(&number);
    }

    /// It has knocked. What nobody asked for is nothing.
    pub(crate) fn found(&self, number: u64, answers: bool) {
        if let Some(sender) = locked(&self.asking).remove(&number) {
            let _ = sender.send(answers);
        }
    }

    fn opening(&self) -> MutexGuard<'_, Opening> {
        locked(&self.opening)
    }
}

impl std::fmt::Debug for Present {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Present").field("node", &self.node).finish_non_exhaustive()
    }
}
