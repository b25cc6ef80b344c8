//! Records come back to the last byte, and no byte of a text can end one.

use proptest::prelude::*;

use super::*;

fn record(text: &[u8]) -> Record<'_> {
    Record {
        at: Time(1_795_179_600_123_000),
        level: LogLevel::Info,
        source: Source::Out,
        form: Form::Whole,
        address: "patch/web01/restart",
        attempt: 2,
        node: Some("web01"),
        printed_at: None,
        text: Cow::Borrowed(text),
    }
}

fn written(record: &Record<'_>) -> Vec<u8> {
    let mut line = Vec::new();
    encode(record, &mut line);
    assert_eq!(line.pop(), Some(b'\n'));
    line
}

fn check(text: &[u8], expect: &str) {
    let line = written(&record(text));
    let line = String::from_utf8(line).unwrap();
    assert_eq!(line.split_once(" | ").unwrap().1, expect);
    assert_eq!(decode(line.as_bytes()).unwrap().text, text);
}

#[test]
fn a_record_is_a_line_for_people() {
    let printed = Record { printed_at: Some(Time(1_795_179_600_111_000)), ..record(b"restarted") };
    let line = String::from_utf8(written(&printed)).unwrap();
    assert_eq!(line, "2026-11-20T13:00:00.123Z info out patch/web01/restart#2 @web01 ~-12 | restarted");
    let run = Record {
        address: "",
        attempt: 0,
        node: None,
        level: LogLevel::Error,
        source: Source::Event,
        ..record(b"the run failed")
    };
    let line = String::from_utf8(written(&run)).unwrap();
    assert_eq!(line, "2026-11-20T13:00:00.123Z error event - | the run failed");
}

#[test]
fn odd_bytes_are_written_so_that_they_do_nothing() {
    check(b"plain \xc3\xa4\ttext | with a bar", "plain ä\ttext | with a bar");
    check(b"\x1b[2Jgone\r", "\\x1b[2Jgone\\x0d");
    check(b"a\nb\0", "a\\x0ab\\x00");
    check(b"\xff\xfe\xc3", "\\xff\\xfe\\xc3");
    check("\u{9b}2J\u{a0}".as_bytes(), "\\xc2\\x9b2J\u{a0}");
    check(br"C:\new\xyz\\x4", r"C:\new\xyz\\x4");
    check(br"\x41 \\x41", r"\x5cx41 \\x5cx41");
    check(b"", "");
}

#[test]
fn what_is_no_record_is_none() {
    for line in ["", "# windlass-log 1 run x plan y", "2026-11-20T13:00:00.123Z info out", "x | y", " | "] {
        assert_eq!(decode(line.as_bytes()), None, "{line}");
    }
    // A field that a later version may have.
    let line = b"2026-11-20T13:00:00.123Z info out a/b/c#1 ^new @n | text";
    assert_eq!(decode(line).unwrap().node, Some("n"));
}

#[test]
fn lines_from_before_there_was_a_version_are_read() {
    let sample = include_bytes!("../../tests/samples/version-0.log");
    let records: Vec<_> =
        sample.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()).map(decode).collect();
    let told: Vec<_> = records
        .iter()
        .flatten()
        .map(|record| (record.address, record.attempt, record.source, String::from_utf8_lossy(&record.text)))
        .collect();
    assert_eq!(
        told,
        [
            ("patch/web01/restart", 1, Source::Out, "restarting | now".into()),
            ("patch/web01/restart", 2, Source::Err, "done".into()),
        ]
    );
    assert_eq!(records.len(), 2);
}

#[test]
fn the_sample_of_version_1_is_read() {
    let sample = include_bytes!("../../tests/samples/version-1.log");
    let mut lines = sample.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
    assert_eq!(
        [lines.next().unwrap(), b"\n"].concat(),
        header("01a1f9dd-8b6a-775e-ac77-433da2f3746b", "patch")
    );
    let mut again = Vec::new();
    for line in lines.clone() {
        encode(&decode(line).unwrap(), &mut again);
    }
    assert_eq!(again, lines.flat_map(|line| [line, b"\n"].concat()).collect::<Vec<u8>>());
}

prop_compose! {
    fn any_record()(
        millis in 0_u64..4_000_000_000_000,
        later in proptest::option::of(0_u64..4_000_000_000_000),
        level in prop::sample::select(vec![LogLevel::Debug, LogLevel::Info, LogLevel::Warn, LogLevel::Error]),
        source in prop::sample::select(vec![Source::Out, Source::Err, Source::Note, Source::Event]),
        part in any::<bool>(),
        attempt in 0_u32..9,
        node in proptest::option::of("[a-zA-Z0-9_\\[][-a-zA-Z0-9_.:@%\\[\\]]{0,20}"),
        address in "([a-z][a-z0-9.:!@%-]{0,8}(/[a-z0-9.:!@%-]{1,8}){0,3})?",
        text in prop_oneof![
            proptest::collection::vec(any::<u8>(), 0..200),
            // What escapes are made of.
            proptest::collection::vec(prop::sample::select(b"\\\\\\xx0af |\n\xc2\x9b\x1b".to_vec()), 0..60),
        ],
    ) -> (u64, Option<u64>, LogLevel, Source, bool, u32, Option<String>, String, Vec<u8>) {
        (millis, later, level, source, part, attempt, node, address, text)
    }
}

proptest! {
    #[test]
    fn any_bytes_come_back_and_stay_in_their_line(
        (millis, later, level, source, part, attempt, node, address, text) in any_record()
    ) {
        let record = Record {
            at: Time(millis * 1_000),
            level,
            source,
            form: if part { Form::Part } else { Form::Whole },
            address: &address,
            attempt,
            node: node.as_deref(),
            printed_at: later.map(|millis| Time(millis * 1_000)),
            text: Cow::Borrowed(&text),
        };
        let line = written(&record);
        let is_quiet = |byte: &u8| *byte == b'\t' || (*byte >= 0x20 && *byte != 0x7f);
        prop_assert!(std::str::from_utf8(&line).is_ok() && line.iter().all(is_quiet), "{}", line.escape_ascii());
        prop_assert_eq!(decode(&line), Some(record));
    }

    #[test]
    fn reading_any_line_ends(line in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = decode(&line);
    }
}

proptest! {
    #[test]
    fn what_is_known_of_the_line_before_changes_nothing(
        lines in prop::collection::vec((0..2_u64, 0..3_u32, prop::option::of("[ab]{1,2}"), ".{0,8}", any::<bool>()), 1..30)
    ) {
        let mut last = Last::default();
        for (at, attempt, node, text, is_damaged) in &lines {
            let at = Time(1_795_179_600_123_000 + at * 1_000);
            let address = if *attempt == 0 { "" } else { "patch/a/b" };
            let record = Record { at, attempt: *attempt, address, node: node.as_deref(), ..record(text.as_bytes()) };
            let mut line = written(&record);
            if *is_damaged {
                line.truncate(line.len() / 2);
            }
            prop_assert_eq!(last.decode(&line), decode(&line));
        }
    }
}
