//! Secrets that are drawn by us: letters that carry so much chance that a plain hash keeps them.

use data_encoding::{BASE32_NOPAD, HEXLOWER};
use sha2::{Digest as _, Sha256};
use windlass_store::StoreError;

/// How many bytes of chance an id has: enough that no two are alike.
pub(crate) const ID_BYTES: usize = 10;
/// How many a secret has.
pub(crate) const SECRET_BYTES: usize = 25;

/// Whether a text is an id of ours, so that it may stand in a key.
pub(crate) fn is_id(text: &str) -> bool {
    let is_letter = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    text.len() == ID_BYTES * 8 / 5 && text.bytes().all(is_letter)
}

/// What is kept of a secret.
pub(crate) fn hash(secret: &str) -> String {
    HEXLOWER.encode(&Sha256::digest(secret.as_bytes()))
}

/// Takes the same time wherever they differ.
pub(crate) fn is_equal(a: &str, b: &str) -> bool {
    a.len() == b.len() && a.bytes().zip(b.bytes()).fold(0, |all, (a, b)| all | (a ^ b)) == 0
}

/// Letters of so many bytes of chance.
pub(crate) fn letters<const N: usize>() -> Result<String, StoreError> {
    let mut bytes = [0_u8; N];
    getrandom::fill(&mut bytes)
        .map_err(|error| StoreError::io("draw a secret from", "the system", std::io::Error::other(error)))?;
    Ok(BASE32_NOPAD.encode(&bytes).to_ascii_lowercase())
}
