//! What one file is to be: compared with what it is, and made so at once or not at all.
//!
//! ```text
//!   Look (what is there) ─┐
//!   Fill, Attributes ─────┴─▶ Change ── diff ──▶ a foresight
//!                               └── make ─▶ Fresh: content, owner, mode, flushed ─▶ judged ─▶ renamed
//! ```

use std::fs::File;
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};

use rustix::fs::AtFlags;
use rustix::io::Errno;
use sha2::{Digest as _, Sha256};
use tokio::io::AsyncWriteExt as _;
use windlass_plugin::{Call, CallError, Diff, Reply};

use super::answer::Answer;
use super::attributes::Attributes;
use super::blocking::blocking;
use super::entry::{Entry, Found, Kind, in_the_way};
use super::fresh::Fresh;
use super::trouble::{refuse, trouble};
use super::writing::Writing;
use crate::look;

/// What is there.
#[derive(Debug)]
pub(crate) struct Look {
    pub(crate) entry: Entry,
    /// The plain file that is there.
    pub(crate) found: Option<Found>,
    /// What else is there and is to go.
    displaced: Option<Found>,
    /// The content, unless it is too much to keep.
    pub(crate) old: Option<Vec<u8>>,
}

/// What is to stand in it.
#[derive(Debug)]
pub(crate) enum Fill {
    /// What stands there; nothing in a new file.
    Keep,
    /// This.
    Bytes(Vec<u8>),
    /// What stands in a file of Windlass's side.
    Origin(OriginFile),
}

/// A file of Windlass's side.
#[derive(Clone, Debug)]
pub(crate) struct OriginFile {
    pub(crate) path: PathBuf,
    pub(crate) len: u64,
    pub(crate) sha256: [u8; 32],
}

/// What is to be done to a file.
#[derive(Debug)]
pub(crate) struct Change {
    look: Look,
    fill: Fill,
    attributes: Attributes,
    writes: bool,
    pub(crate) diff: Diff,
}

/// The bits of a new file for which a request says none.
pub(crate) const NEW_FILE: u32 = 0o644;
/// Contents up to this many bytes are shown line by line.
pub(crate) const SHOWN: u64 = 1 << 20;

// === impl Look ===

impl Look {
    /// Looks at a file, and keeps its content up to `keep` bytes. `force` lets a link or special file go.
    pub(crate) fn at(path: &Path, follow: bool, force: bool, keep: u64) -> Result<Self, CallError> {
        let (entry, found) = Entry::resolved(path, follow)?;
        let Some(found) = found else { return Ok(Self { entry, found: None, displaced: None, old: None }) };
        match found.kind {
            Kind::File => {}
            Kind::Link | Kind::Special if force => {
                return Ok(Self { entry, found: None, displaced: Some(found), old: None });
            }
            Kind::Link => {
                let target = entry.link()?;
                let message = format!("`{}` is a symbolic link to `{}`", path.display(), target.display());
                return Err(CallError::permanent(
                    super::trouble::LINK,
                    format!("{message}; say `follow: true` to work on what it leads to, or give that path"),
                ));
            }
            other => return Err(in_the_way(path, other, "")),
        }
        let old = if found.size <= keep { Some(read(&entry, keep)?) } else { None };
        Ok(Self { entry, found: Some(found), displaced: None, old })
    }

    fn sha256(&self) -> Result<[u8; 32], CallError> {
        if let Some(old) = &self.old {
            return Ok(Sha256::digest(old).into());
        }
        sha256(&mut self.entry.read()?).map_err(|error| trouble("read", self.entry.path(), error))
    }

    /// Whether something else than this stands there.
    pub(crate) fn differs(&self, fill: &Fill) -> Result<bool, CallError> {
        let Some(found) = &self.found else { return Ok(true) };
        Ok(match fill {
            Fill::Keep => false,
            Fill::Bytes(bytes) if found.size != bytes.len() as u64 => true,
            Fill::Bytes(bytes) => match &self.old {
                Some(old) => old != bytes,
                None => self.sha256()? != <[u8; 32]>::from(Sha256::digest(bytes)),
            },
            Fill::Origin(file) => found.size != file.len || self.sha256()? != file.sha256,
        })
    }
}

// === impl Change ===

