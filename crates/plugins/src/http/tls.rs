//! Whose certificates are trusted.

use std::path::Path;
use std::sync::{Arc, OnceLock};

use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use tokio_rustls::rustls::crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature};
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use tokio_rustls::rustls::{ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme};
use windlass_plugin::CallError;

use super::request::Tls;

pub(super) const TLS: &str = "tls";

/// What connections are made with.
pub(super) async fn connector(tls: &Tls) -> Result<TlsConnector, CallError> {
    if let (false, None) = (tls.insecure, &tls.ca) {
        // The machine's certificates are some hundreds, which take longer to read than a request.
        static USUAL: OnceLock<Arc<ClientConfig>> = OnceLock::new();
        if let Some(config) = USUAL.get() {
            return Ok(Arc::clone(config).into());
        }
        let config = blocking(|| with_roots(native_roots()?)).await?;
        return Ok(Arc::clone(USUAL.get_or_init(|| config)).into());
    }
    let tls = tls.clone();
    let config = blocking(move || match &tls.ca {
        _ if tls.insecure => insecure(),
        Some(path) => with_roots(roots_of(path)?),
        None => with_roots(native_roots()?),
    });
    Ok(config.await?.into())
}

type Configured = Result<Arc<ClientConfig>, CallError>;

async fn blocking(read: impl FnOnce() -> Configured + Send + 'static) -> Configured {
    tokio::task::spawn_blocking(read).await?
}

fn native_roots() -> Result<RootCertStore, CallError> {
    let mut roots = RootCertStore::empty();
    let found = rustls_native_certs::load_native_certs();
    roots.add_parsable_certificates(found.certs);
    if roots.is_empty() {
        let mut error = CallError::permanent(
            TLS,
            "this machine trusts no certificates; install `ca-certificates`, or say `tls: {ca: FILE}`",
        );
        error.causes = found.errors.iter().map(ToString::to_string).collect();
        return Err(error);
    }
    Ok(roots)
}

fn roots_of(path: &Path) -> Result<RootCertStore, CallError> {
    let shown = path.display();
    let mut roots = RootCertStore::empty();
    let unreadable = |error: &(dyn std::error::Error + 'static)| {
        CallError::permanent(TLS, format!("the certificates in `{shown}` cannot be read")).because(error)
    };
    for certificate in CertificateDer::pem_file_iter(path).map_err(|error| unreadable(&error))? {
        let certificate = certificate.map_err(|error| unreadable(&error))?;
        roots.add(certificate).map_err(|error| unreadable(&error))?;
    }
    if roots.is_empty() {
        return Err(CallError::permanent(TLS, format!("`{shown}` holds no certificates")));
    }
    Ok(roots)
}

fn with_roots(roots: RootCertStore) -> Configured {
    let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()));
    let builder = builder.with_safe_default_protocol_versions()?;
    Ok(Arc::new(builder.with_root_certificates(roots).with_no_client_auth()))
}

fn insecure() -> Configured {
    let provider = Arc::new(ring::default_provider());
    let builder = ClientConfig::builder_with_provider(Arc::clone(&provider));
    let builder = builder.with_safe_default_protocol_versions()?.dangerous();
    Ok(Arc::new(builder.with_custom_certificate_verifier(Arc::new(Anybody(provider))).with_no_client_auth()))
}

/// Takes any certificate, as the plan demands. That the other side holds its key is still checked.
#[derive(Debug)]
struct Anybody(Arc<CryptoProvider>);

// === impl Anybody ===

impl ServerCertVerifier for Anybody {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, cert, dss, &self.0.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, cert, dss, &self.0.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
