//! validate, preview, explain, plugins, schema, help: everything that only looks.

use crate::harness::Place;

const SMALL: &str = "  blocks:
    - name: patch
      targets: {nodes: [\"web{01..12}\"]}
      concurrency: 3
      failures: 1
      sequence: [{name: drain, use: noop}]
";

#[test]
fn usage_errors_exit_with_2() {
    let place = Place::new();
    place.run(&[]).exits(2);
    place.run(&["fly"]).exits(2).says(&["unrecognized subcommand"]);
    place.run(&["run"]).exits(2).says(&["FILE"]);
    place.run(&["run", "x.yaml", "-p", "novalue"]).exits(2).says(&["NAME=VALUE"]);
    place.run(&["--version"]).exits(0).shows(&["windlass "]);
    place.run(&["--help"]).exits(0).shows(&["Begin here", "Exit codes"]);
    place.run(&["help", "runs", "stop"]).exits(0).shows(&["windlass runs stop"]);
    place
        .run(&["runs", "resolve"])
        .exits(2)
        .says(&["<--done <ADDRESS>|--failed <ADDRESS>|--again <ADDRESS>>"]);
    place.run(&["run"]).exits(2).says(&["Usage: windlass run <FILE>"]);
    place.run(&["run", "--help"]).exits(0).shows(&["Ctrl-C", "once", "twice", "thrice"]);
}

#[test]
fn a_valid_plan_is_said_to_be_one() {
    let place = Place::new();
    let plan = place.plan("small", SMALL);
    place.run(&["validate", plan.to_str().unwrap()]).exits(0).shows(&["ok", "small", "1 block"]);
}

#[test]
fn all_problems_of_all_files_are_drawn_at_once() {
    let place = Place::new();
    let bad = place.plan(
        "bad",
        "  blocks:\n    - name: a\n      sequences:\n        - name: s\n          actions:\n            - {name: x, use: nop}\n            - {name: x, use: noop.check}\n",
    );
    let good = place.plan("small", SMALL);
    let (bad, good) = (bad.to_str().unwrap(), good.to_str().unwrap());
    let ended = place.run(&["validate", bad, good, "missing.yaml"]).exits(2);
    ended
        .says(&["WL-0205", "did you mean `noop`?", "WL-0203", "WL-0207", "WL-0101", "missing.yaml"])
        .shows(&["small"]);
    let document = place.run(&["validate", "--output", "json", bad, good]).exits(2).json();
    assert_eq!(document["valid"], false);
    assert_eq!(document["files"][1]["valid"], true);
    let problem = &document["files"][0]["problems"][0];
    assert!(
        problem["line"].is_u64() && problem["code"].is_string() && problem["message"].is_string(),
        "{problem}"
    );
}

#[test]
fn a_plan_can_come_from_standard_input() {
    let place = Place::new();
    let plan = place.plan("small", SMALL);
    let mut command = place.command(&["validate", "-"]);
    command.stdin(std::fs::File::open(plan).unwrap());
    let output = command.output().unwrap();
    assert!(output.status.success(), "{output:?}");
}

#[test]
fn what_is_no_text_or_no_plan_is_said() {
    let place = Place::new();
    for (name, text) in [("empty.yaml", ""), ("list.yaml", "- 1\n"), ("kind.yaml", "kind: Pod\n")] {
        let file = place.file(name, text);
        place.run(&["run", file.to_str().unwrap()]).exits(2).says(&["WL-01"]);
    }
    let file = place.path("binary.yaml");
    std::fs::write(&file, [0xff, 0xfe, 0x00]).unwrap();
    place.run(&["preview", file.to_str().unwrap()]).exits(2).says(&["WL-0101"]);
    assert!(!place.data().exists(), "an invalid plan touches no store");
}

#[test]
fn a_plan_cannot_drive_the_terminal_that_its_problems_are_shown_on() {
    let place = Place::new();
    let file = place
        .file("evil.yaml", "kind: Plan\nspec: {blocks: [{name: \"a\\e[2J\", uses: \x1b]0;owned\x07}]}\n");
    let mut command = place.command(&["validate", file.to_str().unwrap(), "\x1b[2J.yaml"]);
    command.env("CLICOLOR_FORCE", "1");
    let ended = crate::harness::ended(command).exits(2);
    assert!(ended.err.contains("\x1b[31m"), "colours stay: {:?}", ended.err);
    for evil in ["\x1b[2J", "\x1b]", "\x07"] {
        assert!(!ended.err.contains(evil), "{:?}", ended.err);
    }
}

#[test]
fn a_block_without_targets_is_said_to_do_nothing() {
    let place = Place::new();
    let spec =
        "  blocks: [{name: b, targets: {nodes: [], allowEmpty: true}, sequence: [{name: x, use: noop}]}]\n";
    let plan = place.plan("nobody", spec);
    let plan = plan.to_str().unwrap();
    place
        .run(&["preview", plan])
        .exits(0)
        .shows(&["targets      none", "nothing can fail: there are no sequences"]);
    place.run(&["run", plan]).exits(0).shows(&["Block b succeeded", "  no sequences"]);
}

#[test]
fn a_preview_says_how_bad_it_can_get() {
    let place = Place::new();
    let plan = place.plan("small", SMALL);
    let plan = plan.to_str().unwrap();
    let ended = place.run(&["preview", plan, "--show", "3"]).exits(0);
    let ended = ended.shows(&["web01, web02, web03, … web12 (9 more", "at most 4 of 12 fail", "3 sequences"]);
    assert!(!ended.out.contains('\x1b'), "no colours outside of a terminal");
    let document = place.run(&["preview", plan, "--output", "json"]).exits(0).json();
    assert_eq!(document["blocks"][0]["worstCase"]["failed"], 4);
    assert_eq!(document["blocks"][0]["targets"].as_array().unwrap().len(), 12);
    assert!(!place.data().exists(), "a preview touches nothing");
}

#[test]
fn parameters_come_from_flags_files_and_the_environment() {
    let place = Place::new();
    let spec = "  params:
    release: {type: string, required: true, pattern: '^\\d+$'}
    count: {type: int, default: 1}
    token: {type: secret}
  blocks:
    - {name: a, sequences: [{name: s, actions: [{name: x, use: noop}]}]}
";
    let plan = place.plan("asks", spec);
    let plan = plan.to_str().unwrap();
    place.run(&["preview", plan]).exits(2).says(&["WL-0217", "release"]);
    place
        .run(&["preview", plan, "-p", "release=x", "-p", "cuont=1"])
        .exits(2)
        .says(&["WL-0215", "WL-0216", "`count`"]);
    place.run(&["preview", plan, "-p", "release=1", "-p", "count=many"]).exits(2).says(&["WL-0215", "many"]);
    place.run(&["preview", plan, "-p", "release=1", "-p", "release=2"]).exits(2).says(&["twice"]);
    place.run(&["preview", plan, "-p", "release=@nope"]).exits(2).says(&["nope"]);
    let token = place.file("token.txt", "hunter22\n");
    let given = format!("token=@{}", token.display());
    let ended = place.run(&["preview", plan, "-p", "release=1", "-p", &given]).exits(0).shows(&["(secret)"]);
    assert!(!ended.err.contains("warning") && !ended.out.contains("hunter22"), "{}", ended.err);
    let ended = place.run(&["preview", plan, "-p", "release=1", "-p", "token=hunter22"]).exits(0);
    ended.says(&["warning", "WINDLASS_PARAM_token", "token=@FILE"]);
    let short = format!("token=@{}", place.file("short.txt", "42\n").display());
    let ended = place.run(&["preview", plan, "-p", "release=1", "-p", &short]).exits(0);
    ended.says(&["warning", "`token` has fewer than 3 bytes"]);
    let file = place.file("params.yaml", "release: \"7\"\ncount: 3\n");
    let file = file.to_str().unwrap();
    let document = place.json(&["preview", plan, "--params-file", file, "-p", "count=4", "--output", "json"]);
    assert_eq!((&document["params"]["release"], &document["params"]["count"]), (&"7".into(), &4.into()));
    let mut command = place.command(&["preview", plan, "--output", "json"]);
    command.env("WINDLASS_PARAM_release", "9");
    let document = crate::harness::ended(command).exits(0).json();
    assert_eq!(document["params"]["release"], "9");
}

#[test]
fn errors_are_json_where_json_was_asked_for() {
    let place = Place::new();
    let document = place.run(&["preview", "nope.yaml", "--output", "json"]).exits(2).json();
    assert_eq!(document["error"]["problems"][0]["code"], "WL-0101");
}

#[test]
fn codes_are_explained() {
    let place = Place::new();
    place.run(&["explain", "WL-0401"]).exits(0).shows(&["another process", "What to do"]);
    place.run(&["explain", "401"]).exits(0).shows(&["WL-0401"]);
    place.run(&["explain"]).exits(0).shows(&["WL-0101", "WL-0699"]);
    place.run(&["explain", "WL-9999"]).exits(2).says(&["WL-0601", "windlass explain"]);
}

#[test]
fn plugins_show_what_they_take() {
    let place = Place::new();
    place.run(&["plugins", "list"]).exits(0).shows(&["command", "http.check", "acting"]);
    place.run(&["plugins", "show", "sleep"]).exits(0).shows(&["duration", "use: sleep"]);
    let document = place.json(&["plugins", "show", "sleep", "--output", "json"]);
    assert!(document["request"]["properties"]["duration"].is_object(), "{document}");
    place.run(&["plugins", "show", "slep"]).exits(2).says(&["did you mean `sleep`?"]);
}

const ASKS: &str = "  params:
    release: {type: string, required: true, pattern: '^\\d+$'}
    count: {type: int, max: 9, default: 1}
    hosts: {type: list, default: []}
  blocks:
    - name: a
      targets: {nodes: [\"{{ params.hosts }}\"], excludeNodes: [gone]}
      sequence: [{name: x, use: noop, with: {value: \"{{ params.release }}{{ params.count }}\"}}]
";

#[test]
fn what_was_given_is_drawn_beside_what_was_declared_by_every_command() {
    let place = Place::new();
    let plan = place.plan("asks", ASKS);
    let plan = plan.to_str().unwrap();
    let file = place.file("params.yaml", "hosts: [\"a b\"]\n");
    for command in ["preview", "rehearse", "run"] {
        let given = ["-p", "release=abc", "-p", "tokn=hunter2", "--stepset", "maint", "--params-file"];
        let mut command = place.command(&[&[command, plan][..], &given, &[file.to_str().unwrap()]].concat());
        command.env("WINDLASS_PARAM_count", "10");
        let ended = crate::harness::ended(command).exits(2);
        let ended = ended.says(&[
            "─[command line:1:12]\n 1 │ -p release=abc",
            "given here",
            "asks.yaml:6:5]",
            "declared here",
            "─[environment:1:22]\n 1 │ WINDLASS_PARAM_count=10",
            "-p tokn=…",
            "--stepset maint",
            "choose one with --stepset NAME",
            "`windlass explain WL-0213` says more",
        ]);
        assert!(!ended.err.contains("hunter2"), "it may be a secret: {}", ended.err);
    }
    let ended = place.run(&["preview", plan, "--params-file", file.to_str().unwrap()]).exits(2);
    ended.says(&["give it with -p release=VALUE", "asks.yaml:11:25]"]);
    assert!(!place.data().exists(), "no store was touched");
    let document =
        place.run(&["run", plan, "-p", "release=x", "--output", "json"]).exits(2).json()["error"].clone();
    assert_eq!(document["problems"][0]["given"]["text"], "x");
    assert_eq!(document["problems"][0]["line"], 6);
}

#[test]
fn a_retry_draws_in_the_plan_of_the_run() {
    let place = Place::new();
    let spec = "  params: {token: {type: secret, required: true}}
  blocks: [{name: a, sequences: [{name: s, actions: [{name: x, use: fail, with: {message: '{{ params.token }}'}}]}]}]
";
    let plan = place.plan("fails", spec);
    let token = place.file("token.txt", "hunter22\n");
    let given = format!("token=@{}", token.display());
    place.run(&["run", plan.to_str().unwrap(), "-p", &given]).exits(1);
    let ended = place.run(&["runs", "retry"]).exits(2);
    ended.says(&["WL-0217", "[the plan of run ", "\"token\": {", "give it with -p token=@FILE"]);
    place.run(&["runs", "retry", "-p", "tokn=x"]).exits(2).says(&["WL-0216", "-p tokn=…", "WL-0217"]);
}

#[test]
fn warnings_are_said_and_change_nothing() {
    let place = Place::new();
    let spec = "  params: {idle: {}}
  blocks:
    - name: patch
      targets: {nodes: [a, b], excludeNodes: [c]}
      failures: 2
      sequence: [{name: x, use: noop}]
";
    let plan = place.plan("odd", spec);
    let plan = plan.to_str().unwrap();
    for command in ["validate", "preview"] {
        let ended = place.run(&[command, plan]).exits(0);
        let ended = ended.says(&["WL-0701", "WL-0706", "WL-0707", "⚠", "odd.yaml:5:12]"]);
        assert!(!ended.out.contains("WL-07"), "{}", ended.out);
        assert_eq!(ended.err.matches("WL-0707").count(), 1, "each once: {}", ended.err);
    }
    let codes = |warnings: &serde_json::Value| -> Vec<String> {
        let all = warnings.as_array().unwrap().iter();
        all.map(|warning| format!("{} {}", warning["code"].as_str().unwrap(), warning["line"])).collect()
    };
    let document = place.json(&["validate", plan, "--output", "json"]);
    assert_eq!(document["valid"], true);
    assert_eq!(codes(&document["files"][0]["plans"][0]["warnings"]), ["WL-0701 5", "WL-0707 8", "WL-0706 9"]);
    let document = place.json(&["preview", plan, "--output", "json"]);
    assert_eq!(codes(&document["warnings"]), ["WL-0701 5", "WL-0707 8", "WL-0706 9"]);
}
