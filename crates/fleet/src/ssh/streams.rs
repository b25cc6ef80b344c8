//! The streams of a program on a channel.
//!
//! ```text
//!   connection ──messages──▶ channel ──▶ whoever reads standard output or error takes what has come,
//!                                        and lays aside what is the other's
//! ```
//!
//! There is no task in between while somebody reads: most of a thousand connections wait for one line, and a task with
//! its buffers for each would be most of what they cost on this side. When nobody reads any more, one sees the program to
//! its end.

use std::collections::VecDeque;
use std::future::Future;
use std::io;
use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Wake, Waker, ready};

use bytes::Bytes;
use russh::client::Msg;
use russh::{ChannelMsg, ChannelReadHalf, ChannelWriteHalf, Sig};
use tokio::io::{AsyncRead, ReadBuf};
use tokio::sync::oneshot;

use crate::exec::{Channel, Exit};

/// How much of one stream is laid aside for who reads it, before who reads the other one waits.
const MOST_ASIDE: usize = 64 << 10;

/// Which stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Which {
    Out,
    Err,
}

/// One end to read from.
struct Reader {
    shared: Arc<Shared>,
    which: Which,
}

struct Shared {
    state: Mutex<State>,
    waiting: Arc<Waiting>,
}

/// Who waits for messages. The channel knows one waker, and both streams may be waited for.
#[derive(Default)]
struct Waiting(Mutex<[Option<Waker>; 2]>);

struct State {
    /// `None` when nothing more will be read.
    halves: Option<Halves>,
    end: Option<oneshot::Sender<Exit>>,
    aside: [Aside; 2],
}

struct Halves {
    read: ChannelReadHalf,
    /// Kept as long: a channel whose writing half is gone is closed.
    write: ChannelWriteHalf<Msg>,
}

/// What has come of a stream and was not read.
#[derive(Default)]
struct Aside {
    pieces: VecDeque<Bytes>,
    len: usize,
    /// Nobody reads it any more.
    is_dropped: bool,
}

/// The streams of the program that runs on a channel, and its end.
pub(super) fn streams(channel: russh::Channel<Msg>) -> Channel {
    let (read, write) = channel.split();
    let stdin = Box::pin(write.make_writer());
    let (end, ended) = oneshot::channel();
    let state = State { halves: Some(Halves { read, write }), end: Some(end), aside: Default::default() };
    let shared = Arc::new(Shared { state: Mutex::new(state), waiting: Arc::default() });
    let stdout = Box::pin(Reader { shared: Arc::clone(&shared), which: Which::Out });
    let stderr = Box::pin(Reader { shared, which: Which::Err });
    Channel { stdout, stderr, stdin, ended }
}

// === impl Reader ===

impl AsyncRead for Reader {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let (which, waiting) = (self.which, &self.shared.waiting);
        let mut state = self.shared.state();
        while buf.remaining() > 0 {
            if state.aside(which).give(buf) {
                // Whoever reads the other one may have waited for this.
                waiting.wake_one(which.other());
                return Poll::Ready(Ok(()));
            }
            if state.halves.is_none() {
                break;
            }
            waiting.wait(which, cx.waker());
            if state.aside(which.other()).is_full() {
                return Poll::Pending;
            }
            let message = ready!(state.poll_message(waiting));
            if state.take(message) == Some(which.other()) || state.halves.is_none() {
                waiting.wake_one(which.other());
            }
        }
        Poll::Ready(Ok(()))
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        // A waker keeps a task in memory.
        drop(self.shared.waiting.forget(self.which));
        let mut state = self.shared.state();
        *state.aside(self.which) = Aside { is_dropped: true, ..Aside::default() };
        if state.aside(self.which.other()).is_dropped {
            state.see_to_the_end();
        } else {
            self.shared.waiting.wake_one(self.which.other());
        }
    }
}

// === impl Shared ===

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

// === impl State ===

impl State {
    fn aside(&mut self, which: Which) -> &mut Aside {
        let [out, err] = &mut self.aside;
        match which {
            Which::Out => out,
            Which::Err => err,
        }
    }

