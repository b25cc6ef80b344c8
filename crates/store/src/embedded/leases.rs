//! Who holds which lease. It is kept in memory only: the embedded stores have one process, and when
//! that ends so do all its holders. The fencing number is the revision of the grant, which is
//! durable, so tokens of an earlier process can never become valid again.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use crate::{LeaseToken, Revision, StoreError};

/// The leases of one store.
#[derive(Debug, Default)]
pub struct Leases(HashMap<Arc<str>, Held>);

#[derive(Debug)]
struct Held {
    holder: String,
    fence: Revision,
    until: Duration,
}

// === impl Leases ===

impl Leases {
    /// Grants a lease at `revision`, unless somebody else holds it.
    pub fn grant(
        &mut self,
        name: &str,
        holder: &str,
        now: Duration,
        ttl: Duration,
        revision: Revision,
    ) -> Result<LeaseToken, StoreError> {
        self.free(name, holder, now)?;
        let name: Arc<str> = name.into();
        let held = Held { holder: holder.to_owned(), fence: revision, until: now.saturating_add(ttl) };
        self.0.insert(Arc::clone(&name), held);
        Ok(LeaseToken { name, fence: revision })
    }

    /// Fails if somebody other than `holder` holds the lease.
    pub fn free(&self, name: &str, holder: &str, now: Duration) -> Result<(), StoreError> {
        match self.0.get(name) {
            Some(held) if held.until > now && held.holder != holder => {
                Err(StoreError::Leased { name: name.to_owned(), holder: held.holder.clone() })
            }
            _ => Ok(()),
        }
    }

    /// Whether the token is the current one and has not run out.
    #[must_use]
    pub fn is_current(&self, token: &LeaseToken, now: Duration) -> bool {
        self.0.get(&token.name).is_some_and(|held| held.fence == token.fence && held.until > now)
    }

    /// Keeps the lease for `ttl` from now.
    pub fn renew(&mut self, token: &LeaseToken, now: Duration, ttl: Duration) -> Result<(), StoreError> {
        if !self.is_current(token, now) {
            return Err(lost(token));
        }
        if let Some(held) = self.0.get_mut(&token.name) {
            held.until = now.saturating_add(ttl);
        }
        Ok(())
    }

    /// Gives the lease back.
    pub fn release(&mut self, token: &LeaseToken, now: Duration) -> Result<(), StoreError> {
        if !self.is_current(token, now) {
            return Err(lost(token));
        }
        self.0.remove(&token.name);
        Ok(())
    }
}

fn lost(token: &LeaseToken) -> StoreError {
    StoreError::LeaseLost { name: token.name.to_string() }
}
