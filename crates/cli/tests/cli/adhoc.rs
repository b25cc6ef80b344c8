//! `windlass exec` and `windlass copy`: on real hosts, by the same rules as plans.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use crate::harness::{Ended, Place};
use crate::ssh::Reach;

/// The command with the farm's inventory.
fn on(reach: &Reach, args: &[&str]) -> Ended {
    let nodes = reach.farm.nodes();
    let inventory = format!("apiVersion: windlass.dev/v1\nkind: Inventory\nspec: {{nodes: {nodes}}}\n");
    let inventory = reach.place.file("hosts.yaml", &inventory);
    let mut command = reach.command(args);
    command.env("WINDLASS_INVENTORY", inventory);
    crate::harness::ended(command)
}

#[test]
fn a_command_runs_on_every_node_and_says_what_each_printed() {
    let Some(reach) = Reach::new("a_command_runs_on_every_node_and_says_what_each_printed", 3) else {
        return;
    };
    let ended =
        on(&reach, &["exec", "web*,!web03", "--", "sh", "-c", "echo out of $0; echo err >&2", "{{x}}"]);
    let ended = ended.exits(0).says(&["web01 ! err", "web02 ! err", "succeeded on 2 of 2 nodes"]);
    let mut lines: Vec<&str> = ended.out.lines().collect();
    lines.sort_unstable();
    // Standard output is what the nodes printed there, and nothing else.
    assert_eq!(lines, ["web01 | out of {{x}}", "web02 | out of {{x}}"]);

    let template =
        ["exec", "*", "--template", "--shell", "--", "echo", "{{ node.name }}", "|", "tr", "w", "W"];
    on(&reach, &template).exits(0).shows(&["web01 | Web01\n", "web03 | Web03\n"]);

    // Every node has its turn, and one that fails is not forgotten.
    let fails = ["exec", "*", "--template", "--shell", "--", "test {{ node.name }} != web02"];
    let ended = on(&reach, &fails).exits(1);
    ended.says(&["web02 failed: exit code 1", "succeeded on 2 of 3 nodes"]);
    // Unless it is to end early.
    let fails = ["exec", "*", "-c", "1", "--failures", "0", "--", "false"];
    on(&reach, &fails).exits(1).says(&["web01 failed", "failed, succeeded on 0 of 3 nodes, not done on 2"]);

    // It is a run like any other.
    let runs = reach.place.run(&["runs", "list"]).exits(0);
    assert_eq!(runs.out.matches("  exec  ").count(), 4, "{}", runs.out);
    let noop = on(&reach, &["exec", "web01", "--noop", "--", "touch", "made"]).exits(0);
    noop.shows(&["exec noop: succeeded", "touch made"]);
    assert!(!reach.farm.hosts[0].path("home/made").exists());
    let document = on(&reach, &["exec", "web01", "--output", "json", "--", "true"]).exits(0).json();
    assert_eq!(document["run"]["status"], "succeeded");
}

#[test]
fn files_and_directories_are_copied_once() {
    let Some(reach) = Reach::new("files_and_directories_are_copied_once", 2) else { return };
    reach.place.file("motd", "hello {{ nobody }}\n");
    let home = |host: usize, path: &str| reach.farm.hosts[host].path("home").join(path);
    let to = |path: &str| home(0, path).display().to_string();
    let copy = ["copy", "web01", "motd", &to("new/"), "--mode", "0640"];
    on(&reach, &copy).exits(1).says(&["web01"]);
    let copy = ["copy", "web01", "motd", &to(""), "--mode", "0640"];
    let changed = || {
        let document = on(&reach, &[&copy[..], &["--output", "json"]].concat()).exits(0).json();
        let elements = document["elements"].as_array().unwrap();
        elements.iter().find(|one| one["address"] == "copy/web01/run").unwrap()["changed"].clone()
    };
    assert_eq!(changed(), true);
    assert_eq!(fs::read_to_string(home(0, "motd")).unwrap(), "hello {{ nobody }}\n");
    assert_eq!(fs::metadata(home(0, "motd")).unwrap().permissions().mode() & 0o7777, 0o640);
    assert_eq!(changed(), false);

    fs::create_dir(reach.place.path("site")).unwrap();
    for n in 0..20 {
        reach.place.file(&format!("site/{n}"), &n.to_string());
    }
    fs::create_dir(home(1, "www")).unwrap();
    fs::write(home(1, "www/old"), "").unwrap();
    let www = home(1, "www").display().to_string();
    let purge = ["copy", "web02", "site", &www, "--purge"];
    on(&reach, &[&purge[..], &["--noop"]].concat()).exits(0);
    assert!(home(1, "www/old").exists() && !home(1, "www/7").exists());
    on(&reach, &purge).exits(0);
    assert!(!home(1, "www/old").exists());
    assert_eq!(fs::read_to_string(home(1, "www/7")).unwrap(), "7");
}

