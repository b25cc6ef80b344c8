//! What is read once for all hosts: files of known host keys, and private keys. And where names have led to.
//!
//! A thousand hosts stand in a file of a thousand lines, and log in with one key, whose passphrase takes a tenth of a
//! second to turn into what opens it.

use std::collections::HashMap;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use russh::keys::PrivateKey;
use tokio::sync::OnceCell;

use super::settings::Key;
use crate::led_to::{LedTo, Nowhere};

/// What was read. Cheap to clone.
#[derive(Clone)]
pub(super) struct Kept(Arc<Inner>);

struct Inner {
    led_to: Arc<dyn LedTo>,
    lists: Mutex<HashMap<PathBuf, Arc<List>>>,
    keys: Mutex<Vec<Opened>>,
}

/// A file of known host keys, with its lines by the names that they are about.
pub(super) struct List {
    stamp: Stamp,
    text: String,
    by_name: HashMap<String, Vec<Place>>,
    /// Lines with patterns and hashes, which may be about anybody.
    others: Vec<Place>,
}

/// A line: its number from 1, and where it begins and ends.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Place {
    number: usize,
    begin: usize,
    end: usize,
}

/// A private key, and what it was made of.
struct Opened {
    key: Key,
    passphrase: Option<String>,
    stamp: Option<Stamp>,
    private: Arc<OnceCell<Arc<PrivateKey>>>,
}

/// By what it shows that a file is another one, or another text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Stamp {
    file: u64,
    len: u64,
    modified: Option<SystemTime>,
}

// === impl Kept ===

impl Default for Kept {
    fn default() -> Self {
        Self::with(Arc::new(Nowhere))
    }
}

impl Kept {
    pub(super) fn with(led_to: Arc<dyn LedTo>) -> Self {
        Self(Arc::new(Inner { led_to, lists: Mutex::default(), keys: Mutex::default() }))
    }

    /// Where names have led to.
    pub(super) fn led_to(&self) -> &dyn LedTo {
        &*self.0.led_to
    }

    /// A file of known host keys; `None` where there is none.
    pub(super) fn list(&self, path: &Path) -> io::Result<Option<Arc<List>>> {
        let stamp = match Stamp::of(path) {
            Ok(stamp) => stamp,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        let mut lists = locked(&self.0.lists);
        if let Some(list) = lists.get(path).filter(|list| list.stamp == stamp) {
            return Ok(Some(Arc::clone(list)));
        }
        let text = String::from_utf8_lossy(&std::fs::read(path)?).into_owned();
        let list = Arc::new(List::new(stamp, text));
        lists.insert(path.to_owned(), Arc::clone(&list));
        Ok(Some(list))
    }

    /// A private key.
    pub(super) async fn key(
        &self,
        key: &Key,
        passphrase: Option<&str>,
    ) -> Result<Arc<PrivateKey>, russh::keys::Error> {
        let stamp = match key {
            Key::File(path) => Stamp::of(path).ok(),
            Key::Text(_) => None,
        };
        let private = {
            let mut keys = locked(&self.0.keys);
            let is_it = |opened: &&Opened| {
                opened.key == *key && opened.passphrase.as_deref() == passphrase && opened.stamp == stamp
            };
            match keys.iter().find(is_it) {
                Some(opened) => Arc::clone(&opened.private),
                None => {
                    let private = Arc::default();
                    keys.retain(|opened| opened.key != *key);
                    let passphrase = passphrase.map(str::to_owned);
                    keys.push(Opened { key: key.clone(), passphrase, stamp, private: Arc::clone(&private) });
                    private
                }
            }
        };
        let open = async {
            let (key, passphrase) = (key.clone(), passphrase.map(str::to_owned));
            let open = move || match key {
                Key::File(path) => russh::keys::load_secret_key(path, passphrase.as_deref()),
                Key::Text(text) => russh::keys::decode_secret_key(&text, passphrase.as_deref()),
            };
            // A passphrase is made slow to try.
            let opened = tokio::task::spawn_blocking(open).await;
            opened.unwrap_or(Err(russh::keys::Error::CouldNotReadKey)).map(Arc::new)
        };
        private.get_or_try_init(|| open).await.cloned()
    }
}

// === impl List ===

impl List {
    fn new(stamp: Stamp, text: String) -> Self {
        let (mut by_name, mut others) = (HashMap::<String, Vec<Place>>::new(), Vec::new());
        let mut begin = 0;
        for (index, line) in text.split_inclusive('\n').enumerate() {
            let end = begin + line.len();
            let place = Place { number: index + 1, begin, end };
            begin = end;
            let mut words = line.split_whitespace().skip_while(|word| word.starts_with('@'));
            let Some(hosts) = words.next().filter(|word| !word.starts_with('#')) else { continue };
            if hosts.contains(['*', '?', '!', '|']) {
                others.push(place);
                continue;
            }
            for name in hosts.split(',') {
                by_name.entry(name.to_lowercase()).or_default().push(place);
            }
        }
        Self { stamp, text, by_name, others }
    }

