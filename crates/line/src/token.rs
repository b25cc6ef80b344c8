//! Join tokens as texts.
//!
//! ```text
//!   wlj_ <id, 16 letters> _ <secret, 40 letters> _ <fingerprint of the authority, 52 letters>
//! ```
//!
//! Who has the token knows whom to trust: the server must show a certificate of that authority before it sees the secret.

use std::fmt;
use std::str::FromStr;

use data_encoding::BASE32_NOPAD;

use crate::fingerprint::Fingerprint;

/// What allows somebody to become an agent.
#[derive(Clone, PartialEq, Eq)]
pub struct JoinToken {
    /// What it is called.
    pub id: String,
    /// What nobody else knows.
    pub secret: String,
    /// Whom to trust.
    pub authority: Fingerprint,
}

/// A text is no join token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotAToken;

const MARK: &str = "wlj_";
const ID: usize = 16;
const SECRET: usize = 40;

// === impl JoinToken ===

impl JoinToken {
    /// The text, which is to be shown once.
    #[must_use]
    pub fn text(&self) -> String {
        let authority = BASE32_NOPAD.encode(&self.authority.0).to_ascii_lowercase();
        format!("{MARK}{}_{}_{authority}", self.id, self.secret)
    }
}

impl FromStr for JoinToken {
    type Err = NotAToken;

    fn from_str(text: &str) -> Result<Self, NotAToken> {
        let mut parts = text.trim().strip_prefix(MARK).ok_or(NotAToken)?.split('_');
        let mut part = |len: usize| {
            let is_letter = |byte: u8| byte.is_ascii_lowercase() || (b'2'..=b'7').contains(&byte);
            parts.next().filter(|part| part.len() == len && part.bytes().all(is_letter)).ok_or(NotAToken)
        };
        let (id, secret, authority) = (part(ID)?, part(SECRET)?, part(52)?);
        let authority =
            BASE32_NOPAD.decode(authority.to_ascii_uppercase().as_bytes()).map_err(|_| NotAToken)?;
        let authority = Fingerprint(authority.try_into().map_err(|_| NotAToken)?);
        if parts.next().is_some() {
            return Err(NotAToken);
        }
        Ok(Self { id: id.to_owned(), secret: secret.to_owned(), authority })
    }
}

impl fmt::Debug for JoinToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JoinToken").field("id", &self.id).finish_non_exhaustive()
    }
}

// === impl NotAToken ===

impl fmt::Display for NotAToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("it is no join token: those begin with `wlj_` and have 114 characters")
    }
}

impl std::error::Error for NotAToken {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_read_as_it_was_written_and_nothing_else_is() {
        let token = JoinToken {
            id: "abcdefgh234567ab".into(),
            secret: "s".repeat(40),
            authority: Fingerprint::of(b"authority"),
        };
        let text = token.text();
        assert_eq!(text.len(), 114);
        assert_eq!(text.parse(), Ok(token.clone()));
        assert_eq!(format!(" {text}\n").parse(), Ok(token.clone()));
        assert!(!format!("{token:?}").contains("sss"));
        for wrong in [
            "",
            "wlj_",
            &text[1..],
            &text[..text.len() - 1],
            &format!("{text}_x"),
            &text.to_uppercase(),
            &text.replace("wlj_", "wl_"),
        ] {
            assert_eq!(wrong.parse::<JoinToken>(), Err(NotAToken), "{wrong}");
        }
    }
}
