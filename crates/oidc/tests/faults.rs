//! What a provider, or somebody between, may do wrong, and a good one does not: each is refused. That a good one is understood,
//! the tests of the server show with a real one.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

mod faults {
    pub(crate) mod provider;
}

use serde_json::{Map, Value, json};
use windlass_oidc::{After, Answer, Error, Identity, Options, Polled, Provider};

use self::faults::provider::{Fake, Signs, Twist};

fn options(fake: &Fake) -> Options {
    Options {
        issuer: fake.issuer.clone(),
        client_id: "windlass".into(),
        client_secret: Some("a secret".to_owned().into()),
        redirect: "https://windlass.example.org/api/v1/oidc/callback".into(),
        scopes: vec!["email".into()],
        user_claim: "sub".into(),
        groups_claim: Some("groups".into()),
        audiences: vec!["a friend".into()],
        device: true,
        ca: None,
    }
}

async fn signs_in(fake: &Fake, provider: &Provider, twist: Twist) -> Result<Identity, Error> {
    let begun = provider.begin(After::Page("/runs".into())).await?;
    fake.expects(&begun.location, twist);
    let answer = Answer { state: Some(begun.state), code: Some("code".into()), ..Answer::default() };
    let (identity, after) = provider.complete(Some(&begun.sealed), &answer).await?;
    assert!(after == After::Page("/runs".into()));
    Ok(identity)
}

fn says(change: impl Fn(&mut Map<String, Value>) + Send + 'static) -> Twist {
    Twist { claims: Box::new(change), ..Twist::default() }
}

fn with(name: &'static str, value: Value) -> Twist {
    says(move |claims| drop(claims.insert(name.to_owned(), value.clone())))
}

fn without(name: &'static str) -> Twist {
    says(move |claims| drop(claims.remove(name)))
}

#[tokio::test]
async fn who_a_good_token_is_about_is_known() {
    let fake = Fake::begin().await;
    let provider = Provider::new(options(&fake)).unwrap();
    let identity = signs_in(&fake, &provider, Twist::default()).await.unwrap();
    assert_eq!((identity.issuer.as_str(), identity.subject.as_str()), (fake.issuer.as_str(), "ann-1"));
    assert_eq!(identity.groups, ["web"]);
    signs_in(&fake, &provider, with("aud", json!(["windlass", "a friend"]))).await.unwrap();
    signs_in(&fake, &provider, with("exp", json!(fake.now() - 30))).await.unwrap();
    signs_in(&fake, &provider, with("iat", json!(fake.now() + 30))).await.unwrap();
    assert_eq!((fake.asked("discovery"), fake.asked("keys")), (1, 1), "what it said is kept");
}

#[tokio::test]
async fn a_token_that_is_not_as_it_should_be_is_refused() {
    let fake = Fake::begin().await;
    let provider = Provider::new(options(&fake)).unwrap();
    let now = fake.now();
    for (name, twist, expect) in [
        ("another nonce", with("nonce", json!("another")), "of another sign-in"),
        ("no nonce", without("nonce"), "of another sign-in"),
        ("expired", with("exp", json!(now - 3600)), "ExpiredSignature"),
        ("no end", without("exp"), "exp"),
        ("not yet", with("nbf", json!(now + 3600)), "ImmatureSignature"),
        ("from the future", with("iat", json!(now + 3600)), "in the future"),
        ("for others", with("aud", json!("other")), "InvalidAudience"),
        ("for a stranger, too", with("aud", json!(["windlass", "a stranger"])), "for somebody else, too"),
        ("for nobody", without("aud"), "aud"),
        ("given to others", with("azp", json!("other")), "given to somebody else"),
        ("of another issuer", with("iss", json!("https://evil.example")), "InvalidIssuer"),
        ("of several issuers", with("iss", json!([fake.issuer, "https://evil.example"])), "issuer"),
        ("about nobody", without("sub"), "sub"),
        ("unsigned", Twist { signs: Signs::Not, ..Twist::default() }, "cannot be read"),
        ("signed by our secret", Twist { signs: Signs::BySecret, ..Twist::default() }, "proves nothing"),
        ("signed by another key", Twist { signs: Signs::ByAnother, ..Twist::default() }, "InvalidSignature"),
        ("changed afterwards", Twist { signs: Signs::Wrongly, ..Twist::default() }, "InvalidSignature"),
        (
            "of a key that is not there",
            Twist { signs: Signs::AsUnknown, ..Twist::default() },
            "does not have",
        ),
    ] {
        let error = signs_in(&fake, &provider, twist).await.unwrap_err();
        assert!(matches!(&error, Error::Refused(why) if why.contains(expect)), "{name}: {error:?}");
    }
    signs_in(&fake, &provider, Twist::default()).await.unwrap();
}

