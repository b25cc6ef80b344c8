//! Signing in with a browser: the authorization code flow, with PKCE.

use std::fmt;
use std::time::{SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

use crate::claims::Identity;
use crate::codes::challenge;
use crate::error::Error;
use crate::provider::{Given, Provider, form};
use crate::sealed::word;

/// Where somebody goes to after they have signed in.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum After {
    /// A page of ours.
    Page(String),
    /// A program on the machine of the browser, which comes for what was found out by itself.
    Program {
        /// Where it listens.
        redirect: String,
        /// What it can answer, by PKCE.
        challenge: String,
        /// A word by which it knows its own browser again.
        state: String,
    },
}

/// A sign-in that was begun.
#[derive(Clone, PartialEq, Eq)]
pub struct Begun {
    /// Where the browser goes to.
    pub location: String,
    /// What it keeps meanwhile, in a cookie: nobody else can go on with this.
    pub sealed: String,
    /// The word that it comes back with.
    pub state: String,
}

/// What a browser comes back with.
#[derive(Clone, Default, Deserialize)]
pub struct Answer {
    /// Of which sign-in it is.
    pub state: Option<String>,
    /// What the provider gives a token for.
    pub code: Option<String>,
    /// Who says so.
    pub iss: Option<String>,
    /// Why there is no code.
    pub error: Option<String>,
    /// The same in words.
    pub error_description: Option<String>,
}

/// What is known of it while it is under way.
#[derive(Serialize, Deserialize)]
struct Pending {
    state: String,
    nonce: String,
    verifier: String,
    after: After,
    until: u64,
}

/// How long somebody has to sign in over there, in seconds.
pub(crate) const PATIENCE: u64 = 600;
const PURPOSE: &str = "a sign-in with a browser";

// === impl After, Begun, Answer ===

// What they hold is as good as a password while a sign-in is under way.

impl fmt::Debug for After {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Page(path) => f.debug_tuple("Page").field(path).finish(),
            Self::Program { redirect, .. } => {
                f.debug_struct("Program").field("redirect", redirect).finish_non_exhaustive()
            }
        }
    }
}

impl fmt::Debug for Begun {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Begun").finish_non_exhaustive()
    }
}

impl fmt::Debug for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Answer").field("error", &self.error).finish_non_exhaustive()
    }
}

impl Provider {
    /// Begins a sign-in with a browser.
    pub async fn begin(&self, after: After) -> Result<Begun, Error> {
        let offer = self.offer().await?;
        let options = self.options();
        let pending =
            Pending { state: word()?, nonce: word()?, verifier: word()?, after, until: now() + PATIENCE };
        let fields = form(&[
            ("response_type", "code"),
            ("client_id", &options.client_id),
            ("redirect_uri", &options.redirect),
            ("scope", &self.scopes()),
            ("state", &pending.state),
            ("nonce", &pending.nonce),
            ("code_challenge", &challenge(&pending.verifier)),
            ("code_challenge_method", "S256"),
        ]);
        let gap = if offer.authorization_endpoint.contains('?') { '&' } else { '?' };
        Ok(Begun {
            location: format!("{}{gap}{fields}", offer.authorization_endpoint),
            sealed: self.seal().seal(PURPOSE, &pending)?,
            state: pending.state,
        })
    }

    /// Who came back, and where they go to. `sealed` is what their browser kept, if it has it still.
    pub async fn complete(&self, sealed: Option<&str>, answer: &Answer) -> Result<(Identity, After), Error> {
        let pending: Option<Pending> = sealed.and_then(|sealed| self.seal().open(PURPOSE, sealed));
        let pending = pending.ok_or_else(|| {
            Error::refused("this browser did not begin it, or the server was restarted since: begin again")
        })?;
        // Whoever sends somebody here with an answer of their own does not know it.
        if answer.state.as_ref() != Some(&pending.state) {
            return Err(Error::refused("what came back is of another sign-in"));
        }
        if pending.until <= now() {
            return Err(Error::refused("it took too long: begin again"));
        }
        let options = self.options();
        let offer = self.offer().await?;
        let is_due = offer.authorization_response_iss_parameter_supported;
        if answer.iss.as_ref().map_or(is_due, |iss| *iss != options.issuer) {
            return Err(Error::refused("what came back is of another provider"));
        }
        if let Some(error) = &answer.error {
            let words = answer.error_description.as_deref().unwrap_or_default();
            let said = format!("{error} {words}");
            let said: String = said.chars().filter(|char| !char.is_control()).take(300).collect();
            return Err(Error::Refused(format!("the provider says: {}", said.trim())));
        }
        let code = answer.code.as_deref().ok_or_else(|| Error::refused("it came back without a code"))?;
        let fields = [
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", &options.redirect),
            ("code_verifier", &pending.verifier),
        ];
        let given = self.form::<Given>(&offer, &offer.token_endpoint, &fields).await?;
        let given = given.map_err(|declined| declined.error())?;
        let identity = self.identity(&offer, &given, Some(&pending.nonce)).await?;
        Ok((identity, pending.after))
    }

    /// What is asked for: who they are, at the least.
    pub(crate) fn scopes(&self) -> String {
        let others = self.options().scopes.iter().map(String::as_str).filter(|scope| *scope != "openid");
        ["openid"].into_iter().chain(others).collect::<Vec<_>>().join(" ")
    }
}

pub(crate) fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}
