//! Which nodes are meant.

use serde_json::{Value, json};
use windlass_inventory::Inventory;
use windlass_lang::Evaluator;
use windlass_model::eval::Scope;
use windlass_model::freeze::Choice;
use windlass_model::target::Targets;

use super::inventory;

fn fleet() -> Inventory {
    inventory(json!({
        "groups": [
            {"name": "web", "labels": "role=web", "parent": "linux", "vars": {"weight": 3}},
            {"name": "db", "nodes": ["db*"], "parent": "linux", "vars": {"weight": 7}},
            {"name": "linux"},
            {"name": "nobody"},
        ],
        "nodes": [
            {"name": "web[01-04]", "labels": {"role": "web", "rack": "r1", "cores": "8"}},
            {"name": "web05", "labels": {"role": "web", "rack": "r2"}, "facts": {"os": {"name": "debian"}}},
            {"name": "db1", "roles": ["db", "primary"], "labels": {"rack": "r1"}, "vars": {"weight": 9}},
            {"name": "db2", "roles": ["db"], "labels": {"rack": "r2", "cores": "32"}},
            {"name": "old", "labels": {"role": "web", "rack": "r1"}, "active": false},
            {"name": "lone"},
        ],
    }))
}

fn select(inventory: &Inventory, targets: &Targets) -> Choice {
    inventory.select(targets, &Evaluator::new(), &Scope::default())
}

/// What a selection gives: the names, then what was odd or wrong.
fn shown(targets: &Targets) -> String {
    let choice = select(&fleet(), targets);
    let mut lines = vec![choice.targets.names().collect::<Vec<_>>().join(" ")];
    for (word, problems) in [("warning", &choice.warnings), ("error", &choice.problems)] {
        lines.extend(problems.iter().map(|problem| {
            let help = problem.help.as_ref().map(|help| format!(" ({help})")).unwrap_or_default();
            format!("{word} {} {}: {}{help}", problem.code, problem.pointer, problem.message)
        }));
    }
    lines.join("\n")
}

fn line(text: &str) -> String {
    shown(&text.parse().unwrap())
}

#[test]
fn p11_every_way_to_select_and_to_exclude() {
    for (text, expect) in [
        ("db1,web02", "db1 web02"),
        ("web*", "web01 web02 web03 web04 web05"),
        ("web0[24],db{2..2}", "web02 web04 db2"),
        ("/^(db|web05)/", "web05 db1 db2"),
        ("@db", "db1 db2"),
        ("@linux", "web01 web02 web03 web04 web05 db1 db2"),
        ("@{web,db}", "web01 web02 web03 web04 web05 db1 db2"),
        ("role:web", "web01 web02 web03 web04 web05"),
        ("role:p*", "db1"),
        ("label:rack=r2", "web05 db2"),
        ("label:(rack=r1,role!=web)", "db1"),
        ("label:cores>8", "db2"),
        ("label:rack notin (r1,r2)", "lone"),
        ("where:vars.weight is defined and vars.weight >= 7", "db1 db2"),
        ("where:node.groups[0] is defined and 'db' in node.groups", "db1 db2"),
        ("where:facts.os is defined and facts.os.name == 'debian'", "web05"),
        // All includes together, minus all excludes; named ones first, each once.
        ("lone,@db,db2,web01,role:web,!web02,!web0[34]", "lone db2 web01 db1 web05"),
        ("*,!@web,!role:primary,!label:rack=r2,!/^lone$/", ""),
        ("*,!where:node.name == 'lone',!@linux", ""),
        ("*,!where:vars.weight is defined", "lone"),
    ] {
        assert_eq!(line(text), expect, "{text}");
    }
}

