//! One session: what Windlass orders on one side, what attempts have to say on the other.

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::sync::Notify;
use windlass_model::event::Severity;
use windlass_model::id::RunId;
use windlass_plugin::{CancelSource, Registry};
use windlass_wire::{CallOrder, Decoder, FromAgent, Received, ToAgent, Versions, greet};

use crate::attach::attach;
use crate::attempt::{attempt, guarded};
use crate::cache::Cache;
use crate::hello::hello;
use crate::journal::{self, Entry, Journal, Order, Orders, Voids};
use crate::origin::Questions;
use crate::outbox::Outbox;
use crate::plugins::Plugins;
use crate::signals::Signals;

/// How much is read at once: little while little comes, as most agents get a few orders and no files.
const LITTLE: usize = 4 << 10;
const MUCH: usize = 64 << 10;

/// How long work that is told to end with this process has until it is killed.
const LAST_GRACE: Duration = Duration::from_secs(10);

/// An agent that serves one connection.
#[derive(Debug)]
pub struct Session {
    plugins: Plugins,
    cache: Cache,
    /// The one node whose orders are taken; none: whoever started it knows where it is.
    only: Option<String>,
}

/// Why a session ended. All its work has ended, too.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SessionEnd {
    /// Windlass said so.
    Bye,
    /// The connection ended.
    Closed,
    /// This process was told to end.
    Terminated,
    /// What was said could not be understood.
    Protocol(String),
}

/// What all attempts of a session share.
pub(crate) struct Shared {
    pub(crate) plugins: Plugins,
    pub(crate) only: Option<String>,
    pub(crate) cache: Cache,
    pub(crate) outbox: Arc<Outbox>,
    pub(crate) voids: Voids,
    state: Mutex<State>,
    changed: Notify,
}

#[derive(Debug, Default)]
struct State {
    flying: HashMap<u64, Flying>,
    journals: HashMap<RunId, Arc<Journal>>,
}

#[derive(Debug)]
struct Flying {
    source: CancelSource,
    questions: Arc<Questions>,
    key: String,
    attempt: u32,
}

// === impl Session ===

impl Session {
    /// An agent with these plugins.
    #[must_use]
    pub fn new(registry: Registry, cache: Cache) -> Self {
        Self { plugins: Plugins::These(registry), cache, only: None }
    }

    /// An agent with the plugins that Windlass comes with.
    #[must_use]
    pub fn standard(cache: Cache) -> Self {
        Self { plugins: Plugins::standard(), cache, only: None }
    }

    /// The same, which takes orders for this node and no other: what was meant for another one is not done here.
    #[must_use]
    pub fn only_for(self, node: impl Into<String>) -> Self {
        Self { only: Some(node.into()), ..self }
    }

    /// Serves a connection until it ends, and then until the work that is in flight has ended.
    pub async fn serve(self, reader: impl AsyncRead + Unpin, writer: impl AsyncWrite + Unpin) -> SessionEnd {
        let Self { plugins, cache, only } = self;
        let outbox = Arc::new(Outbox::default());
        let shared = Arc::new(Shared {
            plugins,
            only,
            // Before anything is ordered.
            voids: Voids::of(&cache),
            cache,
            outbox: Arc::clone(&outbox),
            state: Mutex::default(),
            changed: Notify::new(),
        });
        // A hello is never larger than a frame.
        outbox.send_bytes(greet(&FromAgent::Hello(hello(&shared.cache))).unwrap_or_default());
        let written = write(&outbox, writer);
        let served = async {
            let end = tokio::select! {
                end = read(&shared, reader) => end,
                () = Signals::terminated() => {
                    shared.end_everything().await;
                    SessionEnd::Terminated
                }
            };
            // Whoever is still connected hears how its work ended; whoever does not read is not waited for long.
            match end {
                SessionEnd::Bye => {}
                SessionEnd::Terminated => {
                    let outbox = Arc::clone(&outbox);
                    tokio::spawn(async move {
                        tokio::time::sleep(LAST_GRACE).await;
                        outbox.detach();
                    });
                }
                SessionEnd::Closed | SessionEnd::Protocol(_) => shared.detach(),
            }
            tokio::select! {
                () = shared.idle() => {}
                () = Signals::terminated() => shared.end_everything().await,
            }
            // Not before: where the clock was set meanwhile, what is asked for in this session may look old.
            journal::sweep(&shared.cache);
            outbox.close();
            end
        };
        let watched = watch(&shared);
        let (end, ()) = tokio::select! {
            both = async { tokio::join!(served, written) } => both,
            () = watched => (SessionEnd::Closed, ()),
        };
        // Not before all is written: lines that wait are an attempt's, and an attempt has a journal.
        shared.let_go();
        end
    }
}

