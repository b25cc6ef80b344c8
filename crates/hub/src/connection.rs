//! One connection of somebody who says that they are an agent.

use std::net::SocketAddr;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use http::{Request, Response};
use tokio::net::TcpStream;
use tokio_rustls::server::TlsStream;
use tokio_util::sync::CancellationToken;
use tonic::Status;
use tonic::body::Body;
use tonic::codec::Codec;
use tonic::server::Grpc;
use windlass_line::{Arriving, Compact, Fingerprint, Trunk, TrunkOptions, path};

use crate::hub::Hub;
use crate::present::Present;
use crate::refusal::off;

/// Who is at the other end of a connection.
pub(crate) struct Caller {
    /// What they showed, which the own authority has signed.
    pub(crate) shown: Option<Fingerprint>,
    pub(crate) from: SocketAddr,
    /// Ends the connection.
    pub(crate) cut: CancellationToken,
    /// The agent that they are.
    pub(crate) present: OnceLock<Arc<Present>>,
}

/// How long somebody without a certificate has to join.
const JOINS_WITHIN: Duration = Duration::from_secs(30);
/// How long who is cut has to hear why.
const LAST_WORD: Duration = Duration::from_millis(250);
/// How many calls an agent may have open: one that says that it is here, one for each process of Windlass's side and node, and
/// those that it has not seen end.
const CALLS: usize = 256;
/// The largest message: a piece, or facts.
const LARGEST: usize = 1 << 20;

// === impl Hub ===

impl Hub {
    /// Serves a connection to its end.
    pub async fn serve(self, stream: Box<TlsStream<TcpStream>>, from: SocketAddr) {
        let shown = stream.get_ref().1.peer_certificates().and_then(<[_]>::first);
        let shown = shown.map(|certificate| Fingerprint::of(certificate));
        let turn = match shown {
            Some(_) => None,
            None => match Arc::clone(&self.inner().strangers).try_acquire_owned() {
                Ok(turn) => Some(turn),
                // So many at once are not about to join.
                Err(_) => return tracing::warn!(%from, "too many strangers want to join at once"),
            },
        };
        let cut = CancellationToken::new();
        let caller = Arc::new(Caller { shown, from, cut: cut.clone(), present: OnceLock::new() });
        let options = self.inner().options;
        let options = TrunkOptions {
            ask_every: options.ask_every,
            answer_within: options.answer_within,
            calls: if shown.is_some() { CALLS } else { 1 },
        };
        let mut connection = Trunk::answers(stream, options, move |request| {
            let (hub, caller) = (self.clone(), Arc::clone(&caller));
            Box::pin(hub.answer(caller, request))
        });
        let is_stranger = turn.is_some();
        let over = async {
            match is_stranger {
                true => drop(tokio::time::timeout(JOINS_WITHIN, cut.cancelled()).await),
                false => cut.cancelled().await,
            }
        };
        let ends = cut.clone().drop_guard();
        tokio::select! {
            ended = &mut connection => {
                if let Err(error) = ended {
                    tracing::debug!(%from, %error, "the connection of an agent ended");
                }
                return;
            }
            () = over => {}
        }
        // What it is told last is sent; all else has been cut.
        drop(ends);
        let _ = tokio::time::timeout(LAST_WORD, connection).await;
    }

    async fn answer(self, caller: Arc<Caller>, request: Request<Arriving>) -> Response<Body> {
        match request.uri().path() {
            path::JOIN => {
                let service =
                    tower::service_fn(move |request| self.clone().join(Arc::clone(&caller), request));
                grpc().unary(service, request).await
            }
            path::RENEW => {
                let service =
                    tower::service_fn(move |request| self.clone().renew(Arc::clone(&caller), request));
                grpc().unary(service, request).await
            }
            path::SERVE => {
                let service =
                    tower::service_fn(move |request| self.clone().control(Arc::clone(&caller), request));
                grpc().streaming(service, request).await
            }
            path::SESSION => {
                let service =
                    tower::service_fn(move |request| std::future::ready(Self::session(&caller, request)));
                grpc().streaming(service, request).await
            }
            path::PROGRAM => {
                let service =
                    tower::service_fn(move |request| self.clone().program(Arc::clone(&caller), request));
                grpc().server_streaming(service, request).await
            }
            other => {
                let what: String = other.chars().take(80).collect();
                Status::unimplemented(off(&format!("there is no call {what}")).message()).into_http()
            }
        }
    }
}

fn grpc<T, U>() -> Grpc<Compact<T, U>>
where
    Compact<T, U>: Codec,
{
    Grpc::new(Compact::default()).max_decoding_message_size(LARGEST)
}
