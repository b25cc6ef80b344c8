//! Whose variables count.

use serde_json::{Value, json};
use windlass_inventory::Inventory;

use super::inventory;

/// A host with variables at every level, the nearest last.
fn levels(own: Value) -> Inventory {
    inventory(json!({
        "cluster": {"name": "east", "vars": {"ntp": "cluster", "dns": "cluster", "a": 1, "only": "cluster"}},
        "namespace": {"name": "prod", "vars": {"dns": "namespace", "b": 1}},
        "groups": [
            {"name": "cell-1", "parent": "region-1", "vars": {"c": "cell", "tier": "cell"}},
            {"name": "region-1", "vars": {"c": "region", "proxy": {"host": "p", "port": 80}, "tier": "region"}},
            {"name": "web", "labels": "app=web", "priority": 5, "vars": {"tier": "web"}},
            {"name": "early", "labels": "app=web", "vars": {"tier": "early", "e": 1}},
        ],
        "nodes": [
            {"name": "core", "vars": {"uplink": "core", "tier": "core", "ntp": "core"}},
            {"name": "switch", "parent": "core", "vars": {"uplink": "switch", "ntp": "switch"}},
            {"name": "host", "parent": "switch", "groups": ["cell-1"], "labels": {"app": "web"}, "vars": own},
        ],
    }))
}

fn vars(inventory: &Inventory, name: &str) -> Value {
    Value::Object(inventory.vars(inventory.find(name).unwrap()).resolved())
}

fn blame(inventory: &Inventory, key: &str) -> String {
    let all = inventory.blame(inventory.find("host").unwrap());
    let one = all.iter().find(|one| one.key == key).unwrap();
    let hides: Vec<String> = one.hides.iter().map(|hidden| hidden.from.to_string()).collect();
    format!("{} = {} from {}, hides [{}]", one.key, one.value, one.from, hides.join(", "))
}

#[test]
fn c1_each_key_comes_from_the_nearest_owner_and_blame_names_it() {
    let with = levels(json!({"ntp": "host", "own": true}));
    assert_eq!(
        vars(&with, "host"),
        json!({
            "ntp": "host", "dns": "namespace", "a": 1, "only": "cluster", "b": 1, "c": "cell",
            "proxy": {"host": "p", "port": 80}, "tier": "core", "e": 1, "uplink": "switch", "own": true,
        })
    );
    for (key, expect) in [
        ("ntp", "ntp = \"host\" from node host, hides [ancestor switch, ancestor core, cluster east]"),
        ("dns", "dns = \"namespace\" from namespace prod, hides [cluster east]"),
        ("c", "c = \"cell\" from group cell-1, hides [group region-1]"),
        // Deeper groups are nearer, whatever the priority; of those that are equally deep the higher priority wins.
        (
            "tier",
            "tier = \"core\" from ancestor core, hides [group cell-1, group web, group region-1, group early]",
        ),
        ("own", "own = true from node host, hides []"),
    ] {
        assert_eq!(blame(&with, key), expect);
    }
    // Without the host's value the next one is there.
    let without = levels(json!({}));
    assert_eq!(
        blame(&without, "ntp"),
        "ntp = \"switch\" from ancestor switch, hides [ancestor core, cluster east]"
    );
}

#[test]
fn c1_groups_alike_in_depth_and_priority_go_by_name() {
    for names in [["alpha", "beta"], ["beta", "alpha"]] {
        let groups = names.map(|name| json!({"name": name, "nodes": ["n"], "vars": {"from": name}}));
        let inventory = inventory(json!({"groups": groups, "nodes": [{"name": "n"}]}));
        assert_eq!(vars(&inventory, "n"), json!({"from": "beta"}));
        assert_eq!(&*inventory.node(0).unwrap().groups, ["alpha", "beta"]);
    }
}

#[test]
fn c2_a_nested_value_is_replaced_and_not_merged() {
    let inventory = levels(json!({"proxy": {"host": "own"}}));
    assert_eq!(vars(&inventory, "host")["proxy"], json!({"host": "own"}));
    assert_eq!(
        blame(&inventory, "proxy"),
        "proxy = {\"host\":\"own\"} from node host, hides [group region-1]"
    );
}

#[test]
fn a_node_of_a_group_belongs_to_all_that_the_group_is_a_part_of() {
    let inventory = levels(json!({}));
    let host = inventory.node(inventory.find("host").unwrap()).unwrap();
    assert_eq!(&*host.groups, ["early", "region-1", "web", "cell-1"]);
    let groups: Vec<String> = inventory
        .groups()
        .map(|group| format!("{} {} {:?}", group.definition.name, group.depth, group.members))
        .collect();
    assert_eq!(groups, ["early 0 [2]", "region-1 0 [2]", "web 0 [2]", "cell-1 1 [2]"]);
}

#[test]
fn settings_are_inherited_one_by_one_but_not_from_ancestors() {
    let inventory = inventory(json!({
        "namespace": {"name": "prod", "transport": {"user": "deploy", "port": 22, "jump": ["bastion"]}},
        "groups": [{"name": "web", "transport": {"port": 2222, "become": {}}}],
        "nodes": [
            {"name": "gate", "addresses": ["192.0.2.1"], "transport": {"jump": []}},
            {"name": "bastion", "addresses": ["10.0.0.1"], "transport": {"jump": ["gate", "bastion"], "user": "hop"}},
            {"name": "server", "transport": {"use": "local"}},
            {"name": "w1", "groups": ["web"], "parent": "server", "transport": {"user": "root"}},
            {"name": "w2", "groups": ["web"], "transport": {"jump": ["ops@elsewhere:22", "gate"]}},
        ],
    }));
    let shown: Vec<String> = inventory
        .nodes()
        .map(|node| format!("{}: {}", node.name, serde_json::to_string(&node.transport).unwrap()))
        .collect();
    insta::assert_snapshot!(shown.join("\n"));
}

#[test]
fn jump_hosts_that_need_each_other_are_refused() {
    let problems = super::refused(json!({"nodes": [
        {"name": "a", "transport": {"jump": ["b"]}},
        {"name": "b", "transport": {"jump": ["c"]}},
        {"name": "c", "transport": {"jump": ["b"]}},
    ]}));
    assert_eq!(
        problems,
        [
            "WL-0805 node a: jump hosts are reached through each other: a → b → c → b",
            "WL-0805 node b: jump hosts are reached through each other: b → c → b",
            "WL-0805 node c: jump hosts are reached through each other: c → b → c",
        ]
    );
}
