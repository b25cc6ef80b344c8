//! The server's own authority: a key in a file, and the certificates that it signs.
//!
//! ```text
//!   keys/agents-ca.key   PKCS#8, DER, for its owner only
//!   keys/agents-ca.der   the certificate, whose SHA-256 stands in every join token
//! ```

use std::fmt;
use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::time::Duration;

use data_encoding::HEXLOWER;
use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer,
    KeyPair, KeyUsagePurpose, PKCS_ECDSA_P256_SHA256, PublicKeyData, SanType, SerialNumber,
    SignatureAlgorithm, date_time_ymd,
};
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use windlass_line::{Fingerprint, SERVER_NAME};
use windlass_model::time::Time;
use zeroize::Zeroizing;

use crate::refused::{Error, Refused};

/// Whoever signs certificates of agents.
pub struct Authority {
    issuer: Issuer<'static, KeyPair>,
    certificate: CertificateDer<'static>,
}

/// A certificate that was made.
#[derive(Clone, Debug)]
pub struct Issued {
    /// It.
    pub der: CertificateDer<'static>,
    /// Its number.
    pub serial: String,
    /// When it ends.
    pub not_after: Time,
}

/// A point of P-256, as it was sent.
struct PublicKey<'a>(&'a [u8]);

const NAME: &str = "Windlass agents";
/// As long as a server may stand.
const LIFE: Duration = Duration::from_secs(20 * 365 * 24 * 3600);
/// By how much clocks may differ.
const SKEW: Duration = Duration::from_secs(600);
/// An uncompressed point: a mark and two numbers.
const POINT: usize = 65;
const UNCOMPRESSED: u8 = 4;

// === impl Authority ===

impl Authority {
    /// The authority whose files lie in a directory; they are made where there are none.
    ///
    /// # Errors
    ///
    /// A file cannot be read or written, or is damaged.
    pub fn of_directory(directory: &Path, now: Time) -> Result<Self, Error> {
        let (key_path, path) = (directory.join("agents-ca.key"), directory.join("agents-ca.der"));
        let file = |action, path: &Path| {
            let path = path.to_owned();
            move |source| Error::File { action, path, source }
        };
        let key = match fs::read(&key_path).map(Zeroizing::new) {
            Ok(bytes) => {
                let der = PrivatePkcs8KeyDer::from(bytes.as_slice());
                KeyPair::from_pkcs8_der_and_sign_algo(&der, &PKCS_ECDSA_P256_SHA256).map_err(|error| {
                    let source = io::Error::new(io::ErrorKind::InvalidData, error.to_string());
                    file("use", &key_path)(source)
                })?
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let key = KeyPair::generate().map_err(Error::certificate)?;
                write(&key_path, key.serialized_der()).map_err(file("write", &key_path))?;
                key
            }
            Err(error) => return Err(file("read", &key_path)(error)),
        };
        let params = authority(now);
        let certificate = match fs::read(&path) {
            Ok(bytes) => CertificateDer::from(bytes),
            // Nobody trusts a certificate that was not yet written, so another one is as good.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let made = params.self_signed(&key).map_err(Error::certificate)?;
                write(&path, made.der()).map_err(file("write", &path))?;
                made.der().clone()
            }
            Err(error) => return Err(file("read", &path)(error)),
        };
        Ok(Self { issuer: Issuer::new(params, key), certificate })
    }

    /// Its own certificate.
    #[must_use]
    pub fn certificate(&self) -> &CertificateDer<'static> {
        &self.certificate
    }

    /// What join tokens know it by.
    #[must_use]
    pub fn fingerprint(&self) -> Fingerprint {
        Fingerprint::of(&self.certificate)
    }

    /// A certificate of the agent of a node.
    ///
    /// # Errors
    ///
    /// The key is none.
    pub fn of_agent(&self, node: &str, key: &[u8], now: Time, life: Duration) -> Result<Issued, Error> {
        if key.len() != POINT || key.first() != Some(&UNCOMPRESSED) {
            return Err(Refused::BadKey.into());
        }
        let mut params = CertificateParams::default();
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        self.issue(params, node, &PublicKey(key), now, life)
    }

    /// A certificate of the server, with its key and the authority's certificate behind it.
    ///
    /// # Errors
    ///
    /// The system gives no chance.
    pub fn of_server(
        &self,
        now: Time,
        life: Duration,
    ) -> Result<(Vec<CertificateDer<'static>>, PrivateKeyDer<'static>), Error> {
        let key = KeyPair::generate().map_err(Error::certificate)?;
        let name = SERVER_NAME.try_into().map_err(Error::certificate)?;
        let mut params = CertificateParams::default();
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        params.subject_alt_names = vec![SanType::DnsName(name)];
        let issued = self.issue(params, SERVER_NAME, &key, now, life)?;
        let der = PrivatePkcs8KeyDer::from(key.serialize_der());
        Ok((vec![issued.der, self.certificate.clone()], der.into()))
    }

    fn issue(
        &self,
        mut params: CertificateParams,
        name: &str,
        key: &impl PublicKeyData,
        now: Time,
        life: Duration,
    ) -> Result<Issued, Error> {
        let mut serial = [0_u8; 16];
        getrandom::fill(&mut serial).map_err(|error| Error::certificate(io::Error::other(error)))?;
        // A number without a sign.
        if let Some(first) = serial.first_mut() {
            *first = *first & 0x7f | 0x40;
        }
        let not_after = now + life;
        let text = HEXLOWER.encode(&serial);
        params.not_before = date_time_ymd(1970, 1, 1) + since(now.before(SKEW));
        params.not_after = date_time_ymd(1970, 1, 1) + since(not_after);
        params.serial_number = Some(SerialNumber::from_slice(&serial));
        params.distinguished_name = named(&format!("{name}/{text}"));
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.use_authority_key_identifier_extension = true;
        let made = params.signed_by(key, &self.issuer).map_err(Error::certificate)?;
        Ok(Issued { der: made.der().clone(), serial: text, not_after })
    }
}

impl fmt::Debug for Authority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Authority").field("fingerprint", &self.fingerprint()).finish_non_exhaustive()
    }
}

// === impl PublicKey ===

impl PublicKeyData for PublicKey<'_> {
    fn der_bytes(&self) -> &[u8] {
        self.0
    }

    fn algorithm(&self) -> &'static SignatureAlgorithm {
        &PKCS_ECDSA_P256_SHA256
    }
}

fn authority(now: Time) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.not_before = date_time_ymd(1970, 1, 1) + since(now.before(SKEW));
    params.not_after = date_time_ymd(1970, 1, 1) + since(now + LIFE);
    params.distinguished_name = named(NAME);
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params
}

fn named(name: &str) -> DistinguishedName {
    let mut names = DistinguishedName::new();
    names.push(DnType::CommonName, name);
    names
}

/// Since 1970, in whole seconds: certificates know no smaller ones.
fn since(time: Time) -> Duration {
    Duration::from_secs(time.as_millis() / 1000)
}

/// Writes a file for its owner only, which is there as a whole or not at all.
fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let directory = path.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(directory)?;
    let part = path.with_added_extension("part");
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&part)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(&part, path)?;
    fs::File::open(directory)?.sync_all()
}
