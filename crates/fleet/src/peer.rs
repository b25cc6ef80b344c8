//! Our end of a connection to an agent.
//!
//! ```text
//!   Peer::call ──frames──▶ writer task ══▶ agent
//!        ▲                                  ║
//!        └── lines, questions, end ── reader task
//! ```
//!
//! One task writes, one reads; calls wait for what concerns them. When the connection is cut, every call
//! hears of it with the number of lines that it got, so that it can be found again without losing or
//! doubling one.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, watch};
use tokio::time::Instant;
use windlass_model::id::RunId;
use windlass_plugin::{Call, CallError, OriginUse};
use windlass_wire::{
    AttachOrder, CallOrder, Decoder, Ended, FromAgent, Hello, Received, ToAgent, Versions, WireError, encode,
    greet,
};

use crate::connect::Connection;

mod origins;

use self::origins::{Answers, send_later};

/// A connection to an agent. Cheap to clone; closed when the last clone is dropped.
#[derive(Clone, Debug)]
pub struct Peer(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    hello: Hello,
    greeted: Instant,
    /// Frames on their way; when it is full, whoever sends waits for the connection.
    frames: mpsc::Sender<Vec<u8>>,
    next: AtomicU64,
    calls: Mutex<HashMap<u64, Expected>>,
    /// Why the connection ended, once it has.
    ended: watch::Receiver<Option<String>>,
}

/// Who waits for messages of a call.
#[derive(Clone, Debug)]
struct Expected {
    /// Messages are boxed, because a channel has room for some of them from the beginning, for each of thousands of calls.
    messages: mpsc::Sender<Box<Weighed>>,
    /// How many bytes of lines may wait there still.
    room: Arc<Semaphore>,
}

/// A message that waits for its call, and the room that it takes there until the call has dealt with it.
type Weighed = (FromAgent, Option<OwnedSemaphorePermit>);

/// The connection was lost while a call waited for its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cut {
    /// How many lines of the call had arrived.
    pub lines: u64,
    /// What is known of why.
    pub why: String,
}

/// What came of looking for an attempt.
#[derive(Clone, Debug, PartialEq)]
pub enum Found {
    /// It ended so.
    Ended(Ended),
    /// It is not to be found, or its end is not known.
    Gone {
        /// Whether it is known to have begun.
        begun: bool,
    },
}

/// How many frames wait for the connection. One is at most some hundred KiB.
const FRAMES: usize = 64;
/// How many messages of one call wait until it takes them. While there is no room, nothing else that the agent says is heard: so little
/// room would let one call that prints hold up the answers that others wait for.
const MESSAGES: usize = 64;
/// How many bytes of lines wait there: about what an agent puts into one message. Hundreds of nodes may print at once, and what waits
/// with them takes no memory here.
const WAITING: u32 = 64 << 10;
/// How much is read at once: little while little comes, because most of a thousand connections wait; more where more comes.
const LITTLE: usize = 512;
const MUCH: usize = 64 << 10;

// === impl Peer ===

impl Peer {
    /// Greets the agent at the other end, within a time.
    ///
    /// # Errors
    ///
    /// Nobody answers, or no agent, or one of another version.
    pub async fn greet(connection: Connection, ours: Hello, within: Duration) -> Result<Self, CallError> {
        let Connection { mut reader, mut writer, keep } = connection;
        let mut decoder = Decoder::default();
        let greeting = greet(&ToAgent::Hello(ours)).map_err(|error| failed(&error))?;
        let met = async {
            let written = writer.write_all(&greeting).await;
            if written.is_ok() {
                let _ = writer.flush().await;
            }
            loop {
                match decoder.message().map_err(|error| failed(&error))? {
                    Received::Message(FromAgent::Hello(hello)) => return Ok(hello),
                    Received::Message(_) => return Err(refused("its first message is no hello")),
                    Received::Wait => {}
                }
                if let Ok(0) | Err(_) = reader.read_buf(decoder.room(LITTLE)).await {
                    let said = decoder.said();
                    return Err(failed(&WireError::NoAgent { said }));
                }
            }
        };
        let hello = tokio::time::timeout(within, met).await.map_err(|_| {
            let within = windlass_model::span::Span(within);
            CallError::retryable("transport", format!("the agent did not answer within {within}"))
        })??;
        if Versions::OURS.common(hello.versions).is_none() {
            let Versions { oldest, newest } = hello.versions;
            return Err(refused(&format!("it speaks the versions {oldest} to {newest} of our protocol")));
        }
        let (frames, queue) = mpsc::channel(FRAMES);
        let (end, ended) = watch::channel(None);
        let (calls, next) = (Mutex::default(), AtomicU64::new(1));
        let greeted = Instant::now();
        let shared = Arc::new(Shared { hello, greeted, frames, next, calls, ended });
        let weak = Arc::downgrade(&shared);
        tokio::spawn(async move {
            let _keep = keep;
            let why = tokio::select! {
                why = read(&weak, reader, decoder) => why,
                why = write(queue, writer) => why,
            };
            let _ = end.send(Some(why));
            if let Some(shared) = weak.upgrade() {
                shared.calls().clear();
            }
        });
        Ok(Self(shared))
    }

