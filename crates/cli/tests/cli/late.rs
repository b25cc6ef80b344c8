//! `resolve: late`: what a preview and a rehearsal say of it, and a run whose nodes come up on the way.

use crate::harness::Place;

const ONE: &str = "apiVersion: windlass.dev/v1
kind: Inventory
spec: {cluster: {name: c, transport: {use: local}}, nodes: [{name: web01, labels: {role: web}}, {name: db1, labels: {role: db}}]}
";

/// A plan that brings a node into the inventory, and works on all of its role.
fn growing(place: &Place, more: &str) -> (String, String) {
    let hosts = place.file("hosts.yaml", ONE);
    let grown =
        place.file("grown.yaml", &ONE.replace("nodes: [", "nodes: [{name: web02, labels: {role: web}}, "));
    let log = place.path("log");
    let spec = format!(
        "  blocks:
    - name: grow
      sequences: [{{name: s, actions: [{{name: bring, use: shell, with: {{script: 'cp {grown} {hosts}'}}}}]}}]
    - name: work
      resolve: late
      targets: {{roles: web{more}}}
      concurrency: 100%
      failures: 50%
      sequence: [{{name: say, use: shell, with: {{script: 'echo {{{{ node.name }}}} >> {log}'}}}}]
",
        grown = grown.display(),
        hosts = hosts.display(),
        log = log.display(),
    );
    let plan = place.plan("growing", &spec);
    (plan.to_str().unwrap().to_owned(), hosts.to_str().unwrap().to_owned())
}

fn lines(place: &Place) -> Vec<String> {
    let text = std::fs::read_to_string(place.path("log")).unwrap_or_default();
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    lines.sort();
    lines
}

#[test]
fn a_preview_and_a_rehearsal_say_what_would_be_chosen_now_and_how_bad_it_could_get() {
    let place = Place::new();
    let (plan, hosts) = growing(&place, "");
    place.run(&["validate", &plan, "-i", &hosts]).exits(0);
    let ended = place.run(&["preview", &plan, "-i", &hosts]).exits(0);
    ended.shows(&[
        "late: targets are chosen when the block begins; now these would be:",
        "targets      web01",
        "at most 1 of 1 fail",
        "if it were all 2 nodes there are now: at most 2 of 2 fail",
    ]);
    let document = place.json(&["preview", &plan, "-i", &hosts, "--output", "json"]);
    assert_eq!(
        (&document["blocks"][1]["resolve"], &document["blocks"][0]["resolve"]),
        (&"late".into(), &"submit".into())
    );
    let ended = place.run(&["rehearse", &plan, "-i", &hosts]).exits(0);
    ended.shows(&["work: at most 1 of 1 fail", "if it were all 2 nodes there are now", "1 target: web01"]);
    let events = place.run(&["rehearse", &plan, "-i", &hosts, "--output", "events"]).exits(0);
    assert!(events.out.contains(r#""nodes":["web01"]"#), "{}", events.out);
    // What the inventory has none of now may come; how the selection is written is judged all the same.
    let (plan, _) = growing(&place, ", labels: 'rack in ('");
    place.run(&["preview", &plan, "-i", &hosts]).exits(2).says(&["this is no label selector"]);
}

#[test]
fn a_node_that_came_up_on_the_way_is_worked_on_and_every_view_knows_it() {
    let place = Place::new();
    let (plan, hosts) = growing(&place, "");
    place.run(&["run", &plan, "-i", &hosts]).exits(0).says(&["work chose 2 targets"]);
    assert_eq!(lines(&place), ["web01", "web02"]);
    let events = place.run(&["runs", "events", "--from", "20"]).exits(0);
    assert!(events.out.contains("work/web02/say"), "{}", events.out);
    place.run(&["logs", "--node", "web02"]).exits(0).shows(&["work/web02/say"]);
    place.run(&["logs"]).exits(0).shows(&["chose 2 targets"]);
    let shown = place.json(&["runs", "show", "--output", "json"]);
    assert!(shown.to_string().contains("work/web02"), "{shown}");
    // What can be read only once cannot be read again.
    let said = place.run(&["run", &plan, "-i", "-"]);
    said.exits(2);
}

#[test]
fn facts_are_asked_for_anew_where_a_block_selects_by_them() {
    let place = Place::new();
    let (plan, hosts) = growing(&place, "");
    let text = std::fs::read_to_string(&plan).unwrap();
    std::fs::write(&plan, text.replace("roles: web", "where: 'facts.cpu.count > 0'")).unwrap();
    place.run(&["preview", &plan, "-i", &hosts]).exits(0).shows(&["targets      none"]);
    place.run(&["run", &plan, "-i", &hosts]).exits(0);
    assert_eq!(lines(&place), ["db1", "web01", "web02"]);
}

#[test]
fn another_process_reads_the_inventory_again_and_a_retry_keeps_what_was_chosen() {
    let place = Place::new();
    let (plan, hosts) = growing(&place, "");
    let text = std::fs::read_to_string(&plan).unwrap();
    let wait = place.until("gate");
    let held = format!("; {wait}'}}, timeout: 1h, onInterrupt: rerun}}]}}]\n    - name: work");
    std::fs::write(&plan, text.replace("'}}]}]\n    - name: work", &held)).unwrap();
    let mut run = place.start(&["run", &plan, "-i", &hosts, "--output", "events"]);
    run.wait_for("attemptBegan", "grow/s/bring");
    run.signal("KILL");
    run.end();
    place.file("gate", "");
    place.run(&["recover"]).exits(0);
    assert_eq!(lines(&place), ["web01", "web02"]);
    // An inventory that is gone fails the block, and says why.
    std::fs::remove_file(place.path("log")).unwrap();
    let broken = text.replace("cp ", "rm ").replace(&format!("{} ", place.path("grown.yaml").display()), "");
    std::fs::write(&plan, broken).unwrap();
    place
        .run(&["run", &plan, "-i", &hosts])
        .exits(1)
        .shows(&["work could not choose its targets", "cannot be read again"]);
    place.file("hosts.yaml", ONE);
    place.run(&["runs", "retry"]).exits(0);
    assert_eq!(lines(&place), ["web01"]);
}
