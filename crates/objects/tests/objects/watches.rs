//! What watches tell: each change once, in order.

use serde_json::json;
use windlass_objects::{Name, ObjectWatch, Selector, What};

use crate::House;

/// The next changes: what, and of which.
async fn told(watch: &mut ObjectWatch, count: usize) -> Vec<(What, String)> {
    let mut told = Vec::new();
    let mut last = 0;
    for _ in 0..count {
        let changed = watch.next().await.unwrap().unwrap();
        assert!(changed.version > last, "in the order of versions");
        last = changed.version;
        told.push((changed.what, changed.object.name().to_string()));
    }
    told
}

fn named(expect: &[(What, &str)]) -> Vec<(What, String)> {
    expect.iter().map(|(what, name)| (*what, (*name).to_owned())).collect()
}

#[tokio::test]
async fn c49_a_watch_by_label_tells_each_change_once_and_in_order() {
    let house = House::new();
    let kind = house.kind("node");
    let selector = || Selector::read(Some("role=web"), None).unwrap();
    let mut watch = house.objects.watch(kind, None, None, selector(), None).await.unwrap();
    let mut slow = house.objects.watch(kind, None, None, selector(), None).await.unwrap();
    house.node("a", json!({"role": "web"})).await;
    house.node("b", json!({"role": "db"})).await;
    let mid = house.node("a", json!({"role": "web", "rack": "r1"})).await.metadata.version;
    house.node("b", json!({"role": "web"})).await;
    house.node("a", json!({"role": "db"})).await;
    house.node("a", json!({"role": "db", "rack": "r2"})).await;
    house.delete("node", &Name::global("a")).await.unwrap();
    house.delete("node", &Name::global("b")).await.unwrap();
    house.node("b", json!({"role": "web"})).await;
    let expect = [
        (What::Created, "a"),
        (What::Updated, "a"),
        (What::Created, "b"),
        (What::Deleted, "a"),
        (What::Deleted, "b"),
        (What::Created, "b"),
    ];
    assert_eq!(told(&mut watch, 6).await, named(&expect));
    assert_eq!(told(&mut slow, 6).await, named(&expect), "one who reads later hears the same");
    let mut resumed = house.objects.watch(kind, None, None, selector(), Some(mid)).await.unwrap();
    assert_eq!(told(&mut resumed, 4).await, named(&expect[2..]), "nothing is lost, nothing is repeated");
}

#[tokio::test]
async fn a_watch_by_name_namespace_and_field() {
    let house = House::new();
    for namespace in ["a", "b"] {
        house.apply("ns", json!({"metadata": {"name": namespace}})).await.unwrap();
    }
    let kind = house.kind("vars");
    let vars = |namespace: &str, name: &str, x: u8| json!({"metadata": {"name": name, "namespace": namespace}, "spec": {"vars": {"x": x}}});
    let watch = |namespace: Option<&str>, name: Option<&str>, fields: &str| {
        let selector = Selector::read(None, Some(fields)).unwrap();
        house.objects.watch(kind, namespace.map(str::to_owned), name.map(str::to_owned), selector, None)
    };
    let mut of_b = watch(Some("b"), None, "").await.unwrap();
    let mut of_one = watch(None, Some("one"), "").await.unwrap();
    let mut of_field = watch(None, None, "spec.vars.x=2").await.unwrap();
    for (namespace, name, x) in [("a", "one", 1), ("a", "two", 2), ("b", "one", 2), ("a", "two", 3)] {
        house.apply("vars", vars(namespace, name, x)).await.unwrap();
    }
    assert_eq!(told(&mut of_b, 1).await, named(&[(What::Created, "b/one")]));
    assert_eq!(told(&mut of_one, 2).await, named(&[(What::Created, "a/one"), (What::Created, "b/one")]));
    assert_eq!(
        told(&mut of_field, 3).await,
        named(&[(What::Created, "a/two"), (What::Created, "b/one"), (What::Deleted, "a/two")])
    );
}

#[tokio::test]
async fn who_is_too_far_behind_is_told_to_list_again() {
    let house = House::new();
    let kind = house.kind("node");
    let mut slow = house.objects.watch(kind, None, None, Selector::default(), None).await.unwrap();
    let limit = windlass_store::embedded::HistoryLimits::default().bytes;
    let big = "x".repeat(1 << 20);
    for n in 0..=limit / big.len() {
        let document = json!({"metadata": {"name": format!("n{n}")}, "spec": {"vars": {"big": big}}});
        house.apply("node", document).await.unwrap();
    }
    let error = slow.next().await.unwrap().unwrap_err();
    assert!(matches!(error, windlass_objects::Error::Expired { .. }), "{error:?}");
}
