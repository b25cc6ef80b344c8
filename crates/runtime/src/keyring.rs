//! Where the keys of runs lie: each in a file of its own, apart from the store.
//!
//! ```text
//! <directory>/<run>.key    windlass-run-key 1 plain <run> <the key in hexadecimal>
//! ```
//!
//! The store keeps what was deleted until its journal is compacted, and a copy of it may keep it for
//! ever. A key is removed for good when its run ends, and what it sealed is noise from then on.
//!
//! The only module that knows what a key file looks like. The word `plain` says that the key stands
//! in it as it is; a key that a master key wraps will have another word there.
//!
//! Everything here blocks.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use windlass_model::id::RunId;
use windlass_store::StoreError;
use zeroize::Zeroizing;

use crate::clock::random;
use crate::error::SecretsError;
use crate::options::KeyPlace;
use crate::seal::{KeyBytes, RunKey};

/// The keys of the runs of one store. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Keyring(Arc<Place>);

#[derive(Debug)]
enum Place {
    Memory(Mutex<HashMap<RunId, Arc<RunKey>>>),
    Files {
        directory: PathBuf,
        /// Held while a finished file is put in its place: two who submit the same run share one key.
        placing: Mutex<()>,
        /// Held by those who remove a key; and alone, by who wants none to go for a while.
        going: RwLock<()>,
    },
}

/// Whose key file is in place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Placed {
    Ours,
    Another,
}

const NAME: &str = "windlass-run-key";
const VERSION: u32 = 1;
const PLAIN: &str = "plain";
const ENDING: &str = "key";
/// What a file is called while it is written.
const UNFINISHED: &str = "new";

/// More than any key file has.
const MOST: u64 = 4096;

// === impl Keyring ===

impl Keyring {
    pub(crate) fn new(place: &KeyPlace) -> Self {
        Self(Arc::new(match place {
            KeyPlace::Memory => Place::Memory(Mutex::default()),
            KeyPlace::Directory(directory) => {
                let (placing, going) = Default::default();
                Place::Files { directory: directory.clone(), placing, going }
            }
        }))
    }

    /// A key for a run, durable when this returns; the one that there is, if there is one.
    pub(crate) fn make(&self, run: RunId) -> Result<Arc<RunKey>, StoreError> {
        match self.find(run) {
            Err(SecretsError::NoKey { .. }) => {}
            Ok(key) => return Ok(key),
            Err(error) => return Err(self.failed("read", run, io::Error::other(error))),
        }
        let bytes = random().ok_or_else(|| self.failed("make", run, io::Error::other("no randomness")))?;
        let bytes: KeyBytes = Zeroizing::new(bytes);
        match &*self.0 {
            Place::Memory(keys) => {
                let mut keys = keys.lock().unwrap_or_else(PoisonError::into_inner);
                Ok(Arc::clone(keys.entry(run).or_insert_with(|| Arc::new(RunKey::new(run, &bytes)))))
            }
            Place::Files { directory, placing, .. } => {
                let placed = write(directory, run, &bytes, placing);
                match placed.map_err(|error| self.failed("write", run, error))? {
                    Placed::Ours => Ok(Arc::new(RunKey::new(run, &bytes))),
                    Placed::Another => {
                        self.find(run).map_err(|error| self.failed("read", run, io::Error::other(error)))
                    }
                }
            }
        }
    }

    /// The key of a run.
    pub(crate) fn find(&self, run: RunId) -> Result<Arc<RunKey>, SecretsError> {
        match &*self.0 {
            Place::Memory(keys) => {
                let keys = keys.lock().unwrap_or_else(PoisonError::into_inner);
                keys.get(&run).cloned().ok_or_else(|| SecretsError::NoKey { place: self.place(run) })
            }
            Place::Files { directory, .. } => {
                let bytes = read(&path(directory, run), run)?;
                Ok(Arc::new(RunKey::new(run, &bytes)))
            }
        }
    }

    /// Removes the key of a run for good. What it sealed can be read by nobody any more.
    pub(crate) fn shred(&self, run: RunId) -> Result<(), StoreError> {
        match &*self.0 {
            Place::Memory(keys) => {
                keys.lock().unwrap_or_else(PoisonError::into_inner).remove(&run);
                Ok(())
            }
            Place::Files { directory, going, .. } => {
                let _going = going.read().unwrap_or_else(PoisonError::into_inner);
                remove(directory, run).map_err(|error| self.failed("remove", run, error))
            }
        }
    }

    /// Does something while no key goes. Runs that end meanwhile wait, so it should be short.
    pub(crate) fn hold<T>(&self, work: impl FnOnce() -> T) -> T {
        match &*self.0 {
            Place::Memory(_) => work(),
            Place::Files { going, .. } => {
                let _all = going.write().unwrap_or_else(PoisonError::into_inner);
                work()
            }
        }
    }

