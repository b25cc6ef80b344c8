//! Passwords: kept as argon2id makes them, and guessed slowly.
//!
//! ```text
//!   password/<user>   {hash}
//! ```
//!
//! To try one takes memory and time on purpose, so only a few are tried at once. After some wrong ones in a row a user
//! waits, longer each time, whoever asks; a user that is not there takes as long as one that is.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use argon2::Argon2;
use argon2::password_hash::{PasswordHasher as _, PasswordVerifier as _};
use serde::{Deserialize, Serialize};
use tokio::sync::Semaphore;
use windlass_model::time::Time;
use windlass_store::{Store, StoreError, Txn};

/// The passwords of a store. Clones share it.
#[derive(Clone, Debug)]
pub struct Passwords(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    store: Arc<dyn Store>,
    room: Semaphore,
    wrong: Mutex<HashMap<String, Wrong>>,
}

/// Wrong ones in a row.
#[derive(Clone, Copy, Debug)]
struct Wrong {
    count: u32,
    at: Time,
}

/// What came of trying a password.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tried {
    /// It is theirs.
    Right,
    /// It is not, or there is none.
    Wrong,
    /// Too many were wrong: none is tried before this time is over.
    Wait(Duration),
}

/// Why a password cannot be taken.
#[derive(Debug, thiserror::Error)]
pub enum PasswordError {
    /// It is too short.
    #[error("a password has {SHORTEST} characters at the least")]
    Short,
    /// It is too long.
    #[error("a password has {LONGEST} bytes at the most")]
    Long,
    /// It cannot be kept.
    #[error("the password cannot be kept")]
    Hash(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The store cannot be read or written.
    #[error(transparent)]
    Store(#[from] StoreError),
}

#[derive(Serialize, Deserialize)]
struct Kept {
    v: u8,
    hash: String,
}

const PREFIX: &str = "password/";
const VERSION: u8 = 1;
const SHORTEST: usize = 12;
const LONGEST: usize = 1024;
/// How many are tried at once: each takes 19 MiB.
const AT_ONCE: usize = 4;
/// So many wrong ones in a row are nobody's malice.
const FREE: u32 = 5;
const FIRST_WAIT: Duration = Duration::from_secs(1);
const LONGEST_WAIT: Duration = Duration::from_secs(15 * 60);
/// How many users are remembered for wrong ones.
const MOST_REMEMBERED: usize = 10_000;

// === impl Passwords ===

impl Passwords {
    /// The passwords of a store.
    #[must_use]
    pub fn new(store: Arc<dyn Store>) -> Self {
        Self(Arc::new(Inner { store, room: Semaphore::new(AT_ONCE), wrong: Mutex::default() }))
    }

    /// Gives somebody a password, in the place of the one before.
    pub async fn set(&self, user: &str, password: &str) -> Result<(), PasswordError> {
        if password.chars().count() < SHORTEST {
            return Err(PasswordError::Short);
        }
        if password.len() > LONGEST {
            return Err(PasswordError::Long);
        }
        let password = password.to_owned();
        let hash = self.heavy(move || hashed(&password)).await?;
        let hash = hash.map_err(|error| PasswordError::Hash(Box::new(error)))?;
        let bytes = serde_json::to_vec(&Kept { v: VERSION, hash }).unwrap_or_default();
        self.0.store.commit(Txn::new().put(key(user), bytes)).await?;
        Ok(())
    }

    /// Takes somebody's password away: they sign in in another way, or not at all.
    pub async fn remove(&self, user: &str) -> Result<(), StoreError> {
        self.0.store.commit(Txn::new().delete(key(user))).await.map(drop)
    }

    /// Whether somebody has one.
    pub async fn has(&self, user: &str) -> Result<bool, StoreError> {
        Ok(self.0.store.get(key(user).as_bytes()).await?.is_some())
    }

    /// Whether a password is somebody's.
    pub async fn check(&self, user: &str, password: &str, now: Time) -> Result<Tried, StoreError> {
        if let Some(wait) = self.wait(user, now) {
            return Ok(Tried::Wait(wait));
        }
        let kept = self.0.store.get(key(user).as_bytes()).await?;
        let kept = kept.and_then(|entry| serde_json::from_slice::<Kept>(&entry.value).ok());
        let (is_known, hash) = match kept {
            Some(kept) => (true, kept.hash),
            None => (false, nobodys().to_owned()),
        };
        let password = if password.len() > LONGEST { String::new() } else { password.to_owned() };
        let fits = self
            .heavy(move || Argon2::default().verify_password(password.as_bytes(), hash.as_str()).is_ok())
            .await?;
        let is_right = is_known && fits;
        self.note(user, is_right, now);
        Ok(if is_right { Tried::Right } else { Tried::Wrong })
    }

    async fn heavy<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, StoreError> {
        let failed = |error: Box<dyn std::error::Error + Send + Sync>| {
            StoreError::io("try a password on", "this machine", std::io::Error::other(error))
        };
        let _permit = self.0.room.acquire().await.map_err(|error| failed(error.into()))?;
        tokio::task::spawn_blocking(work).await.map_err(|error| failed(error.into()))
    }

    fn wait(&self, user: &str, now: Time) -> Option<Duration> {
        let wrong = self.wrong();
        let Wrong { count, at } = wrong.get(user)?;
        let over = at.to_owned() + wait_after(*count)?;
        (over > now).then(|| over.since(now))
    }

    fn note(&self, user: &str, is_right: bool, now: Time) {
        let mut wrong = self.wrong();
        if is_right {
            wrong.remove(user);
            return;
        }
        if wrong.len() >= MOST_REMEMBERED {
            wrong.retain(|_, wrong| now.since(wrong.at) < LONGEST_WAIT);
        }
        let entry = wrong.entry(user.to_owned()).or_insert(Wrong { count: 0, at: now });
        *entry = Wrong { count: entry.count.saturating_add(1), at: now };
    }

    fn wrong(&self) -> std::sync::MutexGuard<'_, HashMap<String, Wrong>> {
        self.0.wrong.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How long is waited after so many wrong ones in a row.
fn wait_after(count: u32) -> Option<Duration> {
    let beyond = count.checked_sub(FREE)?;
    Some(FIRST_WAIT.saturating_mul(1_u32.checked_shl(beyond).unwrap_or(u32::MAX)).min(LONGEST_WAIT))
}

fn hashed(password: &str) -> Result<String, argon2::password_hash::Error> {
    Ok(Argon2::default().hash_password(password.as_bytes())?.to_string())
}

/// What is tried for who has no password, so that it takes as long.
fn nobodys() -> &'static str {
    static HASH: OnceLock<String> = OnceLock::new();
    HASH.get_or_init(|| hashed("nobody has this one").unwrap_or_default())
}

fn key(user: &str) -> String {
    format!("{PREFIX}{user}")
}

#[cfg(test)]
mod tests {
    use windlass_store::Range;
    use windlass_store::memory::MemoryStore;

    use super::*;

    const SECOND: u64 = 1_000_000;

    #[tokio::test]
    async fn a_password_is_right_until_there_is_another_and_is_kept_nowhere() {
        let store = Arc::new(MemoryStore::default());
        let passwords = Passwords::new(Arc::clone(&store) as _);
        let check = async |password: &str| passwords.check("ann", password, Time(1)).await.unwrap();
        assert_eq!(check("correct horse battery").await, Tried::Wrong, "there is none");
        passwords.set("ann", "correct horse battery").await.unwrap();
        assert_eq!(check("correct horse battery").await, Tried::Right);
        assert_eq!(check("correct horse batterz").await, Tried::Wrong);
        assert_eq!(check("").await, Tried::Wrong);
        passwords.set("ann", "another horse battery").await.unwrap();
        assert_eq!(check("correct horse battery").await, Tried::Wrong);
        assert_eq!(check("another horse battery").await, Tried::Right);
        for entry in store.range(Range::all()).await.unwrap() {
            assert!(String::from_utf8_lossy(&entry.value).contains("$argon2id$"));
            assert!(!String::from_utf8_lossy(&entry.value).contains("horse"));
        }
        passwords.remove("ann").await.unwrap();
        assert_eq!(check("another horse battery").await, Tried::Wrong);
        assert!(matches!(passwords.set("ann", "too short").await, Err(PasswordError::Short)));
        assert!(matches!(passwords.set("ann", &"x".repeat(1025)).await, Err(PasswordError::Long)));
    }

    #[tokio::test]
    async fn who_guesses_waits_longer_each_time() {
        let passwords = Passwords::new(Arc::new(MemoryStore::default()));
        passwords.set("ann", "correct horse battery").await.unwrap();
        let check = async |password: &str, at: u64| passwords.check("ann", password, Time(at)).await.unwrap();
        for _ in 0..FREE {
            assert_eq!(check("guess", 0).await, Tried::Wrong);
        }
        assert_eq!(check("correct horse battery", SECOND / 2).await, Tried::Wait(FIRST_WAIT / 2));
        assert_eq!(check("guess", SECOND).await, Tried::Wrong);
        assert_eq!(check("guess", 2 * SECOND).await, Tried::Wait(FIRST_WAIT));
        assert_eq!(check("correct horse battery", 3 * SECOND).await, Tried::Right);
        assert_eq!(check("guess", 3 * SECOND).await, Tried::Wrong, "and it begins anew");
    }

    #[test]
    fn no_wait_is_longer_than_the_longest() {
        assert_eq!(wait_after(FREE - 1), None);
        let waits: Vec<Duration> = (FREE..200).filter_map(wait_after).collect();
        assert!(
            waits.is_sorted() && waits.first() == Some(&FIRST_WAIT) && waits.last() == Some(&LONGEST_WAIT)
        );
    }
}
