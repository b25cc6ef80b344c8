//! Names in order, what is shared kept once, and forms of old still read.

use serde_json::{Value, json};

use super::*;
use crate::Map;
use crate::vars::Origin;

fn map(value: Value) -> Map {
    value.as_object().cloned().unwrap()
}

fn read(value: Value) -> Frozen {
    serde_json::from_str(&value.to_string()).unwrap()
}

#[test]
fn keeps_names_in_order_and_round_trips() {
    let mut frozen: Frozen = ["web01", "db1"].map(str::to_owned).into_iter().collect();
    let labels = [("rack".to_owned(), "r1".to_owned())].into_iter().collect();
    frozen.push(Node { name: "x".into(), labels, ..Node::default() });
    assert_eq!(frozen.names().collect::<Vec<_>>(), ["web01", "db1", "x"]);
    assert_eq!(frozen.find("x"), Some(2));
    let form = serde_json::to_value(&frozen).unwrap();
    assert_eq!(form, json!(["web01", "db1", {"name": "x", "labels": {"rack": "r1"}}]));
    assert_eq!(read(form), frozen);
}

fn family() -> Frozen {
    let all = Layer::new(Origin::Group("all".into()), map(json!({"ntp": "a", "port": 1})));
    let web = Layer::new(Origin::Group("web".into()), map(json!({"port": 80})));
    let transport = Some(Arc::new(Transport { user: Some("deploy".into()), ..Transport::default() }));
    let mut frozen = Frozen::default();
    let groups = Texts::from(["all", "web"]);
    let layers = vec![Arc::clone(&all), web];
    let of_web =
        frozen.share(Arc::new(Lineage { groups: groups.clone(), layers, transport: transport.clone() }));
    let of_all =
        frozen.share(Arc::new(Lineage { groups: ["all"].into(), layers: vec![all], transport: None }));
    let heir = Node { groups: groups.clone(), transport, ..Node::named("web01") };
    frozen.push_heir(Arc::new(heir), of_web);
    let own = Transport { user: Some("root".into()), ..Transport::default() };
    let vars = map(json!({"port": 81}));
    let other = Node { groups, transport: Some(Arc::new(own)), vars, ..Node::named("web02") };
    frozen.push_heir(Arc::new(other), of_web);
    frozen.push_heir(Arc::new(Node { groups: ["all"].into(), ..Node::named("db1") }), of_all);
    frozen.push_name("plain");
    frozen
}

fn resolved(frozen: &Frozen, index: u32) -> Value {
    let mut vars = Vars::from(map(json!({"port": 0, "of_plan": true})));
    frozen.add_vars(index, &mut vars);
    Value::Object(vars.resolved())
}

#[test]
fn what_is_shared_is_written_once_and_read_again() {
    let frozen = family();
    let form = serde_json::to_value(&frozen).unwrap();
    assert_eq!(
        form,
        json!({
            "layers": [
                {"origin": {"group": "all"}, "vars": {"ntp": "a", "port": 1}},
                {"origin": {"group": "web"}, "vars": {"port": 80}},
            ],
            "lineages": [
                {"groups": ["all", "web"], "layers": [0, 1], "transport": {"user": "deploy"}},
                {"groups": ["all"], "layers": [0]},
            ],
            "nodes": [
                [0, {"name": "web01"}],
                [0, {"name": "web02", "transport": {"user": "root"}, "vars": {"port": 81}}],
                [1, {"name": "db1"}],
                "plain",
            ],
        })
    );
    let again = read(form);
    assert_eq!(again, frozen);
    let [first, second] = [0, 1].map(|index| again.details(index).unwrap());
    assert!(first.groups.is_shared_with(&second.groups));
    for frozen in [&frozen, &again] {
        assert_eq!(resolved(frozen, 0), json!({"port": 80, "of_plan": true, "ntp": "a"}));
        assert_eq!(resolved(frozen, 1), json!({"port": 81, "of_plan": true, "ntp": "a"}));
        assert_eq!(resolved(frozen, 2), json!({"port": 1, "of_plan": true, "ntp": "a"}));
        assert_eq!(resolved(frozen, 3), json!({"port": 0, "of_plan": true}));
    }
}

#[test]
fn a_part_keeps_what_its_nodes_share() {
    let part = family().filtered(|name| name != "web01");
    assert_eq!(part.names().collect::<Vec<_>>(), ["web02", "db1", "plain"]);
    assert_eq!(resolved(&part, 0), json!({"port": 81, "of_plan": true, "ntp": "a"}));
    assert_eq!(read(serde_json::to_value(&part).unwrap()), part);
    assert_ne!(part, family());
}

#[test]
fn what_does_not_hold_together_is_refused() {
    for form in [
        json!({"nodes": [[0, {"name": "a"}]]}),
        json!({"lineages": [{"layers": [0]}], "nodes": []}),
        json!({"lineages": []}),
        json!({"nodes": [], "more": 1}),
        json!([5]),
    ] {
        assert!(serde_json::from_str::<Frozen>(&form.to_string()).is_err(), "{form}");
    }
}
