//! Secrets by name: had once, used everywhere, shown nowhere.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use crate::harness::Place;

/// What is looked for everywhere. It stands in one file of the test's own.
const CANARY: &str = "c4n4ry-Zw3i-hundert";

fn declare(place: &Place) {
    place.file("pw", CANARY);
    let give = place.file("give", &format!("#!/bin/sh\ncat {}\n", place.path("pw").display()));
    fs::set_permissions(give, fs::Permissions::from_mode(0o700)).unwrap();
    place.file(
        "secrets.yaml",
        "apiVersion: windlass.dev/v1
kind: Secrets
secrets:
  from_list: {program: [./give]}
  from_text: {program: ./give}
  from_file: {file: pw}
  fails: {program: [sh, -c, 'echo not logged in >&2; exit 3']}
",
    );
}

/// Every file below a directory that holds the canary.
fn holders(directory: &Path, found: &mut Vec<String>) {
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            holders(&path, found);
        } else if fs::read(&path)
            .is_ok_and(|bytes| bytes.windows(CANARY.len()).any(|part| part == CANARY.as_bytes()))
        {
            found.push(path.display().to_string());
        }
    }
}

fn command_lines() -> String {
    let mut all = String::new();
    for entry in fs::read_dir("/proc").unwrap().flatten() {
        if let Ok(line) = fs::read(entry.path().join("cmdline")) {
            all.push_str(&String::from_utf8_lossy(&line));
            all.push('\n');
        }
    }
    all
}

#[test]
fn p24_no_secret_is_in_any_file_output_or_process_list() {
    let place = Place::new();
    declare(&place);
    let until = place.until("gate");
    let spec = format!(
        "  params:
    pin: {{type: secret, default: \"{{{{ secret('from_file') }}}}\"}}
  vars: {{url: \"https://app:{{{{ secret('from_text') }}}}@db/\"}}
  blocks:
    - name: b
      targets: {{nodes: [n1]}}
      failures: 1
      sequence:
        - name: use
          use: shell
          with:
            env: {{A: \"{{{{ secret('from_list') }}}}\", B: '{{{{ vars.url }}}}', C: '{{{{ params.pin }}}}'}}
            script: 'echo $A; echo \"$B\" >&2; printf %s $C | base64; printf %s $A | md5sum | cut -c1-8; touch begun; {until}'
          save: {{said: stdout}}
        - {{name: again, use: shell, with: {{script: 'echo unrelated text stays; exit 3', env: {{S: '{{{{ store.said }}}}'}}}}}}
"
    );
    let plan = place.plan("hides", &spec);
    let run = place.start(&["run", plan.to_str().unwrap()]);
    while !place.path("begun").exists() {
        // tidy-allow: sleep: a script gives no other sign
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    let lines = command_lines();
    assert!(!lines.contains(CANARY), "{lines}");
    place.file("gate", "");
    let run = run.end().exits(0);
    let mut shown = vec![run.out, run.err];
    for args in [
        &["logs", "--level", "debug"][..],
        &["logs", "--output", "json"],
        &["runs", "report"],
        &["runs", "report", "--output", "html"],
        &["runs", "report", "--output", "json"],
        &["runs", "events"],
        &["runs", "list"],
    ] {
        let ended = place.run(args).exits(0);
        shown.extend([ended.out, ended.err]);
    }
    assert!(shown.iter().all(|text| !text.contains(CANARY)), "{shown:?}");
    let logs = &shown[2];
    for text in ["| \u{ab}secret:", "! https://app:\u{ab}secret:", "/base64", "| unrelated text stays"] {
        assert!(logs.contains(text), "`{text}` is not in:\n{logs}");
    }
    let mut found = Vec::new();
    holders(place.path("").as_path(), &mut found);
    assert_eq!(found, [place.path("pw").display().to_string()]);
}

#[test]
fn p24_a_program_that_fails_stops_with_a_clear_error_before_anything_begins() {
    let place = Place::new();
    declare(&place);
    let action = |name: &str| {
        format!(
            "  blocks: [{{name: b, sequences: [{{name: s, actions: [{{name: a, use: shell, with: {{script: 'touch begun', env: {{A: \"{{{{ secret('{name}') }}}}\"}}}}}}]}}]}}]\n"
        )
    };
    let plan = place.plan("fails", &action("fails"));
    let path = plan.to_str().unwrap();
    place.run(&["validate", path]).exits(0);
    place.run(&["rehearse", path]).exits(0);
    place.run(&["run", path]).exits(2).says(&["WL-0222", "the secret `fails`", "exit code 3: not logged in"]);
    assert!(!place.path("begun").exists());

    let plan = place.plan("unknown", &action("from_fil"));
    let path = plan.to_str().unwrap();
    for command in ["validate", "preview", "rehearse", "run"] {
        place.run(&[command, path]).exits(2).says(&[
            "WL-0221",
            "no secret `from_fil`",
            "did you mean `from_file`?",
        ]);
    }
    let plan = place.plan("computed", &action("from_file").replace("'from_file'", "params.x"));
    place.run(&["validate", plan.to_str().unwrap()]).exits(2).says(&["WL-0108", "written out"]);
    place.file("secrets.yaml", "apiVersion: windlass.dev/v1\nkind: Secrets\nsecrets: {a: {}}\n");
    place.run(&["run", path]).exits(2).says(&["WL-0223", "secrets.a: say exactly one of"]);
    place.run(&["run", path, "--secrets", "none.yaml"]).exits(2).says(&["WL-0101", "none.yaml"]);
}

#[test]
fn a_recovery_asks_nobody_for_secrets() {
    let place = Place::new();
    declare(&place);
    let until = place.until("gate");
    let spec = format!(
        "  blocks:
    - name: b
      sequences:
        - name: s
          actions:
            - {{name: wait, use: shell, onInterrupt: rerun, with: {{script: 'touch begun; {until}'}}}}
            - {{name: use, use: shell, with: {{script: '[ \"$A\" = {CANARY} ]', env: {{A: \"{{{{ secret('from_file') }}}}\"}}}}}}
"
    );
    let plan = place.plan("recovers", &spec);
    let run = place.start(&["run", plan.to_str().unwrap()]);
    while !place.path("begun").exists() {
        // tidy-allow: sleep: a script gives no other sign
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    run.signal("KILL");
    let _ = run.end();
    fs::remove_file(place.path("pw")).unwrap();
    fs::remove_file(place.path("secrets.yaml")).unwrap();
    place.file("gate", "");
    place.run(&["recover"]).exits(0).shows(&["succeeded"]);
}
