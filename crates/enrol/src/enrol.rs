//! Joining, renewing, being admitted, and being revoked.
//!
//! ```text
//!   agent/token/<id>              a join token
//!   agent/node/<node>             the agent of a node
//!   agent/certificate/<sha256>    of which node a certificate is
//! ```

use std::path::Path;
use std::str::FromStr as _;
use std::sync::Arc;
use std::time::Duration;

use windlass_contract::{Agent, AgentTokenView, Certificate};
use windlass_line::{Fingerprint, JoinToken};
use windlass_model::pattern::Glob;
use windlass_model::time::Time;
use windlass_store::{Entry, Range, Store, StoreError, Txn};

use crate::agent::{self, Kept};
use crate::authority::{Authority, Issued};
use crate::refused::{Error, Refused};
use crate::token::{self, Made, Wanted, drawn, hash, is_equal, is_for};

/// How agents are enrolled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// How long a certificate is good for. An agent renews it when two thirds of that are over.
    pub life: Duration,
}

/// Who may be the agent of a node. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Enrol(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    store: Arc<dyn Store>,
    authority: Authority,
    options: Options,
    /// Held by who joins: many who join at once by one token would be in each other's way.
    joins: tokio::sync::Mutex<()>,
}

/// An agent that may serve.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Admitted {
    /// Of which node it is.
    pub node: String,
    /// The certificate that it showed.
    pub certificate: Certificate,
}

const TOKENS: &str = "agent/token/";
const NODES: &str = "agent/node/";
const CERTIFICATES: &str = "agent/certificate/";
/// How often it is begun again when somebody else writes the same.
const TRIES: u32 = 16;
/// How long a token that has ended is listed.
const LISTED: Duration = Duration::from_secs(7 * 24 * 3600);

impl Default for Options {
    /// Long enough that an agent outlives a server that is away for a week.
    fn default() -> Self {
        Self { life: Duration::from_secs(30 * 24 * 3600) }
    }
}

// === impl Enrol: the authority and its tokens ===

impl Enrol {
    /// The enrolment of a store, with the authority in a directory.
    ///
    /// # Errors
    ///
    /// The authority's files cannot be used.
    pub fn open(store: Arc<dyn Store>, directory: &Path, options: Options, now: Time) -> Result<Self, Error> {
        let authority = Authority::of_directory(directory, now)?;
        Ok(Self(Arc::new(Inner { store, authority, options, joins: tokio::sync::Mutex::default() })))
    }

    /// Who signs.
    #[must_use]
    pub fn authority(&self) -> &Authority {
        &self.0.authority
    }

    /// Makes a join token.
    ///
    /// # Errors
    ///
    /// The pattern is none, or the store cannot be written.
    pub async fn make(&self, wanted: Wanted, now: Time) -> Result<Made, Error> {
        if wanted.nodes.is_empty() || Glob::all(&wanted.nodes).is_err() {
            return Err(Refused::BadName(wanted.nodes).into());
        }
        let (id, secret) = drawn()?;
        let view = AgentTokenView {
            id: id.clone(),
            nodes: wanted.nodes,
            uses: wanted.uses.max(1),
            used: 0,
            used_at: None,
            expires_at: wanted.expires_at,
            replaces: wanted.replaces,
            by: wanted.by,
            created_at: now,
        };
        let kept = token::Kept { v: token::VERSION, hash: hash(&secret), view: view.clone() };
        let mut txn = Txn::new().when_absent(token_key(&id)).put(token_key(&id), written(&kept));
        // Those that have ended long ago go when others come.
        for old in self.tokens().await?.into_iter().filter(|it| it.expires_at + LISTED < now).take(100) {
            txn = txn.delete(token_key(&old.id));
        }
        self.0.store.commit(txn).await?;
        Ok(Made { token: JoinToken { id, secret, authority: self.0.authority.fingerprint() }, view })
    }

    /// The join tokens, in the order of their ids.
    pub async fn tokens(&self) -> Result<Vec<AgentTokenView>, StoreError> {
        let found = self.0.store.range(Range::prefix(TOKENS)).await?;
        Ok(found.iter().filter_map(read_token).map(|kept| kept.view).collect())
    }

    /// Ends a join token; whether there was one.
    pub async fn end(&self, id: &str) -> Result<bool, StoreError> {
        let there = self.0.store.get(token_key(id).as_bytes()).await?.is_some();
        if there {
            self.0.store.commit(Txn::new().delete(token_key(id))).await?;
        }
        Ok(there)
    }
}

// === impl Enrol: agents ===

