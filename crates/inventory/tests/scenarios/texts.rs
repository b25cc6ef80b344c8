//! Texts that make an inventory: our kinds, and those that were written for Ansible.

use windlass_inventory::{Form, Inventory, Text, read};
use windlass_lang::{Findings, Source};

fn texts(all: &[(&str, &str)]) -> Vec<Text> {
    let form = |name: &str, text: &str| match name.split_once('/') {
        _ if name.ends_with(".ini") => Form::Ini,
        Some(("group_vars", owner)) => Form::GroupVars(owner.to_owned()),
        Some(("host_vars", owner)) => Form::HostVars(owner.to_owned()),
        _ if name.ends_with(".yaml") => Form::Yaml,
        _ => Form::guess(text),
    };
    all.iter().map(|(name, text)| Text { source: Source::new(name, text), form: form(name, text) }).collect()
}

/// Every node with its settings and variables, then what is odd.
fn shown(all: &[(&str, &str)]) -> String {
    match read(&texts(all)) {
        Ok(read) => {
            let mut lines: Vec<String> =
                (0..read.inventory.len()).map(|id| node(&read.inventory, id)).collect();
            lines.extend(read.warnings.iter().map(Findings::to_string));
            lines.join("\n")
        }
        Err(refused) => refused.iter().map(described).collect::<Vec<_>>().join("\n"),
    }
}

fn node(inventory: &Inventory, id: u32) -> String {
    let node = inventory.node(id).unwrap();
    let transport = serde_json::to_string(&node.transport).unwrap();
    let vars = serde_json::Value::Object(inventory.vars(id).resolved());
    let state = if node.active { "" } else { " (out of service)" };
    format!("{}{state} {:?} {:?} {transport} {vars}", node.name, node.addresses, node.groups)
}

fn described(findings: &Findings) -> String {
    let help = findings.found().iter().filter_map(|found| found.problem.help.as_deref());
    let help: Vec<String> = help.map(|help| format!("  help: {help}")).collect();
    format!("{findings}\n{}", help.join("\n"))
}

const HEAD: &str = "apiVersion: windlass.dev/v1\nkind: ";

#[test]
fn documents_of_all_kinds_make_one_inventory() {
    let inventory = format!(
        "{HEAD}Inventory\nspec:\n  namespace: {{name: prod, vars: {{a: 1}}, transport: {{user: deploy}}}}\n  nodes: [sw1, {{name: 'web[1-2]', parent: sw1}}]\n"
    );
    let others = format!(
        "{HEAD}Node\nmetadata: {{name: db1, labels: {{role: db}}}}\nspec: {{vars: {{b: 2}}, active: false}}\n---\n{HEAD}NodeGroup\nmetadata: {{name: db}}\nspec: {{labels: role=db, transport: {{use: local}}}}\n"
    );
    insta::assert_snapshot!(shown(&[("a.yaml", &inventory), ("b.yaml", &others)]));
}

#[test]
fn what_is_wrong_with_documents_is_said_in_all_of_them_at_once() {
    let one = format!(
        "{HEAD}Inventory\nspec:\n  cluster: {{name: east}}\n  roleLabel: app\n  nodes: [{{name: a}}, {{name: b, labls: {{}}}}, {{name: c, transport: {{port: many}}}}]\n"
    );
    let two = format!(
        "{HEAD}Inventory\nspec:\n  cluster: {{name: west}}\n  roleLabel: role\n  nodes: [a, {{name: d, parent: b}}]\n"
    );
    let three = format!(
        "{HEAD}Node\nmetadata: {{name: a}}\nspec: {{groups: [g], vars: 5}}\n---\nkind: Pod\n---\nkind: Plan\nspec: {{}}\n"
    );
    let broken = "a: [\n";
    insta::assert_snapshot!(shown(&[
        ("one.yaml", &one),
        ("two.yaml", &two),
        ("three.yaml", &three),
        ("four.yaml", broken),
        ("five.yaml", "- 1\n"),
    ]));
}

const INI: &str = "\
# a comment
lone ansible_host=192.0.2.9

[web]
web[01:03].example.org http_port=8080 ansible_user=www
web09:2222 ansible_host=10.0.0.9 tags=\"['a', 'b c']\" on=True

[db]
db1 ansible_connection=winrm
db2 ansible_become=yes ansible_become_user=postgres ansible_password=hunter22

[eu:children]
web
db

[eu:vars]
ntp = time.eu
ansible_ssh_common_args = -J ops@gate
ansible_group_priority = 5
";

#[test]
fn ini_of_ansible() {
    insta::assert_snapshot!(shown(&[("hosts", INI)]));
}

#[test]
fn yaml_of_ansible() {
    let yaml = "
all:
  vars: {domain: example.org, ansible_user: root}
  hosts:
    lone:
  children:
    web:
      hosts:
        web[1:2]: {http_port: 80}
        web3: {ansible_connection: local}
      vars: {ansible_user: www, greeting: '{{ domain }}!'}
    cells:
      children:
        cell1: {hosts: {web1: , web3: }, vars: {cell: 1}}
    sealed:
      vars:
        key: !vault |
          $ANSIBLE_VAULT;1.1;AES256
          6231
";
    insta::assert_snapshot!(shown(&[("hosts.yaml", yaml)]));
}

