//! `windlass logs`: past and new lines once each, from whichever process.

use std::fs;
use std::path::PathBuf;

use serde_json::Value;

use crate::harness::{Ended, Place};

/// Two nodes that print, wait for `gate`, and print again; one of them on standard error, and fails.
fn two_nodes(place: &Place) -> PathBuf {
    let until = place.until("gate");
    let spec = format!(
        "  blocks:
    - name: patch
      targets: {{nodes: [web01, web02]}}
      concurrency: 2
      failures: 1
      sequence:
        - name: say
          use: shell
          with: {{script: 'echo first of {{{{ node.name }}}}; touch begun.{{{{ node.name }}}}; {until}; echo last of {{{{ node.name }}}}'}}
        - name: restart
          use: shell
          with: {{script: 'if [ {{{{ node.name }}}} = web02 ]; then echo no such service >&2; exit 3; fi; echo restarted'}}
"
    );
    place.plan("two", &spec)
}

fn wait_for_begin(place: &Place) {
    for node in ["web01", "web02"] {
        while !place.path(&format!("begun.{node}")).exists() {
            // tidy-allow: sleep: a script gives no other sign
            std::thread::sleep(std::time::Duration::from_millis(5));
        }
    }
}

fn logs_of(place: &Place) -> PathBuf {
    let runs = fs::read_dir(place.data().join("logs/two")).unwrap();
    runs.map(|run| run.unwrap().path()).next().unwrap()
}

/// How often a text stands in what was printed.
fn times(ended: &Ended, text: &str) -> usize {
    ended.out.matches(text).count()
}

#[test]
fn p38_a_log_has_a_file_a_node_filters_and_is_followed_from_the_middle_to_the_end() {
    let place = Place::new();
    let plan = two_nodes(&place);
    let run = place.start(&["run", plan.to_str().unwrap()]);
    wait_for_begin(&place);
    // From another process, in the middle of the run: what was, what will be, and then an end.
    let mut all = place.start(&["logs", "--follow", "--output", "json", "--level", "debug"]);
    let own = place.start(&["logs", "--follow", "--node", "web01"]);
    // The last line of what was, and then what is new.
    let mut only_new = place.start(&["logs", "--follow", "--tail", "1", "--node", "web01"]);
    // Each follows when it has shown what there was.
    all.wait_for_line("first of web02");
    only_new.wait_for_line("| first of web01");
    place.run(&["logs"]).exits(0).shows(&["| first of web01", "| first of web02", "- began"]);
    place.file("gate", "");
    let (all, own, only_new) = (all.end().exits(0), own.end().exits(0), only_new.end().exits(0));
    run.end().exits(0);

    for text in ["last of web01", "last of web02", "\"restarted\"", "no such service", "the run succeeded"] {
        assert_eq!(
            all.out.matches(&format!("\"text\":\"{}", text.trim_matches('"'))).count(),
            1,
            "{text}:\n{}",
            all.out
        );
    }
    for text in ["| first of web01", "| last of web01", "| restarted"] {
        assert_eq!(times(&own, text), 1, "{text}:\n{}", own.out);
    }
    assert!(!own.out.contains("web02"), "{}", own.out);
    for text in ["| last of web01", "| restarted"] {
        assert_eq!(times(&only_new, text), 1, "{text}:\n{}", only_new.out);
    }
    assert!(!only_new.out.contains("first of") && !only_new.out.contains("web02"), "{}", only_new.out);
    let restarts = place.run(&["logs", "--action", "restart"]).exits(0);
    assert_eq!((times(&restarts, "| restarted"), times(&restarts, " of web")), (1, 0), "{}", restarts.out);
    assert_eq!(place.run(&["logs", "--tail", "0"]).exits(0).out, "");

    // The same again, from the files alone.
    let again = place.run(&["logs", "--output", "json", "--level", "debug"]).exits(0);
    let seen: Vec<Value> = again.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let followed: Vec<Value> = all.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert!(seen.ends_with(&followed), "{}\n\n{}", again.out, all.out);
    assert!(seen.windows(2).all(|pair| pair[0]["next"] == pair[1]["offset"]), "{}", again.out);
    let middle = seen[seen.len() / 2]["next"].to_string();
    let rest = place.run(&["logs", "--output", "json", "--level", "debug", "--from", &middle]).exits(0);
    assert_eq!(rest.out.lines().count(), seen.len() - seen.len() / 2 - 1);

    // One file for all, and one a node with that node's lines only.
    let logs = logs_of(&place);
    let text = fs::read_to_string(logs.join("all.log")).unwrap();
    for node in ["web01", "web02"] {
        let own = fs::read_to_string(logs.join(format!("nodes/{node}.log"))).unwrap();
        let of_node: Vec<&str> = text.lines().filter(|line| line.contains(&format!(" @{node} "))).collect();
        assert_eq!(own.lines().skip(1).collect::<Vec<_>>(), of_node);
        assert!(own.contains(&format!("info out patch/{node}/say#1 @{node} | first of {node}\n")), "{own}");
    }
    assert!(text.contains("warn err patch/web02/restart#1 @web02 | no such service\n"), "{text}");

    // A threshold.
    let errors = place.run(&["logs", "--level", "error"]).exits(0);
    assert!(
        errors.out.lines().count() > 0 && errors.out.lines().all(|line| line.contains("failed")),
        "{}",
        errors.out
    );
    let warned = place.run(&["logs", "last", "--node", "web0*", "--level", "warn"]).exits(0);
    warned.shows(&["patch/web02/restart ! no such service", "patch/web02/restart - failed: exit code 3"]);
    let last = place.run(&["logs", "--tail", "1"]).exits(0);
    assert_eq!(last.out.lines().count(), 1);
    last.shows(&["run - the run succeeded"]);
    assert_eq!(place.run(&["logs", "--since", "2001-01-01"]).exits(0).out, place.run(&["logs"]).exits(0).out);
}