/// The one task that writes. Once writing failed, it only sees to it that lines reach their journals.
async fn write(outbox: &Outbox, mut writer: impl AsyncWrite + Unpin) {
    while let Some(bytes) = outbox.next().await {
        if bytes.is_empty() {
            continue;
        }
        let written = tokio::select! {
            written = writer.write_all(&bytes) => written,
            // Whoever listened does not read any more, and somebody else listens to the journal now.
            () = outbox.detached() => continue,
        };
        if written.is_err() || writer.flush().await.is_err() {
            outbox.detach();
        }
    }
}

async fn read(shared: &Arc<Shared>, mut reader: impl AsyncRead + Unpin) -> SessionEnd {
    let (mut decoder, mut bytes, mut greeted) = (Decoder::default(), vec![0; LITTLE], false);
    loop {
        match decoder.message::<ToAgent>() {
            Err(error) => return SessionEnd::Protocol(error.to_string()),
            Ok(Received::Message(message)) => match take(shared, message, &mut greeted).await {
                None => {}
                Some(end) => return end,
            },
            Ok(Received::Wait) => match reader.read(&mut bytes).await {
                Ok(0) | Err(_) => return SessionEnd::Closed,
                Ok(count) => {
                    decoder.push(bytes.get(..count).unwrap_or_default());
                    if count == bytes.len() && count < MUCH {
                        bytes.resize(count.saturating_mul(2), 0);
                    }
                }
            },
        }
    }
}

async fn take(shared: &Arc<Shared>, message: ToAgent, greeted: &mut bool) -> Option<SessionEnd> {
    match message {
        ToAgent::Hello(theirs) => {
            if Versions::OURS.common(theirs.versions).is_none() {
                let Versions { oldest, newest } = theirs.versions;
                let why = format!("Windlass speaks the versions {oldest} to {newest}, this agent does not");
                return Some(SessionEnd::Protocol(why));
            }
            *greeted = true;
        }
        _ if !*greeted => return Some(SessionEnd::Protocol("the first message is no hello".into())),
        ToAgent::Call(order) => {
            let (id, (source, questions)) = (order.id, shared.begun(order.id, &order.key, order.attempt));
            let work = attempt(Arc::clone(shared), *order, source, questions);
            tokio::spawn(guarded(Arc::clone(shared), id, work));
        }
        ToAgent::Attach(order) => {
            let (id, (source, _)) = (order.id, shared.begun(order.id, "", 0));
            tokio::spawn(guarded(Arc::clone(shared), id, attach(Arc::clone(shared), order, source)));
        }
        ToAgent::Cancel { id, how } => {
            if let Some(flying) = shared.state().flying.get(&id) {
                flying.source.trigger(how);
            }
        }
        ToAgent::Origins { id, question, answer } => {
            let questions = shared.state().flying.get(&id).map(|flying| Arc::clone(&flying.questions));
            if let Some(questions) = questions {
                questions.answer(question, answer).await;
            }
        }
        ToAgent::Forget(run) => {
            shared.state().journals.remove(&run);
            shared.cache.runs(run).for_each(|directory| journal::forget(&directory));
        }
        ToAgent::Ping(n) => shared.outbox.send(&FromAgent::Pong(n)),
        ToAgent::Bye => return Some(SessionEnd::Bye),
    }
    None
}

/// Looks for orders of other agents while there is work that they could be about.
async fn watch(shared: &Shared) {
    loop {
        shared.busy().await;
        tokio::time::sleep(journal::LOOK_EVERY).await;
        let journals: Vec<Arc<Journal>> = shared.state().journals.values().cloned().collect();
        let orders = |journal: &Arc<Journal>| Orders(journal.path()).take();
        for (journal, order) in
            journals.iter().flat_map(|it| orders(it).into_iter().map(move |order| (it, order)))
        {
            match order {
                Order::Detach => shared.detach(),
                Order::Cancel { key, attempt, how } => shared.cancel_key(&key, attempt, how),
                Order::Forget => journal.forget(),
            }
        }
    }
}

