//! What is said of nodes, and what comes of it.

use std::sync::Arc;

use serde_json::{Value, json};
use windlass_plugin::{BoxFuture, SecretError};

use super::*;

#[derive(Debug)]
struct Vault;

impl windlass_plugin::SecretProvider for Vault {
    fn names(&self) -> Vec<String> {
        Vec::new()
    }

    fn place(&self) -> String {
        "a test".to_owned()
    }

    fn resolve<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<Secret, SecretError>> {
        Box::pin(std::future::ready(match name {
            "pw" => Ok(Secret::new("s3cret")),
            _ => Err(SecretError::Unknown { name: name.to_owned() }),
        }))
    }
}

fn resolver(ssh_config: &str) -> (tempfile::TempDir, Resolver) {
    let home = tempfile::TempDir::new().unwrap();
    std::fs::create_dir_all(home.path().join(".ssh")).unwrap();
    std::fs::write(home.path().join("config"), ssh_config).unwrap();
    let here = Here {
        home: home.path().to_owned(),
        user: "ada".to_owned(),
        ssh_config: Some(home.path().join("config")),
        ssh_agent: None,
        secrets: Arc::new(Vault),
        led_to: Arc::new(crate::Nowhere),
    };
    (home, Resolver::new(here))
}

fn node(value: Value) -> Node {
    serde_json::from_value(value).unwrap()
}

async fn settings(ssh_config: &str, value: Value) -> Settings {
    resolver(ssh_config).1.target(&node(value)).await.unwrap().settings
}

async fn refused(ssh_config: &str, value: Value) -> String {
    resolver(ssh_config).1.target(&node(value)).await.unwrap_err().message
}

const CONFIG: &str = "Host web01\n HostName 10.0.0.1\n User deploy\n Port 2200\n ConnectTimeout 3\n StrictHostKeyChecking accept-new\n\
                      Host *.dmz\n ProxyJump gate\nHost gate\n User jumper\n ProxyJump outer:2222\n";

#[tokio::test]
async fn the_nearest_says_how() {
    let plain = settings("", json!({"name": "web01"})).await;
    assert_eq!((plain.addresses, plain.port, plain.user.as_str()), (vec!["web01".to_owned()], 22, "ada"));
    assert_eq!(plain.host_keys, HostKeys::Check);
    let configured = settings(CONFIG, json!({"name": "web01"})).await;
    assert_eq!(configured.addresses, ["10.0.0.1"]);
    assert_eq!((configured.port, configured.user.as_str()), (2200, "deploy"));
    assert_eq!((configured.step, configured.host_keys), (Duration::from_secs(3), HostKeys::AcceptNew));
    let own = json!({
        "name": "web01",
        "addresses": ["192.0.2.7", "192.0.2.8"],
        "transport": {"user": "root", "port": 22, "hostKeys": "check", "connectTimeout": "7s", "knownHosts": "~/fleet"},
    });
    let own = settings(CONFIG, own).await;
    assert_eq!(own.addresses, ["192.0.2.7", "192.0.2.8"]);
    assert_eq!((own.port, own.user.as_str(), own.host_keys), (22, "root", HostKeys::Check));
    assert_eq!(own.step, Duration::from_secs(7));
    assert!(own.known_hosts[0].ends_with("fleet") && own.known_hosts[0].is_absolute());
}

#[tokio::test]
async fn ways_are_chained_and_never_circles() {
    let far = settings(CONFIG, json!({"name": "db.dmz"})).await;
    let gate = far.jump.unwrap();
    assert_eq!((gate.name.as_str(), gate.user.as_str()), ("gate", "jumper"));
    let outer = gate.jump.unwrap();
    assert_eq!((outer.name.as_str(), outer.port, outer.jump), ("outer", 2222, None));

    let own = settings(CONFIG, json!({"name": "db.dmz", "transport": {"jump": ["bob@a:23", {"name": "b", "addresses": ["10.1.1.1"]}]}})).await;
    let b = own.jump.unwrap();
    assert_eq!((b.name.as_str(), b.addresses.as_slice()), ("b", &["10.1.1.1".to_owned()][..]));
    let a = b.jump.unwrap();
    assert_eq!((a.name.as_str(), a.user.as_str(), a.port), ("a", "bob", 23));

    assert_eq!(settings(CONFIG, json!({"name": "db.dmz", "transport": {"jump": []}})).await.jump, None);
    let all = "Host *\n ProxyJump gate\n";
    assert_eq!(settings(all, json!({"name": "gate"})).await.jump, None);
    let circle = "Host a\n ProxyJump b\nHost b\n ProxyJump a\n";
    let message = refused(circle, json!({"name": "a"})).await;
    assert_eq!(message, "`a` is reached through `b` is reached through `a`: the way never ends");
}

#[tokio::test]
async fn credentials_keep_their_order_and_secrets_their_places() {
    let given = json!({"name": "web01", "transport": {
        "credentials": [{"key": "~/k", "passphrase": "{{ secret('pw') }}"}, "agent", {"password": "{{ secret('pw') }}"}],
        "become": {"password": "{{ secret('pw') }}"},
    }});
    let (home, resolver) = resolver("");
    let target = resolver.target(&node(given)).await.unwrap();
    let key = Login::Key {
        key: Key::File(home.path().join("k")),
        certificate: None,
        passphrase: Some("s3cret".to_owned()),
    };
    let password = Login::Password("s3cret".to_owned());
    assert_eq!(target.settings.logins, [key, Login::Agent { socket: None }, password]);
    assert_eq!(target.other.clone().unwrap().password.as_deref(), Some("s3cret"));
    assert!(!format!("{target:?}").contains("s3cret"));

    let message = refused(
        "",
        json!({"name": "web01", "transport": {"credentials": [{"password": "{{ secret('nope') }}"}]}}),
    )
    .await;
    assert_eq!(message, "`web01` cannot be reached: there is no secret `nope`");
}

#[tokio::test]
async fn without_credentials_the_keys_that_are_there_are_tried() {
    let (home, resolver) = resolver("Host strict\n IdentityFile ~/given\n IdentitiesOnly yes\n");
    let key = |name: &str, certificate: Option<&str>| Login::Key {
        key: Key::File(home.path().join(name)),
        certificate: certificate.map(|name| home.path().join(name)),
        passphrase: None,
    };
    let logins =
        async |name: &str| resolver.target(&node(json!({"name": name}))).await.unwrap().settings.logins;
    assert_eq!(logins("web01").await, []);
    std::fs::write(home.path().join(".ssh/id_ed25519"), "").unwrap();
    assert_eq!(logins("web01").await, [key(".ssh/id_ed25519", None)]);
    assert_eq!(logins("strict").await, [key("given", None)]);
    std::fs::write(home.path().join("given-cert.pub"), "").unwrap();
    assert_eq!(logins("strict").await, [key("given", Some("given-cert.pub")), key("given", None)]);
}

#[test]
fn a_hop_in_one_word() {
    let check = |text: &str| {
        let hop = hop_of(text);
        (hop.user, hop.name, hop.port)
    };
    assert_eq!(check("gate"), (None, "gate".into(), None));
    assert_eq!(check("bob@gate:2222"), (Some("bob".into()), "gate".into(), Some(2222)));
    assert_eq!(check("ssh://bob@[::1]:22"), (Some("bob".into()), "::1".into(), Some(22)));
    assert_eq!(check("::1"), (None, "::1".into(), None));
}
