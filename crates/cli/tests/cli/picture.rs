//! The live picture in a real terminal: what the screen shows while a run goes on, and what stays when it is over.

use std::path::Path;
use std::process::{Command, Stdio};

use avt::Pen;

use crate::harness::{Place, ignores_hangups, skip};
use crate::terminal::Terminal;

/// What the last line of the picture says; there is no picture without it.
const HINT: &str = "Ctrl-C stops in good order";

/// A block that is over, one of three targets that end when somebody says so, and one to come.
fn gated(place: &Place) -> String {
    let wait = place.until("{{ node.name }}");
    format!(
        "  blocks:
    - {{name: before, sequences: [{{name: s, actions: [{{name: a, use: noop}}]}}]}}
    - name: patch
      targets: {{nodes: [a, b, c]}}
      concurrency: 2
      failures: 1
      sequence: [{{name: wait, use: shell, timeout: 1h, with: {{script: '{wait}'}}}}]
    - {{name: after, sequences: [{{name: s, actions: [{{name: a, use: noop}}]}}]}}
  deferred: [{{name: tidy, actions: [{{name: up, use: noop}}]}}]
"
    )
}

/// `windlass run` of a plan, in an environment that has a terminal.
fn run(place: &Place, plan: &Path) -> Command {
    place.terminal(&["run", plan.to_str().unwrap()])
}

/// Whether anything that can be read has a colour or is bold.
fn has_styles(terminal: &Terminal) -> bool {
    let lines = terminal.screen.screen().all_lines();
    lines.flat_map(|line| line.cells()).any(|cell| !Pen::is_default(cell.pen()))
}

fn open(place: &Place, gate: &str) {
    std::fs::write(place.path(gate), "").unwrap();
}

#[test]
fn progress_appears_the_tree_updates_and_the_picture_goes() {
    let place = Place::new();
    let plan = place.plan("gated", &gated(&place));
    let mut terminal = Terminal::start(run(&place, &plan), (100, 30));
    let screen =
        terminal.wait_for(&["gated running", "✓ before 1/1", "▸ patch 0/3", "a/wait", "b/wait", HINT]);
    for part in ["1/5 done", "0/1 failed", "2/2 active", "▸▸⋅", "⋅ after 0/1"] {
        assert!(screen.contains(part), "`{part}` is not in\n{screen}");
    }
    assert!(!screen.contains("c/wait"), "{screen}");
    open(&place, "a");
    let screen = terminal.wait_for(&["▸ patch 1/3", "c/wait", "■▸▸"]);
    assert!(!screen.contains("a/wait"), "{screen}");
    open(&place, "b");
    terminal.wait_for(&["▸ patch 2/3", "1/2 active", "about"]);
    open(&place, "c");
    assert_eq!(terminal.end(), Some(0));
    terminal.reads(HINT, 0);
    terminal.reads("▸", 0);
    terminal.reads("gated succeeded in", 1);
    let cursor = terminal.screen.cursor();
    assert_eq!(cursor.col, 0, "the prompt begins on a line of its own");
}

#[test]
fn failures_stay_above_the_picture_with_their_last_lines() {
    let place = Place::new();
    let wait = place.until("gate");
    let spec = format!(
        "  blocks:
    - name: patch
      targets: {{nodes: [a, b]}}
      concurrency: 2
      failures: unlimited
      sequence:
        - {{name: install, use: shell, timeout: 1h, with: {{script: 'if [ {{{{ node.name }}}} = a ]; then printf \"one\\ntwo\\nthree\\nfour\\n\"; exit 3; fi; {wait}'}}}}
"
    );
    let plan = place.plan("fails", &spec);
    let mut terminal = Terminal::start(run(&place, &plan), (80, 24));
    let screen = terminal.wait_for(&["patch/a/install failed: exit code 3", "1 failed", "b/install", HINT]);
    let (failure, picture) =
        (screen.find("patch/a/install failed").unwrap(), screen.find("fails running").unwrap());
    assert!(failure < picture, "{screen}");
    for line in ["| two", "| three", "| four"] {
        assert!(screen.contains(line), "{screen}");
    }
    assert!(!screen.contains("| one") && screen.contains("✗▸"), "{screen}");
    open(&place, "gate");
    assert_eq!(terminal.end(), Some(0));
    terminal.reads("patch/a/install failed: exit code 3", 1);
    // Once above the picture, and once in the report.
    terminal.reads("| four", 2);
    terminal.reads("▸", 0);
}

