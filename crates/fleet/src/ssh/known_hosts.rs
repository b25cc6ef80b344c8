//! Files of known host keys, in OpenSSH's format: patterns, hashed names, revoked keys.

use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use data_encoding::BASE64;
use ring::hmac;
use russh::keys::{Algorithm, PublicKey};

use super::kept::Kept;

/// What is known of a host.
#[derive(Clone, Debug, Default)]
pub struct Known {
    keys: Vec<Entry>,
    revoked: Vec<Entry>,
}

#[derive(Clone, Debug)]
struct Entry {
    key: PublicKey,
    path: PathBuf,
    line: usize,
}

/// What a key that a host shows turns out to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is known.
    Known,
    /// Nothing is known of this host.
    Unknown,
    /// Another key is known.
    Changed {
        /// In which file.
        path: PathBuf,
        /// On which line.
        line: usize,
    },
    /// It must not be used any more.
    Revoked {
        /// Which file says so.
        path: PathBuf,
        /// On which line.
        line: usize,
    },
}

/// What a host is called in these files.
#[must_use]
pub fn host_name(host: &str, port: u16) -> String {
    if port == 22 { host.to_lowercase() } else { format!("[{}]:{port}", host.to_lowercase()) }
}

// === impl Known ===

impl Known {
    /// What some files say of a host. Files that do not exist say nothing; lines that make no sense are skipped.
    ///
    /// # Errors
    ///
    /// A file exists and cannot be read.
    pub(super) fn read(kept: &Kept, files: &[PathBuf], name: &str) -> io::Result<Self> {
        let mut known = Self::default();
        for path in files {
            let list = kept.list(path);
            let list =
                list.map_err(|error| io::Error::new(error.kind(), format!("{}: {error}", path.display())))?;
            for (number, line) in list.iter().flat_map(|list| list.lines(name)) {
                known.take(path, number, line, name);
            }
        }
        Ok(known)
    }

    fn take(&mut self, path: &Path, number: usize, line: &str, name: &str) {
        let mut words = line.split_whitespace().peekable();
        let marker = words.next_if(|word| word.starts_with('@'));
        let (Some(hosts), Some(_), Some(key)) = (words.next(), words.next(), words.next()) else { return };
        if hosts.starts_with('#') || !is_about(hosts, name) {
            return;
        }
        let Ok(key) = russh::keys::parse_public_key_base64(key) else { return };
        let entry = Entry { key, path: path.to_owned(), line: number };
        match marker {
            None => self.keys.push(entry),
            Some("@revoked") => self.revoked.push(entry),
            // Authorities vouch for certificates, which are not asked for.
            Some(_) => {}
        }
    }

    /// What a key is.
    #[must_use]
    pub fn judge(&self, shown: &PublicKey) -> Verdict {
        let same = |entry: &&Entry| entry.key.key_data() == shown.key_data();
        if let Some(entry) = self.revoked.iter().find(same) {
            return Verdict::Revoked { path: entry.path.clone(), line: entry.line };
        }
        if self.keys.iter().any(|entry| same(&entry)) {
            return Verdict::Known;
        }
        // A host that is known by any key must show one that is known: a new kind of key is no excuse.
        match self.keys.first() {
            Some(entry) => Verdict::Changed { path: entry.path.clone(), line: entry.line },
            None => Verdict::Unknown,
        }
    }

    /// The kinds of keys that are known, so that the host is asked for these first.
    #[must_use]
    pub fn algorithms(&self) -> Vec<Algorithm> {
        self.keys.iter().map(|entry| entry.key.algorithm()).collect()
    }
}

/// Remembers a host's key.
///
/// # Errors
///
/// The file cannot be written.
pub fn remember(path: &Path, name: &str, key: &PublicKey) -> io::Result<()> {
    let line = key.to_openssh().map_err(io::Error::other)?;
    let line = line.split_whitespace().take(2).collect::<Vec<_>>().join(" ");
    if let Some(directory) = path.parent() {
        std::fs::DirBuilder::new().recursive(true).mode(0o700).create(directory)?;
    }
    let mut file = std::fs::OpenOptions::new().append(true).create(true).mode(0o600).open(path)?;
    file.write_all(format!("{name} {line}\n").as_bytes())
}

/// Whether a list of hosts is about this one: patterns, of which one that is negated excludes, or a hashed name.
fn is_about(hosts: &str, name: &str) -> bool {
    if let Some(hashed) = hosts.strip_prefix("|1|") {
        return is_hash_of(hashed, name);
    }
    let mut fits = false;
    for pattern in hosts.split(',') {
        match pattern.strip_prefix('!') {
            Some(pattern) if super::config::matches(&pattern.to_lowercase(), name) => return false,
            Some(_) => {}
            None => fits |= super::config::matches(&pattern.to_lowercase(), name),
        }
    }
    fits
}

fn is_hash_of(hashed: &str, name: &str) -> bool {
    let Some((salt, hash)) = hashed.split_once('|') else { return false };
    let (Ok(salt), Ok(hash)) = (BASE64.decode(salt.as_bytes()), BASE64.decode(hash.as_bytes())) else {
        return false;
    };
    let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, &salt);
    hmac::verify(&key, name.as_bytes(), &hash).is_ok()
}
