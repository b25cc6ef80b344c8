//! Signing in at a terminal: the device flow. A code is typed into a browser anywhere, and the terminal asks until that was
//! done.

use serde::{Deserialize, Serialize};

use crate::begun::now;
use crate::claims::Identity;
use crate::error::Error;
use crate::provider::{Given, Provider};

/// A sign-in that was begun.
#[derive(Clone, PartialEq, Eq)]
pub struct DeviceBegun {
    /// What is asked with until it was done.
    pub handle: String,
    /// What somebody types.
    pub user_code: String,
    /// Where.
    pub verification_uri: String,
    /// The same in one, where the provider has that.
    pub verification_uri_complete: Option<String>,
    /// How many seconds lie between two questions at the least.
    pub interval: u64,
    /// How many seconds there are to do it.
    pub expires_in: u64,
}

/// How it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Polled {
    /// Nobody has typed it yet; ask again after so many seconds.
    Wait(u64),
    /// It was done.
    Known(Identity),
}

/// What the provider begins with.
#[derive(Deserialize)]
struct Offered {
    device_code: String,
    user_code: String,
    verification_uri: String,
    verification_uri_complete: Option<String>,
    expires_in: u64,
    #[serde(default = "usual")]
    interval: u64,
}

#[derive(Serialize, Deserialize)]
struct Pending {
    device_code: String,
    interval: u64,
    until: u64,
}

const PURPOSE: &str = "a sign-in at a terminal";
const GRANT: &str = "urn:ietf:params:oauth:grant-type:device_code";
/// How long it may take at the most, in seconds.
const LONGEST: u64 = 3600;
/// How long a slow provider may let somebody wait between two questions.
const SLOWEST: u64 = 60;
/// By how much the gap between two questions grows when the provider asks for that.
const SLOWER: u64 = 5;

impl std::fmt::Debug for DeviceBegun {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("DeviceBegun").field("at", &self.verification_uri).finish_non_exhaustive()
    }
}

fn usual() -> u64 {
    5
}

/// It is shown at a terminal, which obeys some characters.
fn plain(text: &str) -> String {
    text.chars().filter(|char| !char.is_control()).collect()
}

impl Provider {
    /// Whether terminals may sign in like this.
    pub async fn has_device(&self) -> Result<bool, Error> {
        Ok(self.options().device && self.offer().await?.device_authorization_endpoint.is_some())
    }

    /// Begins a sign-in at a terminal.
    pub async fn device(&self) -> Result<DeviceBegun, Error> {
        let missing = Error::Missing("sign-in by a code that is typed elsewhere");
        if !self.options().device {
            return Err(missing);
        }
        let offer = self.offer().await?;
        let url = offer.device_authorization_endpoint.as_ref().ok_or(missing)?;
        let offered = self.form::<Offered>(&offer, url, &[("scope", &self.scopes())]).await?;
        let offered = offered.map_err(|declined| declined.error())?;
        let (interval, expires_in) = (offered.interval.clamp(1, SLOWEST), offered.expires_in.min(LONGEST));
        let pending =
            Pending { device_code: offered.device_code, interval, until: now().saturating_add(expires_in) };
        Ok(DeviceBegun {
            handle: self.seal().seal(PURPOSE, &pending)?,
            user_code: plain(&offered.user_code),
            verification_uri: plain(&offered.verification_uri),
            verification_uri_complete: offered.verification_uri_complete.as_deref().map(plain),
            interval,
            expires_in,
        })
    }

    /// How a sign-in at a terminal stands.
    pub async fn poll(&self, handle: &str) -> Result<Polled, Error> {
        let pending: Option<Pending> = self.seal().open(PURPOSE, handle);
        let pending = pending.ok_or_else(|| {
            Error::refused("nobody here began it, or the server was restarted since: begin again")
        })?;
        if pending.until <= now() {
            return Err(Error::refused("it took too long: begin again"));
        }
        let offer = self.offer().await?;
        let fields = [("grant_type", GRANT), ("device_code", &pending.device_code)];
        match self.form::<Given>(&offer, &offer.token_endpoint, &fields).await? {
            Ok(given) => Ok(Polled::Known(self.identity(&offer, &given, None).await?)),
            Err(declined) => match declined.error.as_str() {
                "authorization_pending" => Ok(Polled::Wait(pending.interval)),
                "slow_down" => Ok(Polled::Wait(pending.interval.saturating_add(SLOWER))),
                _ => Err(declined.error()),
            },
        }
    }
}
