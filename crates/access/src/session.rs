//! Sessions of browsers: like a token, but in a cookie, ending by themselves when nobody uses them, and of no use to another site.
//!
//! ```text
//!   session/<id>   {hash of the secret, whose, confined to what, by which token, made, used, ends}
//! ```
//!
//! One that was begun by a token ends with it.
//!
//! A page that acts in a session shows that it may read its answers: it sends a word along that follows from the secret and
//! that no other site can know.

use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use windlass_contract::{TokenView, Verb};
use windlass_model::time::Time;
use windlass_store::{Range, Store, StoreError, Txn};

use crate::rights::Principal;
use crate::secret::{ID_BYTES, SECRET_BYTES, hash, is_equal, is_id, letters};
use crate::token;

/// The sessions of a store.
#[derive(Clone, Debug)]
pub struct Sessions(Arc<dyn Store>);

/// A session that was begun. Its secret can be seen now and never again.
#[derive(Clone, PartialEq, Eq)]
pub struct Begun {
    /// What the cookie holds.
    pub cookie: String,
    /// What is sent along with what changes something.
    pub csrf: String,
    /// When it ends at the latest.
    pub ends_at: Time,
}

/// Who is in a session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seated {
    /// Its id.
    pub id: String,
    /// Who.
    pub who: Principal,
    /// What is sent along with what changes something.
    pub csrf: String,
    /// When it ends at the latest.
    pub ends_at: Time,
}

#[derive(Clone, Serialize, Deserialize)]
struct Kept {
    v: u8,
    hash: String,
    user: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    namespaces: Option<Vec<String>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    verbs: Option<Vec<Verb>>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    groups: Vec<String>,
    /// The id of the token that it was begun by.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    token: Option<String>,
    begun_at: Time,
    used_at: Time,
    ends_at: Time,
}

const PREFIX: &str = "session/";
const VERSION: u8 = 1;
/// How long a session lives that nobody uses.
const IDLE: Duration = Duration::from_secs(12 * 3600);
/// How long one lives at the most.
const LONGEST: Duration = Duration::from_secs(7 * 24 * 3600);
/// That it was used is written down so often at the most.
const NOTED_EVERY: Duration = Duration::from_secs(5 * 60);
/// How many are looked at for having ended when another one is begun.
const SWEPT: usize = 1000;

// === impl Sessions ===

impl Sessions {
    /// The sessions of a store.
    #[must_use]
    pub fn new(store: Arc<dyn Store>) -> Self {
        Self(store)
    }

    /// Begins a session for somebody who has shown who they are, by a token or in another way, which lasts until then at the
    /// most.
    pub async fn begin(
        &self,
        who: Principal,
        by: Option<&TokenView>,
        until: Option<Time>,
        now: Time,
    ) -> Result<Begun, StoreError> {
        let (id, secret) = (letters::<ID_BYTES>()?, letters::<SECRET_BYTES>()?);
        let Principal { user, namespaces, verbs, groups } = who;
        let ends = [by.and_then(|token| token.expires_at), until].into_iter().flatten();
        let ends_at = ends.fold(now + LONGEST, Time::min);
        let kept = Kept {
            v: VERSION,
            hash: hash(&secret),
            user,
            namespaces,
            verbs,
            groups,
            token: by.map(|token| token.id.clone()),
            begun_at: now,
            used_at: now,
            ends_at,
        };
        let mut txn = Txn::new().when_absent(key(&id)).put(key(&id), written(&kept));
        for (old, kept) in self.all().await?.into_iter().take(SWEPT) {
            if kept.is_over(now) {
                txn = txn.delete(key(&old));
            }
        }
        self.0.commit(txn).await?;
        Ok(Begun { csrf: csrf(&secret), cookie: format!("{id}_{secret}"), ends_at })
    }

    /// Who is in the session of a cookie, if it has not ended.
    pub async fn check(&self, cookie: &str, now: Time) -> Result<Option<Seated>, StoreError> {
        let Some((id, secret)) = cookie.split_once('_').filter(|(id, _)| is_id(id)) else { return Ok(None) };
        let Some(entry) = self.0.get(key(id).as_bytes()).await? else { return Ok(None) };
        let Some(kept) = read(&entry.value) else { return Ok(None) };
        if kept.is_over(now) || !is_equal(&kept.hash, &hash(secret)) {
            return Ok(None);
        }
        if let Some(token) = &kept.token
            && self.0.get(token::key(token).as_bytes()).await?.is_none()
        {
            return Ok(None);
        }
        if now.since(kept.used_at) >= NOTED_EVERY {
            let used = Kept { used_at: now, ..kept.clone() };
            // Whoever ended it meanwhile has the last word.
            let noted = Txn::new().when_at(key(id), entry.revision).put(key(id), written(&used));
            let _ = self.0.commit(noted).await;
        }
        let Kept { user, namespaces, verbs, groups, ends_at, .. } = kept;
        let who = Principal { user, namespaces, verbs, groups };
        Ok(Some(Seated { id: id.to_owned(), who, csrf: csrf(secret), ends_at }))
    }

    /// Whether a session has not ended.
    pub async fn stands(&self, id: &str, now: Time) -> Result<bool, StoreError> {
        let Some(entry) = self.0.get(key(id).as_bytes()).await? else { return Ok(false) };
        match read(&entry.value).filter(|kept| !kept.is_over(now)) {
            None => Ok(false),
            Some(Kept { token: None, .. }) => Ok(true),
            Some(Kept { token: Some(token), .. }) => {
                Ok(self.0.get(token::key(&token).as_bytes()).await?.is_some())
            }
        }
    }

