//! A provider: what it offers, its keys, and the questions that are asked of it. What it said is kept for a while; a provider
//! that does not answer is not asked by everybody at once.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use data_encoding::BASE64;
use http::{HeaderValue, Method, Request, StatusCode, header};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use tokio::sync::{Mutex, Semaphore};
use windlass_outbound::{Bounds, Outbound, is_safe};
use zeroize::Zeroizing;

use crate::claims::{Identity, Wanted};
use crate::error::Error;
use crate::keys::Keys;
use crate::sealed::Seal;
use crate::verify::{Expected, Wrong, verify};

/// How a provider is known, and how it knows us.
#[derive(Clone)]
pub struct Options {
    /// Its address, as it stands in its tokens.
    pub issuer: String,
    /// What we are called there.
    pub client_id: String,
    /// What we show there, unless it knows us without.
    pub client_secret: Option<Zeroizing<String>>,
    /// Where it sends browsers back to.
    pub redirect: String,
    /// What is asked for, `openid` always.
    pub scopes: Vec<String>,
    /// The claim that names a user.
    pub user_claim: String,
    /// The claim that has their groups.
    pub groups_claim: Option<String>,
    /// Whom a token may be for beside us.
    pub audiences: Vec<String>,
    /// Whether terminals may sign in by a code that is typed elsewhere, where the provider offers that.
    pub device: bool,
    /// Certificates to trust, in PEM; those of this machine unless given.
    pub ca: Option<PathBuf>,
}

/// A provider. Clones share what is known of it.
#[derive(Clone)]
pub struct Provider(Arc<Inner>);

struct Inner {
    options: Options,
    outbound: Outbound,
    seal: Seal,
    offer: Mutex<Kept<Offer>>,
    keys: Mutex<Kept<Keys>>,
    /// How many questions are asked of it at once.
    room: Semaphore,
}

/// What was asked last, and when.
struct Kept<T> {
    good: Option<(Instant, Arc<T>)>,
    bad: Option<(Instant, Error)>,
}

/// What a provider says of itself.
#[derive(Debug, Deserialize)]
pub(crate) struct Offer {
    issuer: String,
    pub(crate) authorization_endpoint: String,
    pub(crate) token_endpoint: String,
    jwks_uri: String,
    userinfo_endpoint: Option<String>,
    pub(crate) device_authorization_endpoint: Option<String>,
    token_endpoint_auth_methods_supported: Option<Vec<String>>,
    #[serde(default)]
    pub(crate) authorization_response_iss_parameter_supported: bool,
}

/// What a provider gives for a code.
#[derive(Deserialize)]
pub(crate) struct Given {
    id_token: Option<String>,
    access_token: Option<String>,
}

/// Why it gives nothing.
#[derive(Debug, Deserialize)]
pub(crate) struct Declined {
    pub(crate) error: String,
    #[serde(default)]
    error_description: String,
}

/// How long what a provider says of itself counts.
const OFFER_COUNTS: Duration = Duration::from_secs(3600);
/// How long its keys count: one that it gave up is good for so long at the most.
const KEYS_COUNT: Duration = Duration::from_secs(300);
/// How long it is left alone when it did not answer.
const REST: Duration = Duration::from_secs(5);
/// How many questions are asked of it at once.
const AT_ONCE: usize = 32;
/// What stands for itself in a form.
const PLAIN: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

// === impl Provider ===

impl Provider {
    /// Nothing is asked of it yet.
    pub fn new(options: Options) -> Result<Self, Error> {
        let outbound = Outbound::new(options.ca.as_deref(), Bounds::default());
        let outbound = outbound.map_err(|error| Error::provider(&error))?;
        Ok(Self(Arc::new(Inner {
            options,
            outbound,
            seal: Seal::new()?,
            offer: Mutex::new(Kept::nothing()),
            keys: Mutex::new(Kept::nothing()),
            room: Semaphore::new(AT_ONCE),
        })))
    }

    /// The address of the provider.
    #[must_use]
    pub fn issuer(&self) -> &str {
        &self.0.options.issuer
    }

    pub(crate) fn options(&self) -> &Options {
        &self.0.options
    }

    pub(crate) fn seal(&self) -> &Seal {
        &self.0.seal
    }

    /// What it offers.
    pub(crate) async fn offer(&self) -> Result<Arc<Offer>, Error> {
        let mut kept = self.0.offer.lock().await;
        if let Some(known) = kept.known(OFFER_COUNTS)? {
            return Ok(known);
        }
        let issuer = &self.0.options.issuer;
        let url = format!("{}/.well-known/openid-configuration", issuer.trim_end_matches('/'));
        let asked = self.json::<Offer>(get(&url)?).await.and_then(|offer| offer.judged(issuer));
        kept.note(asked)
    }

