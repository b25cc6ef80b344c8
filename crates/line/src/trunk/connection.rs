//! The connection: reads and writes frames, lets calls go on, and finds out whether the other side lives.

use std::fmt;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::{Buf as _, Bytes, BytesMut};
use http::Request;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::{Instant, Sleep};
use tonic::Status;
use tonic::body::Body;

use super::arriving::Arriving;
use super::call::{Answering, Call};
use super::frame::{Frame, Head, Kind, Reader, put};
use super::handle::{Calls, Desk};

/// A connection, to be polled until it ends. Dropped, its calls are broken off.
pub struct Trunk<IO> {
    io: IO,
    reader: Reader,
    out: BytesMut,
    /// Something was written that may not have been sent.
    unsent: bool,
    calls: Vec<Call>,
    role: Role,
    options: TrunkOptions,
    /// The number of the newest call.
    newest: u32,
    /// Which call has its turn.
    turn: usize,
    heard: Instant,
    /// It was asked whether it lives.
    asked: bool,
    timer: Pin<Box<Sleep>>,
}

/// How a connection is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TrunkOptions {
    /// After how much silence the other side is asked whether it lives.
    pub ask_every: Duration,
    /// How long it has to answer.
    pub answer_within: Duration,
    /// How many calls of the other side go on at once; more are refused.
    pub calls: usize,
}

enum Role {
    /// Makes calls.
    Asks(Desk),
    /// Answers them.
    Answers(Box<dyn FnMut(Request<Arriving>) -> Answering + Send>),
}

/// Why a connection ended before anybody wanted it to.
#[derive(Debug)]
pub enum Ended {
    /// It broke.
    Io(io::Error),
    /// The other side does something that none of ours does.
    Off(&'static str),
    /// The other side does not answer.
    Silent,
}

/// How many frames are read, and how often calls go on, before others have their turn.
const FRAMES: usize = 32;
const ROUNDS: usize = 16;
/// How much may wait to be written: pieces stop far below, and there are few other frames that one has not asked for.
const MOST_WAITING: usize = 1 << 20;
/// How many calls that are refused may wait to be told so.
const REFUSED: usize = 64;

// === impl Trunk: its beginnings ===

impl<IO: AsyncRead + AsyncWrite + Unpin> Trunk<IO> {
    /// A connection over which calls are made.
    pub fn asks(io: IO, options: TrunkOptions) -> (Calls, Self) {
        let (calls, desk) = Calls::new();
        (calls, Self::new(io, options, Role::Asks(desk)))
    }

    /// A connection whose calls are answered.
    pub fn answers(
        io: IO,
        options: TrunkOptions,
        mut answer: impl FnMut(Request<Arriving>) -> Answering + Send + 'static,
    ) -> Self {
        Self::new(io, options, Role::Answers(Box::new(move |request| answer(request))))
    }

    fn new(io: IO, options: TrunkOptions, role: Role) -> Self {
        let heard = Instant::now();
        Self {
            io,
            reader: Reader::default(),
            out: BytesMut::new(),
            unsent: false,
            calls: Vec::new(),
            role,
            options,
            newest: 0,
            turn: 0,
            heard,
            asked: false,
            timer: Box::pin(tokio::time::sleep_until(heard + options.ask_every)),
        }
    }
}

impl<IO: AsyncRead + AsyncWrite + Unpin> Future for Trunk<IO> {
    type Output = Result<(), Ended>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.get_mut();
        for _ in 0..ROUNDS {
            match this.round(cx) {
                // Somebody else may have something to do, too.
                Poll::Ready(Ok(true)) => {}
                Poll::Ready(Ok(false)) => return this.over("the connection has ended", Ok(()), cx),
                Poll::Ready(Err(ended)) => {
                    let why = format!("the connection has ended: {ended}");
                    return this.over(&why, Err(ended), cx);
                }
                Poll::Pending => return Poll::Pending,
            }
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }
}

// === impl Trunk: what it does ===

impl<IO: AsyncRead + AsyncWrite + Unpin> Trunk<IO> {
    /// Whether it goes on, once it has done something.
    fn round(&mut self, cx: &mut Context<'_>) -> Poll<Result<bool, Ended>> {
        let Some(heard) = self.hear(cx)? else { return Poll::Ready(Ok(false)) };
        let moved = heard | self.make_calls(cx) | self.go_on(cx) | self.keep(cx)?;
        let moved = moved | self.write(cx)?;
        if moved {
            return Poll::Ready(Ok(true));
        }
        let is_over = self.calls.is_empty() && self.out.is_empty() && !self.unsent;
        if is_over && matches!(&self.role, Role::Asks(desk) if desk.is_left()) {
            // The other side is told, as far as it listens.
            return Pin::new(&mut self.io).poll_shutdown(cx).map(|_| Ok(false));
        }
        Poll::Pending
    }

