//! A call that goes on, as the connection sees it.

use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::{Bytes, BytesMut};
use http::{HeaderMap, Request, Response};
use http_body::Body as _;
use tokio::sync::oneshot;
use tonic::Status;
use tonic::body::Body;

use super::WINDOW;
use super::arriving::{Arriving, Inbox};
use super::frame::{Head, Kind, PIECE, put};

/// What becomes of a request.
pub(super) type Answering = Pin<Box<dyn Future<Output = Response<Body>> + Send>>;
/// Where what comes of a call is waited for.
pub(super) type Asker = oneshot::Sender<Result<Response<Arriving>, Status>>;

pub(super) struct Call {
    pub(super) number: u32,
    /// Who waits for the answer, until it begins. Who answers calls has none.
    asker: Option<Asker>,
    is_asked_here: bool,
    inbox: Inbox,
    /// What its body will be, until it is given out.
    arriving: Option<Arriving>,
    sends: Sends,
    /// What is left of a piece.
    rest: Bytes,
    /// How much may be sent, and how much may come.
    room: u32,
    owed: u32,
    is_over: bool,
}

/// What there is to send.
enum Sends {
    /// An answer that is not known yet.
    Answering(Answering),
    Body(Body),
    Nothing,
}

/// How much may wait to be written before more is made.
const WAITS: usize = 64 << 10;

// === impl Call: its beginnings ===

impl Call {
    fn new(number: u32, asker: Option<Asker>, (inbox, arriving): (Inbox, Option<Arriving>)) -> Self {
        Self {
            number,
            is_asked_here: asker.is_some(),
            asker,
            inbox,
            arriving,
            sends: Sends::Nothing,
            rest: Bytes::new(),
            room: WINDOW,
            owed: WINDOW,
            is_over: false,
        }
    }

    /// One that is made here.
    pub(super) fn make(number: u32, request: Request<Body>, asker: Asker, out: &mut BytesMut) -> Self {
        let (parts, body) = request.into_parts();
        put(out, Kind::Begin, number, &Head::new(parts.uri.path(), &parts.headers).bytes());
        let (inbox, arriving) = Inbox::new();
        Self { sends: Sends::Body(body), ..Self::new(number, Some(asker), (inbox, Some(arriving))) }
    }

    /// One that is answered here.
    pub(super) fn answer(number: u32, answering: impl FnOnce(Arriving) -> Answering) -> Self {
        let (inbox, arriving) = Inbox::new();
        Self { sends: Sends::Answering(answering(arriving)), ..Self::new(number, None, (inbox, None)) }
    }
}

// === impl Call: what comes ===

impl Call {
    /// The answer begins. Whether there may be one.
    pub(super) fn answered(&mut self, fields: HeaderMap) -> bool {
        let Some((asker, arriving)) = self.asker.take().zip(self.arriving.take()) else { return false };
        let mut response = Response::new(arriving);
        *response.headers_mut() = fields;
        // Who does not wait any more has dropped what arrives with it.
        let _ = asker.send(Ok(response));
        true
    }

    /// A piece. Whether there was room for it.
    pub(super) fn piece(&mut self, piece: Bytes, cx: &Context<'_>) -> bool {
        let len = u32::try_from(piece.len()).unwrap_or(u32::MAX);
        let Some(owed) = self.owed.checked_sub(len) else { return false };
        self.owed = owed;
        // Of those that are empty there could be any number.
        if len > 0 {
            self.inbox.put(piece, cx.waker());
        }
        true
    }

    pub(super) fn more_room(&mut self, room: u32) {
        self.room = self.room.saturating_add(room);
    }

    /// Nothing more comes.
    pub(super) fn ended(&mut self, fields: HeaderMap, cx: &Context<'_>) {
        if let Some(asker) = self.asker.take() {
            let _ = asker.send(Err(Status::internal("a call ended before it was answered")));
        }
        self.inbox.end(Ok(fields), cx.waker());
        self.is_over |= self.is_asked_here;
    }

    /// It is over before its end.
    pub(super) fn broken(&mut self, why: &Status, cx: &Context<'_>) {
        if let Some(asker) = self.asker.take() {
            let _ = asker.send(Err(why.clone()));
        }
        self.inbox.end(Err(why.clone()), cx.waker());
        self.sends = Sends::Nothing;
        self.is_over = true;
    }

    pub(super) fn is_over(&self) -> bool {
        self.is_over
    }
}

// === impl Call: what goes ===

impl Call {
    /// Sends what there is and what there is room for; whether anything was.
    pub(super) fn go_on(&mut self, cx: &mut Context<'_>, out: &mut BytesMut) -> bool {
        if self.is_over {
            return false;
        }
        let mut moved = false;
        if let Some(taken) = self.inbox.taken(cx.waker()) {
            self.owed = self.owed.saturating_add(taken);
            put(out, Kind::Room, self.number, &taken.to_be_bytes());
            moved = true;
        }
        if self.is_given_up(cx) {
            put(out, Kind::Stop, self.number, &[]);
            self.broken(&Status::cancelled("nobody waits for it"), cx);
            return true;
        }
        while out.len() < WAITS && self.step(cx, out) {
            moved = true;
        }
        moved
    }

    /// Whether nobody here waits for what comes of it.
    fn is_given_up(&mut self, cx: &mut Context<'_>) -> bool {
        match &mut self.asker {
            Some(asker) => asker.poll_closed(cx).is_ready(),
            None => self.is_asked_here && self.inbox.is_gone(),
        }
    }

    fn step(&mut self, cx: &mut Context<'_>, out: &mut BytesMut) -> bool {
        if !self.rest.is_empty() {
            let count = self.rest.len().min(self.room as usize).min(PIECE);
            if count == 0 {
                return false;
            }
            put(out, Kind::Data, self.number, &self.rest.split_to(count));
            self.room = self.room.saturating_sub(u32::try_from(count).unwrap_or(u32::MAX));
            return true;
        }
        match &mut self.sends {
            Sends::Nothing => return false,
            Sends::Answering(answering) => {
                let Poll::Ready(response) = answering.as_mut().poll(cx) else { return false };
                let (parts, body) = response.into_parts();
                put(out, Kind::Answer, self.number, &Head::new("", &parts.headers).bytes());
                self.sends = Sends::Body(body);
            }
            Sends::Body(body) => match Pin::new(body).poll_frame(cx) {
                Poll::Pending => return false,
                Poll::Ready(None) => self.end(&HeaderMap::new(), out),
                Poll::Ready(Some(Ok(frame))) => match frame.into_data() {
                    Ok(piece) => self.rest = piece,
                    Err(frame) => self.end(&frame.into_trailers().unwrap_or_default(), out),
                },
                Poll::Ready(Some(Err(status))) => self.fail(&status, cx, out),
            },
        }
        true
    }

    /// All is sent: what was asked for waits for its answer, what was answered is over.
    fn end(&mut self, fields: &HeaderMap, out: &mut BytesMut) {
        put(out, Kind::End, self.number, &Head::new("", fields).bytes());
        self.sends = Sends::Nothing;
        self.is_over |= !self.is_asked_here;
    }

    /// What was to be sent cannot be made.
    fn fail(&mut self, status: &Status, cx: &Context<'_>, out: &mut BytesMut) {
        if self.is_asked_here {
            put(out, Kind::Stop, self.number, &[]);
            return self.broken(status, cx);
        }
        let mut fields = HeaderMap::new();
        // What it says was made of text.
        let _ = status.add_header(&mut fields);
        self.end(&fields, out);
    }
}