#[test]
fn what_cannot_be_done_is_said_before_anything_is() {
    let place = Place::new();
    // Without an inventory a name would be this machine.
    place.run(&["exec", "web01", "--", "true"]).exits(2).says(&["WL-", "--inventory PATH"]);
    place
        .file("hosts.yaml", "apiVersion: windlass.dev/v1\nkind: Inventory\nspec: {nodes: [{name: web01}]}\n");
    let with = |args: &[&str]| place.run(&[args, &["-i", "hosts.yaml"]].concat());
    let exec = |selection: &str| place.run(&["exec", selection, "-i", "hosts.yaml", "--", "true"]);
    exec("web1").exits(2).says(&["did you mean `web01`?"]);
    exec("db*").exits(2).says(&["the selection chooses no node"]);
    exec("@").exits(2).says(&["WL-"]);
    with(&["copy", "web01", "nothing", "/tmp/x"]).exits(2).says(&["WL-0101", "nothing"]);
    place.file("one", "");
    with(&["copy", "web01", "one", "/tmp/x", "--purge"]).exits(2).says(&["--purge is for directories"]);
    with(&["copy", "web01", "one", "relative"]).exits(2).says(&["relative"]);
    assert!(place.run(&["runs", "list"]).exits(0).out.lines().count() <= 1);
}

#[test]
fn what_nodes_report_is_kept_and_selected_by() {
    let Some(reach) = Reach::new("what_nodes_report_is_kept_and_selected_by", 2) else { return };
    let by_kernel = "where:facts.kernel.name == \"Linux\"";
    let none = on(&reach, &["nodes", "select", by_kernel]);
    none.exits(2).says(&["the selection chooses no node"]);

    let all = on(&reach, &["nodes", "facts", "--output", "json"]).exits(0).json();
    let first = &all.as_array().unwrap()[0];
    assert_eq!((&first["node"], &first["facts"]["kernel"]["name"]), (&"web01".into(), &"Linux".into()));
    on(&reach, &["nodes", "facts"]).exits(0).shows(&["NODE", "web02"]);
    on(&reach, &["nodes", "facts", "web01"]).exits(0).shows(&["\"kernel\""]);
    on(&reach, &["nodes", "select", by_kernel]).exits(0).shows(&["web01\nweb02\n"]);
    on(&reach, &["exec", by_kernel, "--template", "--", "echo", "{{ facts.kernel.name }}"])
        .exits(0)
        .shows(&["web01 | Linux", "web02 | Linux"]);

    // A plan asks first where nothing is kept; who does not answer is a warning and no target.
    let facts = reach.place.path("data/facts");
    std::fs::remove_dir_all(&facts).unwrap();
    let plan = reach.place.plan(
        "by-facts",
        "  blocks:
    - name: b
      targets: {where: 'facts.cpu.count > 0'}
      concurrency: 100%
      maxPer: {os.name: 1}
      sequence: [{name: do, use: command, with: {argv: [echo, \"{{ facts.kernel.name }}\"]}}]
",
    );
    let plan = plan.to_str().unwrap();
    on(&reach, &["run", plan]).exits(2).says(&["WL-"]);
    on(&reach, &["run", plan, "--fresh-facts", "1h"]).exits(0).shows(&["2 succeeded of 2", "peak 1 active"]);
    on(&reach, &["preview", plan]).exits(0).shows(&["web01, web02"]);
    let mut reach = reach;
    reach.farm.hosts[1].down();
    on(&reach, &["nodes", "facts", "web02", "--refresh"]).exits(1);
    on(&reach, &["nodes", "facts", "web02"]).exits(0);
}