impl Enrol {
    /// Makes somebody the agent of a node.
    ///
    /// # Errors
    ///
    /// They are refused, or the store cannot be written.
    pub async fn join(
        &self,
        text: &str,
        node: &str,
        key: &[u8],
        from: &str,
        now: Time,
    ) -> Result<(Agent, Issued), Error> {
        let token = JoinToken::from_str(text).map_err(|_| Refused::UnknownToken)?;
        let _turn = self.0.joins.lock().await;
        for _ in 0..TRIES {
            let entry = self.0.store.get(token_key(&token.id).as_bytes()).await?;
            let entry = entry.ok_or(Refused::UnknownToken)?;
            let mut kept = read_token(&entry).ok_or_else(|| Error::Damaged(format!("token {}", token.id)))?;
            judge(&kept, &token, node, now)?;
            let there = self.entry(node).await?;
            if let Some((_, before)) = &there
                && before.agent.revoked_at.is_none()
                && !kept.view.replaces
            {
                let Agent { node, joined_at: since, joined_from: from, .. } = before.agent.clone();
                return Err(Refused::Taken { node, since, from }.into());
            }
            let issued = self.0.authority.of_agent(node, key, now, self.0.options.life)?;
            let agent = Agent {
                node: node.to_owned(),
                joined_at: now,
                joined_from: from.to_owned(),
                token: token.id.clone(),
                certificate: of(&issued),
                next: None,
                revoked_at: None,
            };
            kept.view.used = kept.view.used.saturating_add(1);
            kept.view.used_at = Some(now);
            let mut txn = Txn::new()
                .when_at(token_key(&token.id), entry.revision)
                .put(token_key(&token.id), written(&kept));
            txn = match &there {
                Some((entry, _)) => txn.when_at(node_key(node), entry.revision),
                None => txn.when_absent(node_key(node)),
            };
            let old = there.map(|(_, before)| retired(before)).unwrap_or_default();
            let (txn, old) = swept(txn, old, now);
            let txn = txn
                .put(node_key(node), written(&Kept { v: agent::VERSION, agent: agent.clone(), old }))
                .put(certificate_key(&agent.certificate.fingerprint), node.to_owned());
            match self.0.store.commit(txn).await {
                Ok(_) => return Ok((agent, issued)),
                Err(StoreError::Precondition { .. }) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Err(StoreError::Busy { queued: 1 }.into())
    }

    /// The next certificate of an agent that shows this one.
    ///
    /// # Errors
    ///
    /// It is refused, or the store cannot be written.
    pub async fn renew(&self, shown: Fingerprint, key: &[u8], now: Time) -> Result<(Agent, Issued), Error> {
        for _ in 0..TRIES {
            let (entry, mut kept) = self.counts(shown, now).await?;
            let issued = self.0.authority.of_agent(&kept.agent.node, key, now, self.0.options.life)?;
            if let Some(unused) = kept.agent.next.replace(of(&issued)) {
                if unused.fingerprint == shown.to_string() {
                    // It is used for this very question.
                    kept.old.push(std::mem::replace(&mut kept.agent.certificate, unused));
                } else {
                    kept.old.push(unused);
                }
            }
            let key = node_key(&kept.agent.node);
            let (txn, old) =
                swept(Txn::new().when_at(key.clone(), entry.revision), std::mem::take(&mut kept.old), now);
            kept.old = old;
            let fingerprint = of(&issued).fingerprint;
            let txn =
                txn.put(key, written(&kept)).put(certificate_key(&fingerprint), kept.agent.node.clone());
            match self.0.store.commit(txn).await {
                Ok(_) => return Ok((kept.agent, issued)),
                Err(StoreError::Precondition { .. }) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Err(StoreError::Busy { queued: 1 }.into())
    }

    /// Who shows a certificate, if that one may serve. The next certificate of an agent counts from now on if this is it.
    ///
    /// # Errors
    ///
    /// It is refused, or the store cannot be read or written.
    pub async fn admit(&self, shown: Fingerprint, now: Time) -> Result<Admitted, Error> {
        for _ in 0..TRIES {
            let (entry, mut kept) = self.counts(shown, now).await?;
            let text = shown.to_string();
            let next = kept.agent.next.take_if(|next| next.fingerprint == text);
            let Some(next) = next else {
                return Ok(Admitted { node: kept.agent.node, certificate: kept.agent.certificate });
            };
            kept.old.push(std::mem::replace(&mut kept.agent.certificate, next.clone()));
            let key = node_key(&kept.agent.node);
            let txn = Txn::new().when_at(key.clone(), entry.revision).put(key, written(&kept));
            match self.0.store.commit(txn).await {
                Ok(_) => return Ok(Admitted { node: kept.agent.node, certificate: next }),
                Err(StoreError::Precondition { .. }) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Err(StoreError::Busy { queued: 1 }.into())
    }

    /// The agent of a node.
    pub async fn agent(&self, node: &str) -> Result<Option<Agent>, Error> {
        Ok(self.entry(node).await?.map(|(_, kept)| kept.agent))
    }

    /// Some agents behind a name, in the order of their nodes.
    pub async fn agents(&self, after: Option<&str>, limit: usize) -> Result<Vec<Agent>, StoreError> {
        let whole = Range::prefix(NODES);
        let range = match after {
            Some(after) => Range { start: [node_key(after).as_bytes(), b"\0"].concat().into(), ..whole },
            None => whole,
        };
        let found = self.0.store.range(range.limit(limit)).await?;
        Ok(found.iter().filter_map(read_agent).map(|kept| kept.agent).collect())
    }

    /// Revokes the agent of a node: from now on no certificate of it is good. None where there is none.
    pub async fn revoke(&self, node: &str, now: Time) -> Result<Option<Agent>, Error> {
        for _ in 0..TRIES {
            let Some((entry, mut kept)) = self.entry(node).await? else { return Ok(None) };
            if kept.agent.revoked_at.is_some() {
                return Ok(Some(kept.agent));
            }
            kept.agent.revoked_at = Some(now);
            let txn = Txn::new().when_at(node_key(node), entry.revision).put(node_key(node), written(&kept));
            match self.0.store.commit(txn).await {
                Ok(_) => return Ok(Some(kept.agent)),
                Err(StoreError::Precondition { .. }) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Err(StoreError::Busy { queued: 1 }.into())
    }

    /// The agent that a certificate counts for.
    async fn counts(&self, shown: Fingerprint, now: Time) -> Result<(Entry, Kept), Error> {
        let text = shown.to_string();
        let node = self.0.store.get(certificate_key(&text).as_bytes()).await?;
        let node = node.ok_or(Refused::UnknownCertificate)?;
        let node = String::from_utf8_lossy(&node.value).into_owned();
        let (entry, kept) = self.entry(&node).await?.ok_or(Refused::UnknownCertificate)?;
        let agent = &kept.agent;
        if let Some(at) = agent.revoked_at {
            return Err(Refused::Revoked { node, at }.into());
        }
        let own = [Some(&agent.certificate), agent.next.as_ref()];
        let Some(own) = own.into_iter().flatten().find(|own| own.fingerprint == text) else {
            return Err(Refused::Superseded { node }.into());
        };
        if own.not_after <= now {
            return Err(Refused::CertificateOver { node, until: own.not_after }.into());
        }
        Ok((entry, kept))
    }

    async fn entry(&self, node: &str) -> Result<Option<(Entry, Kept)>, Error> {
        let Some(entry) = self.0.store.get(node_key(node).as_bytes()).await? else { return Ok(None) };
        let kept = read_agent(&entry).ok_or_else(|| Error::Damaged(format!("the agent of {node}")))?;
        Ok(Some((entry, kept)))
    }
}

/// Whether somebody may join by a token. What is wrong with it is told to nobody who does not have its secret.
fn judge(kept: &token::Kept, token: &JoinToken, node: &str, now: Time) -> Result<(), Refused> {
    let view = &kept.view;
    if !is_equal(&kept.hash, &hash(&token.secret)) {
        return Err(Refused::UnknownToken);
    }
    if view.expires_at <= now {
        return Err(Refused::TokenOver(view.expires_at));
    }
    if view.used >= view.uses {
        return Err(Refused::TokenUsedUp(view.used_at.unwrap_or(now)));
    }
    if !windlass_model::name::is_slug(node) || node.len() > 253 {
        return Err(Refused::BadName(node.chars().take(80).collect()));
    }
    if !is_for(view, node) {
        return Err(Refused::OtherNode { node: node.to_owned(), nodes: view.nodes.clone() });
    }
    Ok(())
}

/// All certificates of an agent that another one takes the place of.
fn retired(kept: Kept) -> Vec<Certificate> {
    let Kept { agent, mut old, .. } = kept;
    old.push(agent.certificate);
    old.extend(agent.next);
    old
}

/// Forgets those that have ended.
fn swept(mut txn: Txn, old: Vec<Certificate>, now: Time) -> (Txn, Vec<Certificate>) {
    let (over, left): (Vec<_>, Vec<_>) = old.into_iter().partition(|it| it.not_after <= now);
    for certificate in over {
        txn = txn.delete(certificate_key(&certificate.fingerprint));
    }
    (txn, left)
}

fn of(issued: &Issued) -> Certificate {
    Certificate {
        serial: issued.serial.clone(),
        fingerprint: Fingerprint::of(&issued.der).to_string(),
        not_after: issued.not_after,
    }
}

fn read_token(entry: &Entry) -> Option<token::Kept> {
    serde_json::from_slice(&entry.value).ok().filter(|kept: &token::Kept| kept.v <= token::VERSION)
}

fn read_agent(entry: &Entry) -> Option<Kept> {
    serde_json::from_slice(&entry.value).ok().filter(|kept: &Kept| kept.v <= agent::VERSION)
}

fn written(what: &impl serde::Serialize) -> Vec<u8> {
    serde_json::to_vec(what).unwrap_or_default()
}

fn token_key(id: &str) -> String {
    format!("{TOKENS}{id}")
}

fn node_key(node: &str) -> String {
    format!("{NODES}{node}")
}

fn certificate_key(fingerprint: &str) -> String {
    format!("{CERTIFICATES}{fingerprint}")
}

#[cfg(test)]
mod tests;
