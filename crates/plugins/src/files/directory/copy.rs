//! A copy of a directory of Windlass's side: what differs, and making it the same.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};
use windlass_plugin::{Call, CallError, Cancel, Diff, OriginEntry, OriginKind};

use super::Request;
use crate::files::attributes::Attributes;
use crate::files::blocking::blocking;
use crate::files::change::{moved, sha256};
use crate::files::entry::{Entry, Found, in_the_way};
use crate::files::fresh::Fresh;
use crate::files::mode::Mode;
use crate::files::removal;
use crate::files::spread::Spread;
use crate::files::tree::{Tree, names};
use crate::files::trouble::trouble;
use crate::look;

/// What there is to do to make it the same.
#[derive(Debug, Default)]
pub(super) struct Copy {
    /// What is not in the source, the deepest first.
    removed: Vec<PathBuf>,
    directories: Vec<(PathBuf, Attributes)>,
    links: Vec<(PathBuf, PathBuf, Attributes)>,
    files: Vec<Wanted>,
    /// What only has another owner or other bits.
    given: Vec<(PathBuf, Attributes)>,
    pub(super) diff: Diff,
}

/// A file to fetch.
#[derive(Clone, Debug)]
struct Wanted {
    below: PathBuf,
    sha256: [u8; 32],
    attributes: Attributes,
}

/// How many files are asked for at once; the answers come one after the other without a wait between.
const ASKED: usize = 2000;

/// How much is written at once, away from the threads that must not wait.
const AT_ONCE: usize = 4 << 20;

// === impl Copy ===

impl Copy {
    /// Compares what is below a directory with what should be.
    pub(super) fn compare(
        request: &Request,
        path: &Path,
        listed: Vec<OriginEntry>,
        ownership: Attributes,
        is_new: bool,
        cancel: &Cancel,
    ) -> Result<Self, CallError> {
        let mut copy = Self::default();
        let tree = if is_new { None } else { Tree::open(path)? };
        if let Some(tree) = tree.as_ref().filter(|_| request.purge) {
            let kinds =
                listed.iter().map(|entry| (entry.path.as_path(), entry.kind == OriginKind::Directory));
            copy.foreign(tree, Path::new(""), &kinds.collect(), 0)?;
        }
        for entry in listed {
            if cancel.level().is_some() {
                return Err(CallError::cancelled());
            }
            let mode = match entry.kind {
                OriginKind::File => Some(request.file_mode.map_or(entry.mode & 0o777, Mode::bits)),
                OriginKind::Directory => Some(request.directory_mode.map_or(entry.mode & 0o777, Mode::bits)),
                OriginKind::Link(_) => None,
            };
            let attributes = Attributes { mode, ..ownership };
            let there = match &tree {
                Some(tree) => copy.there(tree, &entry.path, request.force)?,
                None => None,
            };
            copy.weigh(path, entry, attributes, there, request.force)?;
        }
        Ok(copy)
    }

    /// What is there in the place of something; nothing where a directory above it will be another one.
    fn there(&self, tree: &Tree, below: &Path, force: bool) -> Result<Option<(Entry, Found)>, CallError> {
        let entry = match tree.entry(below) {
            Ok(Some(entry)) => entry,
            Ok(None) => return Ok(None),
            // What is in the way above it is replaced.
            Err(_) if force => return Ok(None),
            Err(error) => return Err(error),
        };
        Ok(entry.found()?.map(|found| (entry, found)))
    }

    fn weigh(
        &mut self,
        path: &Path,
        listed: OriginEntry,
        attributes: Attributes,
        there: Option<(Entry, Found)>,
        force: bool,
    ) -> Result<(), CallError> {
        let OriginEntry { path: below, kind, len, sha256: digest, .. } = listed;
        let shown = path.join(&below).display().to_string();
        let before = there.as_ref().map_or("absent", |(_, found)| found.kind.word());
        match kind {
            OriginKind::Directory => match &there {
                Some((_, found)) if found.is_directory() => {
                    if !attributes.are_those_of(found) {
                        self.differing(&shown, &below, found, attributes);
                    }
                }
                Some((entry, found)) if !force => {
                    return Err(in_the_way(entry.path(), found.kind, "say `force: true` to replace it"));
                }
                _ => {
                    self.line(format_args!("{shown}: {before} -> a directory"));
                    self.directories.push((below, attributes));
                }
            },
            OriginKind::Link(target) => {
                if let Some((entry, found)) = &there {
                    if found.is_directory() {
                        return Err(in_the_way(entry.path(), found.kind, "remove it first with `absent`"));
                    }
                    if found.is_link() && entry.link()? == target {
                        if !attributes.are_those_of(found) {
                            self.differing(&shown, &below, found, attributes);
                        }
                        return Ok(());
                    }
                }
                self.line(format_args!("{shown}: {before} -> a symbolic link to {}", target.display()));
                self.links.push((below, target, attributes));
            }
            OriginKind::File => {
                let sha = digest.unwrap_or_default();
                if let Some((entry, found)) = &there {
                    if found.is_directory() {
                        return Err(in_the_way(entry.path(), found.kind, "remove it first with `absent`"));
                    }
                    if found.is_file() && found.size == len && digest_of(entry)? == sha {
                        if !attributes.are_those_of(found) {
                            self.differing(&shown, &below, found, attributes);
                        }
                        return Ok(());
                    }
                }
                let before = match &there {
                    Some((_, found)) if found.is_file() => format!("{} bytes", found.size),
                    _ => before.to_owned(),
                };
                self.line(format_args!("{shown}: {before} -> {len} bytes"));
                self.files.push(Wanted { below, sha256: sha, attributes });
            }
        }
        Ok(())
    }

