//! `fetch`.

use std::fs;

use serde_json::json;
use windlass_plugin::dynamic::Typed;
use windlass_plugin::testkit::Trial;
use windlass_plugin::{DynPlugin as _, Foresight, Node, Would};
use windlass_plugins::files::fetch::Fetch;

use crate::ground::{Ground, mode};

fn node(name: &str) -> Node {
    Node { name: name.into(), ..Node::default() }
}

#[tokio::test]
async fn brings_a_file_into_the_directory_of_its_node() {
    let ground = Ground::new();
    let here = ground.origin("collected/.keep", "").with_file_name("");
    let large: Vec<u8> = (0..300_000_u32).map(|n| (n % 251) as u8).collect();
    let path = ground.write("log/app.log", &large);
    let trial = ground.trial(Fetch).node(node("web01"));
    let request = json!({"path": path, "to": "collected"});

    let foresight = trial.noop(request.clone()).await.unwrap();
    assert_eq!(foresight.would, Would::Change);
    let foreseen = foresight.diff.unwrap().to_string();
    assert!(foreseen.contains("app.log on the side of Windlass: 300000 bytes"));
    assert!(!here.join("web01").exists());

    let reply = trial.call(request.clone()).await.result.unwrap();
    assert!(reply.changed);
    assert_eq!(reply.response["diff"], foreseen.as_str());
    let stored = here.join("web01").join(path.strip_prefix("/").unwrap());
    assert_eq!(fs::read(&stored).unwrap(), large);
    assert_eq!(mode(&stored), 0o600);
    assert_eq!(reply.response["bytes"], 300_000);
    assert_eq!(reply.response["sha256"].as_str().unwrap().len(), 64);

    assert!(!trial.call(request.clone()).await.result.unwrap().changed, "it is there already");
    assert_eq!(trial.noop(request.clone()).await.unwrap(), Foresight::nothing());
    ground.write("log/app.log", "shorter");
    assert!(trial.call(request).await.result.unwrap().changed);
    assert_eq!(fs::read_to_string(&stored).unwrap(), "shorter");

    let flat = json!({"path": path, "to": "collected", "flat": true});
    assert_eq!(trial.call(flat).await.result.unwrap().response["stored"], "collected/web01/app.log");
}

#[tokio::test]
async fn what_is_not_there() {
    let ground = Ground::new();
    let trial = ground.trial(Fetch).node(node("web01"));
    let request = json!({"path": ground.at("none"), "to": "collected"});
    assert_eq!(
        ground.refused(&trial, request.clone()).await,
        ("notFound".into(), "`$/none` does not exist".into())
    );
    let mut optional = request;
    optional["optional"] = true.into();
    assert!(!trial.call(optional).await.result.unwrap().changed);
    fs::create_dir(ground.at("dir")).unwrap();
    let directory = json!({"path": ground.at("dir"), "to": "collected"});
    assert_eq!(ground.refused(&trial, directory).await.0, "isADirectory");
    let odd = Trial::of(Fetch).node(node("../web02"));
    let request = json!({"path": "/etc/hostname", "to": "collected"});
    assert_eq!(odd.call(request).await.result.unwrap_err().code, "request");
}

#[tokio::test]
async fn a_node_reaches_nothing_of_another_one() {
    let call = Trial::of(Fetch).node(node("web01")).told();
    let uses = Typed::new(Fetch).origin_use(&call, &json!({"path": "/etc/hostname", "to": "collected"}));
    assert!(uses.may_write("collected/web01/etc/hostname".as_ref()));
    assert!(!uses.may_write("collected/web02/etc/hostname".as_ref()));
    assert!(!uses.may_read("collected/web02/etc/hostname".as_ref()));
}