    /// Who is at the other end.
    #[must_use]
    pub fn hello(&self) -> &Hello {
        &self.0.hello
    }

    /// How long the machine at the other end has been up at least, where it said so.
    #[must_use]
    pub fn up(&self) -> Option<Duration> {
        self.0.hello.up().map(|up| up.saturating_add(self.0.greeted.elapsed()))
    }

    /// Whether the connection has not ended, as far as anybody knows.
    #[must_use]
    pub fn is_alive(&self) -> bool {
        self.0.ended.borrow().is_none()
    }

    /// Makes an attempt, and waits for its end.
    ///
    /// # Errors
    ///
    /// The connection was cut.
    pub async fn call(&self, order: CallOrder, call: &Call, uses: OriginUse) -> Result<Ended, Cut> {
        let id = self.0.next.fetch_add(1, Ordering::Relaxed);
        let keeps = order.keep;
        let order = ToAgent::Call(Box::new(CallOrder { id, ..order }));
        match self.conduct(id, &order, call, uses, (0, keeps)).await? {
            Found::Ended(ended) => Ok(ended),
            Found::Gone { .. } => {
                Ok(Ended::Failed(refused("a call was answered as if it had been looked for").into()))
            }
        }
    }

    /// Looks for an attempt that was ordered earlier, and waits for its end. So many of its lines are known.
    ///
    /// # Errors
    ///
    /// The connection was cut.
    pub async fn attach(&self, call: &Call, lines: u64) -> Result<Found, Cut> {
        let id = self.0.next.fetch_add(1, Ordering::Relaxed);
        let order =
            AttachOrder { id, run: call.run, key: call.key.clone(), attempt: call.attempt, from: lines };
        self.conduct(id, &ToAgent::Attach(order), call, OriginUse::NOTHING, (lines, true)).await
    }

    /// Nothing of a run will be asked for again.
    pub async fn forget(&self, run: RunId) {
        self.0.send(&ToAgent::Forget(run)).await;
    }

    /// Whether the agent answers within a time.
    pub async fn answers(&self, within: Duration) -> bool {
        let n = self.0.next.fetch_add(1, Ordering::Relaxed);
        let mut pong = self.0.expect(n);
        self.0.send(&ToAgent::Ping(n)).await;
        let answered = tokio::time::timeout(within, pong.recv()).await;
        self.0.calls().remove(&n);
        matches!(answered, Ok(Some(_)))
    }

    async fn conduct(
        &self,
        id: u64,
        order: &ToAgent,
        call: &Call,
        uses: OriginUse,
        (known, is_kept): (u64, bool),
    ) -> Result<Found, Cut> {
        let shared = &self.0;
        let mut lines = known;
        let mut messages = shared.expect(id);
        let mut guard = Guard { shared: Arc::clone(shared), id, ended: false, leaves: is_kept };
        if !shared.send(order).await {
            guard.ended = true;
            return Err(shared.cut(lines));
        }
        let mut answers = Answers::new(id, call.origin.clone(), uses, shared.frames.clone());
        let mut told = None;
        loop {
            let message = tokio::select! {
                message = messages.recv() => message,
                how = harsher(call, told) => {
                    (told, guard.leaves) = (Some(how), false);
                    // What is printed meanwhile has to be taken, or the connection may never take this.
                    if let Ok(frame) = encode(&ToAgent::Cancel { id, how }) {
                        send_later(&shared.frames, frame);
                    }
                    continue;
                }
            };
            // The room is given back at the end of the turn, when the lines are where they belong.
            let (message, _room) = message.map(|weighed| *weighed).unzip();
            match message {
                Some(FromAgent::Output { from, lines: more, .. }) => {
                    // What was sent twice is taken once.
                    let skip = usize::try_from(lines.saturating_sub(from)).unwrap_or(usize::MAX);
                    let fresh = more.iter().skip(skip);
                    call.output.printed_together(&fresh.collect::<Vec<_>>());
                    lines = lines.max(from.saturating_add(more.len() as u64));
                    call.output.room().await;
                }
                Some(FromAgent::Origins { question, ask, .. }) => answers.take(question, ask).await,
                Some(FromAgent::Ended { ended, .. }) => {
                    guard.ended = true;
                    return Ok(Found::Ended(ended));
                }
                Some(FromAgent::Gone { begun, .. }) => {
                    guard.ended = true;
                    return Ok(Found::Gone { begun });
                }
                Some(_) => {}
                None => {
                    guard.ended = true;
                    return Err(shared.cut(lines));
                }
            }
        }
    }
}

