//! Tokens, certificates and their ends, with a clock that is set.

use std::os::unix::fs::PermissionsExt as _;

use rcgen::{KeyPair, PublicKeyData as _};
use windlass_store::memory::MemoryStore;

use super::*;

struct Place {
    directory: tempfile::TempDir,
    enrol: Enrol,
}

const DAY: u64 = 24 * 3600 * 1_000_000;
const START: Time = Time(20_000 * DAY);

fn at(days: u64) -> Time {
    Time(START.0 + days * DAY)
}

fn key() -> Vec<u8> {
    KeyPair::generate().unwrap().der_bytes().to_vec()
}

fn wanted(nodes: &str) -> Wanted {
    Wanted { nodes: nodes.into(), uses: 1, expires_at: at(1), replaces: false, by: "ann".into() }
}

fn refused<T: std::fmt::Debug>(result: Result<T, Error>) -> Refused {
    let text = format!("{result:?}");
    let refused = if let Err(Error::Refused(refused)) = result { Some(refused) } else { None };
    refused.expect(&text)
}

impl Place {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let enrol =
            Enrol::open(Arc::new(MemoryStore::default()), directory.path(), Options::default(), START)
                .unwrap();
        Self { directory, enrol }
    }

    async fn token(&self, wanted: Wanted) -> String {
        self.enrol.make(wanted, START).await.unwrap().token.text()
    }

    async fn joined(&self, node: &str) -> Fingerprint {
        let token = self.token(wanted(node)).await;
        let (_, issued) = self.enrol.join(&token, node, &key(), "::1", START).await.unwrap();
        Fingerprint::of(&issued.der)
    }
}

#[tokio::test]
async fn the_authority_is_made_once_and_kept_for_its_owner_alone() {
    let place = Place::new();
    let path = place.directory.path().join("agents-ca.key");
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    let again = Authority::of_directory(place.directory.path(), at(400)).unwrap();
    assert_eq!(again.fingerprint(), place.enrol.authority().fingerprint());
    std::fs::write(&path, b"damaged").unwrap();
    let error = Authority::of_directory(place.directory.path(), at(400)).unwrap_err();
    assert!(error.to_string().contains("cannot use") && error.to_string().contains("agents-ca.key"));
}

#[tokio::test]
async fn a_token_is_used_as_often_as_it_says_until_it_ends_for_the_nodes_that_it_names() {
    let place = Place::new();
    let enrol = &place.enrol;
    let token = place.token(Wanted { uses: 2, ..wanted("web*") }).await;
    let join = |token: &str, node: &'static str, now: Time| {
        let token = token.to_owned();
        async move { enrol.join(&token, node, &key(), "10.0.0.7:5", now).await }
    };
    assert_eq!(
        refused(join(&token, "db1", START).await),
        Refused::OtherNode { node: "db1".into(), nodes: "web*".into() }
    );
    assert_eq!(refused(join(&token, "../x", START).await), Refused::BadName("../x".into()));
    assert_eq!(refused(join(&token, "web1", at(1)).await), Refused::TokenOver(at(1)));
    join(&token, "web1", START).await.unwrap();
    assert_eq!(
        refused(join(&token, "web1", START).await),
        Refused::Taken { node: "web1".into(), since: START, from: "10.0.0.7:5".into() }
    );
    join(&token, "web2", Time(START.0 + 5)).await.unwrap();
    assert_eq!(refused(join(&token, "web3", START).await), Refused::TokenUsedUp(Time(START.0 + 5)));
    // Who does not have the secret learns nothing of it.
    let (id, rest) = token.split_at(21);
    let other = format!("{id}{}{}", "a".repeat(40), &rest[40..]);
    assert_eq!(refused(join(&other, "web3", START).await), Refused::UnknownToken);
    assert_eq!(refused(join("nonsense", "web3", START).await), Refused::UnknownToken);
    let listed = enrol.tokens().await.unwrap();
    assert_eq!((listed[0].used, listed[0].nodes.as_str()), (2, "web*"));
    assert!(enrol.end(&listed[0].id).await.unwrap());
    assert_eq!(refused(join(&token, "web3", START).await), Refused::UnknownToken);
    assert_eq!(refused(enrol.make(wanted("/x/"), START).await), Refused::BadName("/x/".into()));
}