#[test]
fn ctrl_c_once_lets_what_is_in_flight_end() {
    let place = Place::new();
    let plan = place.plan("gated", &gated(&place));
    let mut terminal = Terminal::start(run(&place, &plan), (100, 30));
    terminal.wait_for(&["a/wait", "b/wait", HINT]);
    terminal.press("\x03");
    let screen = terminal.wait_for(&[
        "gated stopping",
        "stopped by ada: Ctrl-C",
        "Ctrl-C again cancels what is in flight",
    ]);
    assert!(screen.contains("stopping: nothing new starts"), "{screen}");
    assert!(screen.contains("a/wait") && screen.contains("b/wait"), "what is in flight goes on:\n{screen}");
    open(&place, "a");
    open(&place, "b");
    assert_eq!(terminal.end(), Some(3));
    terminal.reads("gated stopped after", 1);
    terminal.reads("the run was stopped: stopped by ada: Ctrl-C", 1);
    terminal.reads("2 succeeded · 1 not started of 3", 1);
    terminal.reads("^C", 0);
    terminal.reads("▸", 0);
}

#[test]
fn ctrl_c_twice_cancels_and_three_times_kills() {
    let place = Place::new();
    for (presses, script) in
        [(2, place.until("never")), (3, "trap \"\" TERM; while :; do sleep 0.02; done".to_owned())]
    {
        let spec = format!(
            "  blocks: [{{name: patch, sequences: [{{name: s, actions: [{{name: wait, use: shell, timeout: 1h, with: {{script: '{script}'}}}}]}}]}}]\n"
        );
        let plan = place.plan("endless", &spec);
        let mut terminal = Terminal::start(run(&place, &plan), (100, 30));
        terminal.wait_for(&["s/wait", HINT]);
        terminal.press("\x03");
        terminal.wait_for(&["stopping: ", "Ctrl-C again cancels"]);
        terminal.press("\x03");
        if presses == 3 {
            terminal.wait_for(&["cancelling: ", "being cancelled", "asked to end", "Ctrl-C again kills"]);
            terminal.press("\x03");
        }
        assert_eq!(terminal.end(), Some(3));
        terminal.reads("endless stopped after", 1);
        terminal.reads("cancelled by ada: Ctrl-C twice", 2);
        terminal.reads("killing: what is in flight is ended now", presses - 2);
    }
}

#[test]
fn another_size_leaves_nothing_of_the_old_picture_behind() {
    let place = Place::new();
    let plan = place.plan("gated", &gated(&place));
    let mut terminal = Terminal::start(run(&place, &plan), (100, 30));
    terminal.wait_for(&["a/wait", "b/wait", HINT]);
    place.run(&["runs", "pause", "--why", "to have a line above the picture"]).exits(0);
    terminal.wait_for(&["paused by ada: to have a line above the picture", "gated paused"]);
    for size in [(40, 24), (120, 40), (60, 16), (36, 30), (100, 20)] {
        terminal.resize(size);
        // Nothing but the time changes, so the new picture is known by what was cut or is cut no longer.
        let width = usize::from(size.0);
        let screen = terminal.wait_until("the picture in its new size", |screen| {
            let head = screen.lines().find(|line| line.starts_with("gated paused"));
            head.is_some_and(|head| head.contains("run 0") == (width >= 80))
                && screen.contains("Ctrl-C stops")
        });
        assert_eq!(screen.matches("gated paused").count(), 1, "{size:?}:\n{screen}");
        assert_eq!(screen.matches("Ctrl-C stops").count(), 1, "{size:?}:\n{screen}");
        assert!(screen.lines().all(|line| line.chars().count() <= width), "{size:?}:\n{screen}");
    }
    place.run(&["runs", "resume"]).exits(0);
    ["a", "b", "c"].iter().for_each(|gate| open(&place, gate));
    assert_eq!(terminal.end(), Some(0));
    // Once as it happened, and once in the report's timeline.
    terminal.reads("paused by ada: to have a line above the picture", 2);
    terminal.reads("▸", 0);
}