/// Sees to it that a call that nobody waits for any more is ended at the other side, too. What is kept over there and was
/// not told to end goes on: this process ends, and the next one looks for it.
struct Guard {
    shared: Arc<Shared>,
    id: u64,
    ended: bool,
    leaves: bool,
}

impl Drop for Guard {
    fn drop(&mut self) {
        self.shared.calls().remove(&self.id);
        if !self.ended && !self.leaves {
            let how = windlass_model::event::Severity::Kill;
            if let Ok(frame) = encode(&ToAgent::Cancel { id: self.id, how }) {
                let _ = self.shared.frames.try_send(frame);
            }
        }
    }
}

// === impl Shared ===

impl Shared {
    fn calls(&self) -> MutexGuard<'_, HashMap<u64, Expected>> {
        self.calls.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn expect(&self, id: u64) -> mpsc::Receiver<Box<Weighed>> {
        let (messages, receiver) = mpsc::channel(MESSAGES);
        let room = Arc::new(Semaphore::new(WAITING as usize));
        self.calls().insert(id, Expected { messages, room });
        // The end of the connection may have come before this call was known.
        if self.ended.borrow().is_some() {
            self.calls().remove(&id);
        }
        receiver
    }

    async fn send(&self, message: &ToAgent) -> bool {
        match encode(message) {
            Ok(frame) => self.frames.send(frame).await.is_ok(),
            Err(_) => false,
        }
    }

    fn cut(&self, lines: u64) -> Cut {
        let why = self.ended.borrow().clone().unwrap_or_else(|| "the connection ended".to_owned());
        Cut { lines, why }
    }
}

async fn harsher(
    call: &Call,
    told: Option<windlass_model::event::Severity>,
) -> windlass_model::event::Severity {
    use windlass_model::event::Severity;
    match told {
        None => call.cancel.requested().await,
        Some(Severity::Term) => call.cancel.reached(Severity::Kill).await,
        Some(Severity::Kill) => std::future::pending().await,
    }
}

async fn write(
    mut queue: mpsc::Receiver<Vec<u8>>,
    mut writer: std::pin::Pin<Box<dyn tokio::io::AsyncWrite + Send>>,
) -> String {
    while let Some(mut bytes) = queue.recv().await {
        while let Ok(more) = queue.try_recv() {
            bytes.extend_from_slice(&more);
            if bytes.len() > 256 << 10 {
                break;
            }
        }
        let written = match writer.write_all(&bytes).await {
            Ok(()) => writer.flush().await,
            failed => failed,
        };
        if let Err(error) = written {
            return format!("nothing can be written to the connection: {error}");
        }
    }
    let _ = writer.shutdown().await;
    "the connection is not needed any more".to_owned()
}

async fn read(
    shared: &std::sync::Weak<Shared>,
    mut reader: std::pin::Pin<Box<dyn tokio::io::AsyncRead + Send>>,
    mut decoder: Decoder,
) -> String {
    let mut room = LITTLE;
    loop {
        match decoder.message::<FromAgent>() {
            Err(error) => return error.to_string(),
            Ok(Received::Message(message)) => {
                let Some(shared) = shared.upgrade() else { return "nobody waits any more".to_owned() };
                route(&shared, message).await;
            }
            Ok(Received::Wait) => match reader.read_buf(decoder.room(room)).await {
                Ok(0) => return "the other side closed the connection".to_owned(),
                Err(error) => return format!("nothing can be read from the connection: {error}"),
                Ok(count) if count >= room => room = room.saturating_mul(2).min(MUCH),
                Ok(count) if count < room / 8 => room = (room / 2).max(LITTLE),
                Ok(_) => {}
            },
        }
    }
}

async fn route(shared: &Shared, message: FromAgent) {
    let id = match &message {
        FromAgent::Output { id, .. }
        | FromAgent::Ended { id, .. }
        | FromAgent::Gone { id, .. }
        | FromAgent::Origins { id, .. }
        | FromAgent::Pong(id) => *id,
        FromAgent::Said(text) => {
            tracing::warn!(host = shared.hello.fact("host"), "the agent says: {text}");
            return;
        }
        FromAgent::Hello(_) => return,
    };
    let call = shared.calls().get(&id).cloned();
    if let Some(Expected { messages, room }) = call {
        let weight = match &message {
            FromAgent::Output { lines, .. } => u32::try_from(lines.bytes()).unwrap_or(WAITING).min(WAITING),
            _ => 0,
        };
        // A call that takes nothing for a while holds the connection up; what waits for it is bounded on purpose. One that is gone
        // gives its room back.
        let room = if weight > 0 { room.acquire_many_owned(weight).await.ok() } else { None };
        let _ = messages.send(Box::new((message, room))).await;
    }
}

fn failed(error: &WireError) -> CallError {
    CallError::retryable("transport", error.to_string())
}

fn refused(why: &str) -> CallError {
    CallError::permanent("transport", format!("the agent cannot be used: {why}"))
}

impl std::fmt::Display for Cut {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.why)
    }
}
