//! What was found out for a program, for the program to come for: once, soon, and only by whoever began it.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use data_encoding::BASE64URL_NOPAD;
use sha2::{Digest as _, Sha256};

use crate::error::Error;
use crate::sealed::word;

/// What waits to be come for, each under a code.
#[derive(Debug)]
pub struct Codes<T>(Mutex<HashMap<String, Waiting<T>>>);

#[derive(Debug)]
struct Waiting<T> {
    what: T,
    challenge: String,
    until: Instant,
}

/// How long it waits.
const WAITS: Duration = Duration::from_secs(60);
/// How many wait at once. Each is of somebody who has shown who they are.
const MOST: usize = 10_000;

/// Whether a text can be a challenge of PKCE by the method `S256`.
#[must_use]
pub fn is_challenge(text: &str) -> bool {
    text.len() == 43 && BASE64URL_NOPAD.decode(text.as_bytes()).is_ok()
}

/// The challenge that a verifier answers.
pub(crate) fn challenge(verifier: &str) -> String {
    BASE64URL_NOPAD.encode(&Sha256::digest(verifier.as_bytes()))
}

impl<T> Default for Codes<T> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<T> Codes<T> {
    /// The code for something, which is good for who can answer the challenge.
    pub fn put(&self, what: T, challenge: String, now: Instant) -> Result<String, Error> {
        let code = word()?;
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.retain(|_, waiting| waiting.until > now);
        if all.len() >= MOST {
            return Err(Error::refused("too many sign-ins are under way"));
        }
        all.insert(code.clone(), Waiting { what, challenge, until: now + WAITS });
        Ok(code)
    }

    /// What a code is for. It is good for one try, whatever comes of that.
    pub fn take(&self, code: &str, verifier: &str, now: Instant) -> Option<T> {
        let waiting = self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(code)?;
        (waiting.until > now && waiting.challenge == challenge(verifier)).then_some(waiting.what)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_good_once_soon_and_for_whoever_began() {
        let (codes, now) = (Codes::default(), Instant::now());
        let put = || codes.put("ann", challenge("a verifier"), now).unwrap();
        let code = put();
        assert_eq!(codes.take(&code, "a verifier", now), Some("ann"));
        assert_eq!(codes.take(&code, "a verifier", now), None);
        let code = put();
        assert_eq!(codes.take(&code, "another verifier", now), None);
        assert_eq!(codes.take(&code, "a verifier", now), None, "one try is all there is");
        assert_eq!(codes.take(&put(), "a verifier", now + WAITS), None);
        assert!(is_challenge(&challenge("x")) && !is_challenge("short") && !is_challenge(&"=".repeat(43)));
    }
}
