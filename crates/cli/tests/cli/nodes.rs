//! nodes, --inventory and --selection: what an inventory says, and what plans make of it.

use crate::harness::Place;

const HOSTS: &str = "\
apiVersion: windlass.dev/v1
kind: Inventory
spec:
  cluster: {name: east, vars: {ntp: time.east, dns: 10.0.0.53}}
  groups:
    - {name: web, labels: role=web, vars: {port: 8080, url: 'http://{{ node.name }}:{{ vars.port }}'}}
    - {name: db, nodes: ['db*'], transport: {user: dba, become: {user: postgres}}}
  nodes:
    - {name: sw1, labels: {role: switch}, vars: {uplink: core}}
    - {name: 'web[01-04]', labels: {role: web, rack: r1}, parent: sw1}
    - {name: web05, labels: {role: web, rack: r2}, vars: {port: 9090, ntp: own}, addresses: [192.0.2.5]}
    - {name: db1, labels: {role: db}, vars: {password: hunter22}}
    - {name: box, parent: web01}
    - {name: old, labels: {role: web}, active: false}
";

const PATCH: &str = "  blocks:
    - name: patch
      targets: {groups: web, excludeNodes: [web03]}
      concurrency: 9
      sequence: [{name: say, use: noop, with: {value: \"{{ vars.url }}\"}}]
";

fn hosts(place: &Place) -> String {
    place.file("hosts.yaml", HOSTS).to_str().unwrap().to_owned()
}

#[test]
fn nodes_are_listed_and_shown() {
    let place = Place::new();
    let hosts = hosts(&place);
    let ended = place.run(&["nodes", "list", "-i", &hosts]).exits(0).says(&["9 nodes"]);
    let ended = ended.shows(&["NODE", "web05  ", "192.0.2.5", "old (out of service)", "role=web, rack=r1"]);
    assert_eq!(ended.out.lines().count(), 10, "{}", ended.out);
    let document = place.json(&["nodes", "list", "-i", &hosts, "@db", "--output", "json"]);
    assert_eq!(document[0]["name"], "db1");
    assert_eq!(document[0]["transport"]["use"], "ssh", "who is in an inventory is reached over ssh");
    let ended = place.run(&["nodes", "show", "db1", "-i", &hosts]).exits(0);
    let ended =
        ended.shows(&["ssh · user dba · acts as postgres by sudo", "password = (hidden)", "dns = 10.0.0.53"]);
    assert!(!ended.out.contains("hunter22"), "{}", ended.out);
    let document = place.json(&["nodes", "show", "db1", "-i", &hosts, "--output", "json"]);
    assert_eq!(document["vars"]["password"], "(hidden)");
    place.run(&["nodes", "show", "web1", "-i", &hosts]).exits(2).says(&["WL-0801", "did you mean `web01`?"]);
    place.run(&["nodes", "list"]).exits(2).says(&["WL-0804", "--inventory PATH", "WINDLASS_INVENTORY"]);
    let mut command = place.command(&["nodes", "select", "@web"]);
    command.env("WINDLASS_INVENTORY", format!(":{hosts}"));
    assert_eq!(crate::harness::ended(command).exits(0).out, "web01\nweb02\nweb03\nweb04\nweb05\n");
}

#[test]
fn c9_what_is_below_a_switch_is_listed_with_its_parents() {
    let place = Place::new();
    let hosts = hosts(&place);
    let ended =
        place.run(&["nodes", "list", "--below", "sw1", "-i", &hosts]).exits(0).says(&["5 nodes below sw1"]);
    assert_eq!(ended.out, "sw1\n  web01\n    box\n  web02\n  web03\n  web04\n");
    let document = place.json(&["nodes", "list", "--below", "sw1", "-i", &hosts, "--output", "json"]);
    assert_eq!(document[1], serde_json::json!({"name": "box", "parent": "web01", "depth": 2}));
    let ended =
        place.run(&["nodes", "show", "box", "-i", &hosts]).exits(0).shows(&["web01 → sw1", "uplink = core"]);
    assert!(!ended.out.contains("port ="), "groups of ancestors are not its own: {}", ended.out);
}

#[test]
fn c1_variables_and_who_supplies_them() {
    let place = Place::new();
    let hosts = hosts(&place);
    let document = place.json(&["nodes", "vars", "web05", "-i", &hosts, "--output", "json"]);
    let expect =
        serde_json::json!({"dns": "10.0.0.53", "ntp": "own", "port": 9090, "url": "http://web05:9090"});
    assert_eq!(document, expect);
    let ended = place.run(&["nodes", "vars", "web05", "-i", &hosts, "--blame"]).exits(0);
    ended.shows(&[
        "ntp       own",
        "node web05    cluster east (time.east)",
        "group web (8080)",
        "http://web05:9090 = http://{{ node.name }}:{{ vars.port }}  group web",
    ]);
    let document = place.json(&["nodes", "vars", "web05", "-i", &hosts, "--blame", "--output", "json"]);
    let ntp = document.as_array().unwrap().iter().find(|var| var["key"] == "ntp").unwrap();
    assert_eq!(ntp["hides"][0], serde_json::json!({"from": "cluster east", "value": "time.east"}));
}

#[test]
fn a_circle_of_variables_is_said() {
    let place = Place::new();
    let spec = "kind: Inventory\napiVersion: windlass.dev/v1\nspec: {nodes: [{name: n, vars: {a: '{{ vars.b }}', b: '{{ vars.a }}', c: 1}}]}\n";
    let hosts = place.file("circle.yaml", spec);
    let ended = place.run(&["nodes", "vars", "n", "-i", hosts.to_str().unwrap()]).exits(2);
    ended.says(&["WL-0808", "in a circle"]).shows(&["c  1"]);
}

#[test]
fn p11_selections_say_what_they_choose_and_what_is_odd() {
    let place = Place::new();
    let hosts = hosts(&place);
    let ended = place.run(&["nodes", "select", "@web,x*,!label:rack=r2", "-i", &hosts]).exits(0);
    let ended = ended.says(&["WL-0708", "`x*` matches no node", "4 nodes", "command line:1:1"]);
    assert_eq!(ended.out, "web01\nweb02\nweb03\nweb04\n");
    let select = ["nodes", "select", "where:vars.port is defined and vars.port > 9000", "-i", &hosts];
    assert_eq!(place.run(&select).exits(0).out, "web05\n");
    place
        .run(&["nodes", "select", "label:rack=r9", "-i", &hosts])
        .exits(2)
        .says(&["WL-0218", "chooses no node"]);
    place
        .run(&["nodes", "select", "wbe01", "-i", &hosts])
        .exits(2)
        .says(&["WL-0801", "did you mean `web01`?"]);
    place.run(&["nodes", "select", "a,,b", "-i", &hosts]).exits(2).says(&["WL-0803"]);
    let document = place.json(&["nodes", "select", "@web", "-i", &hosts, "--output", "json"]);
    assert_eq!((&document["count"], &document["nodes"][4]), (&5.into(), &"web05".into()));
}

#[test]
fn plans_select_from_the_inventory() {
    let place = Place::new();
    let (hosts, plan) = (hosts(&place), place.plan("patch", PATCH));
    let plan = plan.to_str().unwrap();
    let chosen = |args: &[&str]| {
        let document = place.json(&[&["preview", plan, "-i", &hosts, "--output", "json"], args].concat());
        document["blocks"][0]["targets"]
            .as_array()
            .unwrap()
            .iter()
            .map(|it| it.as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(chosen(&[]), ["web01", "web02", "web04", "web05"]);
    assert_eq!(chosen(&["--selection", "label:rack=r2,web01"]), ["web01", "web05"]);
    place.run(&["validate", plan, "-i", &hosts]).exits(0);
    place.run(&["preview", plan]).exits(2).says(&["WL-0804"]);
    place.run(&["preview", plan, "-i", &hosts]).exits(0).shows(&["web01, web02, web04, web05", "4 targets"]);
    let document = place.json(&["rehearse", plan, "-i", &hosts, "--output", "json"]);
    assert_eq!(document["run"]["status"], "succeeded", "{document}");
    place.run(&["rehearse", plan, "-i", &hosts, "--selection", "web05"]).exits(0).shows(&["web05"]);
    let mistaken = place.plan("mistaken", &PATCH.replace("web03", "web33"));
    for command in ["validate", "preview", "run"] {
        let ended = place.run(&[command, mistaken.to_str().unwrap(), "-i", &hosts]).exits(2);
        ended.says(&["WL-0801", "did you mean `web03`?", "mistaken.yaml:7:45"]);
    }
    assert!(!place.data().exists(), "no store was touched");
}

#[test]
fn p12_a_selection_narrows_a_run_and_another_run_does_the_others() {
    let place = Place::new();
    let hosts = hosts(&place);
    let plan = place.plan("patch", PATCH);
    let plan = plan.to_str().unwrap();
    let names = |document: &serde_json::Value| {
        let elements = document["elements"].as_array().unwrap().iter();
        let all = elements
            .filter(|it| it["kind"] == "sequence")
            .map(|it| format!("{} {}", it["address"].as_str().unwrap(), it["status"].as_str().unwrap()));
        all.collect::<Vec<_>>()
    };
    let one = place.json(&["rehearse", plan, "-i", &hosts, "--selection", "web01", "--output", "json"]);
    assert_eq!(names(&one), ["patch/web01 succeeded"]);
    let others = place.json(&["rehearse", plan, "-i", &hosts, "--selection", "*,!web01", "--output", "json"]);
    assert_eq!(names(&others), ["patch/web02 succeeded", "patch/web04 succeeded", "patch/web05 succeeded"]);
}

#[test]
fn p13_a_selection_that_leaves_a_block_nothing_makes_it_do_nothing() {
    let place = Place::new();
    let hosts = hosts(&place);
    let spec = format!(
        "{PATCH}    - {{name: base, targets: {{groups: db}}, canary: 1, sequence: [{{name: x, use: noop}}]}}\n"
    );
    let plan = place.plan("two", &spec);
    let plan = plan.to_str().unwrap();
    let document = place.json(&["rehearse", plan, "-i", &hosts, "--selection", "@web", "--output", "json"]);
    assert_eq!(document["run"]["status"], "succeeded");
    let elements = document["elements"].as_array().unwrap().iter();
    assert!(!elements.clone().any(|it| it["address"].as_str().unwrap().starts_with("base/")));
    assert!(elements.clone().any(|it| it["address"] == "base" && it["status"] == "succeeded"), "{document}");
    // That it leaves nothing at all is an error, drawn where it was given.
    let ended = place.run(&["rehearse", plan, "-i", &hosts, "--selection", "sw1"]).exits(2);
    ended.says(&["WL-0218", "─[command line:1:13]\n 1 │ --selection sw1"]);
}

#[test]
fn validate_says_what_it_cannot_check_without_an_inventory_and_checks_it_with_one() {
    let place = Place::new();
    let hosts = hosts(&place);
    let plan = |name: &str, targets: &str, value: &str| {
        let spec = format!(
            "  blocks: [{{name: b, targets: {{{targets}}}, sequence: [{{name: a, use: noop, with: {{value: \"{value}\"}}}}]}}]\n"
        );
        place.plan(name, &spec).to_str().unwrap().to_owned()
    };
    let fine = plan("fine", "roles: web", "{{ facts.os.name }}");
    let ended = place.run(&["validate", &fine]).exits(0).shows(&["ok"]);
    ended.says(&["not checked: which nodes `b` would have", "`--inventory PATH` checks that, too"]);
    let document = place.json(&["validate", &fine, "--output", "json"]);
    assert!(document["files"][0]["plans"][0]["unchecked"].as_str().unwrap().contains("`b`"), "{document}");
    let ended = place.run(&["validate", &fine, "-i", &hosts]).exits(0);
    assert!(!ended.err.contains("not checked") && !ended.err.contains("WL-0713"), "{}", ended.err);
    let named = plan("named", "nodes: [a, b]", "x");
    assert!(!place.run(&["validate", &named]).exits(0).err.contains("not checked"));
    let wrong = plan("wrong", "roles: wbe", "x");
    place.run(&["validate", &wrong, "-i", &hosts]).exits(2).says(&["wbe", "no nodes are left"]);
    let wrong = plan(
        "facts",
        "roles: web",
        "{{ facts.os.nmae }} {{ facts.os.version }} {{ facts.shoe | default(1) }}",
    );
    let ended = place.run(&["validate", &wrong, "-i", &hosts]).exits(0);
    let ended = ended.says(&["WL-0713", "no node has a fact `os.nmae`"]);
    assert!(
        !ended.err.contains("os.version") || ended.err.matches("no node has").count() == 1,
        "{}",
        ended.err
    );
}

#[test]
fn an_empty_selection_is_an_error() {
    let place = Place::new();
    let hosts = hosts(&place);
    let plan = place.plan("none", &PATCH.replace("groups: web, excludeNodes: [web03]", "labels: rack=r9"));
    for command in ["validate", "preview", "rehearse", "run"] {
        let ended = place.run(&[command, plan.to_str().unwrap(), "-i", &hosts]).exits(2);
        ended.says(&["WL-0218", "no nodes are left", "none.yaml:7:"]);
    }
    let fine = place.plan(
        "fine",
        &PATCH.replace("groups: web, excludeNodes: [web03]", "labels: rack=r9, allowEmpty: true"),
    );
    place.run(&["rehearse", fine.to_str().unwrap(), "-i", &hosts]).exits(0);
    place
        .run(&["preview", plan.to_str().unwrap(), "-i", &hosts, "--selection", ""])
        .exits(2)
        .says(&["WL-0803"]);
}

#[test]
fn an_inventory_that_nothing_uses_is_warned_of() {
    let place = Place::new();
    let hosts = hosts(&place);
    let spec = "  blocks: [{name: a, sequences: [{name: s, actions: [{name: x, use: noop}]}]}]\n";
    let plan = place.plan("lone", spec);
    let plan = plan.to_str().unwrap();
    place.run(&["preview", plan, "-i", &hosts]).exits(0).says(&["WL-0711"]);
    let mut command = place.command(&["preview", plan]);
    command.env("WINDLASS_INVENTORY", &hosts);
    let ended = crate::harness::ended(command).exits(0);
    assert!(!ended.err.contains("WL-0711"), "nobody asked for it: {}", ended.err);
    place.run(&["run", plan]).exits(0);
}

#[test]
fn everything_that_is_wrong_is_drawn_in_its_file() {
    let place = Place::new();
    let one = HOSTS.replace("parent: sw1", "parnt: sw1").replace("labels: role=web,", "labels: 'role in (',");
    place.file("a.yaml", &one);
    let two = "apiVersion: windlass.dev/v1\nkind: Node\nmetadata: {name: web05}\n---\napiVersion: windlass.dev/v1\nkind: NodeGroup\nmetadata: {name: cell}\nspec: {nodes: [db1], parent: cel}\n";
    place.file("b.yaml", two);
    let (a, b) = (place.path("a.yaml"), place.path("b.yaml"));
    let args = ["nodes", "list", "-i", a.to_str().unwrap(), "-i", b.to_str().unwrap()];
    let ended = place.run(&args).exits(2);
    let ended = ended.says(&["WL-0103", "did you mean `parent`?", "a.yaml:10:", "WL-0803"]);
    let ended = ended.says(&[
        "the node `web05` is defined twice",
        "b.yaml:3:18]",
        "the first one stands at",
        "a.yaml:11:14",
    ]);
    assert!(!ended.err.contains("there is no group `cel`"), "it may stand in what is wrong: {}", ended.err);
    place.file("a.yaml", HOSTS);
    let ended = place.run(&args).exits(2).says(&["WL-0203", "WL-0802", "did you mean `cell`?", "b.yaml:8:"]);
    assert!(!ended.err.contains("WL-0103"));
    let document = place.run(&[&args[..], &["--output", "json"]].concat()).exits(2).json();
    let problem = &document["error"]["problems"][0];
    assert_eq!((&problem["source"], &problem["line"]), (&b.to_str().unwrap().into(), &3.into()));
}
