//! Lists, page by page, narrowed by namespaces and selectors.

use serde_json::json;
use windlass_objects::{Query, Selector};

use crate::House;

#[tokio::test]
async fn c6_pages_of_30_30_and_1_while_others_come_and_go() {
    let house = House::new();
    let kind = house.kind("node");
    for n in 0..61 {
        house.node(&format!("host{n:02}"), json!({"n": "x"})).await;
    }
    let mut query =
        Query { limit: 30, selector: Selector::read(Some("n=x"), None).unwrap(), ..Query::default() };
    let mut pages = Vec::new();
    let mut seen = Vec::new();
    loop {
        let page = house.objects.list(kind, &query).await.unwrap();
        pages.push(page.objects.len());
        seen.extend(page.objects.into_iter().map(|object| object.metadata.name));
        // Before and behind the place where the list stands, and the place itself.
        if pages.len() == 1 {
            house.node("host00a", json!({"n": "x"})).await;
            house.delete("node", &windlass_objects::Name::global("host29")).await.unwrap();
            house.delete("node", &windlass_objects::Name::global("host45")).await.unwrap();
            house.node("host45a", json!({"n": "x"})).await;
        }
        let Some(next) = page.next else { break };
        query.after = Some(next);
    }
    assert_eq!(pages, [30, 30, 1]);
    let untouched: Vec<_> = (0..61).filter(|n| *n != 45).map(|n| format!("host{n:02}")).collect();
    let listed: Vec<_> = seen.iter().filter(|name| name.len() == 6).cloned().collect();
    assert_eq!(listed, untouched, "each of them once");
}

#[tokio::test]
async fn namespaces_and_selectors_narrow_a_list() {
    let house = House::new();
    for namespace in ["a", "ab"] {
        house.apply("namespace", json!({"metadata": {"name": namespace}})).await.unwrap();
        for name in ["one", "two"] {
            let document = json!({"metadata": {"name": name, "namespace": namespace, "labels": {"n": name}}, "spec": {"vars": {"x": 1}}});
            house.apply("variables", document).await.unwrap();
        }
    }
    let kind = house.kind("vars");
    let names = |namespace: Option<&str>, labels: &str, fields: &str| {
        let query = Query {
            namespace: namespace.map(str::to_owned),
            selector: Selector::read(Some(labels), Some(fields)).unwrap(),
            limit: 100,
            after: None,
        };
        let objects = house.objects.clone();
        async move {
            let listed = objects.list(kind, &query).await.unwrap();
            listed.objects.iter().map(|it| it.name().to_string()).collect::<Vec<_>>()
        }
    };
    assert_eq!(names(None, "", "").await, ["a/one", "a/two", "ab/one", "ab/two"]);
    assert_eq!(names(Some("a"), "", "").await, ["a/one", "a/two"]);
    assert_eq!(names(None, "n=two", "").await, ["a/two", "ab/two"]);
    assert_eq!(names(None, "", "metadata.namespace=ab,metadata.name!=one").await, ["ab/two"]);
    assert!(names(Some("zzz"), "", "").await.is_empty());
}
