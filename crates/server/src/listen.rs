//! A port, with or without TLS for people, and with TLS of our own for agents. A client that connects and then does nothing holds up no other: handshakes are made side by
//! side, each has its time, and there are only so many at once.
//!
//! ```text
//!   begins with a handshake for agents.windlass, or with any where people speak no TLS ──▶ Hub
//!   anything else ─────────────────────────────────────────────────────────────────────▶ the API
//! ```

use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, mpsc};
use tokio_rustls::LazyConfigAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::server::TlsStream;
use windlass_hub::Hub;
use windlass_line::SERVER_NAME;

use crate::error::Error;

/// A certificate and its key, in files.
#[derive(Clone, Debug)]
pub struct Tls {
    /// The certificate and those that lead to its authority, in PEM.
    pub certificate: PathBuf,
    /// The key, in PEM.
    pub key: PathBuf,
}

/// Where connections come in.
pub(crate) struct Port {
    address: SocketAddr,
    ready: mpsc::Receiver<(Connection, SocketAddr)>,
    agents: Arc<OnceLock<Agents>>,
}

/// Where agents go to.
struct Agents {
    config: Arc<ServerConfig>,
    hub: Hub,
}

/// Opens the port for agents.
pub(crate) struct AgentsAt(Arc<OnceLock<Agents>>);

/// What every connection needs.
struct Door {
    people: Option<Arc<ServerConfig>>,
    agents: Arc<OnceLock<Agents>>,
    room: Arc<Semaphore>,
    ready: mpsc::Sender<(Connection, SocketAddr)>,
}

/// A connection.
pub(crate) enum Connection {
    Plain(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
}

/// How long a handshake may take.
const HANDSHAKE: Duration = Duration::from_secs(10);
/// How many are made at once: more wait, for as long as one may take.
const HANDSHAKES: usize = 256;
/// How many connections wait to be served.
const WAITING: usize = 64;
/// The first byte of a record of TLS that holds a handshake.
const TLS_HANDSHAKE: u8 = 0x16;
const PAUSE: Duration = Duration::from_millis(50);

// === impl Tls ===

impl Tls {
    fn config(&self) -> Result<Arc<ServerConfig>, Error> {
        let unreadable = |path: &Path| {
            let path = path.to_owned();
            move |error: tokio_rustls::rustls::pki_types::pem::Error| {
                Error::file("read", path, io::Error::other(error.to_string()))
            }
        };
        let certificates = CertificateDer::pem_file_iter(&self.certificate)
            .and_then(Iterator::collect::<Result<Vec<_>, _>>)
            .map_err(unreadable(&self.certificate))?;
        let key = PrivateKeyDer::from_pem_file(&self.key).map_err(unreadable(&self.key))?;
        let provider = Arc::new(tokio_rustls::rustls::crypto::ring::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .and_then(|builder| builder.with_no_client_auth().with_single_cert(certificates, key));
        let mut config = config.map_err(|error| Error::Certificate(Box::new(error)))?;
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Ok(Arc::new(config))
    }
}

// === impl Port ===

impl Port {
    pub(crate) async fn open(address: SocketAddr, tls: Option<&Tls>) -> Result<Self, Error> {
        let people = tls.map(Tls::config).transpose()?;
        let failed = |source| Error::Listen { address, source };
        let listener = TcpListener::bind(address).await.map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        let (ready_sender, ready) = mpsc::channel(WAITING);
        let agents = Arc::new(OnceLock::new());
        let room = Arc::new(Semaphore::new(HANDSHAKES));
        let door = Door { people, agents: Arc::clone(&agents), room, ready: ready_sender };
        tokio::spawn(accept(listener, Arc::new(door)));
        Ok(Self { address, ready, agents })
    }