#[tokio::test]
async fn many_who_join_at_once_by_one_token_are_as_many_as_it_says() {
    let place = Place::new();
    let token = place.token(Wanted { uses: 3, ..wanted("web[0-9]") }).await;
    let joins = (0..8).map(|n| {
        let (enrol, token) = (place.enrol.clone(), token.clone());
        tokio::spawn(async move { enrol.join(&token, &format!("web{n}"), &key(), "::1", START).await })
    });
    let mut joined = 0;
    for join in joins.collect::<Vec<_>>() {
        match join.await.unwrap() {
            Ok(_) => joined += 1,
            Err(error) => assert!(matches!(error, Error::Refused(Refused::TokenUsedUp(_))), "{error:?}"),
        }
    }
    assert_eq!(joined, 3);
}

#[tokio::test]
async fn a_key_that_is_none_is_refused() {
    let place = Place::new();
    let token = place.token(wanted("web1")).await;
    for key in [&b""[..], b"short", &[4; 64], &[5; 65], &[4; 66]] {
        let joined = place.enrol.join(&token, "web1", key, "::1", START).await;
        assert_eq!(refused(joined), Refused::BadKey);
    }
}

#[tokio::test]
async fn the_next_certificate_counts_from_its_first_use_and_then_the_one_before_is_a_copy() {
    let place = Place::new();
    let enrol = &place.enrol;
    let first = place.joined("web1").await;
    let admitted = enrol.admit(first, at(1)).await.unwrap();
    assert_eq!(admitted.node, "web1");
    let (_, lost) = enrol.renew(first, &key(), at(20)).await.unwrap();
    // It was lost on its way: the first one still counts, and another one can be had.
    enrol.admit(first, at(20)).await.unwrap();
    let (_, second) = enrol.renew(first, &key(), at(20)).await.unwrap();
    let (lost, second) = (Fingerprint::of(&lost.der), Fingerprint::of(&second.der));
    assert_eq!(refused(enrol.admit(lost, at(20)).await), Refused::Superseded { node: "web1".into() });
    enrol.admit(first, at(20)).await.unwrap();
    enrol.admit(second, at(20)).await.unwrap();
    assert_eq!(refused(enrol.admit(first, at(20)).await), Refused::Superseded { node: "web1".into() });
    assert_eq!(
        refused(enrol.renew(first, &key(), at(20)).await),
        Refused::Superseded { node: "web1".into() }
    );
    assert_eq!(enrol.admit(second, at(49)).await.unwrap().certificate.not_after, at(50));
    assert_eq!(
        refused(enrol.admit(second, at(50)).await),
        Refused::CertificateOver { node: "web1".into(), until: at(50) }
    );
    // What has ended is forgotten in time.
    let (_, third) = enrol.renew(second, &key(), at(40)).await.unwrap();
    assert_eq!(refused(enrol.admit(first, at(40)).await), Refused::UnknownCertificate);
    enrol.admit(Fingerprint::of(&third.der), at(69)).await.unwrap();
}

#[tokio::test]
async fn who_is_revoked_is_out_and_can_join_again() {
    let place = Place::new();
    let enrol = &place.enrol;
    let first = place.joined("web1").await;
    let (_, next) = enrol.renew(first, &key(), at(2)).await.unwrap();
    assert!(enrol.revoke("web2", at(2)).await.unwrap().is_none());
    assert_eq!(enrol.revoke("web1", at(3)).await.unwrap().unwrap().revoked_at, Some(at(3)));
    assert_eq!(enrol.revoke("web1", at(4)).await.unwrap().unwrap().revoked_at, Some(at(3)));
    for certificate in [first, Fingerprint::of(&next.der)] {
        let revoked = Refused::Revoked { node: "web1".into(), at: at(3) };
        assert_eq!(refused(enrol.admit(certificate, at(4)).await), revoked);
        assert_eq!(refused(enrol.renew(certificate, &key(), at(4)).await), revoked);
    }
    let again = place.joined("web1").await;
    enrol.admit(again, at(5)).await.unwrap();
    assert_eq!(refused(enrol.admit(first, at(5)).await), Refused::Superseded { node: "web1".into() });
    let token = place.token(Wanted { replaces: true, ..wanted("web1") }).await;
    let (_, third) = enrol.join(&token, "web1", &key(), "::1", START).await.unwrap();
    assert_eq!(refused(enrol.admit(again, at(5)).await), Refused::Superseded { node: "web1".into() });
    enrol.admit(Fingerprint::of(&third.der), at(5)).await.unwrap();
    let agents = enrol.agents(None, 10).await.unwrap();
    assert_eq!(agents.iter().map(|agent| agent.node.as_str()).collect::<Vec<_>>(), ["web1"]);
    assert!(enrol.agents(Some("web1"), 10).await.unwrap().is_empty());
}