    /// The runs that have a key. What was left half written is removed.
    pub(crate) fn runs(&self) -> io::Result<Vec<RunId>> {
        let directory = match &*self.0 {
            Place::Memory(_) => return Ok(Vec::new()),
            Place::Files { directory, .. } => directory,
        };
        let entries = match fs::read_dir(directory) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(error),
        };
        let mut runs = Vec::new();
        for entry in entries {
            let entry = entry?;
            let name = entry.file_name();
            // What is called otherwise is not ours.
            let Some((run, ending)) = name.to_str().and_then(|name| name.split_once('.')) else { continue };
            let Ok(run) = run.parse() else { continue };
            if ending == ENDING {
                runs.push(run);
            } else if ending.ends_with(UNFINISHED) {
                fs::remove_file(entry.path())?;
            }
        }
        Ok(runs)
    }

    /// Where the key of a run is, in words.
    fn place(&self, run: RunId) -> String {
        match &*self.0 {
            Place::Memory(_) => "the memory of the process that took the run in".to_owned(),
            Place::Files { directory, .. } => path(directory, run).display().to_string(),
        }
    }

    fn failed(&self, what: &'static str, run: RunId, error: io::Error) -> StoreError {
        StoreError::io(what, self.place(run), error)
    }
}

fn path(directory: &Path, run: RunId) -> PathBuf {
    directory.join(format!("{run}.{ENDING}"))
}

/// Writes a key file as a whole or not at all; it is durable when this returns.
fn write(directory: &Path, run: RunId, key: &KeyBytes, placing: &Mutex<()>) -> io::Result<Placed> {
    if !directory.is_dir() {
        DirBuilder::new().recursive(true).mode(0o700).create(directory)?;
        sync_directory(directory.parent().unwrap_or(directory))?;
    }
    let [a, b, c, d]: [u8; 4] = random().ok_or_else(|| io::Error::other("no randomness"))?;
    let unfinished = directory.join(format!("{run}.{a:02x}{b:02x}{c:02x}{d:02x}.{UNFINISHED}"));
    let placed = fill(&unfinished, run, key).and_then(|()| {
        let _turn = placing.lock().unwrap_or_else(PoisonError::into_inner);
        let path = path(directory, run);
        if path.try_exists()? {
            return Ok(Placed::Another);
        }
        fs::rename(&unfinished, path).map(|()| Placed::Ours)
    });
    if !matches!(placed, Ok(Placed::Ours)) {
        // What cannot be removed now is removed when the store is opened the next time.
        let _ = fs::remove_file(&unfinished);
    }
    // Also for the key of another, which may not have come so far yet.
    placed.and_then(|placed| sync_directory(directory).map(|()| placed))
}

fn fill(path: &Path, run: RunId, key: &KeyBytes) -> io::Result<()> {
    // Room for all of it from the start: a text that grows leaves copies behind.
    let mut text = Zeroizing::new(String::with_capacity(256));
    let _ = write!(text, "{NAME} {VERSION} {PLAIN} {run} ");
    for byte in key.iter() {
        let _ = write!(text, "{byte:02x}");
    }
    text.push('\n');
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

fn read(path: &Path, run: RunId) -> Result<KeyBytes, SecretsError> {
    let place = || path.display().to_string();
    let unreadable = |detail: String| SecretsError::KeyUnreadable { place: place(), detail };
    let mut text = Zeroizing::new(String::with_capacity(256));
    let file = File::open(path).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => SecretsError::NoKey { place: place() },
        _ => unreadable(error.to_string()),
    })?;
    file.take(MOST).read_to_string(&mut text).map_err(|error| unreadable(error.to_string()))?;
    let mut words = text.split_whitespace();
    let foreign = || unreadable("it is not the key file of a run".to_owned());
    if words.next() != Some(NAME) {
        return Err(foreign());
    }
    let version: u32 = words.next().and_then(|word| word.parse().ok()).ok_or_else(foreign)?;
    if version > VERSION {
        return Err(unreadable(format!("it has version {version}; this program reads up to {VERSION}")));
    }
    match words.next() {
        Some(PLAIN) => {}
        Some(word) => {
            return Err(unreadable(format!("its key is wrapped ({word}), which this program cannot undo")));
        }
        None => return Err(foreign()),
    }
    let of = words.next().ok_or_else(foreign)?;
    if of != run.to_string() {
        return Err(unreadable(format!("it is the key of run {of}")));
    }
    words.next().and_then(from_hex).ok_or_else(|| unreadable("its key is incomplete".to_owned()))
}

fn from_hex(text: &str) -> Option<KeyBytes> {
    let mut key: KeyBytes = Zeroizing::new([0; 32]);
    if text.len() != key.len() * 2 {
        return None;
    }
    for (byte, digits) in key.iter_mut().zip(text.as_bytes().chunks(2)) {
        *byte = u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()?;
    }
    Some(key)
}

/// Removes a key file, durably. It is overwritten first: on file systems that write in place, nothing
/// is left where it stood.
fn remove(directory: &Path, run: RunId) -> io::Result<()> {
    let path = path(directory, run);
    let mut file = match OpenOptions::new().write(true).open(&path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
    };
    let length = usize::try_from(file.metadata()?.len().min(MOST)).unwrap_or_default();
    file.write_all(&vec![b'0'; length])?;
    file.sync_data()?;
    fs::remove_file(&path)?;
    sync_directory(directory)
}

/// Makes renames and removals in a directory durable.
fn sync_directory(directory: &Path) -> io::Result<()> {
    File::open(directory)?.sync_all()
}

#[cfg(test)]
mod tests;
