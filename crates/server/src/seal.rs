//! The key that seals the secrets of objects, in a file of its own beside the store.
//!
//! ```text
//!   wls1: <base64 of: nonce, 24 bytes │ the text under XChaCha20-Poly1305, and 16 bytes that prove it whole>
//! ```
//!
//! A text is bound to the place that it was sealed for.

use std::fmt;
use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use data_encoding::BASE64_NOPAD;
use windlass_objects::Seal;
use zeroize::Zeroizing;

use crate::error::Error;

/// A key.
pub(crate) struct Key(XChaCha20Poly1305);

const MARK: &str = "wls1:";
const KEY: usize = 32;
const NONCE: usize = 24;

// === impl Key ===

impl Key {
    /// The key in a file, which is made where there is none: for its owner only, and durable before anything is sealed.
    pub(crate) fn of_file(path: &Path) -> Result<Self, Error> {
        match fs::read(path).map(Zeroizing::new) {
            Ok(bytes) => {
                let bytes: &[u8; KEY] = bytes.as_slice().try_into().map_err(|_| {
                    let why = format!("it has {} bytes; a key has {KEY}", bytes.len());
                    Error::file("use", path, io::Error::new(io::ErrorKind::InvalidData, why))
                })?;
                Ok(Self(XChaCha20Poly1305::new(bytes.into())))
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let bytes =
                    drawn::<KEY>().map(Zeroizing::new).map_err(|error| Error::file("draw", path, error))?;
                write(path, &bytes[..]).map_err(|error| Error::file("write", path, error))?;
                Ok(Self(XChaCha20Poly1305::new((&*bytes).into())))
            }
            Err(error) => Err(Error::file("read", path, error)),
        }
    }
}

impl Seal for Key {
    fn seal(&self, place: &str, clear: &str) -> Option<String> {
        let nonce = drawn::<NONCE>().ok()?;
        let payload = Payload { msg: clear.as_bytes(), aad: place.as_bytes() };
        let sealed = self.0.encrypt(&XNonce::from(nonce), payload).ok()?;
        Some(format!("{MARK}{}", BASE64_NOPAD.encode(&[&nonce[..], &sealed].concat())))
    }

    fn open(&self, place: &str, sealed: &str) -> Option<String> {
        let bytes = BASE64_NOPAD.decode(sealed.strip_prefix(MARK)?.as_bytes()).ok()?;
        let (nonce, rest) = bytes.split_first_chunk::<NONCE>()?;
        let payload = Payload { msg: rest, aad: place.as_bytes() };
        String::from_utf8(self.0.decrypt(&XNonce::from(*nonce), payload).ok()?).ok()
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key")
    }
}

fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let directory = path.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(directory)?;
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::File::open(directory)?.sync_all()
}

fn drawn<const N: usize>() -> io::Result<[u8; N]> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(io::Error::other)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn a_key_is_made_once_and_opens_only_what_it_sealed_for_a_place() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("keys/objects.key");
        let key = Key::of_file(&path).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        let sealed = key.seal("secrets/web/db/password", "hunter2").unwrap();
        assert!(!sealed.contains("hunter2"));
        assert_ne!(key.seal("secrets/web/db/password", "hunter2").unwrap(), sealed);
        let again = Key::of_file(&path).unwrap();
        assert_eq!(again.open("secrets/web/db/password", &sealed).as_deref(), Some("hunter2"));
        assert_eq!(again.open("secrets/web/db/other", &sealed), None);
        assert_eq!(again.open("secrets/web/db/password", "hunter2"), None);
        let other = Key::of_file(&directory.path().join("other.key")).unwrap();
        assert_eq!(other.open("secrets/web/db/password", &sealed), None);
        fs::write(&path, b"short").unwrap();
        assert!(Key::of_file(&path).unwrap_err().to_string().contains("use"));
    }
}