    /// Ends a session, at once.
    pub async fn end(&self, id: &str) -> Result<(), StoreError> {
        if is_id(id) {
            self.0.commit(Txn::new().delete(key(id))).await?;
        }
        Ok(())
    }

    /// Ends all sessions of somebody but one.
    pub async fn end_all(&self, user: &str, but: Option<&str>) -> Result<(), StoreError> {
        let theirs =
            self.all().await?.into_iter().filter(|(id, kept)| kept.user == user && Some(id.as_str()) != but);
        let txn = theirs.fold(Txn::new(), |txn, (id, _)| txn.delete(key(&id)));
        self.0.commit(txn).await.map(drop)
    }

    async fn all(&self) -> Result<Vec<(String, Kept)>, StoreError> {
        let found = self.0.range(Range::prefix(PREFIX)).await?;
        let id = |key: &[u8]| {
            std::str::from_utf8(key).ok().and_then(|key| key.strip_prefix(PREFIX)).map(str::to_owned)
        };
        Ok(found.iter().filter_map(|entry| Some((id(&entry.key)?, read(&entry.value)?))).collect())
    }
}

// === impl Kept ===

impl Kept {
    fn is_over(&self, now: Time) -> bool {
        self.ends_at <= now || self.used_at + IDLE <= now
    }
}

// === impl Begun ===

impl std::fmt::Debug for Begun {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Begun").field("ends_at", &self.ends_at).finish_non_exhaustive()
    }
}

fn csrf(secret: &str) -> String {
    hash(&format!("csrf {secret}"))
}

fn read(bytes: &[u8]) -> Option<Kept> {
    serde_json::from_slice::<Kept>(bytes).ok().filter(|kept| kept.v <= VERSION)
}

fn written(kept: &Kept) -> Vec<u8> {
    serde_json::to_vec(kept).unwrap_or_default()
}

fn key(id: &str) -> String {
    format!("{PREFIX}{id}")
}

#[cfg(test)]
mod tests {
    use windlass_store::memory::MemoryStore;

    use super::*;
    use crate::token::{Tokens, Wanted};

    fn ann() -> Principal {
        let groups = vec!["oidc:web".to_owned()];
        Principal { user: "ann".into(), namespaces: Some(vec!["web".into()]), verbs: None, groups }
    }

    #[tokio::test]
    async fn a_session_lives_while_it_is_used_and_not_for_ever() {
        let sessions = Sessions::new(Arc::new(MemoryStore::default()));
        let begun = sessions.begin(ann(), None, None, Time(0)).await.unwrap();
        let at = async |now: Time| sessions.check(&begun.cookie, now).await.unwrap();
        let mut now = Time(0);
        let step = IDLE - Duration::from_secs(1);
        while now + step < Time(0) + LONGEST {
            now = now + step;
            let seated = at(now).await.unwrap();
            assert_eq!((seated.who, &seated.csrf), (ann(), &begun.csrf));
        }
        assert_eq!(at(Time(0) + LONGEST).await, None);
        let idle = sessions.begin(ann(), None, None, Time(0)).await.unwrap();
        assert_eq!(sessions.check(&idle.cookie, Time(0) + IDLE).await.unwrap(), None);
    }

    #[tokio::test]
    async fn a_session_that_comes_of_a_token_does_not_outlive_it() {
        let store: Arc<dyn Store> = Arc::new(MemoryStore::default());
        let (sessions, tokens) = (Sessions::new(Arc::clone(&store)), Tokens::new(store));
        let issue = async |expires_at: Option<Time>| {
            let wanted = Wanted { user: "ann".into(), expires_at, ..Wanted::default() };
            tokens.view(&tokens.issue(wanted, Time(0)).await.unwrap().id).await.unwrap().unwrap()
        };
        let is_in = async |cookie: &str, now: Time| sessions.check(cookie, now).await.unwrap().is_some();
        let short = issue(Some(Time(5))).await;
        let begun = sessions.begin(ann(), Some(&short), None, Time(0)).await.unwrap();
        assert!(is_in(&begun.cookie, Time(4)).await && !is_in(&begun.cookie, Time(5)).await);
        let revoked = issue(None).await;
        let begun = sessions.begin(ann(), Some(&revoked), None, Time(0)).await.unwrap();
        assert!(is_in(&begun.cookie, Time(6)).await);
        tokens.revoke(&revoked.id).await.unwrap();
        assert!(!is_in(&begun.cookie, Time(6)).await);
    }

    #[tokio::test]
    async fn a_session_ends_at_once_and_no_other_secret_opens_it() {
        let store = Arc::new(MemoryStore::default());
        let sessions = Sessions::new(Arc::clone(&store) as _);
        let begun = [(); 3].map(|()| sessions.begin(ann(), None, None, Time(0)));
        let mut all = Vec::new();
        for one in begun {
            all.push(one.await.unwrap());
        }
        let check = async |cookie: &str| sessions.check(cookie, Time(1)).await.unwrap();
        let first = check(&all[0].cookie).await.unwrap();
        let (_, other) = all[1].cookie.split_once('_').unwrap();
        for wrong in ["", "_", &format!("{}_{other}", first.id), &format!("../{}", all[0].cookie)] {
            assert_eq!(check(wrong).await, None, "{wrong}");
        }
        sessions.end(&first.id).await.unwrap();
        assert_eq!(check(&all[0].cookie).await, None);
        let second = check(&all[1].cookie).await.unwrap();
        sessions.end_all("ann", Some(&second.id)).await.unwrap();
        assert!(check(&all[1].cookie).await.is_some() && check(&all[2].cookie).await.is_none());
        for entry in store.range(Range::all()).await.unwrap() {
            assert!(!String::from_utf8_lossy(&entry.value).contains(other));
        }
    }
}