impl Change {
    /// Compares what is to be with what is.
    pub(crate) fn of(
        look: Look,
        fill: Fill,
        attributes: Attributes,
        writing: &Writing,
    ) -> Result<Self, CallError> {
        let writes = look.differs(&fill)?;
        let path = look.entry.path().display().to_string();
        let mode = attributes.mode.or(look.found.map(|found| found.mode)).unwrap_or(NEW_FILE);
        let mut diff = Diff::default();
        if let Some(displaced) = &look.displaced {
            diff = diff.line(format_args!("{path}: {} -> a file", displaced.kind.word()));
        }
        if writes {
            diff = diff.and(&content(&path, &look, &fill, writing.shows(look.found.as_ref(), mode)));
        }
        // A diff of lines has the path in its head; properties alone have not.
        let label = if writes { String::new() } else { format!("{path}: ") };
        let diff = attributes.add_to(diff, look.found.as_ref(), &label);
        Ok(Self { look, fill, attributes, writes, diff })
    }

    /// Makes it so, if there is anything to do, and answers what that was.
    pub(crate) async fn made(
        change: Option<Self>,
        call: &Call,
        writing: &Writing,
    ) -> Result<Reply<Answer>, CallError> {
        let Some(change) = change.filter(|change| !change.diff.is_empty()) else {
            return Ok(Answer::reply(Diff::default(), None));
        };
        let diff = change.diff.clone();
        let backup = change.make(call, writing).await?;
        Ok(Answer::reply(diff, backup))
    }

    /// Makes it so, and says where what stood there before is kept.
    pub(crate) async fn make(self, call: &Call, writing: &Writing) -> Result<Option<String>, CallError> {
        let Self { look, fill, attributes, writes, .. } = self;
        if call.cancel.level().is_some() {
            return Err(CallError::cancelled());
        }
        if !writes {
            let Some(found) = look.found else { return Ok(None) };
            blocking(move || attributes.give_entry(&look.entry, &found)).await?;
            return Ok(None);
        }
        let Look { entry, found, displaced, old } = look;
        let before = found.or(displaced);
        let fresh = blocking(move || Fresh::beside(entry)).await?;
        let fresh = match fill {
            Fill::Keep => fresh,
            Fill::Bytes(bytes) => {
                blocking(move || {
                    let written = fresh.file().write_all(&bytes);
                    written.map_err(|error| trouble("write to", fresh.entry().path(), error))?;
                    Ok(fresh)
                })
                .await?
            }
            Fill::Origin(file) => {
                carry(call, &file, &fresh).await?;
                fresh
            }
        };
        let fresh = blocking(move || {
            drop(old);
            if found.is_some()
                && let Ok(old) = fresh.entry().read()
            {
                fresh.take_after(&old);
            }
            let now = Found::of_open(fresh.file(), fresh.entry().path())?;
            let settled = Attributes {
                uid: attributes.uid.or(found.map(|found| found.uid)),
                gid: attributes.gid.or(found.map(|found| found.gid)),
                mode: attributes.mode.or(found.map(|found| found.mode)).or(Some(NEW_FILE)),
            };
            settled.give(fresh.file(), &now, fresh.entry().path())?;
            fresh.sync()?;
            Ok(fresh)
        })
        .await?;
        writing.judge(call, &fresh.path()).await?;
        if call.cancel.level().is_some() {
            return Err(CallError::cancelled());
        }
        let backup = writing.backup && found.is_some();
        blocking(move || finish(fresh, before, backup)).await
    }
}

/// Puts a file into its place, if nobody touched what was there since it was looked at.
fn finish(mut fresh: Fresh, before: Option<Found>, backup: bool) -> Result<Option<String>, CallError> {
    if fresh.entry().found()? != before {
        let message = format!("somebody else changed `{}` meanwhile", fresh.entry().path().display());
        return Err(CallError::retryable("changed", message));
    }
    let kept = if backup { Some(keep(fresh.entry())?) } else { None };
    fresh.place()?;
    fresh.entry().sync_directory()?;
    Ok(kept)
}

