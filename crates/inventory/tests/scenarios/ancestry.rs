//! What is a part of what.

use serde_json::json;

use super::{build, inventory, refused};

#[test]
fn c3_nothing_is_a_part_of_itself() {
    let good = json!({"nodes": [
        {"name": "switch"}, {"name": "server", "parent": "switch"}, {"name": "container", "parent": "server"},
    ]});
    let before = inventory(good.clone());
    for (changed, parent, expect) in [
        (0, "switch", "WL-0805 node switch: `switch` is its own parent"),
        (
            0,
            "container",
            "WL-0805 node switch: nodes are parts of each other: switch → container → server → switch",
        ),
        (0, "server", "WL-0805 node switch: nodes are parts of each other: switch → server → switch"),
    ] {
        let mut bad = good.clone();
        bad["nodes"][changed]["parent"] = json!(parent);
        assert_eq!(refused(bad), [expect]);
    }
    // The tree is what it was.
    let container = before.find("container").unwrap();
    let names: Vec<&str> =
        before.ancestors(container).map(|id| before.node(id).unwrap().name.as_str()).collect();
    assert_eq!(names, ["server", "switch"]);
}

#[test]
fn c3_no_group_is_a_part_of_itself() {
    for (groups, expect) in [
        (json!([{"name": "a", "parent": "a"}]), "WL-0805 group a: `a` is its own parent"),
        (
            json!([{"name": "a", "parent": "b"}, {"name": "b", "parent": ["x", "c"]}, {"name": "c", "parent": "a"}, {"name": "x"}]),
            "WL-0805 group a: groups are parts of each other: a → b → c → a",
        ),
    ] {
        assert_eq!(refused(json!({"groups": groups})), [expect]);
    }
}

#[test]
fn c9_descendants_at_all_depths_link_up() {
    let inventory = inventory(json!({"nodes": [
        {"name": "switch"}, {"name": "other"},
        {"name": "s2", "parent": "switch"}, {"name": "s1", "parent": "switch"},
        {"name": "c1", "parent": "s1"}, {"name": "c2", "parent": "s1"}, {"name": "c3", "parent": "s2"},
        {"name": "inner", "parent": "c2"}, {"name": "x", "parent": "other"},
    ]}));
    let name = |id| inventory.node(id).unwrap().name.as_str();
    let below = |of: &str| -> Vec<String> {
        let found = inventory.descendants(inventory.find(of).unwrap());
        found.iter().map(|one| format!("{} {} of {}", one.depth, name(one.id), name(one.parent))).collect()
    };
    assert_eq!(
        below("switch"),
        ["1 s2 of switch", "2 c3 of s2", "1 s1 of switch", "2 c1 of s1", "2 c2 of s1", "3 inner of c2"]
    );
    assert_eq!(below("c2"), ["1 inner of c2"]);
    assert_eq!(below("inner"), [""; 0]);
    // Each of them leads up again.
    for found in inventory.descendants(inventory.find("switch").unwrap()) {
        assert_eq!(inventory.parent(found.id), Some(found.parent));
        assert_eq!(inventory.ancestors(found.id).count() as u32, found.depth);
        assert_eq!(name(inventory.ancestors(found.id).last().unwrap()), "switch");
    }
}

#[test]
fn everything_that_is_wrong_is_said_at_once() {
    let problems = refused(json!({
        "cluster": {"name": ""},
        "groups": [
            {"name": "web", "parent": "linx", "labels": "a==", "nodes": ["web[1-2]", "web9", "/(/", "q*"]},
            {"name": "web"}, {"name": "linux"}, {"name": "a b"}, {"name": ""},
        ],
        "nodes": [
            {"name": "web1", "groups": ["wbe"]}, {"name": "web1"}, {"name": ""}, {"name": "a b"},
            {"name": "n[1-", "parent": "x"}, {"name": "web*"}, {"name": "m{1..3}", "parent": "webb1"},
            {"name": "s[1-3]", "addresses": ["10.0.0.[1-2]"]}, {"name": "t[1-3]", "addresses": ["10.0.0.1"]},
        ],
    }));
    insta::assert_snapshot!(problems.join("\n"));
    let placed = build(json!({"nodes": [{"name": "a", "groups": ["x"]}]})).unwrap_err();
    assert_eq!(placed[0].problem.pointer, "/spec/nodes/0/groups/0");
}
