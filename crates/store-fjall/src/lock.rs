//! One process a directory. The lock is the kernel's, so it ends with its holder; what the file says
//! is only for people, and is believed only while it makes sense.

use std::fs::{File, OpenOptions};
use std::io::{Read, Seek, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;
use rustix::process::{Pid, test_kill_process};
use serde::{Deserialize, Serialize};
use windlass_store::StoreError;

const FILE: &str = "LOCK";
/// A holder that has just come writes who it is within microseconds.
const READ_ATTEMPTS: u32 = 10;
const READ_PAUSE: Duration = Duration::from_millis(2);

/// The directory is ours until this is dropped.
#[derive(Debug)]
pub(crate) struct DirectoryLock(File);

#[derive(Debug, Serialize, Deserialize)]
struct Holder {
    pid: i32,
    command: String,
    since: String,
}

// === impl DirectoryLock ===

impl DirectoryLock {
    /// Takes the lock, or says who has it.
    pub(crate) fn acquire(directory: &Path) -> Result<Self, StoreError> {
        let path = directory.join(FILE);
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path)
            .map_err(|error| StoreError::io("open", &path, error))?;
        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => {}
            Err(Errno::WOULDBLOCK) => {
                return Err(StoreError::Locked { path: directory.to_owned(), holder: holder(file) });
            }
            Err(error) => return Err(StoreError::io("lock", path, error.into())),
        }
        let mut lock = Self(file);
        lock.sign().map_err(|error| StoreError::io("write", path, error))?;
        Ok(lock)
    }

    /// The old text goes first, so that nobody takes a dead holder for this one.
    fn sign(&mut self) -> std::io::Result<()> {
        self.0.set_len(0)?;
        self.0.rewind()?;
        let text = serde_json::to_vec(&Holder::current())?;
        self.0.write_all(&text)
    }
}

impl Drop for DirectoryLock {
    /// The kernel would end the lock when the file is closed, but a child that is being started at
    /// this moment has the file open too, until it runs its own program.
    fn drop(&mut self) {
        let _ = self.0.set_len(0);
        let _ = flock(&self.0, FlockOperation::Unlock);
    }
}

// === impl Holder ===

impl Holder {
    fn current() -> Self {
        Self {
            pid: rustix::process::getpid().as_raw_nonzero().get(),
            command: command(),
            since: jiff::Timestamp::now().to_string(),
        }
    }

    fn is_alive(&self) -> bool {
        Pid::from_raw(self.pid).is_some_and(|pid| test_kill_process(pid) != Err(Errno::SRCH))
    }
}

/// The program and its subcommand. Other arguments may hold what must not lie around in a file.
fn command() -> String {
    let mut args = std::env::args_os();
    let program = args.next().map(PathBuf::from);
    let program = program
        .as_deref()
        .and_then(Path::file_name)
        .map_or_else(|| "?".into(), |name| name.to_string_lossy().into_owned());
    match args.next() {
        Some(sub) if !sub.to_string_lossy().starts_with('-') => {
            format!("{program} {}", sub.to_string_lossy())
        }
        _ => program,
    }
}

fn holder(mut file: File) -> String {
    for _ in 0..READ_ATTEMPTS {
        let mut text = String::new();
        let read = file.rewind().and_then(|()| file.read_to_string(&mut text));
        if read.is_ok()
            && let Ok(holder) = serde_json::from_str::<Holder>(&text)
            && holder.is_alive()
        {
            let Holder { pid, command, since } = holder;
            return format!("process {pid} ({command}) since {since}");
        }
        std::thread::sleep(READ_PAUSE);
    }
    "another process; its lock file does not tell which".to_owned()
}
