//! Tokens: shown once, kept as a hash, narrow if wanted, ending, revocable.
//!
//! ```text
//!   wl_ <id, 16 letters> _ <secret, 40 letters>
//! ```
//!
//! The secret has 200 bits of chance, so a plain hash keeps it; what is compared is compared in a time that does not depend
//! on it.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use windlass_contract::{TokenView, Verb};
use windlass_model::time::Time;
use windlass_store::{Range, Store, StoreError, Txn};

use crate::rights::Principal;
use crate::secret::{ID_BYTES, SECRET_BYTES, hash, is_equal, is_id, letters};

/// The tokens of a store.
#[derive(Clone, Debug)]
pub struct Tokens(Arc<dyn Store>);

/// What a token is to be.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wanted {
    /// Whose.
    pub user: String,
    /// What it is for.
    pub note: String,
    /// When it ends; never, where none is given.
    pub expires_at: Option<Time>,
    /// The namespaces that it is confined to.
    pub namespaces: Option<Vec<String>>,
    /// What it is confined to doing.
    pub verbs: Option<Vec<Verb>>,
    /// The groups that a provider of identities said that they are in.
    pub groups: Vec<String>,
}

/// A token, which can be seen now and never again.
#[derive(Clone, PartialEq, Eq)]
pub struct Issued {
    /// What it is called afterwards.
    pub id: String,
    /// The token.
    pub token: String,
}

/// A token as it is kept.
#[derive(Serialize, Deserialize)]
struct Kept {
    v: u8,
    hash: String,
    #[serde(flatten)]
    view: TokenView,
}

const PREFIX: &str = "token/";
const MARK: &str = "wl_";
const VERSION: u8 = 1;

// === impl Tokens ===

impl Tokens {
    /// The tokens of a store.
    #[must_use]
    pub fn new(store: Arc<dyn Store>) -> Self {
        Self(store)
    }

    /// Makes a token.
    pub async fn issue(&self, wanted: Wanted, now: Time) -> Result<Issued, StoreError> {
        let (id, secret) = (letters::<ID_BYTES>()?, letters::<SECRET_BYTES>()?);
        let view = TokenView {
            id: id.clone(),
            user: wanted.user,
            note: wanted.note,
            created_at: now,
            expires_at: wanted.expires_at,
            namespaces: wanted.namespaces,
            verbs: wanted.verbs,
            groups: wanted.groups,
        };
        let kept = Kept { v: VERSION, hash: hash(&secret), view };
        let bytes = serde_json::to_vec(&kept).unwrap_or_default();
        self.0.commit(Txn::new().when_absent(key(&id)).put(key(&id), bytes)).await?;
        Ok(Issued { token: format!("{MARK}{id}_{secret}"), id })
    }

    /// Who a token is, if it is one that has not ended.
    pub async fn check(&self, token: &str, now: Time) -> Result<Option<Principal>, StoreError> {
        let Some((id, secret)) = token.strip_prefix(MARK).and_then(|rest| rest.split_once('_')) else {
            return Ok(None);
        };
        if !is_id(id) {
            return Ok(None);
        }
        let Some(kept) = self.find(id).await? else { return Ok(None) };
        let is_over = kept.view.expires_at.is_some_and(|at| at <= now);
        if is_over || !is_equal(&kept.hash, &hash(secret)) {
            return Ok(None);
        }
        let TokenView { user, namespaces, verbs, groups, .. } = kept.view;
        Ok(Some(Principal { user, namespaces, verbs, groups }))
    }

    /// All tokens, or those of one user, in the order of their ids.
    pub async fn list(&self, user: Option<&str>) -> Result<Vec<TokenView>, StoreError> {
        let found = self.0.range(Range::prefix(PREFIX)).await?;
        let kept = found.iter().filter_map(|entry| serde_json::from_slice::<Kept>(&entry.value).ok());
        let views = kept.map(|kept| kept.view);
        Ok(views.filter(|view| user.is_none_or(|user| user == view.user)).collect())
    }

    /// A token by its id.
    pub async fn view(&self, id: &str) -> Result<Option<TokenView>, StoreError> {
        if !is_id(id) {
            return Ok(None);
        }
        Ok(self.find(id).await?.map(|kept| kept.view))
    }

    /// Ends a token, from now on.
    pub async fn revoke(&self, id: &str) -> Result<(), StoreError> {
        if is_id(id) {
            self.0.commit(Txn::new().delete(key(id))).await?;
        }
        Ok(())
    }

    async fn find(&self, id: &str) -> Result<Option<Kept>, StoreError> {
        let entry = self.0.get(key(id).as_bytes()).await?;
        Ok(entry
            .and_then(|entry| serde_json::from_slice::<Kept>(&entry.value).ok())
            .filter(|kept| kept.v <= VERSION))
    }
}

// === impl Issued ===

impl std::fmt::Debug for Issued {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Issued").field("id", &self.id).finish_non_exhaustive()
    }
}

pub(crate) fn key(id: &str) -> String {
    format!("{PREFIX}{id}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use windlass_store::memory::MemoryStore;

    #[tokio::test]
    async fn a_token_is_somebody_until_it_ends_or_is_revoked() {
        let store = Arc::new(MemoryStore::default());
        let tokens = Tokens::new(Arc::clone(&store) as _);
        let wanted = Wanted { user: "ann".into(), expires_at: Some(Time(100)), ..Wanted::default() };
        let issued = tokens.issue(wanted, Time(1)).await.unwrap();
        assert_eq!((issued.token.len(), issued.id.len()), (60, 16));
        let who = tokens.check(&issued.token, Time(99)).await.unwrap().unwrap();
        assert_eq!(who.user, "ann");
        assert_eq!(tokens.check(&issued.token, Time(100)).await.unwrap(), None);
        let wrong = [
            issued.token.replace("wl_", ""),
            format!("{}x", issued.token),
            "wl_".into(),
            String::new(),
            format!("wl_{}_", issued.id),
            "wl_../../x_y".into(),
        ];
        for token in wrong {
            assert_eq!(tokens.check(&token, Time(2)).await.unwrap(), None, "{token}");
        }
        let secret = issued.token.rsplit('_').next().unwrap();
        for entry in store.range(Range::all()).await.unwrap() {
            assert!(!String::from_utf8_lossy(&entry.value).contains(secret));
        }
        assert_eq!(tokens.list(Some("ann")).await.unwrap().len(), 1);
        assert_eq!(tokens.list(Some("bob")).await.unwrap().len(), 0);
        tokens.revoke(&issued.id).await.unwrap();
        assert_eq!(tokens.check(&issued.token, Time(2)).await.unwrap(), None);
    }
}
