//! Who somebody is, of what a provider says about them.

use serde_json::{Map, Value};

use crate::error::Error;

/// Somebody whom a provider knows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// The provider.
    pub issuer: String,
    /// What the provider calls them by the claim that names users; they cannot choose it.
    pub subject: String,
    /// What they would be called, if that is known; they may have chosen it.
    pub name: Option<String>,
    /// What people call them.
    pub display_name: String,
    /// The groups that the provider says they are in.
    pub groups: Vec<String>,
}

/// The claims that are looked for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wanted<'a> {
    pub(crate) user: &'a str,
    pub(crate) groups: Option<&'a str>,
}

/// The longest text that is taken.
const LONGEST: usize = 255;
/// How many groups somebody may be in.
const MOST_GROUPS: usize = 1000;
const EMAIL: &str = "email";

// === impl Wanted ===

impl Wanted<'_> {
    /// Whether the provider has to be asked for more.
    pub(crate) fn is_missing(&self, claims: &Map<String, Value>) -> bool {
        let lacks = |name: &str| !claims.contains_key(name);
        lacks(self.user) || self.groups.is_some_and(lacks)
    }

    /// Whom these are about.
    pub(crate) fn identity(&self, issuer: &str, claims: &Map<String, Value>) -> Result<Identity, Error> {
        let text = |name: &str| {
            let text = claims.get(name).and_then(Value::as_str)?;
            (!text.is_empty() && text.len() <= LONGEST && !text.chars().any(char::is_control)).then_some(text)
        };
        let subject = text(self.user)
            .ok_or_else(|| Error::refused(format!("the provider says no `{}` of who signs in", self.user)))?;
        // An address that nobody has tried may be anybody's.
        if self.user == EMAIL && claims.get("email_verified") != Some(&Value::Bool(true)) {
            return Err(Error::refused("the provider does not say that it has verified their address"));
        }
        let groups = match self.groups.and_then(|name| claims.get(name)) {
            Some(Value::Array(all)) => all.iter().filter_map(Value::as_str).collect(),
            Some(Value::String(one)) => vec![one.as_str()],
            _ => Vec::new(),
        };
        let groups = groups.into_iter().filter(|group| !group.is_empty() && group.len() <= LONGEST);
        Ok(Identity {
            issuer: issuer.to_owned(),
            subject: subject.to_owned(),
            name: text("preferred_username").or_else(|| text(EMAIL)).map(str::to_owned),
            display_name: text("name").unwrap_or_default().to_owned(),
            groups: groups.take(MOST_GROUPS).map(str::to_owned).collect(),
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn identity(user: &str, claims: &Value) -> Result<Identity, Error> {
        let wanted = Wanted { user, groups: Some("groups") };
        wanted.identity("https://id.example.org", claims.as_object().unwrap())
    }

    #[test]
    fn an_address_counts_when_the_provider_has_verified_it() {
        let claims = json!({"sub": "1", "email": "ann@example.org", "groups": ["web", 5, ""]});
        assert_eq!(identity("sub", &claims).unwrap().groups, ["web"]);
        assert!(identity("email", &claims).is_err());
        for (verified, is_good) in [(json!(true), true), (json!(false), false), (json!("true"), false)] {
            let claims = json!({"sub": "1", "email": "ann@example.org", "email_verified": verified});
            assert_eq!(identity("email", &claims).is_ok(), is_good, "{claims}");
        }
    }

    #[test]
    fn who_has_no_name_is_nobody() {
        for sub in [json!(null), json!(""), json!(7), json!("a\nb"), json!("x".repeat(256))] {
            assert!(identity("sub", &json!({"sub": sub})).is_err(), "{sub}");
        }
        assert!(Wanted { user: "email", groups: None }.is_missing(json!({"sub": "1"}).as_object().unwrap()));
    }
}