    /// Reads what has come; whether something has. None at the end.
    fn hear(&mut self, cx: &mut Context<'_>) -> Result<Option<bool>, Ended> {
        let mut moved = false;
        for _ in 0..FRAMES {
            match self.reader.poll(&mut self.io, cx) {
                Poll::Pending => break,
                Poll::Ready(Ok(None)) => return Ok(None),
                Poll::Ready(Ok(Some(frame))) => self.take(frame, cx)?,
                Poll::Ready(Err(error)) => return Err(Ended::Io(error)),
            }
            moved = true;
        }
        if moved {
            (self.heard, self.asked) = (Instant::now(), false);
        }
        Ok(Some(moved))
    }

    fn take(&mut self, frame: Frame, cx: &Context<'_>) -> Result<(), Ended> {
        let Frame { kind, call: number, payload } = frame;
        match kind {
            Kind::Ping => {
                put(&mut self.out, Kind::Pong, 0, &[]);
                return Ok(());
            }
            Kind::Pong => return Ok(()),
            Kind::Begin => return self.begin(number, &payload),
            _ => {}
        }
        if number == 0 || number > self.newest {
            return Err(Ended::Off("it speaks of a call that there is not"));
        }
        // What is said of one that is over was on its way.
        let Some(call) = self.calls.iter_mut().find(|call| call.number == number) else { return Ok(()) };
        match kind {
            Kind::Answer => {
                let (_, fields) = head(&payload)?;
                if !call.answered(fields) {
                    return Err(Ended::Off("it answers what was not asked"));
                }
            }
            Kind::Data => {
                if !call.piece(payload, cx) {
                    return Err(Ended::Off("it sends more than there is room for"));
                }
            }
            Kind::End => call.ended(head(&payload)?.1, cx),
            Kind::Stop => call.broken(&Status::cancelled("the other side gave the call up"), cx),
            Kind::Room => {
                let room = payload.as_ref().try_into().map_err(|_| Ended::Off("it says no number"))?;
                call.more_room(u32::from_be_bytes(room));
            }
            Kind::Begin | Kind::Ping | Kind::Pong => {}
        }
        Ok(())
    }

    /// A call of the other side.
    fn begin(&mut self, number: u32, payload: &Bytes) -> Result<(), Ended> {
        let Role::Answers(answer) = &mut self.role else {
            return Err(Ended::Off("it calls who makes the calls"));
        };
        if number <= self.newest {
            return Err(Ended::Off("it makes a call twice"));
        }
        if self.calls.len() >= self.options.calls.saturating_add(REFUSED) {
            return Err(Ended::Off("it makes calls without end"));
        }
        self.newest = number;
        let (path, fields) = head(payload)?;
        let is_one_more = self.calls.len() >= self.options.calls;
        let uri = path.parse::<http::Uri>().map_err(|_| Ended::Off("it calls something without a name"))?;
        let call = Call::answer(number, |arriving| {
            if is_one_more {
                let refused = Status::resource_exhausted("too many calls at once");
                return Box::pin(std::future::ready(refused.into_http::<Body>()));
            }
            let mut request = Request::new(arriving);
            (*request.uri_mut(), *request.headers_mut()) = (uri, fields);
            *request.method_mut() = http::Method::POST;
            answer(request)
        });
        if self.calls.is_empty() {
            // Mostly there is one.
            self.calls.reserve_exact(1);
        }
        self.calls.push(call);
        Ok(())
    }

