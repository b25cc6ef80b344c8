//! One connection to the server, and calls over it.

use std::io;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::Stream;
use http::uri::PathAndQuery;
use http::{Request, Response};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::ClientConfig;
use tokio_rustls::rustls::pki_types::ServerName;
use tonic::body::Body;
use tonic::client::Grpc;
use tonic::codec::Codec;
use tonic::{Status, Streaming};
use windlass_line::{
    Arriving, Calls, Compact, FromAgent, FromServer, Piece, ProgramRequest, SERVER_NAME, Trunk, TrunkOptions,
    path,
};

use crate::error::Error;

/// A connection. Clones share it; it ends with the last of them and of its calls.
#[derive(Clone, Debug)]
pub struct Channel {
    address: Arc<str>,
    calls: Calls,
    /// Why it ended, once it has.
    ended: watch::Receiver<Option<String>>,
}

/// How long each of resolving, connecting, and the two handshakes may take.
const STEP: Duration = Duration::from_secs(15);
/// How long a call may take to be answered.
const ANSWERED_WITHIN: Duration = Duration::from_secs(30);
/// How often a silent server is asked whether it lives, and how long it has to answer.
const ASK_EVERY: Duration = Duration::from_secs(12);
const ANSWER_WITHIN: Duration = Duration::from_secs(10);
/// The server makes no calls.
const CALLS: usize = 0;
/// How soon after a call failed it is known why the connection did.
const KNOWS_WITHIN: Duration = Duration::from_millis(200);
/// How TLS says that the other side said no.
const ALERT: &str = "received fatal alert";
/// The largest message.
const LARGEST: usize = 1 << 20;

/// Connects to `HOST:PORT`.
///
/// # Errors
///
/// Nobody answers there, or not the server.
pub async fn connect(address: &str, tls: Arc<ClientConfig>) -> Result<Channel, Error> {
    let unreachable = |source| Error::Unreachable { address: address.to_owned(), source };
    let late = || io::Error::new(io::ErrorKind::TimedOut, "it took too long");
    let stream = tokio::time::timeout(STEP, TcpStream::connect(address)).await;
    let stream = stream.unwrap_or_else(|_| Err(late())).map_err(unreachable)?;
    let _ = stream.set_nodelay(true);
    let name = ServerName::try_from(SERVER_NAME).map_err(Error::certificate)?;
    let stream = tokio::time::timeout(STEP, TlsConnector::from(tls).connect(name, stream)).await;
    let stream = stream
        .unwrap_or_else(|_| Err(late()))
        .map_err(|source| Error::Trust { address: address.to_owned(), source })?;
    let options = TrunkOptions { ask_every: ASK_EVERY, answer_within: ANSWER_WITHIN, calls: CALLS };
    let (calls, connection) = Trunk::asks(Box::new(stream), options);
    let (end, ended) = watch::channel(None);
    tokio::spawn(async move {
        let why = connection.await.err().map(|error| chain(&error));
        let _ = end.send(Some(why.unwrap_or_else(|| "it was closed".to_owned())));
    });
    Ok(Channel { address: address.into(), calls, ended })
}

/// A call with one message in each direction.
///
/// # Errors
///
/// The server refuses, or the connection has ended.
pub async fn call<T, U>(channel: &Channel, path: &'static str, message: T) -> Result<U, Error>
where
    T: Send + Sync + 'static,
    U: Send + Sync + 'static,
    Compact<T, U>: Codec<Encode = T, Decode = U> + Default,
{
    let mut grpc = grpc(channel);
    let answered =
        grpc.unary(tonic::Request::new(message), PathAndQuery::from_static(path), Compact::<T, U>::default());
    let answered = tokio::time::timeout(ANSWERED_WITHIN, answered).await;
    let answered = answered.map_err(|_| Error::Ended("it did not answer in time".to_owned()))?;
    match answered {
        Ok(answer) => Ok(answer.into_inner()),
        Err(status) => Err(channel.explain(status).await),
    }
}

/// The call that says that an agent is here.
///
/// # Errors
///
/// The server refuses, or the connection has ended.
pub async fn serve(
    channel: &Channel,
    said: impl Stream<Item = FromAgent> + Send + 'static,
) -> Result<Streaming<FromServer>, Error> {
    stream(channel, path::SERVE, tonic::Request::new(said)).await
}

/// The call that opens a session.
///
/// # Errors
///
/// The server refuses, or the connection has ended.
pub async fn session(
    channel: &Channel,
    request: tonic::Request<impl Stream<Item = Piece> + Send + 'static>,
) -> Result<Streaming<Piece>, Error> {
    stream(channel, path::SESSION, request).await
}

/// The call that fetches a program.
///
/// # Errors
///
/// The server refuses, or the connection has ended.
pub async fn program(channel: &Channel, request: ProgramRequest) -> Result<Streaming<Piece>, Error> {
    let said = futures_util::stream::once(std::future::ready(request));
    stream(channel, path::PROGRAM, tonic::Request::new(said)).await
}

/// A call with a stream in each direction.
async fn stream<S, T, U>(
    channel: &Channel,
    path: &'static str,
    request: tonic::Request<S>,
) -> Result<Streaming<U>, Error>
where
    S: Stream<Item = T> + Send + 'static,
    T: Send + Sync + 'static,
    U: Send + Sync + 'static,
    Compact<T, U>: Codec<Encode = T, Decode = U> + Default,
{
    let mut grpc = grpc(channel);
    let answered = grpc.streaming(request, PathAndQuery::from_static(path), Compact::<T, U>::default());
    let answered = tokio::time::timeout(ANSWERED_WITHIN, answered).await;
    let answered = answered.map_err(|_| Error::Ended("it did not answer in time".to_owned()))?;
    match answered {
        Ok(answer) => Ok(answer.into_inner()),
        Err(status) => Err(channel.explain(status).await),
    }
}

/// An error and what caused it, in one line.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let cause_text = cause.to_string();
        // Some say all of what caused them themselves.
        if !text.contains(&cause_text) {
            text.push_str(": ");
            text.push_str(&cause_text);
        }
        source = cause.source();
    }
    text
}

fn grpc(channel: &Channel) -> Grpc<Channel> {
    Grpc::new(channel.clone()).max_decoding_message_size(LARGEST)
}

// === impl Channel ===

impl Channel {
    /// What became of a call: a refusal, or the end of the connection, of which the connection itself knows more.
    pub(crate) async fn explain(&self, status: Status) -> Error {
        let error = Error::said(status);
        let Error::Ended(_) = &error else { return error };
        let mut ended = self.ended.clone();
        let why = tokio::time::timeout(KNOWS_WITHIN, ended.wait_for(Option::is_some)).await;
        let Ok(Ok(why)) = why.map(|why| why.map(|why| why.clone().unwrap_or_default())) else { return error };
        if why.contains(ALERT) {
            // In TLS 1.3 who shows a certificate hears after the handshake that it is not taken.
            let address = self.address.to_string();
            return Error::Trust { address, source: io::Error::new(io::ErrorKind::ConnectionAborted, why) };
        }
        Error::Ended(why)
    }
}

impl tower_service::Service<Request<Body>> for Channel {
    type Response = Response<Arriving>;
    type Error = Status;
    type Future = futures_util::future::BoxFuture<'static, Result<Response<Arriving>, Status>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Status>> {
        // One that has ended says so to each call.
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        Box::pin(self.calls.make(request))
    }
}