    /// The lines that may be about a host, with their numbers, in their order.
    pub(super) fn lines(&self, name: &str) -> impl Iterator<Item = (usize, &str)> {
        let own = self.by_name.get(name).into_iter().flatten();
        let mut places: Vec<Place> = own.chain(&self.others).copied().collect();
        places.sort_unstable();
        places.dedup();
        places.into_iter().map(|at| (at.number, self.text.get(at.begin..at.end).unwrap_or_default()))
    }
}

// === impl Stamp ===

impl Stamp {
    fn of(path: &Path) -> io::Result<Self> {
        let found = std::fs::metadata(path)?;
        Ok(Self { file: found.ino(), len: found.len(), modified: found.modified().ok() })
    }
}

impl std::fmt::Debug for Kept {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Kept").finish_non_exhaustive()
    }
}

fn locked<T>(kept: &Mutex<T>) -> MutexGuard<'_, T> {
    kept.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lines_of_a_host_are_its_own_and_those_that_may_be_about_anybody() {
        let dir = tempfile::TempDir::new().unwrap();
        let path = dir.path().join("known_hosts");
        let kept = Kept::default();
        assert!(kept.list(&path).unwrap().is_none());
        let lines = [
            "# a,b",
            "a,B ssh-ed25519 1",
            "",
            "@revoked *.b,!c ssh-ed25519 2",
            "|1|x|y ssh-ed25519 3",
            "b,b ssh-ed25519 4",
        ];
        std::fs::write(&path, lines.join("\n")).unwrap();
        let numbers = |name: &str| -> Vec<usize> {
            let list = kept.list(&path).unwrap().unwrap();
            list.lines(name).map(|(number, _)| number).collect()
        };
        assert_eq!(numbers("a"), [2, 4, 5]);
        assert_eq!(numbers("b"), [2, 4, 5, 6]);
        assert_eq!(numbers("c"), [4, 5]);
        // What is added is seen.
        std::fs::write(&path, "c ssh-ed25519 1\n".to_owned() + &lines.join("\n")).unwrap();
        assert_eq!(numbers("c"), [1, 5, 6]);
    }

    #[tokio::test]
    async fn a_key_is_opened_once_and_again_when_it_is_another_one() {
        let text = |seed: u8| {
            let pair = russh::keys::ssh_key::private::Ed25519Keypair::from_seed(&[seed; 32]);
            PrivateKey::from(pair).to_openssh(Default::default()).unwrap().to_string()
        };
        let dir = tempfile::TempDir::new().unwrap();
        let path = dir.path().join("key");
        let (kept, key) = (Kept::default(), Key::File(path.clone()));
        assert!(kept.key(&key, None).await.is_err());
        std::fs::write(&path, text(1)).unwrap();
        let (one, same) = (kept.key(&key, None).await.unwrap(), kept.key(&key, None).await.unwrap());
        assert!(Arc::ptr_eq(&one, &same));
        std::fs::write(&path, text(2) + "\n").unwrap();
        assert_ne!(kept.key(&key, None).await.unwrap().public_key(), one.public_key());
    }
}