// === impl Shared ===

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn begun(&self, id: u64, key: &str, attempt: u32) -> (CancelSource, Arc<Questions>) {
        let (source, questions) = (CancelSource::new(), Questions::new(id, Arc::clone(&self.outbox)));
        let flying = Flying {
            source: source.clone(),
            questions: Arc::clone(&questions),
            key: key.to_owned(),
            attempt,
        };
        self.state().flying.insert(id, flying);
        self.changed.notify_waiters();
        (source, questions)
    }

    /// An attempt has ended, and its end was sent.
    pub(crate) fn ended(&self, id: u64) {
        self.state().flying.remove(&id);
        self.changed.notify_waiters();
    }

    /// Writes down that an attempt begins; `None` where that cannot be.
    pub(crate) fn begin(&self, order: &CallOrder) -> Option<Entry> {
        let mut state = self.state();
        let journal = match state.journals.get(&order.run) {
            Some(journal) => Arc::clone(journal),
            None => {
                let journal = Arc::new(Journal::create(&self.cache, order.run).ok()?);
                state.journals.insert(order.run, Arc::clone(&journal));
                journal
            }
        };
        drop(state);
        journal.begin(order).ok()
    }

    /// What is said of an attempt that cannot be written down. It may be begun by who knows that, if whoever looks for it
    /// later is not told that it never began.
    pub(crate) fn unkept(&self, order: &CallOrder) -> (&'static str, &'static str) {
        let marked =
            self.cache.run(order.run).map(|run| Voids::leave_unkept(&run, &order.key, order.attempt));
        match marked {
            Some(Err(_)) if self.cache.path().is_some_and(Path::exists) => (
                "agent.full",
                "nothing can be written where this node keeps what was begun; is its disk full? Nothing was begun",
            ),
            _ => (CallOrder::UNKEPT, "nothing can be kept on this node"),
        }
    }

    /// Whether somebody looked for an attempt before its order arrived, and was told that it has not begun.
    pub(crate) fn is_void(&self, order: &CallOrder) -> bool {
        self.cache.runs(order.run).any(|directory| self.voids.forbid(&directory, &order.key, order.attempt))
    }

    /// Whether an earlier attempt of the same action is in flight in this session.
    pub(crate) fn has_earlier(&self, order: &CallOrder) -> bool {
        let state = self.state();
        state.flying.values().any(|it| it.key == order.key && it.attempt < order.attempt)
    }

    /// Whether a journal is one that this process writes.
    pub(crate) fn is_own(&self, path: &Path) -> bool {
        self.state().journals.values().any(|journal| journal.path() == path)
    }

    pub(crate) fn cancel_key(&self, key: &str, attempt: u32, how: Severity) {
        let state = self.state();
        let meant = state.flying.values().filter(|it| it.key == key && it.attempt == attempt);
        meant.for_each(|flying| flying.source.trigger(how));
    }

    /// Nobody listens any more. Work goes on; what needs files of the other side cannot.
    fn detach(&self) {
        self.outbox.detach();
        self.state().flying.values().for_each(|flying| flying.questions.give_up());
        self.changed.notify_waiters();
    }

    /// Waits until nobody listens any more.
    pub(crate) async fn unattended(&self) {
        self.outbox.detached().await;
    }

    /// Nothing is in flight any more.
    fn let_go(&self) {
        let journals = std::mem::take(&mut self.state().journals);
        journals.into_values().for_each(Journal::let_go);
    }

    async fn idle(&self) {
        self.when(|state| state.flying.is_empty()).await;
    }

    async fn busy(&self) {
        self.when(|state| !state.flying.is_empty()).await;
    }

    async fn when(&self, is_so: impl Fn(&State) -> bool) {
        loop {
            let changed = self.changed.notified();
            if is_so(&self.state()) {
                return;
            }
            changed.await;
        }
    }

    /// This process was told to end: so is its work.
    async fn end_everything(&self) {
        let tell = |how| self.state().flying.values().for_each(|flying| flying.source.trigger(how));
        tell(Severity::Term);
        if tokio::time::timeout(LAST_GRACE, self.idle()).await.is_err() {
            tell(Severity::Kill);
            self.idle().await;
        }
    }
}