    /// Its keys, where they were asked for within this time; asked for anew, else.
    async fn keys(&self, offer: &Offer, counts: Duration) -> Result<Arc<Keys>, Error> {
        let mut kept = self.0.keys.lock().await;
        if let Some(known) = kept.known(counts)? {
            return Ok(known);
        }
        let asked = async {
            let answer = self.send(get(&offer.jwks_uri)?).await?;
            Keys::read(good(&answer, &offer.jwks_uri)?).map_err(|error| strange(&offer.jwks_uri, &error))
        };
        kept.note(asked.await)
    }

    /// Whom a token is about, and what else its owner may have asked, if all of it is good.
    pub(crate) async fn identity(
        &self,
        offer: &Offer,
        given: &Given,
        nonce: Option<&str>,
    ) -> Result<Identity, Error> {
        let options = &self.0.options;
        let token = given.id_token.as_deref();
        let token = token.ok_or_else(|| Error::Provider("it gave no ID token".to_owned()))?;
        let expected = Expected {
            issuer: &options.issuer,
            client: &options.client_id,
            others: &options.audiences,
            nonce,
        };
        let verified = verify(token, &*self.keys(offer, KEYS_COUNT).await?, &expected);
        let mut claims = match verified {
            // It comes from the provider itself, which may have new keys: nobody else can have them asked for.
            Err(Wrong::UnknownKey) => verify(token, &*self.keys(offer, Duration::ZERO).await?, &expected)?,
            verified => verified?,
        };
        let wanted = Wanted { user: &options.user_claim, groups: options.groups_claim.as_deref() };
        if wanted.is_missing(&claims)
            && let (Some(url), Some(access)) = (&offer.userinfo_endpoint, &given.access_token)
        {
            let more = self.more(url, access).await?;
            // What is said of somebody else is no word about them.
            if more.get("sub") != claims.get("sub") {
                return Err(Error::refused("the provider speaks of somebody else"));
            }
            for (name, value) in more {
                claims.entry(name).or_insert(value);
            }
        }
        wanted.identity(&options.issuer, &claims)
    }

    /// What the provider says of who has an access token.
    async fn more(&self, url: &str, access: &str) -> Result<Map<String, Value>, Error> {
        let mut request = get(url)?;
        let mut value = HeaderValue::try_from(format!("Bearer {access}"))
            .map_err(|_| Error::Provider("its access token is none".to_owned()))?;
        value.set_sensitive(true);
        request.headers_mut().insert(header::AUTHORIZATION, value);
        self.json(request).await
    }

    /// Sends a form as the client that we are.
    pub(crate) async fn form<T: DeserializeOwned>(
        &self,
        offer: &Offer,
        url: &str,
        fields: &[(&str, &str)],
    ) -> Result<Result<T, Declined>, Error> {
        let options = &self.0.options;
        let id = escaped(&options.client_id);
        let mut body = Zeroizing::new(format!("{}&client_id={id}", form(fields)));
        let mut request = Request::new(Bytes::new());
        match &options.client_secret {
            None => {}
            Some(secret) if offer.takes_basic() => {
                let pair = Zeroizing::new(format!("{id}:{}", escaped(secret)));
                let mut value = HeaderValue::try_from(format!("Basic {}", BASE64.encode(pair.as_bytes())))
                    .map_err(|error| Error::provider(&error))?;
                value.set_sensitive(true);
                request.headers_mut().insert(header::AUTHORIZATION, value);
            }
            Some(secret) => {
                let secret = Zeroizing::new(escaped(secret));
                body.push_str(&format!("&client_secret={}", *secret));
            }
        }
        *request.method_mut() = Method::POST;
        *request.uri_mut() = url.parse().map_err(|_| nowhere(url))?;
        let headers = request.headers_mut();
        let media = HeaderValue::from_static("application/x-www-form-urlencoded");
        headers.insert(header::CONTENT_TYPE, media);
        headers.insert(header::ACCEPT, HeaderValue::from_static("application/json"));
        *request.body_mut() = Bytes::from(body.as_bytes().to_vec());
        let answer = self.send(request).await?;
        if answer.status() != StatusCode::OK
            && let Ok(declined) = serde_json::from_slice::<Declined>(answer.body())
        {
            return Ok(Err(declined));
        }
        serde_json::from_slice(good(&answer, url)?).map(Ok).map_err(|error| strange(url, &error))
    }

    async fn json<T: DeserializeOwned>(&self, request: Request<Bytes>) -> Result<T, Error> {
        let url = request.uri().to_string();
        let answer = self.send(request).await?;
        serde_json::from_slice(good(&answer, &url)?).map_err(|error| strange(&url, &error))
    }

