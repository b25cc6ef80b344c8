//! A session that an agent opens because it was told to.

use std::future::Future as _;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use futures_util::StreamExt as _;
use futures_util::stream::Map;
use tokio::io::{AsyncRead, ReadBuf};
use tokio_util::sync::WaitForCancellationFutureOwned;
use tonic::{Request, Response, Status, Streaming};
use windlass_fleet::Connection;
use windlass_line::{Incoming, Piece, Pieces, SESSION_HEADER, outgoing};

use crate::connection::Caller;
use crate::hub::Hub;
use crate::refusal::off;

type Answer = Map<Pieces, fn(Piece) -> Result<Piece, Status>>;

/// What an agent says, until it is cut: what has arrived before that and was not read is not read any more.
struct Cuttable<R> {
    reader: R,
    cut: Pin<Box<WaitForCancellationFutureOwned>>,
}

// === impl Hub ===

impl Hub {
    pub(crate) fn session(
        caller: &Caller,
        request: Request<Streaming<Piece>>,
    ) -> Result<Response<Answer>, Status> {
        let present =
            caller.present.get().ok_or_else(|| off("it opens a session before it says who it is"))?;
        let number = request.metadata().get(SESSION_HEADER).and_then(|value| value.to_str().ok());
        let number = number.and_then(|number| number.parse().ok());
        let number = number.ok_or_else(|| off("it does not say which session it opens"))?;
        let wanted = present.take(number);
        let wanted = wanted.ok_or_else(|| Status::not_found("nobody waits for this session any more"))?;
        let (writer, pieces) = outgoing();
        let cut = Box::pin(present.token().clone().cancelled_owned());
        let reader = Box::pin(Cuttable { reader: Incoming::new(request.into_inner()), cut });
        let connection = Connection { reader, writer: Box::pin(writer), keep: Box::new(()) };
        if wanted.send(Ok(connection)).is_err() {
            return Err(Status::not_found("nobody waits for this session any more"));
        }
        Ok(Response::new(pieces.map(Ok as fn(Piece) -> Result<Piece, Status>)))
    }
}

// === impl Cuttable ===

impl<R: AsyncRead + Unpin> AsyncRead for Cuttable<R> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.cut.as_mut().poll(cx).is_ready() {
            return Poll::Ready(Err(io::Error::other("the server cut the connection of this agent")));
        }
        Pin::new(&mut self.reader).poll_read(cx, buf)
    }
}
