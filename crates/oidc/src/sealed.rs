//! Texts that go through other hands and come back as they were: sealed with a key that only this process has.

use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use data_encoding::BASE64URL_NOPAD;
use serde::Serialize;
use serde::de::DeserializeOwned;
use zeroize::Zeroizing;

use crate::error::Error;

/// The key.
pub(crate) struct Seal(XChaCha20Poly1305);

const KEY: usize = 32;
const NONCE: usize = 24;
/// How much chance a word has that nobody may guess.
const WORD: usize = 32;

// === impl Seal ===

impl Seal {
    pub(crate) fn new() -> Result<Self, Error> {
        let key = Zeroizing::new(drawn::<KEY>()?);
        Ok(Self(XChaCha20Poly1305::new((&*key).into())))
    }

    /// Seals a value for a purpose; for another one it does not open.
    pub(crate) fn seal(&self, purpose: &str, value: &impl Serialize) -> Result<String, Error> {
        let failed = || Error::Provider("a text cannot be sealed".to_owned());
        let clear = Zeroizing::new(serde_json::to_vec(value).map_err(|_| failed())?);
        let nonce = drawn::<NONCE>()?;
        let payload = Payload { msg: &clear, aad: purpose.as_bytes() };
        let sealed = self.0.encrypt(&XNonce::from(nonce), payload).map_err(|_| failed())?;
        Ok(BASE64URL_NOPAD.encode(&[&nonce[..], &sealed].concat()))
    }

    pub(crate) fn open<T: DeserializeOwned>(&self, purpose: &str, sealed: &str) -> Option<T> {
        let bytes = BASE64URL_NOPAD.decode(sealed.as_bytes()).ok()?;
        let (nonce, rest) = bytes.split_first_chunk::<NONCE>()?;
        let payload = Payload { msg: rest, aad: purpose.as_bytes() };
        let clear = Zeroizing::new(self.0.decrypt(&XNonce::from(*nonce), payload).ok()?);
        serde_json::from_slice(&clear).ok()
    }
}

/// A word that nobody can guess, of letters that stand for themselves in addresses.
pub(crate) fn word() -> Result<String, Error> {
    Ok(BASE64URL_NOPAD.encode(&drawn::<WORD>()?))
}

fn drawn<const N: usize>() -> Result<[u8; N], Error> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|error| Error::Provider(error.to_string()))?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_this_process_opens_what_it_sealed_and_only_for_what_it_was() {
        let (seal, other) = (Seal::new().unwrap(), Seal::new().unwrap());
        let sealed = seal.seal("a", &"hunter2").unwrap();
        assert!(!sealed.contains("hunter2") && sealed != seal.seal("a", &"hunter2").unwrap());
        assert_eq!(seal.open::<String>("a", &sealed).as_deref(), Some("hunter2"));
        assert_eq!(seal.open::<String>("b", &sealed), None);
        assert_eq!(other.open::<String>("a", &sealed), None);
        for wrong in ["", "x", &sealed[1..], &sealed.to_uppercase()] {
            assert_eq!(seal.open::<String>("a", wrong), None, "{wrong}");
        }
        let words: std::collections::HashSet<String> = (0..100).map(|_| word().unwrap()).collect();
        assert!(words.len() == 100 && words.iter().all(|word| word.len() == 43));
    }
}