/// Keeps what is there under another name.
fn keep(entry: &Entry) -> Result<String, CallError> {
    let stamp = jiff::Timestamp::now().strftime("%Y%m%dT%H%M%SZ").to_string();
    for count in 0..1000 {
        let mut name = entry.name().to_owned();
        name.push(if count == 0 { format!(".{stamp}.bak") } else { format!(".{stamp}.{count}.bak") });
        let path = entry.path().with_file_name(&name);
        // The old file itself, under a second name: nothing is copied, and it is all there at once.
        match rustix::fs::linkat(entry.dir(), entry.name(), entry.dir(), &name, AtFlags::empty()) {
            Ok(()) => return Ok(path.to_string_lossy().into_owned()),
            Err(Errno::EXIST) => {}
            // Some file systems know no second names, and some systems do not let everybody give them.
            Err(_) => {
                let copy = copied(entry, &path)?;
                return Ok(copy.to_string_lossy().into_owned());
            }
        }
    }
    Err(CallError::retryable(
        "backup",
        format!("no name is free for a backup of `{}`", entry.path().display()),
    ))
}

fn copied(entry: &Entry, path: &Path) -> Result<PathBuf, CallError> {
    let failed = |error: io::Error| trouble("keep a backup as", path, error);
    let mut old = entry.read()?;
    let found = Found::of_open(&old, entry.path())?;
    let fresh = Entry::open(path).and_then(Fresh::beside)?;
    io::copy(&mut old, &mut fresh.file()).map_err(failed)?;
    fresh.take_after(&old);
    let now = Found::of_open(fresh.file(), path)?;
    let same = Attributes { uid: Some(found.uid), gid: Some(found.gid), mode: Some(found.mode) };
    same.give(fresh.file(), &now, path)?;
    fresh.sync()?;
    let mut fresh = fresh;
    fresh.place()?;
    Ok(path.to_owned())
}

/// What of the content would be another.
fn content(path: &str, look: &Look, fill: &Fill, shows: bool) -> Diff {
    let new: Option<&[u8]> = match fill {
        Fill::Keep => Some(&[]),
        Fill::Bytes(bytes) => Some(bytes),
        Fill::Origin(_) => None,
    };
    let old_is_known = look.found.is_none() || look.old.is_some();
    if let Some(new) = new.filter(|_| shows && old_is_known) {
        return Diff::of_bytes(path, look.old.as_deref(), Some(new));
    }
    let before = look.found.map_or_else(|| "absent".to_owned(), |found| format!("{} bytes", found.size));
    let len = match fill {
        Fill::Keep => 0,
        Fill::Bytes(bytes) => bytes.len() as u64,
        Fill::Origin(file) => file.len,
    };
    let hidden = if shows { "" } else { " (not shown: not everybody may read it)" };
    Diff::default().line(format_args!("{path}: content {before} -> {len} bytes{hidden}"))
}

/// Writes a file of Windlass's side into a fresh one.
pub(crate) async fn carry(call: &Call, from: &OriginFile, fresh: &Fresh) -> Result<(), CallError> {
    let failed = |error: io::Error| trouble("write to", fresh.entry().path(), error);
    let mut to = tokio::fs::File::from_std(fresh.file().try_clone().map_err(failed)?);
    let mut hash = Sha256::new();
    let mut parts = look::unless_cancelled(call, call.origin.read(vec![from.path.clone()])).await??;
    while let Some(part) = look::unless_cancelled(call, parts.next()).await?? {
        hash.update(&part.bytes);
        to.write_all(&part.bytes).await.map_err(failed)?;
    }
    to.flush().await.map_err(failed)?;
    if <[u8; 32]>::from(hash.finalize()) == from.sha256 { Ok(()) } else { Err(moved(&from.path)) }
}

/// A file of Windlass's side was written to while it was read.
pub(crate) fn moved(path: &Path) -> CallError {
    let message = format!("`{}` on the side of Windlass was changed while it was read", path.display());
    CallError::retryable("origin", message)
}

fn read(entry: &Entry, most: u64) -> Result<Vec<u8>, CallError> {
    let failed = |error: io::Error| trouble("read", entry.path(), error);
    let mut bytes = Vec::new();
    entry.read()?.take(most.saturating_add(1)).read_to_end(&mut bytes).map_err(failed)?;
    if bytes.len() as u64 > most {
        return Err(refuse(format!("`{}` has more than {most} bytes", entry.path().display())));
    }
    Ok(bytes)
}

pub(crate) fn sha256(file: &mut File) -> io::Result<[u8; 32]> {
    let mut hash = Sha256::new();
    let mut buffer = vec![0; 64 << 10];
    loop {
        match file.read(&mut buffer)? {
            0 => return Ok(hash.finalize().into()),
            count => hash.update(buffer.get(..count).unwrap_or_default()),
        }
    }
}
