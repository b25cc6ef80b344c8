//! Every record once, whoever writes meanwhile and wherever reading begins.

use std::borrow::Cow;
use std::fs::{self, OpenOptions};
use std::io::Write;

use proptest::prelude::*;
use windlass_model::log_level::LogLevel;
use windlass_model::time::Time;

use super::*;
use crate::line::{Form, Source, decode, encode, header};
use crate::writer::{Book, Writer};

fn line(n: u64, node: Option<&str>, level: LogLevel) -> Vec<u8> {
    let mut bytes = Vec::new();
    let record = Record {
        at: Time(n * 1_000_000),
        level,
        source: Source::Out,
        form: Form::Whole,
        address: if node.is_some() { "patch/web01/restart" } else { "patch" },
        attempt: 1,
        node,
        printed_at: None,
        text: Cow::Owned(format!("line {n}").into_bytes()),
    };
    encode(&record, &mut bytes);
    bytes
}

fn texts(reader: &mut Reader) -> Vec<String> {
    let mut texts = Vec::new();
    while let Some(found) = reader.line().unwrap() {
        texts.extend(found.record.map(|record| String::from_utf8_lossy(&record.text).into_owned()));
    }
    texts
}

#[test]
fn a_line_without_an_end_is_not_there_yet() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("all.log");
    let mut reader = Reader::new(&path, 0);
    assert_eq!(reader.line().unwrap(), None);
    let whole = [header("r", "p"), line(1, None, LogLevel::Info)].concat();
    let second = line(2, None, LogLevel::Info);
    let (half, other) = second.split_at(20);
    fs::write(&path, [&whole, half].concat()).unwrap();
    assert_eq!(texts(&mut reader), ["line 1"]);
    assert_eq!(reader.position(), whole.len() as u64);
    OpenOptions::new().append(true).open(&path).unwrap().write_all(other).unwrap();
    assert_eq!(texts(&mut reader), ["line 2"]);
    assert_eq!(texts(&mut Reader::new(&path, whole.len() as u64)), ["line 2"]);
}

#[test]
fn what_is_no_record_is_given_as_it_is() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("all.log");
    fs::write(&path, b"torn by a cra\n\0\0\0\n").unwrap();
    let mut reader = Reader::new(&path, 0);
    let found = reader.line().unwrap().unwrap();
    assert_eq!((found.line, found.record, found.next), (&b"torn by a cra"[..], None, 14));
    assert_eq!(reader.line().unwrap().unwrap().line, [0, 0, 0]);
    assert_eq!(reader.line().unwrap(), None);
}

#[test]
fn a_reader_that_follows_a_writer_gets_every_record_once() {
    const LINES: u64 = 20_000;
    let dir = tempfile::tempdir().unwrap();
    let book = Book::new(dir.path().join("all.log"), header("r", "p").into(), dir.path().into());
    let mut got = Vec::new();
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let writer = Writer::new(|| Time::ZERO);
            (0..LINES).for_each(|n| writer.append([&book], &line(n, None, LogLevel::Info)));
        });
        let mut reader = Reader::new(book.path(), 0);
        while got.len() < LINES as usize {
            // Every so often it is another reader that goes on.
            if got.len() % 7 == 0 {
                reader = Reader::new(book.path(), reader.position());
            }
            match reader.line().unwrap() {
                Some(found) => {
                    got.extend(found.record.map(|record| String::from_utf8_lossy(&record.text).into_owned()));
                }
                None => std::thread::yield_now(),
            }
        }
        assert_eq!(reader.line().unwrap(), None);
    });
    assert!(got.iter().enumerate().all(|(n, text)| *text == format!("line {n}")));
}

#[test]
fn filters_take_levels_nodes_actions_and_times() {
    let bytes = line(7, Some("web01"), LogLevel::Warn);
    let record = decode(bytes.strip_suffix(b"\n").unwrap()).unwrap();
    let check = |change: &dyn Fn(&mut Filter), expect: bool| {
        let mut filter = Filter::default();
        change(&mut filter);
        assert_eq!(filter.wants(&record), expect, "{filter:?}");
    };
    check(&|_| {}, true);
    check(&|filter| filter.level = LogLevel::Warn, true);
    check(&|filter| filter.level = LogLevel::Error, false);
    check(&|filter| filter.nodes = ["web01".to_owned()].into(), true);
    check(&|filter| filter.nodes = ["web02".to_owned()].into(), false);
    check(&|filter| filter.since = Some(Time(7_000_000)), true);
    check(&|filter| filter.since = Some(Time(7_000_001)), false);
    check(&|filter| filter.add_action("re*").unwrap(), true);
    check(&|filter| filter.add_action("patch/*/restart").unwrap(), true);
    check(&|filter| filter.add_action("patch").unwrap(), false);
    check(&|filter| filter.add_action("other/*").unwrap(), false);
}

#[test]
fn filters_find_text_in_a_line_before_it_is_read() {
    let bytes = "2026-11-20T14:53:14.711Z info out patch/web01 | Übung in PAPER, paper".as_bytes();
    for (text, expect) in [
        ("", true),
        ("paper", true),
        ("Paper,", true),
        ("PAPER, PAPER", true),
        ("web01", true),
        ("Übung", true),
        ("übung", false),
        ("papers", false),
        ("r, pape", true),
    ] {
        let mut filter = Filter::default();
        filter.text = text.to_owned();
        assert_eq!(filter.may_want(bytes), expect, "{text}");
    }
    for (level, expect) in [(LogLevel::Debug, true), (LogLevel::Info, true), (LogLevel::Warn, false)] {
        let mut filter = Filter::default();
        filter.level = level;
        assert_eq!(filter.may_want(bytes), expect, "{level:?}");
        assert!(filter.may_want(b"torn by a crash"), "what is no record is for others to judge");
    }
}

proptest! {
    #[test]
    fn the_last_lines_are_the_last_of_all(
        lines in proptest::collection::vec((0_usize..3, 0_usize..9_000), 0..120),
        wanted in 0_usize..130,
        torn in any::<bool>(),
    ) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("all.log");
        let mut bytes = header("r", "p");
        let mut offsets = Vec::new();
        for (n, (kind, size)) in lines.iter().enumerate() {
            let node = (*kind > 0).then_some("web01");
            if node.is_some() {
                offsets.push(bytes.len() as u64);
            }
            let mut one = line(n as u64, node, LogLevel::Info);
            one.pop();
            one.extend(vec![b'x'; *size]);
            one.push(b'\n');
            bytes.extend(one);
        }
        let end = bytes.len() as u64;
        if torn {
            bytes.extend(b"2026-11-20T13:00:00.123Z info o");
        }
        fs::write(&path, &bytes).unwrap();
        let mut filter = Filter::default();
        filter.nodes.insert("web01".to_owned());
        let expect = match offsets.len().checked_sub(wanted) {
            Some(at) => offsets.get(at).copied().unwrap_or(end),
            None => 0,
        };
        prop_assert_eq!(last(&path, wanted, &filter).unwrap(), expect);
    }
}