#[test]
fn a_node_where_nothing_was_printed_has_no_file_and_its_lines_are_found() {
    let place = Place::new();
    let spec = "  blocks:
    - name: patch
      targets: {nodes: [web01, web02]}
      sequence:
        - name: quiet
          use: shell
          with: {script: 'true'}
        - name: say
          when: node.name == 'web02'
          use: shell
          with: {script: echo said}
";
    let plan = place.plan("two", spec);
    place.run(&["run", plan.to_str().unwrap()]).exits(0);
    let nodes = logs_of(&place).join("nodes");
    let files: Vec<_> = fs::read_dir(&nodes).unwrap().map(|file| file.unwrap().file_name()).collect();
    assert_eq!(files, ["web02.log"], "web01 printed nothing");
    // The one that printed has all that happened before, too.
    let own = fs::read_to_string(nodes.join("web02.log")).unwrap();
    assert!(own.contains("patch/web02/quiet#1 @web02 | ") && own.contains("| said"), "{own}");
    let all = fs::read_to_string(logs_of(&place).join("all.log")).unwrap();
    for node in ["web01", "web02"] {
        let lines = |more: &[&str]| {
            let args = [&["logs", "--node", node, "--level", "debug", "--output", "json"], more].concat();
            let shown = place.run(&args).exits(0).out;
            shown.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()).collect::<Vec<_>>()
        };
        let seen = lines(&[]);
        assert_eq!(seen.len(), all.lines().filter(|line| line.contains(&format!(" @{node} "))).count());
        assert!(seen.windows(2).all(|pair| pair[0]["next"] == pair[1]["offset"]), "{seen:?}");
        assert_eq!(lines(&["--from", &seen[1]["next"].to_string()]), seen[2..]);
        assert_eq!(lines(&["--tail", "2"]), seen[seen.len() - 2..]);
    }
}