    fn poll_message(&mut self, waiting: &Arc<Waiting>) -> Poll<Option<ChannelMsg>> {
        let Some(halves) = &mut self.halves else { return Poll::Ready(None) };
        let waker = Waker::from(Arc::clone(waiting));
        pin!(halves.read.wait()).poll(&mut Context::from_waker(&waker))
    }

    /// Takes a message in; says whose it is.
    fn take(&mut self, message: Option<ChannelMsg>) -> Option<Which> {
        match message {
            Some(ChannelMsg::Data { data }) => {
                self.aside(Which::Out).push(data);
                Some(Which::Out)
            }
            Some(ChannelMsg::ExtendedData { data, .. }) => {
                self.aside(Which::Err).push(data);
                Some(Which::Err)
            }
            // Nothing more will be printed; how the program ended may still be told.
            Some(ChannelMsg::Eof) => {
                self.see_to_the_end();
                None
            }
            None | Some(ChannelMsg::Failure) => {
                (self.halves, self.end) = (None, None);
                None
            }
            Some(message) => {
                ended(&message, &mut self.end);
                None
            }
        }
    }

    /// Nobody reads any more, and the program may have more to say before it ends: it must not be held up.
    fn see_to_the_end(&mut self) {
        let Some(Halves { mut read, write }) = self.halves.take() else { return };
        let mut end = self.end.take();
        // Without a runtime there is no connection either.
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(async move {
                while let Some(message) = read.wait().await {
                    ended(&message, &mut end);
                }
                drop(write);
            });
        }
    }
}

fn ended(message: &ChannelMsg, end: &mut Option<oneshot::Sender<Exit>>) {
    let exit = match message {
        ChannelMsg::ExitStatus { exit_status } => Exit::Code(*exit_status),
        ChannelMsg::ExitSignal { signal_name, .. } => Exit::Signal(match signal_name {
            Sig::Custom(name) => name.clone(),
            known => format!("{known:?}"),
        }),
        _ => return,
    };
    if let Some(end) = end.take() {
        let _ = end.send(exit);
    }
}

// === impl Aside ===

impl Aside {
    fn push(&mut self, piece: Bytes) {
        if !self.is_dropped && !piece.is_empty() {
            self.len = self.len.saturating_add(piece.len());
            self.pieces.push_back(piece);
        }
    }

    fn is_full(&self) -> bool {
        self.len >= MOST_ASIDE
    }

    /// Hands out what there is room for; whether there was any.
    fn give(&mut self, to: &mut ReadBuf<'_>) -> bool {
        let before = self.len;
        while let Some(piece) = self.pieces.front_mut().filter(|_| to.remaining() > 0) {
            let count = piece.len().min(to.remaining());
            to.put_slice(&piece.split_to(count));
            self.len = self.len.saturating_sub(count);
            if piece.is_empty() {
                self.pieces.pop_front();
            }
        }
        self.len < before
    }
}

// === impl Waiting ===

impl Waiting {
    fn wakers(&self) -> MutexGuard<'_, [Option<Waker>; 2]> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait(&self, which: Which, waker: &Waker) {
        let [out, err] = &mut *self.wakers();
        let place = if which == Which::Out { out } else { err };
        match place {
            Some(before) => before.clone_from(waker),
            None => *place = Some(waker.clone()),
        }
    }

    fn forget(&self, which: Which) -> Option<Waker> {
        let [out, err] = &mut *self.wakers();
        if which == Which::Out { out.take() } else { err.take() }
    }

    fn wake_one(&self, which: Which) {
        if let Some(waker) = self.forget(which) {
            waker.wake();
        }
    }
}

impl Wake for Waiting {
    fn wake(self: Arc<Self>) {
        let wakers = std::mem::take(&mut *self.wakers());
        wakers.into_iter().flatten().for_each(Waker::wake);
    }
}

// === impl Which ===

impl Which {
    fn other(self) -> Self {
        match self {
            Self::Out => Self::Err,
            Self::Err => Self::Out,
        }
    }
}
