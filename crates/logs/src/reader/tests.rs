//! Every record once, whoever writes meanwhile and wherever reading begins.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::fs::{self, OpenOptions};
use std::io::Write;
use std::sync::Arc;

use proptest::prelude::*;
use windlass_model::log_level::LogLevel;
use windlass_model::time::Time;

use super::*;
use crate::line::{Form, Source, decode, encode, header};
use crate::place::RunFiles;
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
        prop_assert_eq!(tail::last(&path, wanted, &filter).unwrap(), expect);
    }
}

/// What is done to the logs of a run.
#[derive(Clone, Copy, Debug)]
enum Step {
    /// Something happens on a node.
    Happens(usize),
    /// Something is printed there.
    Prints(usize),
    /// The process dies, and another goes on.
    Dies,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => (0_usize..5).prop_map(Step::Happens),
        2 => (0_usize..4).prop_map(Step::Prints),
        1 => Just(Step::Dies),
    ]
}

proptest! {
    #[test]
    fn whether_a_node_has_a_file_makes_no_difference(
        steps in proptest::collection::vec(step(), 0..60),
        place in 0_usize..20,
        wanted in 0_usize..20,
        flushes in any::<bool>(),
    ) {
        let dir = tempfile::tempdir().unwrap();
        let (run, files) = (dir.path().into(), RunFiles::within(dir.path().to_owned()));
        let (run, header): (Arc<Path>, Arc<[u8]>) = (run, header("r", "p").into());
        let all = Book::new(files.all(), Arc::clone(&header), Arc::clone(&run));
        // Two of them share a file.
        let nodes = ["web01", "web02", "a/b", "a_b", "silent"];
        let books = nodes.map(|node| Book::of_node(files.node(node), Arc::clone(&header), Arc::clone(&run)));
        let new = || Writer::new(|| Time(0));
        let (mut writer, mut told, mut printed) = (new(), Vec::new(), BTreeSet::new());
        for (n, step) in steps.into_iter().enumerate() {
            match step {
                Step::Happens(node) | Step::Prints(node) => {
                    let text = line(n as u64, Some(nodes[node]), LogLevel::Info);
                    if matches!(step, Step::Prints(_)) {
                        printed.insert(files.node(nodes[node]));
                        writer.append([&all, &books[node]], &text);
                    } else {
                        writer.append_at_once([(&all, text.as_slice()), (&books[node], text.as_slice())]);
                    }
                    told.push((nodes[node], text));
                }
                Step::Dies => writer = new(),
            }
            if flushes {
                writer.flush();
            }
        }
        writer.flush();
        for node in nodes {
            let path = files.node(node);
            prop_assert_eq!(path.exists(), printed.contains(&path), "{}", node);
            let mut filter = Filter::default();
            filter.nodes.insert(node.to_owned());
            let log = Log::of(&files, &filter);
            // What stands in that file, or would.
            let first = (!told.is_empty()).then_some(("", header.to_vec()));
            let lines = first.iter().chain(told.iter().filter(|(other, _)| files.node(other) == path));
            let lines: Vec<_> = lines.scan(0, |end, (node, line)| {
                let offset = *end;
                *end += line.len() as u64;
                Some((offset, *end, line.as_slice(), *node))
            }).collect();
            let size = lines.last().map_or(0, |line| line.1);
            prop_assert_eq!(log.size().unwrap(), size);
            let rest = lines.get(place..).unwrap_or_default();
            let mut reader = log.reader(rest.first().map_or(size, |line| line.0));
            let mut found = Vec::new();
            while let Some(one) = reader.line().unwrap() {
                if !one.line.is_empty() {
                    let node = one.record.and_then(|record| record.node).unwrap_or_default();
                    found.push((one.offset, one.next, [one.line, b"\n"].concat(), node.to_owned()));
                }
            }
            let rest = rest.iter().map(|(from, to, line, node)| (*from, *to, line.to_vec(), (*node).to_owned()));
            prop_assert_eq!(&found, &rest.collect::<Vec<_>>());
            let own: Vec<_> = lines.iter().filter(|line| line.3 == node).collect();
            let last = own.len().checked_sub(wanted).map_or(0, |at| own.get(at).map_or(size, |line| line.0));
            prop_assert_eq!(log.last(wanted, &filter).unwrap(), last);
        }
    }
}
