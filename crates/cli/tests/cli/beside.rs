//! Files beside a plan: templates that become part of a run, and files that are copied.

use std::fs;

use crate::harness::{Place, ended};

/// A plan in a folder of its own; it fails after it has written, unless the gate is open.
fn plan(place: &Place) {
    let to = place.path("node");
    let text = format!(
        "apiVersion: windlass.dev/v1
kind: Plan
metadata: {{name: site}}
spec:
  params: {{port: {{type: int, default: 80}}, key: {{type: secret, required: true}}}}
  blocks:
    - name: collect
      targets: {{nodes: [db1, db2]}}
      sequence:
        - {{name: ask, use: noop, with: {{value: {{ip: '10.0.0.{{{{ node.name | last }}}}'}}}}, save: {{ip: ip}}}}
    - name: write
      targets: {{nodes: [web1]}}
      sequence:
        - {{name: conf, use: file, with: {{path: {to}/site.conf, template: templates/site.conf.j2, diff: true}}}}
        - {{name: copy, use: file, with: {{path: {to}/motd, source: files/motd}}}}
        - {{name: gate, use: command, with: {{argv: [test, -e, {to}/gate]}}}}
",
        to = to.display()
    );
    place.file("plans/site.yaml", &text);
}

const TEMPLATE: &str = "\
listen {{ params.port }};
{%- for name in ['db1', 'db2'] %}
server {{ targets[name].store.ip }};
{%- endfor %}
key {{ params.key }};
";

fn beside(template: &str) -> Place {
    let place = Place::new();
    for folder in ["plans/templates", "plans/files", "node"] {
        fs::create_dir_all(place.path(folder)).unwrap();
    }
    place.file("plans/templates/site.conf.j2", template);
    place.file("plans/files/motd", "welcome\n");
    place
}

#[test]
fn a_run_takes_its_templates_with_it() {
    let place = beside(TEMPLATE);
    plan(&place);
    let run = ["run", "plans/site.yaml", "-p", "key=hunter2-hunter2"];
    // The gate is closed, so the run fails after the files were written.
    let first = place.run(&run).exits(1);
    assert!(!first.out.contains("hunter2") && !first.err.contains("hunter2"), "{}{}", first.out, first.err);
    let expected = "listen 80;\nserver 10.0.0.1;\nserver 10.0.0.2;\nkey hunter2-hunter2;\n";
    assert_eq!(fs::read_to_string(place.path("node/site.conf")).unwrap(), expected);
    assert_eq!(fs::read_to_string(place.path("node/motd")).unwrap(), "welcome\n");

    // Another directory to start in changes nothing: paths begin beside the plan.
    fs::write(place.path("node/gate"), "").unwrap();
    fs::remove_file(place.path("node/motd")).unwrap();
    let mut elsewhere =
        place.command(&["run", place.path("plans/site.yaml").to_str().unwrap(), "-p", "key=hunter2-hunter2"]);
    elsewhere.current_dir("/");
    ended(elsewhere).exits(0);
    assert_eq!(fs::read_to_string(place.path("node/motd")).unwrap(), "welcome\n");
}

#[test]
fn what_is_wrong_with_a_template_file_is_said_before_anything_runs() {
    let check = |template: &str, says: &[&str]| {
        let place = beside(template);
        plan(&place);
        place.run(&["validate", "plans/site.yaml"]).exits(2).says(says);
    };
    check(
        "{{ params.prot }}\n",
        &["WL-0210", "in the template file `templates/site.conf.j2`", "params.prot"],
    );
    check("{% if %}\n", &["WL-0108", "in the template file `templates/site.conf.j2`"]);
    let place = beside("");
    plan(&place);
    fs::remove_file(place.path("plans/templates/site.conf.j2")).unwrap();
    place
        .run(&["validate", "plans/site.yaml"])
        .exits(2)
        .says(&["WL-0101", "the template file `templates/site.conf.j2` cannot be read"]);
}
