//! How objects are made, applied, patched and kept.

use serde_json::json;
use windlass_objects::{Applied, Name, Patch, Write};

use crate::{House, author, wrong};

#[tokio::test]
async fn applying_says_created_changed_and_unchanged() {
    let house = House::new();
    let node =
        |port: u16| json!({"kind": "Node", "metadata": {"name": "web01"}, "spec": {"vars": {"port": port}}});
    let (first, applied) = house.apply("node", node(80)).await.unwrap();
    assert_eq!(applied, Applied::Created);
    let (same, applied) = house.apply("node", node(80)).await.unwrap();
    assert_eq!((applied, &same), (Applied::Unchanged, &first), "and its version stays");
    let (second, applied) = house.apply("node", node(81)).await.unwrap();
    assert_eq!(applied, Applied::Changed);
    assert!(second.metadata.version > first.metadata.version);
    assert_eq!(second.metadata.uid, first.metadata.uid);
    assert_eq!(house.objects.get(house.kind("node"), &Name::global("web01")).await.unwrap(), second);
}

#[tokio::test]
async fn what_is_left_out_goes_and_what_others_wrote_stays() {
    let house = House::new();
    let name = Name::global("web01");
    let kind = house.kind("node");
    house
        .apply("node", json!({"metadata": {"name": "web01"}, "spec": {"vars": {"a": 1, "b": 2}}}))
        .await
        .unwrap();
    let theirs =
        Patch::Merge(json!({"metadata": {"labels": {"rack": "r1"}}, "spec": {"vars": {"theirs": 3}}}));
    house.objects.patch(kind, &name, &theirs, Write::default(), &author("bob")).await.unwrap();
    let (object, _) = house
        .apply("node", json!({"metadata": {"name": "web01"}, "spec": {"vars": {"a": 9}}}))
        .await
        .unwrap();
    assert_eq!(object.spec, json!({"vars": {"a": 9, "theirs": 3}}));
    assert_eq!(object.metadata.labels["rack"], "r1");
}

#[tokio::test]
async fn c50_a_second_create_and_a_stale_update_are_refused_and_an_empty_list_is_none() {
    let house = House::new();
    let kind = house.kind("node");
    let listed =
        house.objects.list(kind, &windlass_objects::Query { limit: 10, ..Default::default() }).await.unwrap();
    assert!(listed.objects.is_empty() && listed.next.is_none());
    let document = json!({"metadata": {"name": "web01"}, "spec": {"vars": {"a": 1}}});
    let first = house.create("node", document.clone()).await.unwrap();
    insta::assert_snapshot!(wrong(house.create("node", document).await), @"WL-0902: there is a Node web01 already (apply it to change the one that is there)");
    let name = Name::global("web01");
    let newer = Patch::Merge(json!({"spec": {"vars": {"a": 2}}}));
    house.objects.patch(kind, &name, &newer, Write::default(), &author("bob")).await.unwrap();
    let mut stale = serde_json::to_value(&first).unwrap();
    stale["spec"]["vars"]["a"] = json!(3);
    let refused = house.objects.replace(kind, stale, &name, Write::default(), &author("alice")).await;
    let Err(windlass_objects::Error::Conflict { changed, given, found, .. }) = refused else {
        panic!("{refused:?}")
    };
    assert_eq!((given, found > given), (first.metadata.version, true));
    assert_eq!(
        serde_json::to_value(changed).unwrap(),
        json!([{"pointer": "/spec/vars/a", "from": 2, "to": 3}])
    );
    let there = house.objects.get(kind, &name).await.unwrap();
    assert_eq!(there.spec["vars"]["a"], 2, "nothing was changed");
}

#[tokio::test]
async fn what_was_deleted_and_made_again_is_another() {
    let house = House::new();
    let kind = house.kind("node");
    let first = house.node("web01", json!({})).await;
    house.delete("node", &first.name()).await.unwrap();
    let second = house.node("web01", json!({})).await;
    assert_ne!(first.metadata.uid, second.metadata.uid);
    let mut old = serde_json::to_value(&first).unwrap();
    old["metadata"]["version"] = json!(0);
    let refused = house.objects.apply(kind, old, None, Write::default(), &author("alice")).await;
    assert!(matches!(refused, Err(windlass_objects::Error::Conflict { .. })), "{refused:?}");
    assert_eq!(house.objects.revisions(kind, &second.name(), None, 10).await.unwrap().revisions.len(), 1);
}

#[tokio::test]
async fn a_dry_run_judges_everything_and_writes_nothing() {
    let house = House::new();
    let kind = house.kind("node");
    let dry = Write { is_dry: true, ..Write::default() };
    let document = json!({"metadata": {"name": "web01"}});
    let (object, applied) = house.objects.apply(kind, document, None, dry, &author("alice")).await.unwrap();
    assert_eq!((applied, object.metadata.name.as_str()), (Applied::Created, "web01"));
    assert!(house.objects.get(kind, &Name::global("web01")).await.is_err());
    let made = house.node("web01", json!({})).await;
    house.objects.delete(kind, &made.name(), dry, &author("alice")).await.unwrap();
    assert_eq!(house.objects.get(kind, &made.name()).await.unwrap(), made);
}

