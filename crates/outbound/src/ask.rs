//! One request, and its answer.

use std::io;
use std::net::IpAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderValue, Request, Response, Uri, header};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::Incoming;
use hyper::client::conn::http1::handshake;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

use crate::error::Error;

/// Asks. Clones share what is trusted.
#[derive(Clone)]
pub struct Outbound {
    tls: TlsConnector,
    bounds: Bounds,
}

/// How long an answer may take to come, and how large it may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// From the beginning of the connection to the end of the answer.
    pub within: Duration,
    /// The bytes of its body.
    pub most: usize,
}

/// Where a request goes to.
struct Place {
    host: String,
    port: u16,
    is_tls: bool,
    authority: HeaderValue,
    /// As it may be told: without what stands behind the `?`.
    told: String,
}

impl Default for Bounds {
    fn default() -> Self {
        Self { within: Duration::from_secs(10), most: 1 << 20 }
    }
}

/// Whether what is sent to an address can be read by nobody on the way: it is of https, or does not leave this machine.
#[must_use]
pub fn is_safe(url: &str) -> bool {
    let Ok(uri) = url.parse::<Uri>() else { return false };
    let Some(authority) = uri.authority() else { return false };
    // Whoever is named before an `@` is not whom a reader takes it for.
    if authority.as_str().contains('@') || authority.host().is_empty() {
        return false;
    }
    match uri.scheme_str() {
        Some("https") => true,
        Some("http") => is_here(bare(authority.host())),
        _ => false,
    }
}

fn is_here(host: &str) -> bool {
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// An address of version 6 without its brackets.
fn bare(host: &str) -> &str {
    host.trim_start_matches('[').trim_end_matches(']')
}

// === impl Outbound ===

impl Outbound {
    /// Trusts the certificates of a file, or those of this machine.
    pub fn new(ca: Option<&Path>, bounds: Bounds) -> Result<Self, Error> {
        Ok(Self { tls: connector(ca)?, bounds })
    }

    /// Sends a request to the whole address that it names, and waits for all of the answer.
    pub async fn send(&self, request: Request<Bytes>) -> Result<Response<Bytes>, Error> {
        let place = Place::of(request.uri())?;
        let (url, Bounds { within, .. }) = (place.told.clone(), self.bounds);
        let sent = tokio::time::timeout(within, self.exchange(place, request)).await;
        sent.map_err(|_| Error::Late { url, within })?
    }

    async fn exchange(&self, place: Place, mut request: Request<Bytes>) -> Result<Response<Bytes>, Error> {
        let path = request.uri().path_and_query().map_or("/", |path| path.as_str());
        // It was part of an address that could be read.
        *request.uri_mut() = path.parse().unwrap_or_default();
        request.headers_mut().insert(header::HOST, place.authority.clone());
        request.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
        let request = request.map(Full::new);
        let url = place.told.clone();
        let unreachable = |source| Error::Unreachable { url: url.clone(), source };
        let stream = TcpStream::connect((place.host.as_str(), place.port)).await.map_err(unreachable)?;
        let answer = if place.is_tls {
            let name = ServerName::try_from(place.host).map_err(io::Error::other).map_err(unreachable)?;
            let stream = self.tls.connect(name, stream).await.map_err(unreachable)?;
            talk(stream, request).await
        } else {
            talk(stream, request).await
        };
        let broken = |source| Error::Answer { url: url.clone(), source };
        let (head, body) = answer.map_err(|error| broken(error.into()))?.into_parts();
        let body = Limited::new(body, self.bounds.most).collect().await.map_err(broken)?;
        Ok(Response::from_parts(head, body.to_bytes()))
    }
}

impl std::fmt::Debug for Outbound {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Outbound").field("bounds", &self.bounds).finish_non_exhaustive()
    }
}

// === impl Place ===

impl Place {
    fn of(uri: &Uri) -> Result<Self, Error> {
        let scheme = uri.scheme_str().unwrap_or_default();
        let host = uri.host().unwrap_or_default();
        let told = format!("{scheme}://{}{}", uri.authority().map_or("", |it| it.as_str()), uri.path());
        let authority = uri.authority().and_then(|it| HeaderValue::try_from(it.as_str()).ok());
        let (Some(authority), false, true) = (authority, host.is_empty(), matches!(scheme, "http" | "https"))
        else {
            return Err(Error::Address(told));
        };
        let is_tls = scheme == "https";
        let port = uri.port_u16().unwrap_or(if is_tls { 443 } else { 80 });
        Ok(Self { host: bare(host).to_owned(), port, is_tls, authority, told })
    }
}

async fn talk(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    request: Request<Full<Bytes>>,
) -> hyper::Result<Response<Incoming>> {
    let (mut sender, connection) = handshake(TokioIo::new(stream)).await?;
    // It ends with the answer; why, whoever reads that hears.
    tokio::spawn(async move { drop(connection.await) });
    sender.send_request(request).await
}

fn connector(ca: Option<&Path>) -> Result<TlsConnector, Error> {
    let failed = |source: Box<dyn std::error::Error + Send + Sync>| Error::Certificates {
        path: ca.map(Path::to_owned).unwrap_or_default(),
        source,
    };
    let mut roots = RootCertStore::empty();
    match ca {
        None => drop(roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs)),
        Some(path) => {
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
    let builder = builder.with_safe_default_protocol_versions().map_err(|why| failed(why.into()))?;
    Ok(TlsConnector::from(Arc::new(builder.with_root_certificates(roots).with_no_client_auth())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_https_and_this_machine_are_safe() {
        for safe in
            ["https://id.example.org/x", "http://127.0.0.1:8080", "http://localhost/a", "http://[::1]:1/"]
        {
            assert!(is_safe(safe), "{safe}");
        }
        let unsafe_ones =
            ["http://id.example.org", "http://10.0.0.1", "ftp://localhost", "id.example.org", "", "/x"];
        for other in
            unsafe_ones.into_iter().chain(["https://id.example.org@evil.example/", "http://localhost@evil/"])
        {
            assert!(!is_safe(other), "{other}");
        }
    }

    #[test]
    fn what_is_told_of_an_address_holds_no_secret() {
        let place = Place::of(&"https://id.example.org/token?secret=1".parse().unwrap()).unwrap();
        assert_eq!(
            (place.told.as_str(), place.port, place.is_tls),
            ("https://id.example.org/token", 443, true)
        );
        assert!(Place::of(&"/only/a/path".parse().unwrap()).is_err());
    }
}
