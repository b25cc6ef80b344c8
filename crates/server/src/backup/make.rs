//! Making a backup: pieces of bytes, one after the other, for whoever takes them.

use std::collections::VecDeque;
use std::fs::{self, File};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use bytes::Bytes;
use windlass_model::time::Time;
use windlass_store_fjall::{FjallStore, Snapshot};
use zeroize::Zeroizing;

use super::form::{BackupError, Kind, MAGIC, PART, Proof, copy, encode};
use super::{BACKUP_VERSION, BackupHead, BackupSum, KEYS, LOGS};

/// What is to be in a backup beside the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BackupWanted {
    /// The keys, without which secrets cannot be read, and agents have to join again. Whoever has a backup with them has every
    /// secret.
    pub keys: bool,
    /// What runs have printed.
    pub logs: bool,
}

/// A backup that is being made: an iterator of its bytes. It reads files, and belongs on a thread of its own.
pub struct Maker {
    directory: PathBuf,
    head: BackupHead,
    snapshot: Snapshot,
    proof: Proof,
    /// Keys as they were before the store was looked at, and those that came with what it has.
    keys: VecDeque<(PathBuf, Zeroizing<Vec<u8>>)>,
    /// Folders that have to be looked into, and files.
    waiting: Vec<PathBuf>,
    open: Option<File>,
    stage: Stage,
    sum: BackupSum,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Head,
    Entries,
    Files,
    Over,
}

// === impl Maker ===

impl Maker {
    /// A backup of what is there now.
    pub fn new(
        store: &FjallStore,
        directory: &Path,
        wanted: BackupWanted,
        version: &str,
        at: Time,
    ) -> Result<Self, BackupError> {
        let mut keys = VecDeque::new();
        if wanted.keys {
            read_all(&directory.join(KEYS), &mut keys)?;
        }
        let snapshot = store.snapshot()?;
        if wanted.keys {
            // And those that have come since, which the store may need already.
            let mut since = VecDeque::new();
            read_all(&directory.join(KEYS), &mut since)?;
            since.retain(|(path, _)| !keys.iter().any(|(known, _)| known == path));
            keys.append(&mut since);
        }
        let head = BackupHead {
            v: BACKUP_VERSION,
            version: version.to_owned(),
            at,
            revision: snapshot.revision(),
            keys: wanted.keys,
            logs: wanted.logs,
        };
        Ok(Self {
            directory: directory.to_owned(),
            head,
            snapshot,
            proof: Proof::new(),
            keys,
            waiting: if wanted.logs { vec![directory.join(LOGS)] } else { Vec::new() },
            open: None,
            stage: Stage::Head,
            sum: BackupSum::default(),
        })
    }

    /// Writes all of it.
    pub fn write(mut self, to: &mut impl io::Write) -> Result<(BackupHead, BackupSum), BackupError> {
        copy(&mut self, to)?;
        Ok((self.head, self.sum))
    }

    fn piece(&mut self) -> Result<Option<Bytes>, BackupError> {
        match self.stage {
            Stage::Head => {
                self.stage = Stage::Entries;
                let part = self.proof.part(Kind::Head, &json(&self.head)?);
                Ok(Some([MAGIC, &part].concat().into()))
            }
            Stage::Entries => {
                let entries = self.snapshot.read(PART)?;
                if entries.is_empty() {
                    self.stage = Stage::Files;
                    return self.piece();
                }
                let payload = encode(&entries);
                self.sum.entries = self.sum.entries.saturating_add(entries.len() as u64);
                self.count(payload.len());
                Ok(Some(self.proof.part(Kind::Entries, &payload)))
            }
            Stage::Files => match self.file()? {
                Some(piece) => Ok(Some(piece)),
                None => {
                    self.stage = Stage::Over;
                    Ok(Some(self.proof.part(Kind::End, &json(&self.sum)?)))
                }
            },
            Stage::Over => Ok(None),
        }
    }

    /// The next piece of a file.
    fn file(&mut self) -> Result<Option<Bytes>, BackupError> {
        if let Some((path, bytes)) = self.keys.pop_front() {
            let begun = self.begins(&path);
            self.count(bytes.len());
            let data = self.proof.part(Kind::Data, &bytes);
            return Ok(Some([begun, data].concat().into()));
        }
        loop {
            if let Some(file) = &mut self.open {
                let mut bytes = Vec::new();
                io::Read::by_ref(file).take(PART as u64).read_to_end(&mut bytes)?;
                if !bytes.is_empty() {
                    self.count(bytes.len());
                    return Ok(Some(self.proof.part(Kind::Data, &bytes)));
                }
                self.open = None;
            }
            let Some(path) = self.waiting.pop() else { return Ok(None) };
            // What goes meanwhile goes: logs of runs that somebody removes.
            let gone = |error: &io::Error| error.kind() == io::ErrorKind::NotFound;
            let what = match fs::symlink_metadata(&path) {
                Ok(what) => what,
                Err(error) if gone(&error) => continue,
                Err(error) => return Err(error.into()),
            };
            if what.is_dir() {
                let listed = fs::read_dir(&path)?.collect::<io::Result<Vec<_>>>()?;
                self.waiting.extend(listed.into_iter().map(|entry| entry.path()));
            } else if what.is_file() {
                match File::open(&path) {
                    Ok(file) => self.open = Some(file),
                    Err(error) if gone(&error) => continue,
                    Err(error) => return Err(error.into()),
                }
                return Ok(Some(self.begins(&path)));
            }
        }
    }

    fn begins(&mut self, path: &Path) -> Bytes {
        self.sum.files = self.sum.files.saturating_add(1);
        let within = path.strip_prefix(&self.directory).unwrap_or(path);
        self.proof.part(Kind::File, within.to_string_lossy().as_bytes())
    }

    fn count(&mut self, bytes: usize) {
        self.sum.bytes = self.sum.bytes.saturating_add(bytes as u64);
    }
}

impl Iterator for Maker {
    type Item = Result<Bytes, BackupError>;

    fn next(&mut self) -> Option<Self::Item> {
        let piece = self.piece();
        if piece.is_err() {
            self.stage = Stage::Over;
        }
        piece.transpose()
    }
}

impl std::fmt::Debug for Maker {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Maker").field("head", &self.head).finish_non_exhaustive()
    }
}

fn json(value: &impl serde::Serialize) -> Result<Vec<u8>, BackupError> {
    Ok(serde_json::to_vec(value).map_err(io::Error::other)?)
}

/// All files below a folder, which are few and small.
fn read_all(folder: &Path, into: &mut VecDeque<(PathBuf, Zeroizing<Vec<u8>>)>) -> Result<(), BackupError> {
    let listed = match fs::read_dir(folder) {
        Ok(listed) => listed,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error.into()),
    };
    for entry in listed {
        let path = entry?.path();
        if path.is_dir() {
            read_all(&path, into)?;
            continue;
        }
        match fs::read(&path) {
            Ok(bytes) => into.push_back((path, Zeroizing::new(bytes))),
            // The run ended just now.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}
