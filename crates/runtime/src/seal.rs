//! The key of one run, and what it seals: a secret that lies in the store.
//!
//! ```text
//! FF │ 02 │ nonce, 24 bytes │ the text under XChaCha20-Poly1305, and 16 bytes that prove it whole
//! ```
//!
//! A value is bound to its run and to its name, so that none opens in the place of another. Each has
//! a nonce of its own that is drawn: 192 bits are so many that nobody has to remember which were used.
//! Version 1 was the text itself, which never begins with `FF`; it is still read.
//!
//! It knows neither files nor the store: where keys lie is for [`keyring`](crate::keyring) to say.

use std::fmt;

use bytes::Bytes;
use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use windlass_model::id::RunId;
use zeroize::Zeroizing;

use crate::clock::random;
use crate::error::SecretsError;

/// As many random bytes as a key has.
pub(crate) type KeyBytes = Zeroizing<[u8; 32]>;

/// The key of one run. It is wiped from memory when it is dropped.
pub(crate) struct RunKey {
    run: RunId,
    cipher: XChaCha20Poly1305,
}

/// A value as it was found in the store.
#[derive(Debug)]
pub(crate) enum Found<'a> {
    /// A text, as earlier versions wrote it.
    Clear(&'a str),
    /// Sealed: nonce and rest.
    Sealed(&'a [u8; NONCE], &'a [u8]),
}

/// What no text begins with.
const MARK: u8 = 0xFF;
const VERSION: u8 = 2;
const NONCE: usize = 24;

// === impl RunKey ===

impl RunKey {
    pub(crate) fn new(run: RunId, bytes: &KeyBytes) -> Self {
        Self { run, cipher: XChaCha20Poly1305::new((&**bytes).into()) }
    }

    /// A value as it may lie in the store; `None` where it cannot be sealed, and so must not be written.
    pub(crate) fn seal(&self, name: &str, clear: &str) -> Option<Bytes> {
        let nonce: [u8; NONCE] = random()?;
        let aad = self.bound_to(name);
        let payload = Payload { msg: clear.as_bytes(), aad: &aad };
        let sealed = self.cipher.encrypt(&XNonce::from(nonce), payload).ok()?;
        Some([&[MARK, VERSION], nonce.as_slice(), &sealed].concat().into())
    }

    /// The text of a sealed value.
    pub(crate) fn open(
        &self,
        name: &str,
        nonce: &[u8; NONCE],
        sealed: &[u8],
    ) -> Result<Zeroizing<String>, SecretsError> {
        let aad = self.bound_to(name);
        let payload = Payload { msg: sealed, aad: &aad };
        let opened = self.cipher.decrypt(&XNonce::from(*nonce), payload).ok();
        // What was sealed was a text, so this fails for no other reason than the one above.
        let text = opened.and_then(|clear| String::from_utf8(clear).ok());
        text.map(Zeroizing::new).ok_or_else(|| SecretsError::DoesNotOpen { name: name.to_owned() })
    }

    fn bound_to(&self, name: &str) -> Vec<u8> {
        [b"windlass sealed 2\0", self.run.0.as_bytes().as_slice(), name.as_bytes()].concat()
    }
}

impl fmt::Debug for RunKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RunKey").field("run", &self.run).finish_non_exhaustive()
    }
}

// === impl Found ===

impl<'a> Found<'a> {
    /// What the value of an entry is.
    pub(crate) fn read(name: &str, value: &'a [u8]) -> Result<Self, SecretsError> {
        let damaged = || SecretsError::Damaged { name: name.to_owned() };
        match value {
            [MARK, VERSION, rest @ ..] => {
                let (nonce, sealed) = rest.split_first_chunk().ok_or_else(damaged)?;
                Ok(Self::Sealed(nonce, sealed))
            }
            [MARK, found, ..] => {
                Err(SecretsError::Newer { name: name.to_owned(), found: *found, supported: VERSION })
            }
            text => std::str::from_utf8(text).map(Self::Clear).map_err(|_| damaged()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(run: u128, byte: u8) -> RunKey {
        RunKey::new(RunId(uuid::Uuid::from_u128(run)), &Zeroizing::new([byte; 32]))
    }

    fn open(key: &RunKey, name: &str, value: &[u8]) -> Result<String, SecretsError> {
        match Found::read(name, value)? {
            Found::Clear(text) => Ok(text.to_owned()),
            Found::Sealed(nonce, sealed) => key.open(name, nonce, sealed).map(|text| text.to_string()),
        }
    }

    #[test]
    fn what_is_sealed_opens_with_its_key_its_run_and_its_name_only() {
        let sealed = key(1, 7).seal("pw", "hunter22").unwrap();
        assert_eq!(open(&key(1, 7), "pw", &sealed).unwrap(), "hunter22");
        for (key, name) in [(key(1, 8), "pw"), (key(2, 7), "pw"), (key(1, 7), "token")] {
            let error = open(&key, name, &sealed).unwrap_err();
            assert_eq!(error, SecretsError::DoesNotOpen { name: name.to_owned() });
        }
    }

    #[test]
    fn nothing_of_the_text_is_to_be_seen_and_no_two_are_alike() {
        let key = key(1, 7);
        let (one, two) = (key.seal("pw", "hunter22").unwrap(), key.seal("pw", "hunter22").unwrap());
        assert_ne!(one, two);
        assert!(!one.windows(4).any(|part| b"hunter22".windows(4).any(|piece| piece == part)));
    }

    #[test]
    fn every_changed_byte_is_noticed() {
        let key = key(1, 7);
        let sealed = key.seal("pw", "hunter22").unwrap();
        for at in 0..sealed.len() {
            let mut changed = sealed.to_vec();
            changed[at] ^= 1;
            open(&key, "pw", &changed).unwrap_err();
        }
        for length in 1..sealed.len() {
            open(&key, "pw", &sealed[..length]).unwrap_err();
        }
    }

    #[test]
    fn a_text_of_version_1_is_read_and_a_newer_version_refused() {
        assert_eq!(open(&key(1, 7), "pw", "hunter22".as_bytes()).unwrap(), "hunter22");
        let newer = SecretsError::Newer { name: "pw".into(), found: 3, supported: 2 };
        assert_eq!(open(&key(1, 7), "pw", &[MARK, 3, 0, 0]).unwrap_err(), newer);
    }
}
