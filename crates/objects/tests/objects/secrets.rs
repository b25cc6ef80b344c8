//! Secrets: sealed where they lie, covered where they are shown.

use std::sync::Arc;

use serde_json::json;
use windlass_objects::{Applied, Name, Patch, Write};
use windlass_store::{Range, Store};

use crate::{House, author, wrong};

const CANARY: &str = "canary-hunter2";

async fn house() -> House {
    let house = House::new();
    house.apply("namespace", json!({"metadata": {"name": "web"}})).await.unwrap();
    house
}

fn secret(data: serde_json::Value) -> serde_json::Value {
    json!({"metadata": {"name": "db", "namespace": "web"}, "spec": {"data": data}})
}

#[tokio::test]
async fn a_secret_is_kept_sealed_and_shown_covered() {
    let house = house().await;
    let kind = house.kind("secret");
    let name = Name::within("web", "db");
    let (shown, _) = house.apply("secret", secret(json!({"password": CANARY}))).await.unwrap();
    assert_eq!(shown.spec, json!({"data": {"password": "********"}}));
    assert_eq!(house.objects.get(kind, &name).await.unwrap().spec, shown.spec);
    assert_eq!(house.objects.reveal(kind, &name).await.unwrap().spec["data"]["password"], CANARY);
    let mut stream = house.objects.watch(kind, None, None, Default::default(), Some(0)).await.unwrap();
    assert_eq!(stream.next().await.unwrap().unwrap().object.spec, shown.spec);
    let revision = house.objects.revision(kind, &name, 1).await.unwrap();
    assert_eq!(revision.spec, shown.spec);
    for entry in house.store.range(Range::all()).await.unwrap() {
        let text = String::from_utf8_lossy(&entry.value).into_owned();
        assert!(!text.contains(CANARY), "{}: {text}", entry.key.escape_ascii());
    }
}

#[tokio::test]
async fn what_is_covered_stays_and_the_rest_changes() {
    let house = house().await;
    let kind = house.kind("secret");
    let name = Name::within("web", "db");
    house.apply("secret", secret(json!({"a": "one", "b": "two"}))).await.unwrap();
    let (_, applied) = house.apply("secret", secret(json!({"a": "one", "b": "two"}))).await.unwrap();
    assert_eq!(applied, Applied::Unchanged);
    house.apply("secret", secret(json!({"a": "********", "b": "three"}))).await.unwrap();
    let open = house.objects.reveal(kind, &name).await.unwrap();
    assert_eq!(open.spec, json!({"data": {"a": "one", "b": "three"}}));
    let patch = Patch::Merge(json!({"spec": {"data": {"b": null, "c": "four"}}}));
    house.objects.patch(kind, &name, &patch, Write::default(), &author("bob")).await.unwrap();
    let open = house.objects.reveal(kind, &name).await.unwrap();
    assert_eq!(open.spec, json!({"data": {"a": "one", "c": "four"}}));
}

#[tokio::test]
async fn another_key_opens_nothing() {
    let house = house().await;
    house.apply("secret", secret(json!({"a": "one"}))).await.unwrap();
    let other = House::on(Arc::clone(&house.store), "other");
    let kind = other.kind("secret");
    insta::assert_snapshot!(wrong(other.objects.reveal(kind, &Name::within("web", "db")).await), @"WL-0909: a secret of web/db cannot be read: it was sealed with another key, or is damaged (start the server with the key that the secret was sealed with)");
    other.apply("secret", secret(json!({"a": "anew"}))).await.unwrap();
    assert_eq!(
        other.objects.reveal(kind, &Name::within("web", "db")).await.unwrap().spec["data"]["a"],
        "anew"
    );
}

#[tokio::test]
async fn a_cover_is_no_secret() {
    let house = house().await;
    insta::assert_snapshot!(wrong(house.apply("secret", secret(json!({"a": "********"}))).await), @"WL-0104: WL-0104: a secret that is not there yet is covered");
}