#[test]
fn what_dynamic_inventories_print() {
    let list = r#"{
      "web": {"hosts": ["a", "b"], "vars": {"port": 80}},
      "db": ["c"],
      "eu": {"children": ["web", "db", "later"]},
      "_meta": {"hostvars": {"a": {"ansible_host": "10.0.0.1", "ansible_port": 22, "nested": {"x": [1]}}, "c": {"port": 1}}}
    }"#;
    insta::assert_snapshot!(shown(&[("inventory.py", list)]));
}

#[test]
fn variables_beside_an_inventory_win() {
    insta::assert_snapshot!(shown(&[
        ("hosts.ini", "[web]\na p=1 q=1\nb\n"),
        ("group_vars/all", "domain: example.org\np: all\n"),
        ("group_vars/web", "p: web\nansible_user: www\n"),
        ("group_vars/nobody", "p: 5\n"),
        ("host_vars/a", "q: 2\n"),
        ("host_vars/b", "$ANSIBLE_VAULT;1.1;AES256\n"),
    ]));
}

#[test]
fn several_inventories_of_ansible_are_one() {
    let (one, two) = ("[web]\na x=1\nb\n", "[eu]\na x=1\n\n[web]\nc\n");
    insta::assert_snapshot!(shown(&[("1.ini", one), ("2.ini", two)]));
    let ours = format!("{HEAD}Inventory\nspec: {{nodes: [a]}}\n");
    let both = shown(&[("1.ini", one), ("ours.yaml", &ours)]);
    assert!(both.contains("the node `a` is defined twice") && both.contains("1.ini:2:1"), "{both}");
}

#[test]
fn what_is_wrong_with_an_inventory_of_ansible() {
    let ini = "[web]\na b\nc x='1\nw[1:\n[web:vars]\nnothing\n[eu:children]\nweb db\nmissing\n[x:kids]\ny\n[db]\na v=1\n[db2]\na v=2\n";
    let yaml = "all:\n  hosts: 5\n  children:\n    web: {hosts: {w1: 5, 'w[1': }, varz: {}}\n    a: {children: {b: {children: {a: }}}}\n";
    insta::assert_snapshot!(shown(&[("hosts.ini", ini), ("hosts.yaml", yaml)]));
}

#[test]
fn a_password_is_never_drawn() {
    let read = read(&texts(&[("hosts", INI)])).unwrap();
    let mut drawn = String::new();
    for findings in &read.warnings {
        let handler = miette::GraphicalReportHandler::new_themed(miette::GraphicalTheme::unicode_nocolor());
        drawn.push_str(&findings.render(&handler));
    }
    assert!(drawn.contains("ansible_password=********") && !drawn.contains("hunter22"), "{drawn}");
}

#[test]
fn what_a_file_without_an_ending_is() {
    for (text, form) in [
        ("web1\nweb2\n", Form::Ini),
        ("# x\n[web]\nweb1\n", Form::Ini),
        ("web1 a='b: c'\n[web]\nweb1\n", Form::Ini),
        ("---\nall:\n", Form::Yaml),
        ("all:\n  hosts:\n", Form::Yaml),
        ("kind: Inventory\n", Form::Yaml),
        ("{\"web\": [\"a\"]}", Form::Yaml),
    ] {
        assert_eq!(Form::guess(text), form, "{text}");
    }
}

/// As large as inventories get: nothing here may take more than linear time, or be forgotten.
#[test]
fn a_hundred_thousand_nodes() {
    const NODES: u32 = 100_000;
    let mut yaml = format!(
        "{HEAD}Inventory\nspec:\n  groups:\n    - {{name: web, labels: role=web, vars: {{port: 80}}}}\n  nodes:\n"
    );
    for n in 0..NODES {
        let role = if n % 4 == 0 { "db" } else { "web" };
        yaml.push_str(&format!(
            "    - {{name: n{n:06}, labels: {{role: {role}, rack: r{}}}, vars: {{weight: {}}}}}\n",
            n % 500,
            n % 10
        ));
    }
    let inventory = read(&texts(&[("hosts.yaml", &yaml)])).unwrap().inventory;
    assert_eq!(inventory.len(), NODES);
    let select = |text: &str| {
        let choice =
            inventory.select(&text.parse().unwrap(), &windlass_lang::Evaluator::new(), &Default::default());
        assert_eq!(choice.problems, []);
        choice.targets
    };
    let expect = (0..NODES).filter(|n| n % 4 != 0 && n % 500 != 7 && !(50_000..60_000).contains(n)).count();
    assert_eq!(select("@web,!label:rack=r7,!n05*").len() as usize, expect);
    let web = select("@web");
    let mut vars = windlass_model::vars::Vars::default();
    web.add_vars(web.find("n099999").unwrap(), &mut vars);
    assert_eq!(serde_json::Value::Object(vars.resolved()), serde_json::json!({"port": 80, "weight": 9}));
    // One of them twice is found among all.
    yaml.push_str("    - {name: n000001}\n");
    let refused = read(&texts(&[("hosts.yaml", &yaml)])).unwrap_err();
    let said = described(&refused[0]);
    assert!(said.starts_with("hosts.yaml:100007:14: WL-0203") && said.contains("hosts.yaml:8:14"), "{said}");
}
