//! Who somebody is here that a provider knows. Only a User that says so is they: a name that somebody chose over there is no
//! reason to be taken for anybody.

use axum::http::StatusCode;
use serde_json::json;
use windlass_access::{Ambiguous, Noted, Outcome, Principal, Verb};
use windlass_model::name::is_slug;
use windlass_model::{Value, code};
use windlass_objects::kinds::{self, UserIdentity};
use windlass_objects::{Author, Error as ObjectError, Write};
use windlass_oidc::{Error, Identity};

use super::{GROUP_MARK, SignOn};
use crate::answer::Problem;
use crate::api::Api;

/// Whom we call ourselves where nobody asks.
const OURSELVES: &str = "windlass";
/// The longest name that is made.
const LONGEST: usize = 63;

/// Who somebody is, and a note that they signed in, or why they may not.
pub(super) async fn known(
    api: &Api,
    on: &SignOn,
    identity: Identity,
    from: &str,
) -> Result<Principal, Problem> {
    let key = UserIdentity { issuer: identity.issuer.clone(), subject: identity.subject.clone() };
    let found = find(api, &key);
    let user = match found {
        Ok(Some(user)) => Ok(user),
        Ok(None) if on.create => create(api, &identity, &key, from).await,
        Ok(None) => Err(unknown(&key, "nobody here is who the provider says that you are")),
        Err(Ambiguous) => {
            Err(unknown(&key, "several users say that they are who the provider says that you are"))
        }
    };
    let user = user.and_then(|user| match api.parts().rights.people().is_welcome(&user) {
        true => Ok(user),
        false => Err(Problem::new(
            StatusCode::FORBIDDEN,
            &code::FORBIDDEN,
            format!("{user} may not sign in for now"),
        )),
    });
    match user {
        Ok(user) => {
            note(api, &user, from, Outcome::Done, said(&key)).await?;
            let groups = identity.groups.iter().map(|group| format!("{GROUP_MARK}{group}")).collect();
            Ok(Principal { user, namespaces: None, verbs: None, groups })
        }
        Err(problem) => {
            // They are no user, and must not look like one.
            let who = format!("{GROUP_MARK}{}", key.subject);
            note(api, &who, from, Outcome::Denied, said(&key)).await?;
            Err(problem)
        }
    }
}

/// Notes that somebody could not show who they are.
pub(super) async fn refused(api: &Api, from: &str, error: Error) -> Result<Problem, Problem> {
    // A provider that cannot be asked says nothing about anybody.
    if let Error::Refused(why) = &error {
        note(api, GROUP_MARK, from, Outcome::Denied, json!({"why": why})).await?;
    }
    Ok(error.into())
}

fn find(api: &Api, key: &UserIdentity) -> Result<Option<String>, Ambiguous> {
    api.parts().rights.people().identified(key).map(|user| user.map(str::to_owned))
}

/// Makes a user of somebody, without any right.
async fn create(api: &Api, identity: &Identity, key: &UserIdentity, from: &str) -> Result<String, Problem> {
    let wanted = identity.name.as_deref().unwrap_or(&identity.subject);
    let name = slug(wanted)
        .filter(|name| name != OURSELVES)
        .ok_or_else(|| unknown(key, "the provider says no name that a user can have here"))?;
    let spec = json!({"displayName": identity.display_name, "identities": [key]});
    let document = json!({"metadata": {"name": name}, "spec": spec});
    let author = Author { user: OURSELVES.to_owned(), at: api.now() };
    let parts = api.parts();
    let made = parts.objects.create(&kinds::USER, document, None, Write::default(), &author).await;
    parts.rights.refresh(&parts.objects).await?;
    match made {
        Ok(_) => {}
        // It may be they, and have signed in twice at once; it may be somebody else, and stays so.
        Err(ObjectError::Exists { .. }) => {
            return match find(api, key) {
                Ok(Some(user)) => Ok(user),
                _ => {
                    Err(unknown(key, "there is a user of that name already, who does not say that it is you"))
                }
            };
        }
        Err(error) => return Err(error.into()),
    }
    let noted = Noted {
        at: api.now(),
        user: OURSELVES.to_owned(),
        from: from.to_owned(),
        verb: Verb::Write.word().to_owned(),
        resource: format!("User {name}"),
        outcome: Outcome::Done,
        before: Value::Null,
        after: spec,
    };
    parts.audit.note(noted).await?;
    Ok(name)
}

fn said(key: &UserIdentity) -> Value {
    json!({"identity": key})
}

fn unknown(key: &UserIdentity, why: &str) -> Problem {
    let UserIdentity { issuer, subject } = key;
    let detail = format!("{why}: `{subject}` of {issuer}");
    Problem::new(StatusCode::FORBIDDEN, &code::UNKNOWN_IDENTITY, detail).hint(format!(
        "somebody who may write users puts `identities: [{{issuer: \"{issuer}\", subject: \"{subject}\"}}]` into one User"
    ))
}

async fn note(api: &Api, user: &str, from: &str, outcome: Outcome, after: Value) -> Result<(), Problem> {
    let noted = Noted {
        at: api.now(),
        user: user.to_owned(),
        from: from.to_owned(),
        verb: "signIn".to_owned(),
        resource: "Session".to_owned(),
        outcome,
        before: Value::Null,
        after,
    };
    api.parts().audit.note(noted).await?;
    Ok(())
}

/// A name that a user can have, made of what somebody is called.
fn slug(text: &str) -> Option<String> {
    let letters = text.chars().map(|char| match char {
        char if char.is_ascii_alphanumeric() || matches!(char, '-' | '_' | '.') => char.to_ascii_lowercase(),
        _ => '-',
    });
    let name: String = letters.skip_while(|char| !char.is_ascii_alphanumeric()).take(LONGEST).collect();
    is_slug(&name).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_made_of_what_somebody_is_called() {
        assert_eq!(slug("Ann@Example.org").as_deref(), Some("ann-example.org"));
        assert_eq!(slug("../admin").as_deref(), Some("admin"), "there is an admin, who is not they");
        assert_eq!(slug("日本").as_deref(), None);
        assert_eq!(slug(&"x".repeat(300)).map(|name| name.len()), Some(LONGEST));
    }
}