    fn differing(&mut self, shown: &str, below: &Path, found: &Found, attributes: Attributes) {
        let attributes = if found.is_link() { Attributes { mode: None, ..attributes } } else { attributes };
        self.diff = attributes.add_to(std::mem::take(&mut self.diff), Some(found), &format!("{shown}: "));
        self.given.push((below.to_owned(), attributes));
    }

    fn line(&mut self, line: std::fmt::Arguments<'_>) {
        self.diff = std::mem::take(&mut self.diff).line(line);
    }

    /// Finds what is not in the source.
    fn foreign(
        &mut self,
        tree: &Tree,
        below: &Path,
        known: &BTreeMap<&Path, bool>,
        depth: usize,
    ) -> Result<(), CallError> {
        const DEEPEST: usize = 300;
        let path = tree.path().join(below);
        if depth > DEEPEST {
            let message = format!("`{}` lies too deep: more than {DEEPEST} directories", path.display());
            return Err(CallError::permanent("tooDeep", message));
        }
        let held = match below.as_os_str().is_empty() {
            true => tree.open_root()?,
            false => tree.place(below)?.directory().map_err(|error| trouble("open", &path, error))?,
        };
        for name in names(held, &path)? {
            let inner = below.join(&name);
            let Some(entry) = tree.entry(&inner)? else { continue };
            let Some(found) = entry.found()? else { continue };
            match known.get(inner.as_path()) {
                Some(is_directory) if found.is_directory() && *is_directory => {
                    self.foreign(tree, &inner, known, depth.saturating_add(1))?;
                }
                Some(_) => {}
                None => {
                    let survey = removal::survey(&entry, &found)?;
                    let what = match survey.within {
                        0 => found.kind.word().to_owned(),
                        within => format!("a directory with {within} entries of {} bytes", survey.bytes),
                    };
                    self.line(format_args!("{}: {what} -> absent", entry.path().display()));
                    self.removed.push(inner);
                }
            }
        }
        Ok(())
    }

    /// Makes it the same.
    pub(super) async fn make(
        self,
        call: &Call,
        source: &Path,
        path: &Path,
        force: bool,
    ) -> Result<(), CallError> {
        let Self { removed, directories, links, files, given, .. } = self;
        let (path, cancel) = (path.to_owned(), call.cancel.clone());
        let mut spread = blocking(move || {
            let tree = Tree::open(&path)?.ok_or_else(|| trouble("open", &path, rustix::io::Errno::NOENT))?;
            let mut spread = Spread::below(tree, force);
            for below in removed {
                if let Some(entry) = spread.entry(&below)?
                    && let Some(found) = entry.found()?
                {
                    removal::remove(&entry, &found, &cancel)?;
                }
            }
            for (below, attributes) in directories {
                spread.directory(&below, attributes)?;
            }
            for (below, target, attributes) in links {
                spread.link(&below, &target, attributes)?;
            }
            Ok(spread)
        })
        .await?;
        for asked in files.chunks(ASKED) {
            spread = fetch(call, source, asked.to_vec(), spread).await?;
        }
        blocking(move || {
            for (below, attributes) in given {
                spread.give(&below, attributes)?;
            }
            spread.finish()
        })
        .await
    }
}

/// Fetches files in one go.
async fn fetch(call: &Call, source: &Path, asked: Vec<Wanted>, spread: Spread) -> Result<Spread, CallError> {
    let paths: Vec<PathBuf> = asked.iter().map(|wanted| source.join(&wanted.below)).collect();
    let mut parts = look::unless_cancelled(call, call.origin.read(paths)).await??;
    let mut arriving = Arriving { asked, source: source.to_owned(), spread, open: None };
    let (mut waiting, mut bytes) = (Vec::new(), 0_usize);
    loop {
        let part = look::unless_cancelled(call, parts.next()).await??;
        let over = part.is_none();
        if let Some(part) = part {
            bytes = bytes.saturating_add(part.bytes.len()).saturating_add(4096);
            waiting.push(part);
        }
        if over || bytes >= AT_ONCE {
            let batch = std::mem::take(&mut waiting);
            bytes = 0;
            arriving = blocking(move || {
                for part in batch {
                    arriving.take(part.file, &part.bytes, part.last)?;
                }
                Ok(arriving)
            })
            .await?;
        }
        if over {
            return Ok(arriving.spread);
        }
    }
}

/// Files that arrive one after the other.
struct Arriving {
    asked: Vec<Wanted>,
    source: PathBuf,
    spread: Spread,
    open: Option<(Fresh, Sha256)>,
}

impl Arriving {
    fn take(&mut self, file: usize, bytes: &[u8], last: bool) -> Result<(), CallError> {
        let Some(wanted) = self.asked.get(file) else {
            return Err(CallError::permanent("origin", "a file came that was not asked for"));
        };
        let (fresh, mut hash) = match self.open.take() {
            Some(open) => open,
            None => (self.spread.file(&wanted.below)?, Sha256::new()),
        };
        hash.update(bytes);
        let written = fresh.file().write_all(bytes);
        written.map_err(|error| trouble("write to", fresh.entry().path(), error))?;
        if !last {
            self.open = Some((fresh, hash));
            return Ok(());
        }
        if <[u8; 32]>::from(hash.finalize()) != wanted.sha256 {
            return Err(moved(&self.source.join(&wanted.below)));
        }
        let attributes = wanted.attributes;
        self.spread.add(fresh, attributes)
    }
}

fn digest_of(entry: &Entry) -> Result<[u8; 32], CallError> {
    sha256(&mut entry.read()?).map_err(|error| trouble("read", entry.path(), error))
}
