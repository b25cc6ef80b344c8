//! Connections, in the clear or over TLS. One that stays open is used again.

use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper::{Request, Response, Uri};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

use crate::error::Error;

/// Where a server is, and how it is reached.
pub(crate) struct Door {
    pub(crate) url: String,
    host: String,
    port: u16,
    /// What paths begin with.
    pub(crate) prefix: String,
    tls: Option<TlsConnector>,
    /// A connection that nobody uses now.
    kept: Mutex<Option<SendRequest<Full<Bytes>>>>,
}

/// How long a connection may take to come about.
const PATIENCE: Duration = Duration::from_secs(30);

// === impl Door ===

impl Door {
    pub(crate) fn new(url: &str, ca: Option<&Path>) -> Result<Self, Error> {
        let wrong = |why| Error::Address { url: url.to_owned(), why };
        let uri: Uri = url.parse().map_err(|_| wrong("it cannot be read"))?;
        let is_tls = match uri.scheme_str() {
            Some("http") => false,
            Some("https") => true,
            _ => return Err(wrong("it begins with neither http:// nor https://")),
        };
        let host = uri.host().filter(|host| !host.is_empty()).ok_or_else(|| wrong("it names no host"))?;
        if uri.query().is_some() {
            return Err(wrong("it has a `?` in it"));
        }
        Ok(Self {
            url: url.trim_end_matches('/').to_owned(),
            host: host.trim_start_matches('[').trim_end_matches(']').to_owned(),
            port: uri.port_u16().unwrap_or(if is_tls { 443 } else { 80 }),
            prefix: uri.path().trim_end_matches('/').to_owned(),
            tls: is_tls.then(|| connector(ca)).transpose()?,
            kept: Mutex::new(None),
        })
    }

    /// `HOST:PORT`, for the header.
    pub(crate) fn authority(&self) -> String {
        if self.host.contains(':') {
            return format!("[{}]:{}", self.host, self.port);
        }
        format!("{}:{}", self.host, self.port)
    }

    /// A connection that can take a request.
    pub(crate) async fn connection(&self) -> Result<SendRequest<Full<Bytes>>, Error> {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(mut kept) = kept
            && kept.ready().await.is_ok()
        {
            return Ok(kept);
        }
        let failed = |source| Error::Unreachable { url: self.url.clone(), source };
        let late = || failed(io::Error::new(io::ErrorKind::TimedOut, "nobody answered in time"));
        tokio::time::timeout(PATIENCE, self.connect()).await.map_err(|_| late())?.map_err(failed)
    }

    /// For whoever asks next.
    pub(crate) fn keep(&self, connection: SendRequest<Full<Bytes>>) {
        *self.kept.lock().unwrap_or_else(PoisonError::into_inner) = Some(connection);
    }

    async fn connect(&self) -> io::Result<SendRequest<Full<Bytes>>> {
        let stream = TcpStream::connect((self.host.as_str(), self.port)).await?;
        // Small requests must not wait for each other's acknowledgements.
        stream.set_nodelay(true)?;
        match &self.tls {
            None => talk(stream).await,
            Some(tls) => {
                let name = ServerName::try_from(self.host.clone()).map_err(io::Error::other)?;
                talk(tls.connect(name, stream).await?).await
            }
        }
    }

    /// Sends a request over a connection.
    pub(crate) async fn send(
        &self,
        connection: &mut SendRequest<Full<Bytes>>,
        request: Request<Full<Bytes>>,
    ) -> Result<Response<Incoming>, Error> {
        connection.send_request(request).await.map_err(|source| self.cut_short(source))
    }

    pub(crate) fn cut_short(&self, source: hyper::Error) -> Error {
        Error::CutShort { url: self.url.clone(), source: Box::new(source) }
    }
}

impl std::fmt::Debug for Door {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Door").field("url", &self.url).finish_non_exhaustive()
    }
}

async fn talk(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
) -> io::Result<SendRequest<Full<Bytes>>> {
    let (sender, connection) = handshake(TokioIo::new(stream)).await.map_err(io::Error::other)?;
    // It ends with the last that uses it; why, those hear.
    tokio::spawn(async move { drop(connection.await) });
    Ok(sender)
}

fn connector(ca: Option<&Path>) -> Result<TlsConnector, Error> {
    let mut roots = RootCertStore::empty();
    match ca {
        None => drop(roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs)),
        Some(path) => {
            let failed = |source: Box<dyn std::error::Error + Send + Sync>| Error::Certificates {
                path: path.to_owned(),
                source,
            };
            for certificate in CertificateDer::pem_file_iter(path).map_err(|why| failed(why.into()))? {
                let certificate = certificate.map_err(|why| failed(why.into()))?;
                roots.add(certificate).map_err(|why| failed(why.into()))?;
            }
            if roots.is_empty() {
                return Err(failed("it holds none".into()));
            }
        }
    }
    let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()));
    let builder = builder.with_safe_default_protocol_versions().map_err(|source| Error::Certificates {
        path: ca.map(Path::to_owned).unwrap_or_default(),
        source: source.into(),
    })?;
    Ok(TlsConnector::from(Arc::new(builder.with_root_certificates(roots).with_no_client_auth())))
}