#[test]
fn p11_the_same_as_keys_of_a_plan() {
    let targets: Targets = serde_json::from_value(json!({
        "nodes": ["lone", {"name": "db2", "vars": {"weight": 1}}],
        "groups": "web",
        "labels": ["rack=r1", "rack=r2"],
        "excludeRoles": "primary",
        "excludeWhere": "node.labels.cores is defined and node.labels.cores == '8'",
    }))
    .unwrap();
    let choice = select(&fleet(), &targets);
    assert_eq!(choice.targets.names().collect::<Vec<_>>(), ["lone", "db2", "web05"]);
    // What the plan says of a node lies over what the inventory says.
    let mut vars = windlass_model::vars::Vars::default();
    choice.targets.add_vars(1, &mut vars);
    assert_eq!(Value::Object(vars.resolved()), json!({"weight": 1}));
    let db2 = choice.targets.node(1).unwrap();
    assert_eq!(
        (db2.labels["cores"].as_str(), &*db2.groups),
        ("32", &["linux".to_owned(), "db".to_owned()][..])
    );
    assert_eq!(choice.targets.lineage(1), choice.targets.lineage(1));
}

#[test]
fn p11_what_matches_nothing_is_named() {
    let lines = [
        "wbe*,web01",
        "/nope/,web01",
        "web[04-07],web01",
        "role:wbe,web01",
        "label:rakc=r1,web01",
        "label:rack=r9,web01",
        "@x*,web01",
        "@nobody,web01",
        "where:node.name == 'x',web01",
        "web01,!q*,!role:x,!@nobody,!where:node.name == 'x'",
        "where:facts.os.name == 'debian'",
        "web01,web05,db1,!where:facts.os.name != 'debian'",
        "old,web01",
        "wbe01,@wbe,web01",
        "web01,!wbe01,!@wbe",
        "where:node.name = 'x'",
        "/(/",
    ];
    let all: Vec<String> = lines.iter().map(|text| format!("> {text}\n{}", line(text))).collect();
    insta::assert_snapshot!(all.join("\n"));
}

/// What a condition over variables finds in a region with a switch and hosts below it.
fn found(condition: &str) -> String {
    let inventory = inventory(json!({
        "groups": [{"name": "region", "vars": {"net": [{"mtu": 1500}, {"mtu": 9000}], "flag": true, "n": 1, "a-b": "x,y:z"}}],
        "nodes": [
            {"name": "switch", "groups": ["region"], "vars": {"uplink": "core"}},
            {"name": "inherits", "parent": "switch", "groups": ["region"]},
            {"name": "overrides", "parent": "switch", "groups": ["region"], "vars": {"net": [], "uplink": "own"}},
            {"name": "restores", "parent": "overrides", "groups": ["region"], "vars": {"net": [{"mtu": 9000}], "uplink": "core"}},
            {"name": "typed", "vars": {"n": "1", "flag": "true"}},
        ],
    }));
    let targets = Targets { allow_empty: true, ..format!("where:{condition}").parse::<Targets>().unwrap() };
    let choice = select(&inventory, &targets);
    let mut words: Vec<String> = choice.targets.names().map(str::to_owned).collect();
    words.extend(choice.problems.iter().map(|problem| format!("{}: {}", problem.code, problem.message)));
    words.join(" ")
}

#[test]
fn c4_a_condition_finds_who_inherits_the_value_and_not_who_overrides_it() {
    let jumbo = "vars.net is defined and (vars.net | selectattr('mtu', 'eq', 9000) | list | length) > 0";
    assert_eq!(found(jumbo), "switch inherits restores");
    assert_eq!(found("vars.uplink is defined and vars.uplink == 'core'"), "switch inherits restores");
}

#[test]
fn c5_types_are_strict_and_conditions_are_joined() {
    assert_eq!(found("vars.n is defined and vars.n == 1"), "switch inherits overrides restores");
    assert_eq!(found("vars.n is defined and vars.n == '1'"), "typed");
    assert_eq!(found("vars.flag is defined and vars.flag == true"), "switch inherits overrides restores");
    assert_eq!(found("vars.flag is defined and vars.flag == 'true'"), "typed");
    assert_eq!(
        found("vars['a-b'] is defined and vars['a-b'] == 'x,y:z'"),
        "switch inherits overrides restores"
    );
    let both = "vars.uplink is defined and vars.uplink == 'core' and node.name != 'switch'";
    assert_eq!(found(both), "inherits restores");
    // A word that is no text and no name, and a name with a hyphen that stands for a subtraction, are said.
    for (wrong, name) in [("vars.uplink == core", "core"), ("vars.a-b == 'x'", "b")] {
        let said = found(wrong);
        assert!(said.contains(&format!("there is no `{name}`: a text stands in quotes")), "{wrong}: {said}");
    }
}
