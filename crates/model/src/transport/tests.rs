//! Settings: each by itself from the nearest, and secrets only by reference.

use serde_json::json;

use super::*;

fn read(value: serde_json::Value) -> Transport {
    serde_json::from_value(value).unwrap()
}

#[test]
fn each_setting_comes_from_the_nearest() {
    let far = read(json!({"user": "deploy", "port": 2222, "jump": ["bastion"], "become": {}}));
    let near = read(json!({"user": "root", "jump": [], "use": "local"}));
    let expect = read(json!({"user": "root", "port": 2222, "jump": [], "become": {}, "use": "local"}));
    assert_eq!(near.over(&far), expect);
    assert_eq!(near.over(&Transport::default()), near);
    assert_eq!(Transport::default().over(&far), far);
}

#[test]
fn round_trips() {
    for value in [
        json!({}),
        json!({"use": "container", "container": {"name": "web", "runtime": "podman"}}),
        json!({"credentials": ["agent", {"key": "~/.ssh/id"}, {"password": "{{ secret('p') }}"}]}),
        json!({"credentials": [{"key": "{{ secret('k') }}", "passphrase": "{{ secret('p') }}"}]}),
        json!({"jump": ["ops@bastion:2222", {"name": "b", "addresses": ["10.0.0.1"], "port": 22}]}),
        json!({"become": {"user": "app", "method": "doas", "password": "{{ secret('s') }}"}}),
        json!({"hostKeys": "acceptNew", "knownHosts": ["/etc/known"], "agent": "never", "connectTimeout": "5s"}),
    ] {
        assert_eq!(serde_json::to_value(read(value.clone())).unwrap(), value);
    }
}

#[test]
fn names_its_secrets() {
    let transport = read(json!({
        "credentials": [{"key": "{{ secret('k') }}", "passphrase": "{{secret(\"pp\")}}"}, {"password": "{{ secret('p') }}"}],
        "jump": ["x", {"name": "b", "credentials": [{"password": "{{ secret('hop') }}"}]}],
        "become": {"password": "{{ secret('sudo') }}"},
    }));
    assert_eq!(transport.secrets().collect::<Vec<_>>(), ["k", "pp", "p", "hop", "sudo"]);
}

#[test]
fn a_secret_in_clear_is_refused_and_not_repeated() {
    for text in ["hunter2", "{{ params.p }}", "{{ secret(name) }}", "x{{ secret('p') }}", "{{ secret('') }}"]
    {
        let refused = serde_json::from_value::<SecretRef>(json!(text)).unwrap_err().to_string();
        assert!(!refused.contains("hunter2") && refused.contains("secret('name')"), "{refused}");
    }
}
