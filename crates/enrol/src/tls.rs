//! TLS as the server speaks it with agents: with a certificate of the own authority, and asking for one of it.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio_rustls::rustls::crypto::{CryptoProvider, ring};
use tokio_rustls::rustls::pki_types::UnixTime;
use tokio_rustls::rustls::server::{
    ClientHello, NoServerSessionStorage, ResolvesServerCert, WebPkiClientVerifier,
};
use tokio_rustls::rustls::sign::CertifiedKey;
use tokio_rustls::rustls::time_provider::TimeProvider;
use tokio_rustls::rustls::{RootCertStore, ServerConfig, version};
use windlass_line::ALPN;
use windlass_model::time::Time;

use crate::enrol::Enrol;
use crate::refused::Error;

/// What time it is.
#[derive(Clone)]
pub struct Now(pub Arc<dyn Fn() -> Time + Send + Sync>);

/// The server's certificate: made when it begins, and again in time.
struct Own {
    enrol: Enrol,
    now: Now,
    provider: Arc<CryptoProvider>,
    made: Mutex<Option<(Time, Arc<CertifiedKey>)>>,
}

/// How long the server's certificate is good for, and when another one is made.
const LIFE: Duration = Duration::from_secs(90 * 24 * 3600);
const AGAIN: Duration = Duration::from_secs(30 * 24 * 3600);

/// The configuration. Who shows no certificate gets in to join; who shows one that the authority did not sign, or that has
/// ended, does not.
///
/// # Errors
///
/// The authority's certificate cannot be used.
pub fn server_config(enrol: &Enrol, now: Now) -> Result<ServerConfig, Error> {
    let provider = Arc::new(ring::default_provider());
    let mut roots = RootCertStore::empty();
    roots.add(enrol.authority().certificate().clone()).map_err(Error::certificate)?;
    let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider))
        .allow_unauthenticated()
        .build()
        .map_err(Error::certificate)?;
    let own = Own {
        enrol: enrol.clone(),
        now: now.clone(),
        provider: Arc::clone(&provider),
        made: Mutex::new(None),
    };
    // It is made now, so that what is wrong with it is said now.
    own.certificate()?;
    let mut config = ServerConfig::builder_with_details(provider, Arc::new(now))
        .with_protocol_versions(&[&version::TLS13])
        .map_err(Error::certificate)?
        .with_client_cert_verifier(verifier)
        .with_cert_resolver(Arc::new(own));
    config.alpn_protocols = vec![ALPN.to_vec()];
    // Nobody comes back by a ticket: each time the certificate is looked at anew.
    config.session_storage = Arc::new(NoServerSessionStorage {});
    config.send_tls13_tickets = 0;
    Ok(config)
}

// === impl Own ===

impl Own {
    fn certificate(&self) -> Result<Arc<CertifiedKey>, Error> {
        let now = (self.now.0)();
        let mut made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((at, own)) = &*made
            && *at <= now
            && now.since(*at) < AGAIN
        {
            return Ok(Arc::clone(own));
        }
        let (chain, key) = self.enrol.authority().of_server(now, LIFE)?;
        let key = self.provider.key_provider.load_private_key(key).map_err(Error::certificate)?;
        let own = Arc::new(CertifiedKey::new(chain, key));
        *made = Some((now, Arc::clone(&own)));
        Ok(own)
    }
}

impl ResolvesServerCert for Own {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        self.certificate().ok()
    }
}

impl fmt::Debug for Own {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Own").finish_non_exhaustive()
    }
}

// === impl Now ===

impl TimeProvider for Now {
    fn current_time(&self) -> Option<UnixTime> {
        Some(UnixTime::since_unix_epoch(Duration::from_millis((self.0)().as_millis())))
    }
}

impl fmt::Debug for Now {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Now").finish_non_exhaustive()
    }
}
