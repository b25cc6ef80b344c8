//! Reports as people see them.

use windlass_model::element::ElementId;
use windlass_model::event::{Author, Command, What};
use windlass_model::outcome::{Failure, Outcome, RunStatus, Skip};

use super::{TextOptions, write_text};
use crate::fixture::{action, failed_run, layout, rolling_patch, sequence, submitted, web};
use crate::fold::Fold;
use crate::palette::Palette;

fn text(fold: &Fold, palette: Palette) -> String {
    let mut bytes = Vec::new();
    write_text(fold, &TextOptions { palette, ..TextOptions::default() }, &mut bytes).unwrap();
    String::from_utf8(bytes).unwrap()
}

#[test]
fn a_failed_run() {
    let fold = failed_run().fold(&layout(rolling_patch(), web(5)));
    insta::assert_snapshot!(text(&fold, Palette::PLAIN));
}

#[test]
fn what_failed_alike_is_told_once() {
    let mut log = submitted();
    log.push(What::Started { by: Author::new("ada") }).began(ElementId::Block(0));
    for seq in 0..20 {
        let name = format!("web{:02}", seq + 1);
        let failure = match seq {
            7 => Failure::new("exit", "no space left on device"),
            3 | 11 => Failure::new("exit", "the lock of dpkg is held"),
            _ => Failure::new("connect", format!("{name}:22 does not answer, and {name} is gone")),
        };
        log.began(sequence(seq)).bad(action(0, seq, 0), 1 + seq % 2, &failure);
        log.ended(sequence(seq), Outcome::Failed);
    }
    let text = text(&log.fold(&layout(rolling_patch(), web(20))), Palette::PLAIN);
    insta::assert_snapshot!(text.split_once("\nFailed\n").unwrap().1);
}

#[test]
fn colours_change_nothing_else() {
    let fold = failed_run().fold(&layout(rolling_patch(), web(5)));
    let (plain, mut ansi) = (text(&fold, Palette::PLAIN), text(&fold, Palette::ANSI));
    assert!(ansi.contains("\x1b[31m"));
    for code in ["\x1b[0m", "\x1b[1m", "\x1b[2m", "\x1b[31m", "\x1b[32m", "\x1b[33m", "\x1b[36m"] {
        ansi = ansi.replace(code, "");
    }
    assert_eq!(ansi, plain);
}

#[test]
fn a_run_that_waits_for_a_person() {
    let mut log = submitted();
    let element = action(0, 0, 0).into();
    log.push(What::Started { by: Author::new("ada") }).began(sequence(0));
    log.push(What::ActionBegan { element, request: None }).push(What::AttemptBegan { element, n: 1 });
    let failure = Failure::new(Failure::INTERRUPTED, "the process died while the attempt ran");
    log.push(What::Asked { element, failure });
    insta::assert_snapshot!(text(&log.fold(&layout(rolling_patch(), web(2))), Palette::PLAIN));
}

#[test]
fn commands_to_type_say_what_they_must() {
    let fold = failed_run().fold(&layout(rolling_patch(), web(5)));
    let mut bytes = Vec::new();
    let options = TextOptions { flags: "--data-dir /d", ..TextOptions::default() };
    write_text(&fold, &options, &mut bytes).unwrap();
    let text = String::from_utf8(bytes).unwrap();
    assert!(text.contains(" --data-dir /d   a new run of what did not succeed"), "{text}");
}

#[test]
fn a_run_that_was_stopped() {
    let by = || Author { user: "ada".into(), why: "wrong release".into() };
    let mut log = submitted();
    log.push(What::Started { by: Author::new("ada") })
        .wait(5_000)
        .push(What::Commanded { command: Command::Stop, by: by() })
        .push(What::Finished { status: RunStatus::Stopped });
    insta::assert_snapshot!(text(&log.fold(&layout(rolling_patch(), web(2))), Palette::PLAIN));
}

#[test]
fn a_run_that_was_bypassed() {
    let mut log = submitted();
    log.push(What::Started { by: Author::new("ada") })
        .ended(ElementId::Run, Outcome::Skipped(Skip::Bypassed))
        .push(What::Finished { status: RunStatus::Succeeded });
    let text = text(&log.fold(&layout(rolling_patch(), web(2))), Palette::PLAIN);
    assert!(text.starts_with("rolling-patch succeeded: bypassed, nothing was to be done\n"), "{text}");
}

#[test]
fn hostile_text_cannot_drive_a_terminal() {
    let mut log = submitted();
    let evil = "\x1b]0;owned\x07\u{202e}\u{9b}31m";
    log.push(What::Started { by: Author { user: evil.into(), why: evil.into() } });
    log.bad(action(0, 0, 0), 1, &Failure::new(evil, evil));
    let text = text(&log.fold(&layout(rolling_patch(), [evil.to_owned()])), Palette::PLAIN);
    let bad = |char: char| char.is_control() && char != '\n' || char == '\u{202e}';
    assert!(!text.contains(bad), "{text:?}");
}
