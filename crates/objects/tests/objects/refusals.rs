//! What is refused, and everything that is said about it.

use serde_json::json;
use windlass_objects::Name;

use crate::{House, wrong};

#[tokio::test]
async fn c7_everything_that_is_wrong_is_said_at_once() {
    let house = House::new();
    let document = json!({
        "kind": "Nod", "apiVersion": "windlass.dev/v1", "extra": 1,
        "metadata": {"name": "-bad name", "lables": {}, "labels": {"a b": "c"}},
        "spec": {"adresses": [], "parent": 5},
    });
    insta::assert_snapshot!(wrong(house.create("node", document).await));
}

#[tokio::test]
async fn a_plan_is_judged_as_a_plan() {
    let house = House::new();
    house.apply("namespace", json!({"metadata": {"name": "web"}})).await.unwrap();
    let document = json!({
        "metadata": {"name": "p", "namespace": "web"},
        "spec": {"blocks": [{"name": "b", "targets": {"nodes": ["n1"]}, "concurrency": 0,
            "sequence": [{"name": "a", "use": "nothing", "with": {"x": "{{ params.nope }}"}}]}]},
    });
    insta::assert_snapshot!(wrong(house.create("plan", document).await));
}

#[tokio::test]
async fn what_is_named_must_be_there_and_stay() {
    let house = House::new();
    let node = json!({"metadata": {"name": "web01"}, "spec": {"groups": "web", "parent": "rack1"}});
    insta::assert_snapshot!(wrong(house.create("node", node.clone()).await), @"WL-0907: WL-0907: there is no Node rack1\nWL-0907: there is no NodeGroup web");
    house.node("rack1", json!({})).await;
    house.create("nodegroup", json!({"metadata": {"name": "web"}})).await.unwrap();
    house.create("node", node).await.unwrap();
    insta::assert_snapshot!(wrong(house.delete("node", &Name::global("rack1")).await), @"WL-0904: Node rack1 is needed by Node web01 (delete those first, or let them refer to something else)");
    insta::assert_snapshot!(wrong(house.delete("ng", &Name::global("web")).await), @"WL-0904: NodeGroup web is needed by Node web01 (delete those first, or let them refer to something else)");
    house.apply("node", json!({"metadata": {"name": "web01"}, "spec": {"groups": "web"}})).await.unwrap();
    house.delete("node", &Name::global("rack1")).await.unwrap();
    house.delete("node", &Name::global("web01")).await.unwrap();
    house.delete("ng", &Name::global("web")).await.unwrap();
}

#[tokio::test]
async fn a_namespace_with_something_in_it_stays() {
    let house = House::new();
    let vars = json!({"metadata": {"name": "v", "namespace": "web"}, "spec": {"vars": {}}});
    insta::assert_snapshot!(wrong(house.create("vars", vars.clone()).await), @"WL-0907: WL-0907: there is no Namespace web");
    house.create("ns", json!({"metadata": {"name": "web"}})).await.unwrap();
    house.create("vars", vars).await.unwrap();
    insta::assert_snapshot!(wrong(house.delete("ns", &Name::global("web")).await), @"WL-0904: Namespace web is needed by Variables web/v (delete those first, or let them refer to something else)");
    house.delete("vars", &Name::within("web", "v")).await.unwrap();
    house.delete("ns", &Name::global("web")).await.unwrap();
}

#[tokio::test]
async fn who_needs_something_and_who_deletes_it_do_not_both_win() {
    for round in 0..50 {
        let house = House::new();
        house.create("ng", json!({"metadata": {"name": "web"}})).await.unwrap();
        let (objects, kind) = (house.objects.clone(), house.kind("ng"));
        let deleting = tokio::spawn(async move {
            if round % 2 == 0 {
                tokio::task::yield_now().await;
            }
            objects.delete(kind, &Name::global("web"), Default::default(), &crate::author("bob")).await
        });
        let made = house.create("node", json!({"metadata": {"name": "n"}, "spec": {"groups": "web"}})).await;
        let deleted = deleting.await.unwrap();
        assert!(made.is_ok() != deleted.is_ok(), "{made:?} {deleted:?}");
    }
}

#[tokio::test]
async fn kinds_go_by_all_their_names() {
    let house = House::new();
    for word in ["NodeGroup", "nodegroups", "NG", "groups"] {
        assert_eq!(house.kind(word).name, "NodeGroup");
    }
    insta::assert_snapshot!(house.objects.kind("node-group").unwrap_err().to_string(), @"there is no kind `node-group`");
}

#[test]
fn words_for_kinds_are_not_taken_twice_and_examples_fit() {
    let mut words = std::collections::BTreeSet::new();
    for kind in windlass_objects::kinds::all() {
        for word in [&[kind.plural][..], kind.short].concat() {
            assert!(words.insert(word), "{word}");
        }
        let document = json!({
            "apiVersion": "windlass.dev/v1", "kind": kind.name,
            "metadata": {"name": "example"}, "spec": (kind.example)(),
        });
        let misfits = windlass_lang::misfits(kind.whole_schema(), &document);
        assert!(misfits.is_empty(), "{misfits:?}");
    }
}
