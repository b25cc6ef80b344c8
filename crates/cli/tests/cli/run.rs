//! `windlass run`: outcomes, forms of output, signals, readers that go away.

use serde_json::Value;

use crate::harness::{Place, ended, ignores_hangups, skip};

const GOOD: &str = "  blocks:
    - name: greet
      targets: {nodes: [a, b, c]}
      concurrency: 2
      sequence:
        - {name: say, use: command, with: {argv: [echo, \"{{ node.name }}\"]}}
  deferred:
    - {name: tell, actions: [{name: mail, use: noop}]}
";

const BAD: &str = "  blocks:
    - name: patch
      sequences:
        - name: web01
          actions:
            - {name: install, use: shell, with: {script: \"echo no space left >&2; exit 3\"}, retries: 1, backoff: fast}
";

/// One action that goes on until it is told to end; a second that must never begin.
pub(crate) fn endless(script: &str) -> String {
    format!(
        "  blocks:
    - name: work
      sequences:
        - name: s
          actions:
            - {{name: wait, use: shell, timeout: 1h, with: {{script: '{script}'}}}}
            - {{name: never, use: noop}}
  deferred:
    - {{name: tidy, when: always, actions: [{{name: up, use: noop}}]}}
"
    )
}

#[test]
fn a_good_run_exits_with_0_and_says_so() {
    let place = Place::new();
    let plan = place.plan("good", GOOD);
    let ended = place.run(&["run", plan.to_str().unwrap()]).exits(0);
    let ended = ended.shows(&["good succeeded in", "greet", "3 succeeded"]);
    let ended = ended.says(&["good submitted by ada: 3 targets", "greet/a succeeded", "deferred/tell"]);
    assert!(!ended.out.contains('\x1b') && !ended.err.contains('\x1b'), "no colours outside of a terminal");
}

#[test]
fn a_failed_run_exits_with_1_and_names_the_first_cause() {
    let place = Place::new();
    let plan = place.plan("bad", BAD);
    let ended = place.run(&["run", plan.to_str().unwrap()]).exits(1);
    let ended = ended.shows(&["bad failed", "First cause", "patch/web01/install", "windlass runs retry"]);
    ended.says(&["attempt 1 of 2", "no space left", "(2 attempts)"]);
}

#[test]
fn colours_can_be_forced_and_refused() {
    let place = Place::new();
    let plan = place.plan("good", GOOD);
    let run = |name: &str, value: &str, more: &[&str]| {
        let mut args = vec!["run", plan.to_str().unwrap()];
        args.extend(more);
        let mut command = place.command(&args);
        command.env(name, value);
        ended(command).exits(0).out
    };
    assert!(run("CLICOLOR_FORCE", "1", &[]).contains('\x1b'));
    assert!(!run("NO_COLOR", "1", &["--color", "auto"]).contains('\x1b'));
    assert!(run("NO_COLOR", "1", &["--color", "always"]).contains('\x1b'));
}

#[test]
fn json_is_one_document_and_nothing_else() {
    let place = Place::new();
    let plan = place.plan("good", GOOD);
    let ended = place.run(&["run", plan.to_str().unwrap(), "--output", "json"]).exits(0);
    let document = ended.json();
    let run = &document["run"];
    assert_eq!((&run["status"], &run["reason"]), (&"succeeded".into(), &Value::Null));
    for key in ["id", "group", "startedAt", "endedAt"] {
        assert!(run[key].is_string(), "{key}: {run}");
    }
    assert!(run["durationMs"].is_u64() && run["events"].is_u64(), "{run}");
    assert_eq!(document["limits"][0]["peakActive"], 2);
    let say =
        document["elements"].as_array().unwrap().iter().find(|it| it["address"] == "greet/b/say").unwrap();
    assert_eq!((&say["kind"], &say["status"]), (&"action".into(), &"succeeded".into()));
    assert_eq!(say["attempts"][0]["n"], 1);
    let bad = place.plan("bad", BAD);
    let document = place.run(&["run", bad.to_str().unwrap(), "--output", "json"]).exits(1).json();
    assert_eq!(document["run"]["reason"]["kind"], "action");
    assert_eq!(document["run"]["reason"]["address"], "patch/web01/install");
}

#[test]
fn events_are_the_log_one_a_line() {
    let place = Place::new();
    let plan = place.plan("good", GOOD);
    let ended = place.run(&["run", plan.to_str().unwrap(), "--output", "events"]).exits(0);
    let events: Vec<Value> = ended.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert!(events.iter().zip(1_u64..).all(|(event, seq)| event["seq"] == seq));
    assert_eq!(events.first().unwrap()["kind"], "submitted");
    assert_eq!(events.last().unwrap()["kind"], "finished");
    let again = place.run(&["runs", "events"]).exits(0);
    assert_eq!(again.out, ended.out, "the log is the same afterwards");
    let rest = place.run(&["runs", "events", "--from", "3"]).exits(0);
    assert_eq!(rest.out.lines().count() + 2, events.len());
}

#[test]
fn ctrl_c_stops_and_lets_what_is_in_flight_end() {
    let place = Place::new();
    let gate = place.path("gate");
    let script = place.until("gate");
    let plan = place.plan("endless", &endless(&script));
    let mut run = place.start(&["run", plan.to_str().unwrap(), "--output", "events"]);
    run.wait_for("attemptBegan", "work/s/wait");
    run.signal("INT");
    run.wait_for_words("stopping: nothing new starts");
    run.wait_for("commanded", "");
    std::fs::write(gate, "").unwrap();
    let ended = run.end().exits(3);
    assert!(ended.out.contains("\"address\":\"deferred/tidy/up\""), "{}", ended.out);
    assert!(!ended.out.contains("work/s/never"), "{}", ended.out);
}

#[test]
fn ctrl_c_twice_cancels_and_three_times_kills() {
    let place = Place::new();
    let plan = place.plan("endless", &endless("trap \"\" TERM; while :; do sleep 0.02; done"));
    let mut run = place.start(&["run", plan.to_str().unwrap(), "--output", "events"]);
    run.wait_for("attemptBegan", "work/s/wait");
    run.signal("INT");
    run.wait_for_words("Ctrl-C again to cancel");
    run.signal("INT");
    run.wait_for_words("Ctrl-C again to kill");
    run.wait_for("cancelled", "work/s/wait");
    run.signal("INT");
    run.wait_for_words("killing");
    run.end().exits(3);
}

/// Once: what runs ends, nothing more begins, and a retry does the rest. Twice: what runs is asked to end.
/// Three times: it is killed. What is recorded is so each time.
#[test]
fn p8_an_interrupt_lets_end_a_second_asks_a_third_kills_and_the_record_is_right() {
    let work = |place: &Place, script: &str| {
        let log = place.path("log").display().to_string();
        let first = format!("echo first >> {log}; {script}; echo ended >> {log}");
        let spec = format!(
            "  blocks:\n    - name: work\n      sequences:\n        - name: s\n          actions:\n            \
             - {{name: wait, use: shell, timeout: 1h, with: {{script: \"{first}\"}}}}\n            \
             - {{name: then, use: shell, with: {{script: 'echo then >> {log}'}}}}\n"
        );
        place.plan("p8", &spec).to_str().unwrap().to_owned()
    };
    let lines = |place: &Place| std::fs::read_to_string(place.path("log")).unwrap();
    let recorded = |place: &Place, address: &str| {
        let report = place.json(&["runs", "show", "--output", "json"]);
        let found = report["elements"].as_array().unwrap().iter().find(|it| it["address"] == address);
        (
            report["run"]["status"].as_str().unwrap().to_owned(),
            found.unwrap()["status"].as_str().unwrap().to_owned(),
        )
    };
    let is = |status: &str, element: &str| (status.to_owned(), element.to_owned());

    let place = Place::new();
    let plan = work(&place, &place.until("gate"));
    let mut run = place.start(&["run", &plan, "--output", "events"]);
    run.wait_for("attemptBegan", "work/s/wait");
    place.wait_for_line("log", "first");
    run.signal("INT");
    run.wait_for("commanded", "");
    place.file("gate", "");
    run.end().exits(3);
    assert_eq!(lines(&place), "first\nended\n");
    assert_eq!(recorded(&place, "work/s/wait"), is("stopped", "succeeded"));
    assert_eq!(recorded(&place, "work/s/then").1, "pending");
    place.run(&["runs", "retry"]).exits(0);
    assert!(lines(&place).ends_with("then\n"));

    for (signals, trap) in [(2, ""), (3, "trap '' TERM; ")] {
        let place = Place::new();
        let plan = work(&place, &format!("{trap}while :; do sleep 0.05; done"));
        let mut run = place.start(&["run", &plan, "--output", "events"]);
        run.wait_for("attemptBegan", "work/s/wait");
        place.wait_for_line("log", "first");
        for _ in 0..signals {
            run.signal("INT");
            run.wait_for("commanded", "");
        }
        run.end().exits(3);
        assert_eq!(lines(&place), "first\n", "after {signals}");
        assert_eq!(recorded(&place, "work/s/wait"), is("stopped", "stopped"), "after {signals}");
        assert_eq!(recorded(&place, "work/s/then").1, "pending");
    }
}

#[test]
fn sigterm_and_sighup_stop() {
    if ignores_hangups() {
        skip("sigterm_and_sighup_stop", "hang-ups are ignored here");
        return;
    }
    for signal in ["TERM", "HUP"] {
        let place = Place::new();
        let gate = place.path("gate");
        let script = place.until("gate");
        let plan = place.plan("endless", &endless(&script));
        let mut run = place.start(&["run", plan.to_str().unwrap(), "--output", "events"]);
        run.wait_for("attemptBegan", "work/s/wait");
        run.signal(signal);
        run.wait_for("commanded", "");
        std::fs::write(gate, "").unwrap();
        run.end().exits(3);
    }
}

#[test]
fn a_reader_that_goes_away_does_not_end_the_run() {
    let place = Place::new();
    let plan = place.plan("good", GOOD);
    let run = place.start(&["run", plan.to_str().unwrap(), "--output", "events"]);
    assert_eq!(run.hang_up(), Some(0));
    let list = place.json(&["runs", "list", "--output", "json"]);
    assert_eq!(list[0]["status"], "succeeded");
}

#[test]
fn output_that_is_lost_is_told() {
    let place = Place::new();
    let plan = place.plan("good", GOOD);
    let full = |args: &[&str]| {
        let mut command = place.command(args);
        command.stdout(std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap());
        let output =
            command.stderr(std::process::Stdio::piped()).spawn().unwrap().wait_with_output().unwrap();
        (output.status.code(), String::from_utf8(output.stderr).unwrap())
    };
    // What a run came to stays what its exit code says.
    for (args, exit) in [
        (&["run", plan.to_str().unwrap(), "--output", "json"][..], 0),
        (&["runs", "report", "--output", "html"], 2),
        (&["runs", "list"], 2),
        (&["schema", "plan"], 2),
    ] {
        let (code, err) = full(args);
        assert_eq!(code, Some(exit), "{args:?}: {err}");
        assert!(err.contains("WL-0101") && err.contains("standard output"), "{args:?}: {err}");
    }
}

#[test]
fn standard_input_is_read_once() {
    let place = Place::new();
    let plan = place.plan("good", GOOD);
    let plan = plan.to_str().unwrap();
    for args in [["-", "a=@-", "b=1"], [plan, "a=@-", "b=@-"]] {
        for command in ["run", "preview", "rehearse"] {
            let [file, one, other] = args;
            place.run(&[command, file, "-p", one, "-p", other]).exits(2).says(&["WL-0601", "read twice"]);
        }
    }
}

#[test]
fn who_is_told_not_to_hang_up_does_not() {
    let place = Place::new();
    let script = place.until("gate");
    let plan = place.plan("endless", &endless(&script));
    let mut run = place.start_by("nohup", &["run", plan.to_str().unwrap(), "--output", "events"]);
    run.wait_for("attemptBegan", "work/s/wait");
    run.signal("HUP");
    place.run(&["runs", "pause"]).exits(0);
    assert_eq!(run.wait_for("commanded", "")["command"], "pause", "the hang-up came before and was no stop");
    place.run(&["runs", "resume"]).exits(0);
    place.file("gate", "");
    run.end().exits(0);
}

#[test]
fn a_run_that_goes_on_is_told_up_to_now() {
    let place = Place::new();
    let plan = place.plan("endless", &endless(&place.until("gate")));
    let mut run = place.start(&["run", plan.to_str().unwrap(), "--output", "events"]);
    run.wait_for("attemptBegan", "work/s/wait");
    let lasted = || place.json(&["runs", "show", "--output", "json"])["run"]["durationMs"].as_u64().unwrap();
    let first = lasted();
    assert!(lasted() > first, "nothing happened meanwhile but time");
    place.file("gate", "");
    run.end().exits(0);
}

#[test]
fn secrets_are_shown_nowhere() {
    let place = Place::new();
    let spec = "  params: {token: {type: secret, required: true}}
  blocks:
    - {name: a, sequences: [{name: s, actions: [{name: x, use: shell, with: {script: 'echo \"$T\"; echo \"$T\" >&2; exit 1', env: {T: '{{ params.token }}'}}}]}]}
";
    let plan = place.plan("secret", spec);
    let mut command = place.command(&["run", plan.to_str().unwrap()]);
    command.env("WINDLASS_PARAM_token", "hunter22hunter22");
    let ended = ended(command).exits(1);
    assert!(
        !ended.out.contains("hunter22") && !ended.err.contains("hunter22"),
        "{}\n{}",
        ended.out,
        ended.err
    );
    for form in ["text", "json", "html"] {
        let report = place.run(&["runs", "report", "--output", form]).exits(0);
        assert!(!report.out.contains("hunter22"), "{form}");
    }
}

#[test]
fn lists_shows_and_reports_tell_of_runs_that_ended() {
    let place = Place::new();
    let (good, bad) = (place.plan("good", GOOD), place.plan("bad", BAD));
    place.run(&["run", good.to_str().unwrap()]).exits(0);
    place.run(&["run", bad.to_str().unwrap()]).exits(1);
    let list = place.json(&["runs", "list", "--output", "json"]);
    assert_eq!((&list[0]["plan"], &list[1]["plan"]), (&"bad".into(), &"good".into()));
    place.run(&["runs", "list"]).exits(0).shows(&[
        "RUN",
        "good",
        "succeeded",
        "bad",
        "failed",
        "patch/web01/install",
    ]);
    let failed = place.json(&["runs", "list", "--status", "failed", "--output", "json"]);
    assert_eq!(failed.as_array().unwrap().len(), 1);
    let of_plan = place.json(&["runs", "list", "--plan", "good", "--output", "json"]);
    assert_eq!(of_plan.as_array().unwrap().len(), 1);
    place.run(&["runs", "list", "--status", "fine"]).exits(2).says(&["there are: submitted"]);
    let id = list[1]["id"].as_str().unwrap();
    place.run(&["runs", "show", id]).exits(0).shows(&["good succeeded"]);
    place.run(&["runs", "show", &id[..30]]).exits(0).shows(&["good succeeded"]);
    place.run(&["runs", "show"]).exits(0).shows(&["bad failed"]);
    place.run(&["runs", "show", "zzz"]).exits(2).says(&["WL-0301"]);
    place.run(&["runs", "show", "00000000"]).exits(2).says(&["WL-0301", "windlass runs list"]);
    let file = place.path("report.html");
    place
        .run(&["runs", "report", "--output", "html", "-o", file.to_str().unwrap()])
        .exits(0)
        .says(&["report.html"]);
    assert!(std::fs::read_to_string(file).unwrap().contains("<html"));
    place.run(&["runs", "watch"]).exits(1).shows(&["bad failed"]);
    place.run(&["runs", "pause"]).exits(2).says(&["WL-0302"]);
}

#[test]
fn w20_runs_are_found_by_what_is_known_of_them() {
    let place = Place::new();
    let plan = |name: &str, head: &str, action: &str| {
        let text = format!(
            "apiVersion: windlass.dev/v1\nkind: Plan\nmetadata: {{name: {name}, {head}}}\nspec:\n  {action}\n"
        );
        place.file(&format!("{name}.yaml"), &text)
    };
    let block = |used: &str| {
        format!("blocks: [{{name: b, sequences: [{{name: s, actions: [{{name: a, use: {used}}}]}}]}}]")
    };
    let web = plan("web", "labels: {team: web, ticket: '7'}", &block("noop"));
    let db = plan("db", "labels: {team: db}", &format!("group: autumn\n  {}", block("fail")));
    let lone = plan("lone", "description: On Fire", &block("noop"));
    for (file, code) in [(&web, 0), (&db, 1), (&lone, 0)] {
        place.run(&["run", file.to_str().unwrap()]).exits(code);
    }
    let all = place.json(&["runs", "list", "--output", "json"]);
    let of = |name: &str, key: &str| {
        let runs = all.as_array().unwrap();
        runs.iter().find(|run| run["plan"] == name).unwrap()[key].as_str().unwrap().to_owned()
    };
    place.run(&["runs", "retry", &of("db", "id")]).exits(1);
    let found = |flags: &[&str]| {
        let args: Vec<&str> = ["runs", "list", "--output", "json"].iter().chain(flags).copied().collect();
        let runs = place.json(&args);
        let names = runs.as_array().unwrap().iter().map(|run| run["plan"].as_str().unwrap().to_owned());
        names.collect::<Vec<_>>().join(" ")
    };
    let expect: &[(&[&str], &str)] = &[
        (&[], "db lone db web"),
        (&["--label", "team=web"], "web"),
        (&["--label", "team=web", "--label", "team=db"], "db db web"),
        (&["--label", "team"], "db db web"),
        (&["--label", "team", "--label", "ticket"], "web"),
        (&["--label", "team=db", "--label", "ticket"], ""),
        (&["--label", "team", "--status", "succeeded,stopped"], "web"),
        (&["--group", "autumn"], "db db"),
        (&["--group", "winter"], ""),
        (&["--group", &of("lone", "group")], "lone"),
        (&["--group", "autumn", "--group", &of("web", "group")], "db db web"),
        (&["--id", &of("lone", "id"), "--id", &of("web", "id"), "--status", "failed,succeeded"], "lone web"),
        (&["--id", "last", "--status", "succeeded"], ""),
        (&["--plan", "lone", "--plan", "web"], "lone web"),
        (&["--user", "ada", "--text", "on fire"], "lone"),
        (&["--user", "bob"], ""),
        (&["--since", "1h", "-n", "1"], "db"),
        (&["--until", "1h"], ""),
        (&["--since", "2000-01-01", "--until", "2000-01-02T10:00"], ""),
    ];
    for (flags, names) in expect {
        assert_eq!(found(flags), *names, "{flags:?}");
    }
    place.run(&["runs", "list", "--label", "team=web"]).exits(0).shows(&["web"]);
    place.run(&["runs", "list", "--label", "team=x"]).exits(0).says(&["no runs like that"]);
    place.run(&["runs", "list", "--label", "=x"]).exits(2).says(&["KEY=VALUE"]);
    place.run(&["runs", "list", "--since", "yesterday"]).exits(2).says(&["2026-11-20T13:00"]);
}

#[test]
fn a_parameter_may_stand_in_a_variable_in_capitals() {
    let place = Place::new();
    let spec = "  params: {release: {type: string, required: true}}\n  blocks: [{name: b, sequences: [{name: s, \
                actions: [{name: a, use: noop, with: {value: \"{{ params.release }}\"}}]}]}]\n";
    let plan = place.plan("capitals", spec);
    let preview = |variables: &[(&str, &str)]| {
        let mut command = place.command(&["preview", plan.to_str().unwrap()]);
        command.envs(variables.iter().copied());
        crate::harness::ended(command)
    };
    preview(&[]).exits(2).says(&["params.release"]);
    preview(&[("WINDLASS_PARAM_RELEASE", "1.4")]).exits(0).shows(&["1.4"]);
    let both = [("WINDLASS_PARAM_RELEASE", "1.4"), ("WINDLASS_PARAM_release", "1.5")];
    preview(&both).exits(0).shows(&["1.5"]);
}

#[test]
fn a_pipe_that_nobody_writes_to_is_given_up() {
    let place = Place::new();
    let pipe = place.path("pipe");
    let made = std::process::Command::new("mkfifo").arg(&pipe).status().unwrap();
    assert!(made.success());
    place
        .run(&["validate", pipe.to_str().unwrap()])
        .exits(2)
        .says(&["WL-0101", "nobody has opened it to write"]);
}