    fn make_calls(&mut self, cx: &Context<'_>) -> bool {
        let Role::Asks(desk) = &self.role else { return false };
        let mut moved = false;
        while let Some((request, asker)) = desk.next(cx.waker()) {
            self.newest = self.newest.saturating_add(1);
            self.calls.push(Call::make(self.newest, request, asker, &mut self.out));
            moved = true;
        }
        moved
    }

    /// Lets all calls go on, each one first in its turn.
    fn go_on(&mut self, cx: &mut Context<'_>) -> bool {
        self.turn = self.turn.checked_add(1).filter(|turn| *turn < self.calls.len()).unwrap_or(0);
        let (first, last) = self.calls.split_at_mut(self.turn);
        let mut moved = false;
        for call in last.iter_mut().chain(first) {
            moved |= call.go_on(cx, &mut self.out);
        }
        self.calls.retain(|call| !call.is_over());
        moved
    }

    /// Finds out whether the other side lives, when it is time to.
    fn keep(&mut self, cx: &mut Context<'_>) -> Result<bool, Ended> {
        let mut moved = false;
        while self.timer.as_mut().poll(cx).is_ready() {
            let now = Instant::now();
            let TrunkOptions { ask_every, answer_within, .. } = self.options;
            let quiet = now.saturating_duration_since(self.heard);
            let next = match self.asked {
                // The flag falls with the first thing that is heard.
                true => return Err(Ended::Silent),
                false if quiet >= ask_every => {
                    self.asked = true;
                    put(&mut self.out, Kind::Ping, 0, &[]);
                    moved = true;
                    now + answer_within
                }
                false => self.heard + ask_every,
            };
            self.timer.as_mut().reset(next);
        }
        Ok(moved)
    }

    fn write(&mut self, cx: &mut Context<'_>) -> Result<bool, Ended> {
        if self.out.len() > MOST_WAITING {
            return Err(Ended::Off("it does not take what it asks for"));
        }
        let mut moved = false;
        while !self.out.is_empty() {
            match Pin::new(&mut self.io).poll_write(cx, &self.out) {
                Poll::Ready(Ok(0)) => return Err(Ended::Io(io::ErrorKind::WriteZero.into())),
                Poll::Ready(Ok(count)) => self.out.advance(count),
                Poll::Ready(Err(error)) => return Err(Ended::Io(error)),
                Poll::Pending => break,
            }
            (moved, self.unsent) = (true, true);
        }
        if self.out.is_empty() && self.out.capacity() > 0 {
            self.out = BytesMut::new();
        }
        if self.unsent {
            match Pin::new(&mut self.io).poll_flush(cx) {
                Poll::Ready(Ok(())) => self.unsent = false,
                Poll::Ready(Err(error)) => return Err(Ended::Io(error)),
                Poll::Pending => {}
            }
        }
        Ok(moved)
    }

    fn over(&mut self, why: &str, ended: Result<(), Ended>, cx: &Context<'_>) -> Poll<Result<(), Ended>> {
        self.break_off(why, cx);
        Poll::Ready(ended)
    }
}

impl<IO> Trunk<IO> {
    fn break_off(&mut self, why: &str, cx: &Context<'_>) {
        let status = Status::unavailable(why);
        for call in &mut self.calls {
            call.broken(&status, cx);
        }
        self.calls.clear();
        if let Role::Asks(desk) = &self.role {
            desk.close(why);
        }
    }
}

impl<IO> Drop for Trunk<IO> {
    fn drop(&mut self) {
        self.break_off("the connection is gone", &Context::from_waker(std::task::Waker::noop()));
    }
}

impl<IO> fmt::Debug for Trunk<IO> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Trunk").field("calls", &self.calls.len()).finish_non_exhaustive()
    }
}

fn head(payload: &[u8]) -> Result<(String, http::HeaderMap), Ended> {
    Head::read(payload).ok_or(Ended::Off("what it says of a call cannot be read"))
}

// === impl Ended ===

impl fmt::Display for Ended {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io(error) => error.fmt(f),
            Self::Off(why) => write!(f, "the other side does not keep to the protocol: {why}"),
            Self::Silent => f.write_str("the other side does not answer"),
        }
    }
}

impl std::error::Error for Ended {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Io(error) => error.source(),
            Self::Off(_) | Self::Silent => None,
        }
    }
}