#[tokio::test]
async fn every_spec_is_kept_with_who_and_when() {
    let house = House::new();
    let kind = house.kind("node");
    let name = Name::global("web01");
    for port in 1..=5 {
        let document = json!({"metadata": {"name": "web01"}, "spec": {"vars": {"port": port}}});
        let user = author(&format!("user{port}"));
        house.objects.apply(kind, document, None, Write::default(), &user).await.unwrap();
    }
    let labels = Patch::Merge(json!({"metadata": {"labels": {"a": "b"}}}));
    house.objects.patch(kind, &name, &labels, Write::default(), &author("bob")).await.unwrap();
    let page = house.objects.revisions(kind, &name, None, 3).await.unwrap();
    let told: Vec<_> = page.revisions.iter().map(|it| (it.number, it.by.as_str())).collect();
    assert_eq!(told, [(5, "user5"), (4, "user4"), (3, "user3")], "labels are no part of it");
    let rest = house.objects.revisions(kind, &name, page.next, 3).await.unwrap();
    assert_eq!((rest.revisions.len(), rest.next), (2, None));
    let found = house.objects.diff(kind, &name, 1, 4).await.unwrap();
    assert_eq!(
        serde_json::to_value(found).unwrap(),
        json!([{"pointer": "/spec/vars/port", "from": 1, "to": 4}])
            .as_array()
            .map(|_| json!([{"pointer": "/vars/port", "from": 1, "to": 4}]))
            .unwrap()
    );
    insta::assert_snapshot!(wrong(house.objects.revision(kind, &name, 9).await), @"WL-0906: Node web01 has no revision 9");
}

#[tokio::test]
async fn patches_of_both_forms() {
    let house = House::new();
    let kind = house.kind("node");
    let name = Name::global("web01");
    house
        .apply("node", json!({"metadata": {"name": "web01"}, "spec": {"vars": {"a": 1, "b": 2}}}))
        .await
        .unwrap();
    let patch = |patch: Patch| {
        let (objects, name) = (house.objects.clone(), name.clone());
        async move { objects.patch(kind, &name, &patch, Write::default(), &author("bob")).await }
    };
    let (object, applied) =
        patch(Patch::Merge(json!({"spec": {"vars": {"a": null, "c": 3}}}))).await.unwrap();
    assert_eq!((applied, object.spec), (Applied::Changed, json!({"vars": {"b": 2, "c": 3}})));
    let operations = json!([
        {"op": "test", "path": "/spec/vars/b", "value": 2},
        {"op": "replace", "path": "/spec/vars/b", "value": 7},
    ]);
    let (object, _) = patch(Patch::Operations(operations.clone())).await.unwrap();
    assert_eq!(object.spec["vars"]["b"], 7);
    let refusals = [
        wrong(patch(Patch::Operations(operations)).await),
        wrong(patch(Patch::Merge(json!([1]))).await),
        wrong(patch(Patch::Operations(json!({"op": "test"}))).await),
        wrong(patch(Patch::Merge(json!({"status": {"a": 1}}))).await),
        wrong(patch(Patch::Merge(json!({"metadata": {"name": "other"}}))).await),
        wrong(patch(Patch::Merge(json!({"spec": {"vrs": {}}}))).await),
    ];
    insta::assert_snapshot!(refusals.join("\n"));
}

#[tokio::test]
async fn status_is_written_apart() {
    let house = House::new();
    let kind = house.kind("node");
    let node = house.node("web01", json!({})).await;
    let noted = house
        .objects
        .set_status(kind, &node.name(), &author("windlass"), |_| json!({"up": true}))
        .await
        .unwrap();
    assert_eq!((noted.status, &noted.spec), (json!({"up": true}), &node.spec));
    let again = house.node("web01", json!({})).await;
    assert_eq!(again.status, json!({"up": true}), "whoever applies leaves it alone");
    assert_eq!(house.objects.revisions(kind, &node.name(), None, 9).await.unwrap().revisions.len(), 1);
}

#[tokio::test]
async fn many_who_patch_at_once_all_succeed() {
    let house = House::new();
    let kind = house.kind("node");
    house.node("web01", json!({})).await;
    let patches = (0..12).map(|n| {
        let objects = house.objects.clone();
        tokio::spawn(async move {
            let patch = Patch::Merge(json!({"spec": {"vars": {format!("v{n}"): n}}}));
            objects.patch(kind, &Name::global("web01"), &patch, Write::default(), &author("x")).await
        })
    });
    for patch in patches.collect::<Vec<_>>() {
        patch.await.unwrap().unwrap();
    }
    let node = house.objects.get(kind, &Name::global("web01")).await.unwrap();
    assert_eq!(node.spec["vars"].as_object().unwrap().len(), 12);
}
