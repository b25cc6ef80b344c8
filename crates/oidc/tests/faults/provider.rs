//! A provider that does wrong on demand, and what it does not do wrong it does as the standard says.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::{SystemTime, UNIX_EPOCH};

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use data_encoding::{BASE64, BASE64URL_NOPAD};
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
use ring::{digest, hmac};
use serde_json::{Map, Value, json};
use tokio::net::TcpListener;

/// The provider.
pub(crate) struct Fake {
    pub(crate) issuer: String,
    shared: Arc<Mutex<Shared>>,
}

/// What it says otherwise.
type Change = Box<dyn Fn(&mut Map<String, Value>) + Send>;

/// What it does wrong.
pub(crate) struct Twist {
    pub(crate) claims: Change,
    pub(crate) signs: Signs,
    /// What it says to who asks for more.
    pub(crate) more: Value,
}

/// How it signs.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Signs {
    Well,
    /// `alg: none`
    Not,
    /// With what it has in common with the client.
    BySecret,
    ByAnother,
    Wrongly,
    AsUnknown,
    /// By the key that it had before.
    ByOld,
}

struct Shared {
    issuer: String,
    keys: Vec<EcdsaKeyPair>,
    asked: HashMap<&'static str, usize>,
    offers: Map<String, Value>,
    /// The sign-in that is under way, with its nonce and challenge.
    pending: Option<(Twist, Option<String>, String)>,
    typed: Option<Twist>,
    more: Value,
}

impl Default for Twist {
    fn default() -> Self {
        Self { claims: Box::new(|_| ()), signs: Signs::Well, more: Value::Null }
    }
}

impl Fake {
    pub(crate) async fn begin() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let issuer = format!("http://{}", listener.local_addr().unwrap());
        let shared = Arc::new(Mutex::new(Shared {
            issuer: issuer.clone(),
            keys: vec![key()],
            asked: HashMap::new(),
            offers: Map::new(),
            pending: None,
            typed: None,
            more: Value::Null,
        }));
        let router = Router::new()
            .route("/.well-known/openid-configuration", get(discovery))
            .route("/keys", get(keys))
            .route("/token", post(token))
            .route("/device", post(device))
            .route("/me", get(me))
            .with_state(Arc::clone(&shared));
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { issuer, shared }
    }

    pub(crate) fn now(&self) -> u64 {
        SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
    }

    /// Somebody signs in who came by this address.
    pub(crate) fn expects(&self, location: &str, twist: Twist) {
        let fields = fields(location.split_once('?').unwrap().1);
        assert_eq!(
            (fields["response_type"].as_str(), fields["code_challenge_method"].as_str()),
            ("code", "S256")
        );
        assert_eq!(fields["scope"], "openid%20email");
        let (nonce, challenge) = (fields["nonce"].clone(), fields["code_challenge"].clone());
        self.shared.lock().unwrap().pending = Some((twist, Some(nonce), challenge));
    }

    pub(crate) fn was_typed(&self, twist: Twist) {
        self.shared.lock().unwrap().typed = Some(twist);
    }

    pub(crate) fn rotates(&self) {
        self.shared.lock().unwrap().keys.push(key());
    }

    pub(crate) fn offers(&self, name: &str, value: Value) {
        self.shared.lock().unwrap().offers.insert(name.to_owned(), value);
    }

    pub(crate) fn asked(&self, what: &str) -> usize {
        self.shared.lock().unwrap().asked.get(what).copied().unwrap_or_default()
    }
}

type Sharing = State<Arc<Mutex<Shared>>>;

async fn discovery(State(shared): Sharing) -> Json<Value> {
    let mut shared = shared.lock().unwrap();
    *shared.asked.entry("discovery").or_default() += 1;
    let at = &shared.issuer;
    let mut offers = json!({
        "issuer": at,
        "authorization_endpoint": format!("{at}/authorize"),
        "token_endpoint": format!("{at}/token"),
        "jwks_uri": format!("{at}/keys"),
        "userinfo_endpoint": format!("{at}/me"),
        "device_authorization_endpoint": format!("{at}/device"),
    });
    offers.as_object_mut().unwrap().extend(shared.offers.clone());
    Json(offers)
}

async fn keys(State(shared): Sharing) -> Json<Value> {
    let mut shared = shared.lock().unwrap();
    *shared.asked.entry("keys").or_default() += 1;
    let newest = shared.keys.last().unwrap().public_key().as_ref().to_vec();
    let (x, y) = newest[1..].split_at(32);
    let (x, y, kid) = (BASE64URL_NOPAD.encode(x), BASE64URL_NOPAD.encode(y), shared.keys.len().to_string());
    // Beside it there are such as nobody can use.
    Json(json!({"keys": [
        {"kty": "new", "kid": kid, "z": 5},
        {"kty": "EC", "crv": "P-256", "x": x, "y": y, "kid": kid, "use": "sig"},
    ]}))
}

