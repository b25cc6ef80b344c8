//! Whatever is done to objects, whoever began to watch at any version and puts what is told onto what was listed then, has
//! what is listed in the end.

use std::collections::BTreeMap;

use proptest::prelude::*;
use serde_json::json;
use windlass_objects::{Name, Query, Selector, What};

use crate::House;

#[derive(Clone, Debug)]
enum Do {
    Apply {
        name: u8,
        role: u8,
        x: u8,
    },
    Delete {
        name: u8,
    },
    /// Lists, and watches from there.
    Look,
}

fn doing() -> impl Strategy<Value = Do> {
    prop_oneof![
        4 => (0..5_u8, 0..3_u8, 0..3_u8).prop_map(|(name, role, x)| Do::Apply { name, role, x }),
        2 => (0..5_u8).prop_map(|name| Do::Delete { name }),
        1 => Just(Do::Look),
    ]
}

async fn listed(house: &House, selector: &Selector) -> (BTreeMap<String, u64>, u64) {
    let query = Query { selector: selector.clone(), limit: 1000, ..Query::default() };
    let page = house.objects.list(house.kind("node"), &query).await.unwrap();
    let map = page.objects.iter().map(|it| (it.metadata.name.clone(), it.metadata.version)).collect();
    (map, page.version)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn watches_and_lists_agree(steps in proptest::collection::vec(doing(), 1..60)) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let house = House::new();
            let kind = house.kind("node");
            let selector = Selector::read(Some("role=0"), None).unwrap();
            let mut looks = Vec::new();
            for step in steps {
                match step {
                    Do::Apply { name, role, x } => {
                        let document = json!({
                            "metadata": {"name": format!("n{name}"), "labels": {"role": role.to_string()}},
                            "spec": {"vars": {"x": x}},
                        });
                        house.apply("node", document).await.unwrap();
                    }
                    Do::Delete { name } => {
                        let _ = house.delete("node", &Name::global(format!("n{name}"))).await;
                    }
                    Do::Look => {
                        let (map, version) = listed(&house, &selector).await;
                        let watch = house.objects.watch(kind, None, None, selector.clone(), Some(version)).await.unwrap();
                        looks.push((map, watch));
                    }
                }
            }
            // So that every watch has something to wait for.
            house.apply("node", json!({"metadata": {"name": "end", "labels": {"role": "0"}}})).await.unwrap();
            let (expect, _) = listed(&house, &selector).await;
            for (mut map, mut watch) in looks {
                loop {
                    let changed = watch.next().await.unwrap().unwrap();
                    let name = changed.object.metadata.name.clone();
                    let is_end = name == "end";
                    match changed.what {
                        What::Created => assert_eq!(map.insert(name, changed.version), None, "made twice"),
                        What::Updated => assert!(map.insert(name, changed.version).is_some(), "changed before it was made"),
                        What::Deleted => assert!(map.remove(&name).is_some(), "deleted before it was made"),
                    }
                    if is_end {
                        break;
                    }
                }
                assert_eq!(map, expect);
            }
        });
    }
}
