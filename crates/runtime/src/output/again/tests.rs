//! Lines that stand in a log are found, those that were torn are not, and no more is read than has to be.

use std::borrow::Cow;
use std::fs;

use windlass_logs::{Form, Record, encode, header};
use windlass_model::log_level::LogLevel;

use super::*;

fn line(at: u64, address: &str, attempt: u32, printed: Option<u64>, text: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    let record = Record {
        at: Time(at * 1000),
        level: LogLevel::Info,
        source: Source::Out,
        form: Form::Whole,
        address,
        attempt,
        node: Some("web01"),
        printed_at: printed.map(|at| Time(at * 1000)),
        text: Cow::Borrowed(text.as_bytes()),
    };
    encode(&record, &mut bytes);
    bytes
}

fn takes(standing: &mut Standing, printed: u64, text: &str) -> bool {
    standing.take(Time(printed * 1000), Source::Out, text.as_bytes())
}

#[test]
fn each_line_that_stands_there_is_found_once_and_a_torn_one_is_not() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("all.log");
    let torn = line(12, "a/b", 1, Some(5), "twelve");
    let text = [
        header("r", "p"),
        line(9, "a/b", 1, Some(1), "same"),
        line(9, "a/b", 1, Some(1), "same"),
        line(10, "a/b", 1, None, "ours"),
        line(10, "a/b", 2, Some(3), "another attempt"),
        line(11, "a/c", 1, Some(4), "another action"),
        torn[..torn.len() - 3].to_vec(),
        b"\n".to_vec(),
    ];
    fs::write(&path, text.concat()).unwrap();
    let sought = Sought::default();
    sought.want("a/b", 1, Time(9_000));
    sought.want("a/c", 1, Time(9_000));
    let mut standing = sought.standing("a/b", 1, &path);
    assert!(takes(&mut standing, 1, "same") && takes(&mut standing, 1, "same"));
    assert!(!takes(&mut standing, 1, "same"), "it stands there twice");
    assert!(!takes(&mut standing, 5, "twelve"), "it was torn");
    assert!(!takes(&mut standing, 3, "another attempt"));
    assert!(takes(&mut sought.standing("a/c", 1, &path), 4, "another action"));
    // Nobody asked for it.
    assert_eq!(sought.standing("a/b", 2, &path), Standing::default());
    assert_eq!(read(&dir.path().join("none"), Time::ZERO, &|_| true).len(), 0);
}

#[test]
fn of_a_long_log_only_the_end_is_read() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("all.log");
    let filler = "x".repeat(1000);
    let mut text = header("r", "p");
    // A line a second.
    for n in 1..=5000_u64 {
        text.extend(line(n * 1000, "a/b", 1, Some(n), &filler));
    }
    fs::write(&path, &text).unwrap();
    let len = text.len() as u64;
    assert_eq!(begin(&path, Time::ZERO).unwrap(), 0);
    let late = begin(&path, Time(4_990 * 1_000_000)).unwrap();
    assert!(late > len - 2 * PIECE, "{late} of {len}");
    let early = begin(&path, Time(2_000 * 1_000_000)).unwrap();
    assert!(early > 0 && early < len - PIECE, "{early} of {len}");
    let mut found = read(&path, Time(4_990 * 1_000_000), &|_| true);
    let standing = found.get_mut(&("a/b".to_owned(), 1)).unwrap();
    assert!((4_990..=5_000).all(|n| takes(standing, n, &filler)));
    assert!(!takes(standing, 10, &filler));
}