#[test]
fn what_is_not_there_is_said_with_what_is_near() {
    let place = Place::new();
    let plan = two_nodes(&place);
    place.file("gate", "");
    place.run(&["run", plan.to_str().unwrap()]).exits(0);
    place.run(&["logs", "--node", "web1"]).exits(2).says(&[
        "WL-0313",
        "no node `web1`",
        "did you mean `web01`?",
    ]);
    place.run(&["logs", "ffff"]).exits(2).says(&["WL-0301", "no run whose id begins with `ffff`"]);
    place.run(&["logs", "--level", "loud"]).exits(2).says(&["write error, warn, info or debug"]);
    place.run(&["logs", "--since", "teatime"]).exits(2).says(&["WL-0601", "teatime", "how long ago"]);
    place.run(&["logs", "--action", "/x/"]).exits(2).says(&["WL-0601", "no pattern"]);
}

#[test]
fn a_follower_ends_with_the_process_that_drove_the_run() {
    let place = Place::new();
    let plan = two_nodes(&place);
    let run = place.start(&["run", plan.to_str().unwrap()]);
    wait_for_begin(&place);
    let mut follower = place.start(&["logs", "--follow"]);
    follower.wait_for_line("submitted by");
    // What its pipes still hold dies with the process.
    for node in ["web01", "web02"] {
        let log = logs_of(&place).join(format!("nodes/{node}.log"));
        while !fs::read_to_string(&log).is_ok_and(|text| text.contains("first of")) {
            // tidy-allow: sleep: a file gives no other sign
            std::thread::sleep(std::time::Duration::from_millis(5));
        }
    }
    run.signal("KILL");
    let _ = run.end();
    follower.end().exits(0).shows(&["| first of web01", "| first of web02"]);
    place.run(&["logs", "--follow"]).exits(0).says(&["no process drives this run"]);
    place.file("gate", "");
    place.run(&["recover"]);
    place.run(&["logs"]).exits(0).shows(&["taken over after a crash", "- the run "]);
}

#[test]
fn bytes_of_every_sort_are_kept_and_do_nothing_to_a_terminal() {
    let place = Place::new();
    let spec = r"  blocks:
    - name: b
      sequences:
        - name: s
          actions:
            - {name: odd, use: shell, with: {script: 'printf ''\033[2J\377\000a\\x41 \303\244\n''; head -c 200000 /dev/zero | tr ''\0'' z; echo; printf end'}}
";
    let plan = place.plan("odd", spec);
    place.run(&["run", plan.to_str().unwrap()]).exits(0);
    let shown = place.run(&["logs", "--color", "always"]).exits(0);
    assert!(!shown.out.contains("\x1b[2J") && shown.out.contains("| end"), "{}", shown.out.escape_debug());
    let lines = place.run(&["logs", "--output", "json"]).exits(0);
    let lines: Vec<Value> = lines.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let printed: Vec<&Value> = lines.iter().filter(|line| line["stream"] == "out").collect();
    assert_eq!(printed[0]["hex"], "1b5b324aff00615c783431 20c3a4".replace(' ', ""));
    let long: usize = printed.iter().map(|line| line["text"].as_str().unwrap().matches('z').count()).sum();
    assert_eq!(long, 200_000);
    assert_eq!(printed.iter().filter(|line| line["goesOn"] == true).count(), printed.len() - 3);
    assert_eq!(printed.last().unwrap()["text"], "end");
}

#[test]
fn rules_for_output_say_how_much_a_line_matters() {
    let place = Place::new();
    let spec = r"  blocks:
    - name: b
      failures: 1
      sequences:
        - name: s
          actions:
            - name: says
              use: shell
              with: {script: 'echo plain; echo W careful; echo E broken; echo chatter >&2', output: {error: [^E], warning: [^W]}}
";
    let plan = place.plan("rules", spec);
    place.run(&["run", plan.to_str().unwrap()]).exits(0);
    let levels = |level: &str| {
        let lines = place.run(&["logs", "--level", level, "--output", "json"]).exits(0).out;
        let lines = lines.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        let printed = lines.filter(|line| line["stream"] != "event");
        printed.map(|line| line["text"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(levels("error"), ["E broken"]);
    let mut warned = levels("warn");
    warned.sort();
    assert_eq!(warned, ["E broken", "W careful", "chatter"]);
    assert_eq!(levels("info").len(), 4);
}
