//! `windlass preview` over nodes: batches, locks, limits, and one node in full.

use serde_json::json;

use crate::harness::Place;

const PLAN: &str = "  params: {release: {type: string, default: '1.4'}, token: {type: secret}}
  vars: {port: 80}
  blocks:
    - name: patch
      targets:
        nodes:
          - {name: web01, labels: {rack: r1}, vars: {port: 8080}}
          - {name: web02, labels: {rack: r1}}
          - {name: web03, labels: {rack: r2}}
          - {name: web04, labels: {rack: r2}}
          - web05
      concurrency: 2
      batches: [1, 2]
      maxPer: {rack: 1}
      sequence:
        vars: {url: 'http://{{ node.name }}:{{ vars.port }}'}
        lock: \"rack/{{ node.labels.rack | default('none') }}\"
        actions:
          - {name: drain, use: command, on: lb01, with: {argv: [drain, '{{ vars.url }}']}}
          - {name: patch, use: shell, with: {script: 'patch {{ params.release }} {{ params.token }}'}, save: {kernel: stdout}}
          - {name: tell, use: shell, with: {script: 'echo {{ store.kernel }}'}}
    - {name: verify, targets: {nodes: [web02]}, sequence: [{name: look, use: noop}]}
";

#[test]
fn a_preview_says_who_is_when_and_what_keeps_them_apart() {
    let place = Place::new();
    let plan = place.plan("patch", PLAN);
    place.run(&["preview", plan.to_str().unwrap()]).exits(0).shows(&[
        "batches      1, 2, 2",
        "1: web01",
        "2: web02, web03",
        "3: web04, web05",
        "1 active at once for each value of `rack`: 2 values, the largest `r2` with 2 targets; 1 without one are not limited",
        "`rack/r1` of 2 sequences, one at a time, `rack/r2` of 2 sequences, one at a time, `rack/none`, also against",
        "each target's own (`node/NAME`), also against other runs",
    ]);
    let document = place.json(&["preview", plan.to_str().unwrap(), "--output", "json"]);
    assert_eq!(
        document["blocks"][0]["locks"],
        json!({"nodes": 0, "none": 0, "named": {"rack/r1": 2, "rack/r2": 2, "rack/none": 1}, "unnamed": 0})
    );
}

#[test]
fn a_preview_of_a_node_shows_its_values_and_what_it_would_be_asked() {
    let place = Place::new();
    let plan = place.plan("patch", PLAN);
    let secret = place.file("token.txt", "hunter22-hunter22");
    let token = format!("token=@{}", secret.display());
    let args = ["preview", plan.to_str().unwrap(), "-p", &token, "--node", "web01"];
    let ended = place.run(&args).exits(0).shows(&[
        "web01 in patch  target 1 of 5 · batch 1",
        "lock         rack/r1",
        "port = 8080  (node web01, another on 4 targets)",
        "url = http://web01:8080  (sequence)",
        "1. drain (command) on lb01  {\"argv\":[\"drain\",\"http://web01:8080\"]}",
        "2. patch (shell)",
        "patch 1.4 «secret:token»",
        "3. tell (shell)  known only in the run: store.kernel is not defined",
    ]);
    assert!(!ended.out.contains("hunter22") && !ended.out.contains("verify"), "{}", ended.out);
    let document =
        place.json(&["preview", plan.to_str().unwrap(), "-p", &token, "--node", "web02", "--output", "json"]);
    let blocks = document["nodes"][0]["blocks"].as_array().unwrap();
    assert_eq!(
        blocks.iter().map(|block| block["address"].clone()).collect::<Vec<_>>(),
        [json!("patch"), json!("verify")]
    );
    assert_eq!((&blocks[0]["batch"], &blocks[0]["lock"]), (&json!(2), &json!("rack/r1")));
    assert!(!document.to_string().contains("hunter22"));
    place
        .run(&["preview", plan.to_str().unwrap(), "--node", "web001"])
        .exits(2)
        .says(&["no target", "did you mean"]);
    assert!(!place.data().exists(), "a preview touches nothing");
}

/// A thousand targets are told on one screen.
#[test]
fn a_preview_of_a_thousand_targets_stays_short() {
    let place = Place::new();
    let plan = place.plan(
        "wide",
        "  blocks: [{name: b, targets: {nodes: ['n{0001..1000}']}, concurrency: 50, batches: [1, 10%, 50%], failures: 5%,
             sequence: [{name: x, use: noop, with: {value: '{{ node.name }}'}}]}]
",
    );
    let ended = place.run(&["preview", plan.to_str().unwrap()]).exits(0);
    let ended = ended.shows(&[
        "batches      1, 100, 500, 399",
        "n0010, … n1000 (990 more",
        "at most 100 of 1,000 fail",
    ]);
    assert!(ended.out.lines().count() < 25, "{}", ended.out);
    place
        .run(&["preview", plan.to_str().unwrap(), "--node", "n0777"])
        .exits(0)
        .shows(&["target 777 of 1,000 · batch 4", "{\"value\":\"n0777\"}"]);
}
