//! Whether an ID token proves what it says: who signed it, for whom, about which sign-in, and when.

use jsonwebtoken::{Algorithm, Header, Validation, decode, decode_header, get_current_timestamp};
use serde_json::{Map, Value};

use crate::error::Error;
use crate::keys::{Keys, is_allowed, use_ring};

/// What a token has to say.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Expected<'a> {
    pub(crate) issuer: &'a str,
    /// Who it is for: we.
    pub(crate) client: &'a str,
    /// Who it may be for, too.
    pub(crate) others: &'a [String],
    /// The word of this sign-in, where there was one to say.
    pub(crate) nonce: Option<&'a str>,
}

/// Why a token is not taken.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Wrong {
    /// It may be signed by a key that is new.
    UnknownKey,
    /// Something else.
    Because(String),
}

/// How far clocks may be apart, in seconds.
const LEEWAY: u64 = 60;

// === impl Wrong ===

impl From<Wrong> for Error {
    fn from(wrong: Wrong) -> Self {
        match wrong {
            Wrong::UnknownKey => {
                Self::refused("its ID token is signed by a key that the provider does not have")
            }
            Wrong::Because(why) => Self::Refused(why),
        }
    }
}

fn because<T>(why: impl Into<String>) -> Result<T, Wrong> {
    Err(Wrong::Because(why.into()))
}

/// What a token says, if all of it is as it should be.
pub(crate) fn verify(token: &str, keys: &Keys, expected: &Expected<'_>) -> Result<Map<String, Value>, Wrong> {
    use_ring();
    let header = match decode_header(token) {
        Ok(header) => header,
        // One that has no algorithm, or one that nobody knows, is none.
        Err(error) => return because(format!("its ID token cannot be read: {error}")),
    };
    let Header { alg, kid, .. } = header;
    if !is_allowed(alg) {
        return because(format!("its ID token is signed by {alg:?}, which proves nothing here"));
    }
    let candidates = keys.candidates(kid.as_deref(), alg);
    if candidates.is_empty() {
        return Err(Wrong::UnknownKey);
    }
    let validation = validation(alg, expected);
    let mut why = None;
    for key in candidates {
        match decode::<Map<String, Value>>(token, &key, &validation) {
            Ok(data) => {
                also(&data.claims, expected)?;
                return Ok(data.claims);
            }
            Err(error) => why = Some(error.to_string()),
        }
    }
    because(format!("its ID token is not good: {}", why.unwrap_or_default()))
}

fn validation(algorithm: Algorithm, expected: &Expected<'_>) -> Validation {
    let mut validation = Validation::new(algorithm);
    validation.set_issuer(&[expected.issuer]);
    validation.set_audience(&[expected.client]);
    validation.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
    validation.validate_nbf = true;
    validation.leeway = LEEWAY;
    validation
}

/// What is left to be looked at.
fn also(claims: &Map<String, Value>, expected: &Expected<'_>) -> Result<(), Wrong> {
    if claims.get("iss").and_then(Value::as_str) != Some(expected.issuer) {
        return because("its ID token is of another issuer");
    }
    if let Some(Value::Array(all)) = claims.get("aud") {
        let is_known = |one: &Value| {
            one.as_str()
                .is_some_and(|one| one == expected.client || expected.others.iter().any(|it| it == one))
        };
        if !all.iter().all(is_known) {
            return because("its ID token is for somebody else, too, whom nobody here knows");
        }
    }
    if claims.get("azp").is_some_and(|azp| azp.as_str() != Some(expected.client)) {
        return because("its ID token was given to somebody else");
    }
    let issued = claims.get("iat").and_then(Value::as_f64);
    if issued.is_none_or(|at| at > get_current_timestamp().saturating_add(LEEWAY) as f64) {
        return because("its ID token was made in the future, or does not say when");
    }
    if let Some(nonce) = expected.nonce
        && claims.get("nonce").and_then(Value::as_str) != Some(nonce)
    {
        return because("its ID token is of another sign-in");
    }
    Ok(())
}