    async fn send(&self, request: Request<Bytes>) -> Result<http::Response<Bytes>, Error> {
        let busy = |_| Error::Provider("too much is asked of it already".to_owned());
        let _permit = self.0.room.try_acquire().map_err(busy)?;
        self.0.outbound.send(request).await.map_err(|error| Error::provider(&error))
    }
}

impl std::fmt::Debug for Provider {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Provider").field("issuer", &self.0.options.issuer).finish_non_exhaustive()
    }
}

// === impl Options ===

impl std::fmt::Debug for Options {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Options")
            .field("issuer", &self.issuer)
            .field("client_id", &self.client_id)
            .finish_non_exhaustive()
    }
}

// === impl Kept ===

impl<T> Kept<T> {
    fn nothing() -> Self {
        Self { good: None, bad: None }
    }

    /// What is known and counts still; the failure, where the last try is so fresh that there is no other one yet.
    fn known(&self, counts: Duration) -> Result<Option<Arc<T>>, Error> {
        if let Some((at, known)) = &self.good
            && at.elapsed() < counts
        {
            return Ok(Some(Arc::clone(known)));
        }
        match &self.bad {
            Some((at, error)) if at.elapsed() < REST => Err(error.clone()),
            _ => Ok(None),
        }
    }

    fn note(&mut self, asked: Result<T, Error>) -> Result<Arc<T>, Error> {
        match asked {
            Ok(known) => {
                let known = Arc::new(known);
                (self.good, self.bad) = (Some((Instant::now(), Arc::clone(&known))), None);
                Ok(known)
            }
            Err(error) => {
                tracing::warn!(%error, "nobody can sign in by the provider of identities for now");
                self.bad = Some((Instant::now(), error.clone()));
                Err(error)
            }
        }
    }
}

// === impl Offer ===

impl Offer {
    /// It is the one that was meant, and what is sent to it nobody else reads.
    fn judged(self, issuer: &str) -> Result<Self, Error> {
        if self.issuer != issuer {
            return Err(Error::Provider(format!(
                "it calls itself `{}`, and `{issuer}` was asked; both have to be the same to the letter",
                self.issuer
            )));
        }
        let all = [&self.authorization_endpoint, &self.token_endpoint, &self.jwks_uri].into_iter();
        let others = [&self.userinfo_endpoint, &self.device_authorization_endpoint].into_iter().flatten();
        if let Some(url) = all.chain(others).find(|url| !is_safe(url)) {
            let why = format!("it wants to be spoken to at `{url}`, which is not of https");
            return Err(Error::Provider(why));
        }
        Ok(self)
    }

    /// Whether it takes our secret in a header, which is what counts where it does not say.
    fn takes_basic(&self) -> bool {
        let methods = self.token_endpoint_auth_methods_supported.as_deref();
        methods.is_none_or(|methods| methods.iter().any(|method| method == "client_secret_basic"))
    }
}

// === impl Declined ===

impl Declined {
    /// Why, where it is about what was shown and not about us.
    pub(crate) fn error(&self) -> Error {
        // What others say may be anything, and is read by people.
        let said: String = format!("{} {}", self.error, self.error_description)
            .chars()
            .map(|char| if char.is_control() { ' ' } else { char })
            .take(300)
            .collect();
        match self.error.as_str() {
            "invalid_client" | "unauthorized_client" | "invalid_scope" | "unsupported_grant_type" => {
                Error::Provider(format!("it does not take us for its client: {}", said.trim()))
            }
            _ => Error::Refused(format!("the provider says: {}", said.trim())),
        }
    }
}

fn get(url: &str) -> Result<Request<Bytes>, Error> {
    let mut request = Request::new(Bytes::new());
    *request.uri_mut() = url.parse().map_err(|_| nowhere(url))?;
    request.headers_mut().insert(header::ACCEPT, HeaderValue::from_static("application/json"));
    Ok(request)
}

fn good<'a>(answer: &'a http::Response<Bytes>, url: &str) -> Result<&'a [u8], Error> {
    if answer.status() == StatusCode::OK {
        return Ok(answer.body());
    }
    Err(Error::Provider(format!("{url} answered with {}", answer.status())))
}

fn strange(url: &str, error: &serde_json::Error) -> Error {
    Error::Provider(format!("what {url} answered cannot be read: {error}"))
}

fn nowhere(url: &str) -> Error {
    Error::Provider(format!("`{url}` is no address"))
}

/// Fields as they stand in a form, or behind a `?`.
pub(crate) fn form(fields: &[(&str, &str)]) -> String {
    let fields = fields.iter().map(|(key, value)| format!("{key}={}", escaped(value)));
    fields.collect::<Vec<_>>().join("&")
}

fn escaped(text: &str) -> String {
    utf8_percent_encode(text, PLAIN).to_string()
}