async fn token(State(shared): Sharing, headers: HeaderMap, body: String) -> Response {
    let mut shared = shared.lock().unwrap();
    let fields = fields(&body);
    let basic = format!("Basic {}", BASE64.encode(b"windlass:a%20secret"));
    if headers.get("authorization").and_then(|it| it.to_str().ok()) != Some(&basic) {
        return declined("invalid_client");
    }
    let (twist, nonce) = match fields["grant_type"].as_str() {
        "authorization_code" => {
            let Some((twist, nonce, challenge)) = shared.pending.take() else {
                return declined("invalid_grant");
            };
            let answer = digest::digest(&digest::SHA256, fields["code_verifier"].as_bytes());
            if challenge != BASE64URL_NOPAD.encode(answer.as_ref()) || fields["code"] != "code" {
                return declined("invalid_grant");
            }
            (twist, nonce)
        }
        _ => match shared.typed.take() {
            Some(twist) => (twist, None),
            None if shared.asked.contains_key("typed") => return declined("expired_token"),
            None => return declined("authorization_pending"),
        },
    };
    if nonce.is_none() {
        shared.asked.insert("typed", 1);
    }
    shared.more = twist.more.clone();
    let id_token = shared.signed(&twist, nonce);
    Json(json!({"id_token": id_token, "access_token": "access", "token_type": "Bearer"})).into_response()
}

async fn device(State(shared): Sharing, body: String) -> Json<Value> {
    assert_eq!(fields(&body)["client_id"], "windlass");
    let at = &shared.lock().unwrap().issuer;
    Json(json!({
        "device_code": "a device",
        "user_code": "ABCD\u{1b}-EFGH",
        "verification_uri": format!("{at}/type"),
        "expires_in": 600,
    }))
}

async fn me(State(shared): Sharing, headers: HeaderMap) -> Json<Value> {
    assert_eq!(headers["authorization"], "Bearer access");
    Json(shared.lock().unwrap().more.clone())
}

fn declined(error: &str) -> Response {
    (StatusCode::BAD_REQUEST, Json(json!({"error": error, "error_description": "so\nit is"}))).into_response()
}

impl Shared {
    fn signed(&self, twist: &Twist, nonce: Option<String>) -> String {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
        let mut claims = json!({
            "iss": self.issuer, "aud": "windlass", "sub": "ann-1", "iat": now, "exp": now + 300,
            "name": "Ann", "groups": ["web"],
        });
        let claims = claims.as_object_mut().unwrap();
        claims.extend(nonce.map(|nonce| ("nonce".to_owned(), json!(nonce))));
        (twist.claims)(claims);
        let (algorithm, kid) = match twist.signs {
            Signs::Not => ("none", self.keys.len()),
            Signs::BySecret => ("HS256", self.keys.len()),
            Signs::AsUnknown => ("ES256", 99),
            Signs::ByOld => ("ES256", self.keys.len() - 1),
            _ => ("ES256", self.keys.len()),
        };
        let part = |value: &Value| BASE64URL_NOPAD.encode(value.to_string().as_bytes());
        let head = part(&json!({"alg": algorithm, "typ": "JWT", "kid": kid.to_string()}));
        let message = format!("{head}.{}", part(&json!(claims)));
        let sign = |key: &EcdsaKeyPair, text: &str| {
            key.sign(&SystemRandom::new(), text.as_bytes()).unwrap().as_ref().to_vec()
        };
        let signature = match twist.signs {
            Signs::Not => Vec::new(),
            Signs::BySecret => {
                let secret = hmac::Key::new(hmac::HMAC_SHA256, b"a secret");
                hmac::sign(&secret, message.as_bytes()).as_ref().to_vec()
            }
            Signs::ByAnother => sign(&key(), &message),
            Signs::Wrongly => sign(self.keys.last().unwrap(), "something else"),
            Signs::ByOld => sign(&self.keys[self.keys.len() - 2], &message),
            Signs::Well | Signs::AsUnknown => sign(self.keys.last().unwrap(), &message),
        };
        format!("{message}.{}", BASE64URL_NOPAD.encode(&signature))
    }
}

fn key() -> EcdsaKeyPair {
    let algorithm = &ECDSA_P256_SHA256_FIXED_SIGNING;
    let document = EcdsaKeyPair::generate_pkcs8(algorithm, &SystemRandom::new()).unwrap();
    EcdsaKeyPair::from_pkcs8(algorithm, document.as_ref(), &SystemRandom::new()).unwrap()
}

fn fields(text: &str) -> HashMap<String, String> {
    let pairs = text.split('&').map(|pair| pair.split_once('=').unwrap());
    pairs.map(|(key, value)| (key.to_owned(), value.to_owned())).collect()
}
