//! Signing in by a provider of identities, as it is set.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use windlass_api::{CALLBACK, SignOn};
use windlass_oidc::{Options, Provider};
use zeroize::Zeroizing;

use crate::error::Error;

/// How people sign in by a provider of identities.
#[derive(Clone)]
pub struct Oidc {
    /// What people call it.
    pub name: String,
    /// Its address, to the letter.
    pub issuer: String,
    /// Where browsers reach this server.
    pub url: String,
    /// What the server is called there.
    pub client_id: String,
    /// What it shows there, unless it is known without.
    pub client_secret: Option<Zeroizing<String>>,
    /// What is asked for beside `openid`.
    pub scopes: Vec<String>,
    /// The claim that names a user.
    pub user_claim: String,
    /// The claim that has their groups.
    pub groups_claim: Option<String>,
    /// Whom an ID token may be for beside the server.
    pub audiences: Vec<String>,
    /// Whether somebody whom nobody here knows becomes a user, without any right.
    pub create: bool,
    /// Whether terminals may sign in by a code that is typed elsewhere.
    pub device: bool,
    /// How long a sign-in is good for.
    pub lasts: Duration,
    /// Certificates to trust, in PEM; those of this machine unless given.
    pub ca: Option<PathBuf>,
}

// === impl Oidc ===

impl Oidc {
    /// Nothing is asked of the provider before somebody wants to sign in: one that is away keeps no server from beginning.
    pub(crate) fn open(self) -> Result<SignOn, Error> {
        let provider = Provider::new(Options {
            issuer: self.issuer,
            client_id: self.client_id,
            client_secret: self.client_secret,
            redirect: format!("{}{CALLBACK}", self.url.trim_end_matches('/')),
            scopes: self.scopes,
            user_claim: self.user_claim,
            groups_claim: self.groups_claim,
            audiences: self.audiences,
            device: self.device,
            ca: self.ca,
        });
        Ok(SignOn {
            provider: provider.map_err(Error::Provider)?,
            name: self.name,
            create: self.create,
            lasts: self.lasts,
            codes: Arc::default(),
        })
    }
}

impl std::fmt::Debug for Oidc {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Oidc").field("issuer", &self.issuer).finish_non_exhaustive()
    }
}