#[tokio::test]
async fn only_the_browser_that_began_goes_on_and_only_with_its_own_answer() {
    let fake = Fake::begin().await;
    let provider = Provider::new(options(&fake)).unwrap();
    let begin = async || {
        let begun = provider.begin(After::Page("/".into())).await.unwrap();
        fake.expects(&begun.location, Twist::default());
        begun
    };
    let (one, other) = (begin().await, begin().await);
    let answer = |state: &str| Answer {
        state: Some(state.to_owned()),
        code: Some("code".into()),
        ..Answer::default()
    };
    let refused = async |sealed: Option<&str>, answer: Answer| match provider.complete(sealed, &answer).await
    {
        Err(Error::Refused(why)) => why,
        other => panic!("{other:?}", other = other.map(|(identity, _)| identity)),
    };
    assert!(refused(None, answer(&one.state)).await.contains("did not begin it"));
    assert!(refused(Some("nonsense"), answer(&one.state)).await.contains("did not begin it"));
    assert!(refused(Some(&one.sealed), answer(&other.state)).await.contains("of another sign-in"));
    assert!(
        refused(Some(&one.sealed), Answer { state: None, ..answer("") }).await.contains("of another sign-in")
    );
    let elsewhere = Answer { iss: Some("https://evil.example".into()), ..answer(&one.state) };
    assert!(refused(Some(&one.sealed), elsewhere).await.contains("another provider"));
    let denied = Answer { code: None, error: Some("access_denied".into()), ..answer(&one.state) };
    assert!(refused(Some(&one.sealed), denied).await.contains("access_denied"));
    // A process that begins anew knows nothing of what the one before began.
    let anew = Provider::new(options(&fake)).unwrap();
    assert!(anew.complete(Some(&one.sealed), &answer(&one.state)).await.is_err());
    // The newest sign-in goes on; the code is good once.
    provider.complete(Some(&other.sealed), &answer(&other.state)).await.map(drop).unwrap();
    assert!(refused(Some(&other.sealed), answer(&other.state)).await.contains("invalid_grant"));
    assert!(
        refused(Some(&one.sealed), answer(&one.state)).await.contains("invalid_grant"),
        "PKCE binds it, too"
    );
}

#[tokio::test]
async fn keys_may_change_and_old_ones_are_not_asked_for_again() {
    let fake = Fake::begin().await;
    let provider = Provider::new(options(&fake)).unwrap();
    signs_in(&fake, &provider, Twist::default()).await.unwrap();
    fake.rotates();
    signs_in(&fake, &provider, Twist::default()).await.unwrap();
    assert_eq!(fake.asked("keys"), 2);
    let old =
        signs_in(&fake, &provider, Twist { signs: Signs::ByOld, ..Twist::default() }).await.unwrap_err();
    assert!(matches!(&old, Error::Refused(why) if why.contains("does not have")), "{old:?}");
}

#[tokio::test]
async fn what_the_token_does_not_say_is_asked_for_and_must_be_about_the_same() {
    let fake = Fake::begin().await;
    let provider = Provider::new(options(&fake)).unwrap();
    let thin = || Twist { more: json!({"sub": "ann-1", "groups": ["ops"]}), ..without("groups") };
    assert_eq!(signs_in(&fake, &provider, thin()).await.unwrap().groups, ["ops"]);
    let other = Twist { more: json!({"sub": "bob-2", "groups": ["admins"]}), ..thin() };
    let error = signs_in(&fake, &provider, other).await.unwrap_err();
    assert!(matches!(&error, Error::Refused(why) if why.contains("somebody else")), "{error:?}");
}

#[tokio::test]
async fn a_provider_that_is_away_or_strange_is_said_to_be_and_not_asked_by_everybody() {
    let fake = Fake::begin().await;
    let begin = async |options: Options| {
        let provider = Provider::new(options).unwrap();
        match provider.begin(After::Page("/".into())).await {
            Err(Error::Provider(why)) => (why, provider),
            other => panic!("{other:?}", other = other.map(|begun| begun.location)),
        }
    };
    let nobody = Options { issuer: "http://127.0.0.1:1".into(), ..options(&fake) };
    let (why, provider) = begin(nobody).await;
    assert!(why.contains("cannot be reached"), "{why}");
    let at_once = std::time::Instant::now();
    for _ in 0..100 {
        provider.begin(After::Page("/".into())).await.map(drop).unwrap_err();
    }
    assert!(at_once.elapsed() < std::time::Duration::from_secs(1));
    let (why, _) = begin(Options { issuer: format!("{}/", fake.issuer), ..options(&fake) }).await;
    assert!(why.contains("calls itself"), "{why}");
    fake.offers("jwks_uri", json!("http://keys.example.org/keys"));
    let (why, _) = begin(options(&fake)).await;
    assert!(why.contains("not of https"), "{why}");
    let other = Fake::begin().await;
    let wrong = Options { client_secret: Some("another".to_owned().into()), ..options(&other) };
    let error = signs_in(&other, &Provider::new(wrong).unwrap(), Twist::default()).await.unwrap_err();
    assert!(matches!(&error, Error::Provider(why) if why.contains("invalid_client")), "{error:?}");
    assert!(!error.to_string().contains("another"), "{error}");
}

#[tokio::test]
async fn a_terminal_waits_until_the_code_was_typed() {
    let fake = Fake::begin().await;
    let provider = Provider::new(options(&fake)).unwrap();
    assert_eq!(provider.has_device().await, Ok(true));
    let begun = provider.device().await.unwrap();
    assert_eq!((begun.user_code.as_str(), begun.interval), ("ABCD-EFGH", 5));
    assert_eq!(provider.poll(&begun.handle).await, Ok(Polled::Wait(5)));
    fake.was_typed(Twist::default());
    assert!(
        matches!(provider.poll(&begun.handle).await, Ok(Polled::Known(identity)) if identity.subject == "ann-1")
    );
    assert!(matches!(provider.poll(&begun.handle).await, Err(Error::Refused(_))), "once");
    assert!(matches!(provider.poll("nonsense").await, Err(Error::Refused(_))));
    let off = Provider::new(Options { device: false, ..options(&fake) }).unwrap();
    assert!(matches!(off.device().await.map(drop), Err(Error::Missing(_))));
}
