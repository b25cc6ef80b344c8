//! The keys of a provider, and signatures by them. Only signatures that a key pair makes are taken: never none, and never one
//! that our own secret could make.

use std::sync::OnceLock;

use jsonwebtoken::crypto::{CryptoProvider, JwtVerifier, KeyUtils};
use jsonwebtoken::errors::{Error as JwtError, ErrorKind};
use jsonwebtoken::jwk::{AlgorithmParameters, EllipticCurve, Jwk, KeyAlgorithm, PublicKeyUse};
use jsonwebtoken::signature::{Error as SignatureError, Verifier};
use jsonwebtoken::{Algorithm, DecodingKey, DecodingKeyKind};
use ring::signature::{
    self, RsaParameters, RsaPublicKeyComponents, UnparsedPublicKey, VerificationAlgorithm,
};
use serde::Deserialize;
use serde_json::Value;

/// The keys that a provider signs with.
#[derive(Debug, Default)]
pub(crate) struct Keys(Vec<Jwk>);

/// A list of keys as it is published.
#[derive(Deserialize)]
struct Published {
    keys: Vec<Value>,
}

// === impl Keys ===

impl Keys {
    /// Those that can be used; of another sort there may be some beside them.
    pub(crate) fn read(bytes: &[u8]) -> Result<Self, serde_json::Error> {
        let Published { keys } = serde_json::from_slice(bytes)?;
        let keys = keys.into_iter().filter_map(|key| serde_json::from_value::<Jwk>(key).ok());
        let signs = |key: &Jwk| matches!(key.common.public_key_use, None | Some(PublicKeyUse::Signature));
        Ok(Self(keys.filter(signs).collect()))
    }

    /// Those that may have signed something.
    pub(crate) fn candidates(&self, id: Option<&str>, algorithm: Algorithm) -> Vec<DecodingKey> {
        let is_named = |key: &&Jwk| id.is_none() || key.common.key_id.as_deref() == id;
        let fits = |key: &&Jwk| fits(key, algorithm);
        let found = self.0.iter().filter(is_named).filter(fits);
        found.filter_map(|key| DecodingKey::from_jwk(key).ok()).collect()
    }
}

/// Whether a key makes signatures of an algorithm: one that is for another sort must not be taken for this one.
fn fits(key: &Jwk, algorithm: Algorithm) -> bool {
    let is_of_sort = match (&key.algorithm, algorithm) {
        (AlgorithmParameters::EllipticCurve(it), Algorithm::ES256) => it.curve == EllipticCurve::P256,
        (AlgorithmParameters::EllipticCurve(it), Algorithm::ES384) => it.curve == EllipticCurve::P384,
        (AlgorithmParameters::OctetKeyPair(it), Algorithm::EdDSA) => it.curve == EllipticCurve::Ed25519,
        (AlgorithmParameters::RSA(_), other) => rsa(other).is_some(),
        _ => false,
    };
    is_of_sort && key.common.key_algorithm.is_none_or(|it| it == KeyAlgorithm::from(algorithm))
}

/// Whether a signature of this sort proves anything.
pub(crate) fn is_allowed(algorithm: Algorithm) -> bool {
    rsa(algorithm).is_some() || plain(algorithm).is_some()
}

fn rsa(algorithm: Algorithm) -> Option<&'static RsaParameters> {
    Some(match algorithm {
        Algorithm::RS256 => &signature::RSA_PKCS1_2048_8192_SHA256,
        Algorithm::RS384 => &signature::RSA_PKCS1_2048_8192_SHA384,
        Algorithm::RS512 => &signature::RSA_PKCS1_2048_8192_SHA512,
        Algorithm::PS256 => &signature::RSA_PSS_2048_8192_SHA256,
        Algorithm::PS384 => &signature::RSA_PSS_2048_8192_SHA384,
        Algorithm::PS512 => &signature::RSA_PSS_2048_8192_SHA512,
        _ => return None,
    })
}

fn plain(algorithm: Algorithm) -> Option<&'static dyn VerificationAlgorithm> {
    Some(match algorithm {
        Algorithm::ES256 => &signature::ECDSA_P256_SHA256_FIXED,
        Algorithm::ES384 => &signature::ECDSA_P384_SHA384_FIXED,
        Algorithm::EdDSA => &signature::ED25519,
        _ => return None,
    })
}

/// Lets signatures be looked at by what looks at those of TLS, too.
pub(crate) fn use_ring() {
    static PROVIDER: OnceLock<CryptoProvider> = OnceLock::new();
    let provider = PROVIDER.get_or_init(|| CryptoProvider {
        signer_factory: |_, _| Err(JwtError::from(ErrorKind::InvalidAlgorithm)),
        verifier_factory: |algorithm, key| {
            if !is_allowed(*algorithm) {
                return Err(ErrorKind::InvalidAlgorithm.into());
            }
            Ok(Box::new(Check { algorithm: *algorithm, key: key.clone() }) as Box<dyn JwtVerifier>)
        },
        key_utils: KeyUtils::new_unimplemented(),
    });
    // It is the same one each time.
    let _ = provider.install_default();
}

/// Looks at signatures by a key.
struct Check {
    algorithm: Algorithm,
    key: DecodingKey,
}

impl Verifier<Vec<u8>> for Check {
    fn verify(&self, message: &[u8], signature: &Vec<u8>) -> Result<(), SignatureError> {
        let is_good = match (self.key.kind(), rsa(self.algorithm), plain(self.algorithm)) {
            (DecodingKeyKind::RsaModulusExponent { n, e }, Some(rsa), _) => {
                RsaPublicKeyComponents { n, e }.verify(rsa, message, signature).is_ok()
            }
            (DecodingKeyKind::SecretOrDer(key), None, Some(plain)) => {
                UnparsedPublicKey::new(plain, key).verify(message, signature).is_ok()
            }
            _ => false,
        };
        if is_good { Ok(()) } else { Err(SignatureError::new()) }
    }
}

impl JwtVerifier for Check {
    fn algorithm(&self) -> Algorithm {
        self.algorithm
    }
}
