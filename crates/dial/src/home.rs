//! What an agent keeps: who it is, whom it trusts, and the journals of its work.
//!
//! ```text
//!   <directory>/agent.json   server, node, key, certificate, authority: one file, replaced as a whole
//!   <directory>/lock         held while a process serves
//!   <directory>/work/…       journals, see windlass-agent
//! ```

use std::fmt;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use data_encoding::BASE64;
use rustix::fs::{FlockOperation, flock};
use serde::{Deserialize, Serialize};

use crate::error::Error;

/// The directory of an agent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Home(PathBuf);

/// Who an agent is.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Identity {
    v: u8,
    /// Where the server is: `HOST:PORT`.
    pub server: String,
    /// The node.
    pub node: String,
    /// The key, as PKCS#8 in DER.
    #[serde(with = "base64")]
    pub key: Vec<u8>,
    /// The certificate in DER.
    #[serde(with = "base64")]
    pub certificate: Vec<u8>,
    /// That of who signed it, who is trusted.
    #[serde(with = "base64")]
    pub authority: Vec<u8>,
    /// When the certificate was got, in seconds since 1970 by this machine's clock.
    pub since: u64,
    /// When it ends.
    pub not_after: u64,
}

/// Held while a process serves.
#[derive(Debug)]
pub(crate) struct Lock(#[expect(dead_code, reason = "the lock goes with the file")] File);

/// The version of the file.
const VERSION: u8 = 1;

// === impl Home ===

impl Home {
    /// A directory, which is made when something is to be kept.
    #[must_use]
    pub fn at(path: impl Into<PathBuf>) -> Self {
        Self(path.into())
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// Who the agent is.
    ///
    /// # Errors
    ///
    /// None has joined, or the file cannot be read.
    pub fn identity(&self) -> Result<Identity, Error> {
        let path = self.file();
        let bytes = match fs::read(&path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Err(Error::NotJoined(self.0.clone()));
            }
            Err(source) => return Err(Error::File { action: "read", path, source }),
        };
        let read = serde_json::from_slice(&bytes).map_err(io::Error::other);
        let read = read.and_then(|identity: Identity| match identity.v {
            ..=VERSION => Ok(identity),
            newer => Err(io::Error::other(format!(
                "it has version {newer}, and this program reads up to {VERSION}"
            ))),
        });
        read.map_err(|source| Error::File { action: "understand", path, source })
    }

    /// Keeps who the agent is from now on: it is on the disk as a whole when this returns.
    pub(crate) fn keep(&self, identity: &Identity) -> Result<(), Error> {
        let path = self.file();
        let kept = self.make().and_then(|()| {
            let part = path.with_added_extension("part");
            let mut file =
                OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&part)?;
            file.write_all(&serde_json::to_vec_pretty(identity).map_err(io::Error::other)?)?;
            file.sync_all()?;
            fs::rename(&part, &path)?;
            File::open(&self.0)?.sync_all()
        });
        kept.map_err(|source| Error::File { action: "write", path, source })
    }

    /// Serves alone from here.
    pub(crate) fn lock(&self) -> Result<Lock, Error> {
        let path = self.0.join("lock");
        let opened = self.make().and_then(|()| {
            OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(&path)
        });
        let file = opened.map_err(|source| Error::File { action: "open", path, source })?;
        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => Ok(Lock(file)),
            Err(_) => Err(Error::Locked(self.0.clone())),
        }
    }

    fn make(&self) -> io::Result<()> {
        fs::DirBuilder::new().recursive(true).mode(0o700).create(&self.0)
    }

    fn file(&self) -> PathBuf {
        self.0.join("agent.json")
    }
}

// === impl Identity ===

impl Identity {
    /// A new one.
    #[must_use]
    pub fn new(server: String, key: Vec<u8>, issued: windlass_line::Issued, now: u64) -> Self {
        let windlass_line::Issued { node, certificate, authority, not_after } = issued;
        let (certificate, authority) = (certificate.to_vec(), authority.to_vec());
        Self { v: VERSION, server, node, key, certificate, authority, since: now, not_after }
    }

    /// When the next certificate is due: when two thirds of the time of this one are over.
    #[must_use]
    pub fn renew_at(&self) -> u64 {
        let life = self.not_after.saturating_sub(self.since);
        self.since.saturating_add(life.saturating_mul(2) / 3)
    }
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Identity")
            .field("server", &self.server)
            .field("node", &self.node)
            .finish_non_exhaustive()
    }
}

mod base64 {
    use serde::{Deserialize as _, Deserializer, Serializer, de};

    use super::BASE64;

    pub(super) fn serialize<S: Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&BASE64.encode(bytes))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u8>, D::Error> {
        BASE64.decode(String::deserialize(deserializer)?.as_bytes()).map_err(de::Error::custom)
    }
}