#[test]
fn forty_columns_show_what_matters_most() {
    let place = Place::new();
    let plan = place.plan("gated", &gated(&place));
    let mut terminal = Terminal::start(run(&place, &plan), (40, 20));
    let screen = terminal.wait_for(&[
        "gated running",
        "1/5 done",
        "▸ patch 0/3 · 2/2 active · 0/1 failed",
        "a/wait",
        HINT,
    ]);
    assert_eq!(screen.matches("patch").count(), 1, "no line is wrapped:\n{screen}");
    ["a", "b", "c"].iter().for_each(|gate| open(&place, gate));
    assert_eq!(terminal.end(), Some(0));
    terminal.reads("▸", 0);
}

#[test]
fn a_thousand_targets_stay_readable() {
    let place = Place::new();
    let wait = place.until("gate");
    let spec = format!(
        "  blocks:
    - name: patch
      targets: {{nodes: ['n{{0001..1000}}']}}
      concurrency: 200
      failures: unlimited
      sequence:
        - {{name: drain, use: noop}}
        - {{name: fails, use: fail, when: \"node.name[3:] == '77'\", with: {{message: no space left}}}}
        - {{name: wait, use: shell, when: \"node.name > 'n0500'\", timeout: 1h, with: {{script: '{wait}'}}}}
"
    );
    let plan = place.plan("wide", &spec);
    let mut terminal = Terminal::start(run(&place, &plan), (80, 24));
    let screen = terminal.wait_for(&["patch 502/1,000", "200/200 active", "more", HINT]);
    let picture: Vec<&str> = screen.lines().skip_while(|line| !line.starts_with("wide running")).collect();
    assert!(picture.len() <= 20, "what failed is to be seen, too:\n{screen}");
    assert!(screen.contains("n0501/wait") && screen.contains("no space left"), "{screen}");
    assert!(
        screen.lines().any(|line| line.contains("✗") && line.contains("■") && line.contains("▸")),
        "{screen}"
    );
    open(&place, "gate");
    assert_eq!(terminal.end(), Some(0));
    terminal.reads("/fails failed: no space left", 10);
    terminal.reads("▸", 0);
    assert!(terminal.text().len() < 80, "{}", terminal.text().join("\n"));
    assert!(terminal.screen().contains("wide succeeded"), "the outcome is in sight:\n{}", terminal.screen());
}

#[test]
fn no_color_keeps_the_picture_and_loses_the_colours() {
    let place = Place::new();
    let plan = place.plan("gated", &gated(&place));
    for is_colored in [true, false] {
        let mut command = run(&place, &plan);
        if !is_colored {
            command.env("NO_COLOR", "1");
        }
        let mut terminal = Terminal::start(command, (100, 30));
        terminal.wait_for(&["a/wait", HINT]);
        assert_eq!(has_styles(&terminal), is_colored);
        ["a", "b", "c"].iter().for_each(|gate| open(&place, gate));
        assert_eq!(terminal.end(), Some(0));
        assert_eq!(has_styles(&terminal), is_colored);
        ["a", "b", "c"].iter().for_each(|gate| std::fs::remove_file(place.path(gate)).unwrap());
    }
}

#[test]
fn a_dumb_terminal_gets_plain_lines() {
    let place = Place::new();
    let plan = place.plan("gated", &gated(&place));
    let mut command = run(&place, &plan);
    command.env("TERM", "dumb");
    let mut terminal = Terminal::start(command, (100, 30));
    terminal.wait_for(&["patch began: 3 sequences"]);
    ["a", "b", "c"].iter().for_each(|gate| open(&place, gate));
    assert_eq!(terminal.end(), Some(0));
    assert!(!terminal.bytes.contains(&0x1b), "{:?}", String::from_utf8_lossy(&terminal.bytes));
    terminal.reads("patch/a succeeded", 1);
    terminal.reads("gated succeeded", 1);
}

#[test]
fn a_locale_without_unicode_gets_signs_of_ascii() {
    let place = Place::new();
    let plan = place.plan("gated", &gated(&place));
    let mut command = run(&place, &plan);
    command.env("LANG", "C");
    let mut terminal = Terminal::start(command, (100, 30));
    terminal.wait_for(&["+ before 1/1 - took", "> patch 0/3", ">>.", HINT]);
    ["a", "b", "c"].iter().for_each(|gate| open(&place, gate));
    assert_eq!(terminal.end(), Some(0));
    assert!(terminal.bytes.is_ascii(), "{:?}", String::from_utf8_lossy(&terminal.bytes));
}

#[test]
fn the_picture_is_drawn_when_standard_output_is_piped() {
    let place = Place::new();
    let plan = place.plan("gated", &gated(&place));
    let command = run(&place, &plan);
    let mut terminal = Terminal::with((100, 30), |pts| {
        pty_process::blocking::Command::from(command).stdout(Stdio::piped()).spawn(pts).unwrap()
    });
    terminal.wait_for(&["a/wait", HINT]);
    ["a", "b", "c"].iter().for_each(|gate| open(&place, gate));
    let mut out = terminal.child.stdout.take().unwrap();
    assert_eq!(terminal.end(), Some(0));
    let mut text = String::new();
    std::io::Read::read_to_string(&mut out, &mut text).unwrap();
    assert!(text.starts_with("gated succeeded") && !text.contains('\x1b'), "{text}");
    terminal.reads("gated succeeded in", 0);
    terminal.reads("gated succeeded", 1);
}

#[test]
fn lines_are_written_when_standard_error_is_piped() {
    let place = Place::new();
    let plan = place.plan("gated", &gated(&place));
    ["a", "b", "c"].iter().for_each(|gate| open(&place, gate));
    let command = run(&place, &plan);
    let mut terminal = Terminal::with((100, 30), |pts| {
        pty_process::blocking::Command::from(command).stderr(Stdio::piped()).spawn(pts).unwrap()
    });
    let mut err = terminal.child.stderr.take().unwrap();
    assert_eq!(terminal.end(), Some(0));
    let mut text = String::new();
    std::io::Read::read_to_string(&mut err, &mut text).unwrap();
    assert!(text.contains("patch/a succeeded") && !text.contains('\x1b'), "{text}");
    terminal.reads("gated succeeded", 1);
}

#[test]
fn whoever_watches_sees_the_same_and_leaves_with_ctrl_c() {
    let place = Place::new();
    let plan = place.plan("gated", &gated(&place));
    let mut owner = place.start(&["run", plan.to_str().unwrap(), "--output", "events"]);
    owner.wait_for("attemptBegan", "patch/b/wait");
    let watch = || Terminal::start(place.terminal(&["runs", "watch"]), (100, 30));
    let mut first = watch();
    first.wait_for(&["gated running", "▸ patch 0/3", "a/wait", "Ctrl-C ends the watching, not the run"]);
    first.press("\x03");
    assert_eq!(first.end(), Some(0));
    first.reads("no longer watching; the run goes on", 1);
    first.reads("▸", 0);
    let mut second = watch();
    second.wait_for(&["▸ patch 0/3"]);
    open(&place, "a");
    second.wait_for(&["▸ patch 1/3", "c/wait"]);
    place.run(&["runs", "pause"]).exits(0);
    second.wait_for(&["paused by ada", "gated paused", "paused: `windlass runs resume` goes on"]);
    place.run(&["runs", "stop"]).exits(0);
    second.wait_for(&["gated stopping"]);
    ["b", "c"].iter().for_each(|gate| open(&place, gate));
    assert_eq!(second.end(), Some(3));
    second.reads("gated stopped after", 1);
    owner.end().exits(3);
}

#[test]
fn a_rehearsal_prints_its_report_and_no_picture() {
    let place = Place::new();
    let plan = place.plan("gated", &gated(&place));
    let mut terminal = Terminal::start(
        place.terminal(&[
            "rehearse",
            plan.to_str().unwrap(),
            "--targets",
            "1000",
            "--fault",
            "patch/n00007/*=fail",
        ]),
        (80, 24),
    );
    assert_eq!(terminal.end(), Some(0));
    terminal.reads("gated succeeded", 1);
    terminal.reads("Would be touched", 1);
    terminal.reads(HINT, 0);
    assert!(has_styles(&terminal));
}

#[test]
fn a_terminal_that_goes_away_stops_the_run_in_good_order() {
    if ignores_hangups() {
        skip("a_terminal_that_goes_away_stops_the_run_in_good_order", "hang-ups are ignored here");
        return;
    }
    let place = Place::new();
    let plan = place.plan("gated", &gated(&place));
    let mut terminal = Terminal::start(run(&place, &plan), (100, 30));
    terminal.wait_for(&["a/wait", "b/wait", HINT]);
    let mut child = terminal.hang_up();
    let mut events = place.start(&["runs", "events", "--follow"]);
    events.wait_for("commanded", "");
    ["a", "b"].iter().for_each(|gate| open(&place, gate));
    assert_eq!(child.wait().unwrap().code(), Some(3));
    events.end();
    place.run(&["runs", "show"]).exits(0).shows(&["gated stopped", "SIGHUP"]);
}

#[test]
fn a_terminal_that_was_stopped_does_not_hold_up_the_run() {
    let place = Place::new();
    let plan = place.plan("gated", &gated(&place));
    let mut terminal = Terminal::start(run(&place, &plan), (100, 30));
    terminal.wait_for(&["a/wait", "b/wait", HINT]);
    let mut events = place.start(&["runs", "events", "--follow"]);
    terminal.press("\x13");
    ["a", "b", "c"].iter().for_each(|gate| open(&place, gate));
    events.wait_for("finished", "");
    events.end();
    terminal.press("\x11");
    assert_eq!(terminal.end(), Some(0));
    terminal.reads("gated succeeded in", 1);
    terminal.reads("▸", 0);
}

#[test]
fn a_killed_process_leaves_the_prompt_below_its_picture() {
    let place = Place::new();
    let plan = place.plan("gated", &gated(&place));
    let mut terminal = Terminal::start(run(&place, &plan), (100, 30));
    terminal.wait_for(&["a/wait", "b/wait", HINT]);
    terminal.child.kill().unwrap();
    ["a", "b"].iter().for_each(|gate| open(&place, gate));
    assert_eq!(terminal.end(), None);
    let cursor = terminal.screen.cursor();
    assert_eq!(cursor.col, 0);
    let below: Vec<_> =
        terminal.screen.screen().visible_lines().skip(cursor.row).map(|line| line.text()).collect();
    assert!(below.iter().all(|line| line.trim().is_empty()), "{below:?}");
    open(&place, "c");
    let mut recovery = Terminal::start(place.terminal(&["recover"]), (100, 30));
    assert_eq!(recovery.end(), Some(1));
    // As it happens, and in the summary.
    recovery.reads("taken over by windlass", 2);
    recovery.reads("gated failed after", 1);
}

#[test]
fn a_run_that_waits_for_a_person_says_what_to_type() {
    let place = Place::new();
    let spec = "  approval: {quorum: 1, expires: 4h}
  blocks: [{name: a, sequences: [{name: s, actions: [{name: x, use: noop}]}]}]
";
    let plan = place.plan("asks", spec);
    let mut terminal = Terminal::start(run(&place, &plan), (100, 30));
    assert_eq!(terminal.end(), Some(4));
    terminal.reads("The run waits for approval:", 1);
    terminal.reads("windlass runs approve", 2);
    terminal.reads("▸", 0);
}

#[test]
fn several_runs_share_the_picture() {
    let place = Place::new();
    for name in ["one", "two", "three"] {
        // A node stays with the run that a dead process left behind, unless that locks nothing.
        let wait = place.until(name);
        let spec = format!(
            "  blocks: [{{name: b, targets: {{nodes: [a, b]}}, concurrency: 2, sequence: {{lock: none, actions: [{{name: wait, use: shell, timeout: 1h, onInterrupt: rerun, with: {{script: '{wait}'}}}}]}}}}]\n"
        );
        let plan = place.plan(name, &spec);
        let mut run = place.start(&["run", plan.to_str().unwrap(), "--output", "events"]);
        run.wait_for("attemptBegan", "b/b/wait");
        run.signal("KILL");
        run.end();
    }
    let mut terminal = Terminal::start(place.terminal(&["recover"]), (100, 40));
    let screen =
        terminal.wait_for(&["3 runs · 3 running", "one running", "two running", "three running", HINT]);
    for part in ["▸ b 0/2", "2/2 active", "a/wait", "b/wait"] {
        assert_eq!(screen.matches(part).count(), 3, "`{part}` in\n{screen}");
    }
    open(&place, "two");
    let screen = terminal.wait_for(&["two: succeeded", "3 runs · 2 running · 1 succeeded"]);
    assert!(!screen.contains("two running"), "{screen}");
    open(&place, "one");
    open(&place, "three");
    assert_eq!(terminal.end(), Some(0));
    terminal.reads(HINT, 0);
    terminal.reads("▸", 0);
    for name in ["one", "two", "three"] {
        terminal.reads(&format!("{name} succeeded · run"), 1);
    }
}
