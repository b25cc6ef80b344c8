//! Restoring: a data directory of what a backup holds. It is made beside its place and put there when all of it was proved.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{Read, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Component, Path, PathBuf};

use bytes::Bytes;
use windlass_store_fjall::{Options, Restoring};

use super::form::{BackupError, Kind, Parts, decode};
use super::{BACKUP_VERSION, BackupHead, BackupSum, KEYS, LOGS};

/// What is done with what a backup holds.
trait Taker {
    fn entries(&mut self, part: Bytes) -> Result<usize, BackupError>;
    fn file(&mut self, path: &Path) -> Result<(), BackupError>;
    fn data(&mut self, bytes: &[u8]) -> Result<(), BackupError>;
}

/// Nothing is done with it.
struct Looks;

/// It is put into a directory.
struct Puts {
    directory: PathBuf,
    store: Restoring,
    open: Option<File>,
}

/// Looks whether a backup is whole.
pub fn check(from: impl Read) -> Result<(BackupHead, BackupSum), BackupError> {
    let mut parts = Parts::of(from)?;
    let head = head(&mut parts)?;
    let sum = take(parts, &mut Looks)?;
    Ok((head, sum))
}

/// Makes the data directory of a server of a backup. Where there is something already, nothing is written.
pub fn restore(from: impl Read, to: &Path) -> Result<(BackupHead, BackupSum), BackupError> {
    if fs::read_dir(to).is_ok_and(|mut listed| listed.next().is_some()) || to.is_file() {
        return Err(BackupError::Exists(to.to_owned()));
    }
    let mut parts = Parts::of(from)?;
    let head = head(&mut parts)?;
    let name = to.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let beside = to.with_file_name(format!("{name}.restoring"));
    if beside.exists() {
        // Of a restore that was killed.
        fs::remove_dir_all(&beside)?;
    }
    let restored = fill(parts, &beside, head.revision).and_then(|sum| {
        if to.exists() {
            // It is empty.
            fs::remove_dir(to)?;
        }
        fs::rename(&beside, to)?;
        if let Some(above) = to.parent().filter(|above| !above.as_os_str().is_empty()) {
            File::open(above)?.sync_all()?;
        }
        Ok(sum)
    });
    if restored.is_err() {
        let _ = fs::remove_dir_all(&beside);
    }
    Ok((head, restored?))
}

fn fill(parts: Parts<impl Read>, beside: &Path, revision: u64) -> Result<BackupSum, BackupError> {
    DirBuilder::new().recursive(true).mode(0o700).create(beside)?;
    let store = Restoring::begin(beside, &Options::default())?;
    let mut puts = Puts { directory: beside.to_owned(), store, open: None };
    let sum = take(parts, &mut puts)?;
    let Puts { store, open, .. } = puts;
    done(open)?;
    store.finish(revision)?;
    Ok(sum)
}

fn head(parts: &mut Parts<impl Read>) -> Result<BackupHead, BackupError> {
    let (kind, payload) = parts.next()?;
    let value: serde_json::Value = match kind {
        Kind::Head => {
            serde_json::from_slice(&payload).map_err(|error| BackupError::Broken(error.to_string()))?
        }
        _ => return Err(BackupError::Broken("it has no head".to_owned())),
    };
    let found = value.get("v").and_then(serde_json::Value::as_u64).and_then(|v| u32::try_from(v).ok());
    match found {
        Some(found) if found > BACKUP_VERSION => Err(BackupError::Newer { found, supported: BACKUP_VERSION }),
        _ => serde_json::from_value(value).map_err(|error| BackupError::Broken(error.to_string())),
    }
}

fn take(mut parts: Parts<impl Read>, taker: &mut impl Taker) -> Result<BackupSum, BackupError> {
    let mut sum = BackupSum::default();
    loop {
        let (kind, payload) = parts.next()?;
        let size = payload.len() as u64;
        match kind {
            Kind::Head => return Err(BackupError::Broken("it has a second head".to_owned())),
            Kind::Entries => {
                let count = taker.entries(payload)?;
                sum.entries = sum.entries.saturating_add(count as u64);
                sum.bytes = sum.bytes.saturating_add(size);
            }
            Kind::File => {
                taker.file(&within(&payload)?)?;
                sum.files = sum.files.saturating_add(1);
            }
            Kind::Data => {
                taker.data(&payload)?;
                sum.bytes = sum.bytes.saturating_add(size);
            }
            Kind::End => {
                let said: BackupSum = serde_json::from_slice(&payload)
                    .map_err(|error| BackupError::Broken(error.to_string()))?;
                parts.ends()?;
                if said != sum {
                    return Err(BackupError::Broken("it does not hold as much as it says".to_owned()));
                }
                return Ok(sum);
            }
        }
    }
}

/// A path that stays where it belongs, whoever wrote it.
fn within(payload: &[u8]) -> Result<PathBuf, BackupError> {
    let path = PathBuf::from(String::from_utf8_lossy(payload).into_owned());
    let is_plain = path.components().all(|part| matches!(part, Component::Normal(_)));
    if is_plain && (path.starts_with(KEYS) || path.starts_with(LOGS)) {
        return Ok(path);
    }
    Err(BackupError::Broken(format!("a file in it is called {}", path.display())))
}

fn done(file: Option<File>) -> Result<(), BackupError> {
    file.map_or(Ok(()), |file| file.sync_all()).map_err(Into::into)
}

fn entries(part: Bytes) -> Result<Vec<windlass_store::Entry>, BackupError> {
    decode(part).ok_or_else(|| BackupError::Broken("entries in it cannot be read".to_owned()))
}

// === impl Looks ===

impl Taker for Looks {
    fn entries(&mut self, part: Bytes) -> Result<usize, BackupError> {
        Ok(entries(part)?.len())
    }

    fn file(&mut self, _: &Path) -> Result<(), BackupError> {
        Ok(())
    }

    fn data(&mut self, _: &[u8]) -> Result<(), BackupError> {
        Ok(())
    }
}

// === impl Puts ===

impl Taker for Puts {
    fn entries(&mut self, part: Bytes) -> Result<usize, BackupError> {
        let entries = entries(part)?;
        self.store.put(&entries)?;
        Ok(entries.len())
    }

    fn file(&mut self, path: &Path) -> Result<(), BackupError> {
        done(self.open.take())?;
        let path = self.directory.join(path);
        if let Some(folder) = path.parent() {
            DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
        }
        self.open = Some(OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?);
        Ok(())
    }

    fn data(&mut self, bytes: &[u8]) -> Result<(), BackupError> {
        match &mut self.open {
            Some(file) => Ok(file.write_all(bytes)?),
            None => Err(BackupError::Broken("it holds what belongs to no file".to_owned())),
        }
    }
}