    /// Where agents come in, once they may.
    pub(crate) fn agents(&self) -> AgentsAt {
        AgentsAt(Arc::clone(&self.agents))
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Port {
    /// The next connection whose handshake is over.
    pub(crate) async fn accept(&mut self) -> (Connection, SocketAddr) {
        match self.ready.recv().await {
            Some(ready) => ready,
            // It is over; whoever serves is told so in another way.
            None => std::future::pending().await,
        }
    }
}

// === impl AgentsAt ===

impl AgentsAt {
    /// Takes agents in from now on; until then, they are told to come again.
    pub(crate) fn open(&self, hub: &Hub) -> Result<(), Error> {
        if let Some(config) = hub.tls()? {
            // Once, by whoever opens the server.
            let _ = self.0.set(Agents { config: Arc::new(config), hub: hub.clone() });
        }
        Ok(())
    }
}

async fn accept(listener: TcpListener, door: Arc<Door>) {
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = door.ready.closed() => return,
        };
        let (stream, address) = match accepted {
            Ok(accepted) => accepted,
            // Too many open files, for a while.
            Err(error) => {
                tracing::warn!(%error, "a connection cannot be accepted");
                tokio::time::sleep(PAUSE).await;
                continue;
            }
        };
        // Answers are small and waited for.
        let _ = stream.set_nodelay(true);
        tokio::spawn(Arc::clone(&door).enter(stream, address));
    }
}

// === impl Door ===

impl Door {
    async fn enter(self: Arc<Self>, stream: TcpStream, address: SocketAddr) {
        if self.people.is_none() && !is_handshake(&stream).await {
            let _ = self.ready.send((Connection::Plain(stream), address)).await;
            return;
        }
        let shaken = async {
            let _permit = self.room.acquire().await.map_err(io::Error::other)?;
            self.shake(stream).await
        };
        match tokio::time::timeout(HANDSHAKE, shaken).await {
            Ok(Ok((stream, None))) => {
                let _ = self.ready.send((Connection::Tls(Box::new(stream)), address)).await;
            }
            // A task of its own: what shaking hands takes is not kept for as long as an agent is here.
            Ok(Ok((stream, Some(hub)))) => drop(tokio::spawn(hub.serve(Box::new(stream), address))),
            Ok(Err(error)) => tracing::debug!(%address, %error, "a handshake failed"),
            Err(_) => tracing::debug!(%address, "a handshake took too long"),
        }
    }

    /// The handshake with whoever asks for whom; agents ask for a name of their own.
    async fn shake(&self, stream: TcpStream) -> io::Result<(TlsStream<TcpStream>, Option<Hub>)> {
        let begun = LazyConfigAcceptor::new(Default::default(), stream).await?;
        let is_agent = begun.client_hello().server_name() == Some(SERVER_NAME);
        match &self.people {
            Some(people) if !is_agent => Ok((begun.into_stream(Arc::clone(people)).await?, None)),
            _ => {
                let agents =
                    self.agents.get().ok_or_else(|| io::Error::other("the server is about to begin"))?;
                let stream = begun.into_stream(Arc::clone(&agents.config)).await?;
                Ok((stream, Some(agents.hub.clone())))
            }
        }
    }
}

/// Whether what comes first is a handshake of TLS. Who says nothing for a while is no agent.
async fn is_handshake(stream: &TcpStream) -> bool {
    let mut first = [0];
    let peeked = tokio::time::timeout(HANDSHAKE, stream.peek(&mut first)).await;
    matches!(peeked, Ok(Ok(1))) && first == [TLS_HANDSHAKE]
}

// === impl Connection ===

impl AsyncRead for Connection {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_read(cx, buf),
            Self::Tls(stream) => Pin::new(stream).poll_read(cx, buf),
        }
    }
}

impl AsyncWrite for Connection {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_write(cx, buf),
            Self::Tls(stream) => Pin::new(stream).poll_write(cx, buf),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_flush(cx),
            Self::Tls(stream) => Pin::new(stream).poll_flush(cx),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_shutdown(cx),
            Self::Tls(stream) => Pin::new(stream).poll_shutdown(cx),
        }
    }
}
