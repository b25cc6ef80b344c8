//! Nothing appended is lost, and what a full disk takes is counted.

use std::fs;

use super::*;
use crate::line::{VERSION, decode, header};

fn book(path: PathBuf) -> Book {
    Book::new(path, header("r", "p").into(), Path::new("run").into())
}

fn writer() -> Writer {
    Writer::new(|| Time(5_000_000))
}

#[test]
fn many_threads_write_to_more_files_than_may_be_open() {
    let dir = tempfile::tempdir().unwrap();
    let all = book(dir.path().join("a/all.log"));
    let own: Vec<_> = (0..200).map(|n| book(dir.path().join(format!("a/nodes/n{n}.log")))).collect();
    let writer = Writer::with_most(MOST, 8, quiet::MOST, || Time(0));
    std::thread::scope(|scope| {
        for books in own.chunks(50) {
            let (writer, all) = (&writer, &all);
            scope.spawn(move || {
                for round in 0..20 {
                    for book in books {
                        let line = format!("{} {round}\n", book.path().display());
                        writer.append([all, book], line.as_bytes());
                    }
                }
            });
        }
    });
    writer.flush();
    let text = fs::read_to_string(all.path()).unwrap();
    assert!(text.starts_with(&format!("# windlass-log {VERSION} run r plan p\n")));
    assert_eq!(text.lines().count(), 1 + 200 * 20);
    for book in own {
        let text = fs::read_to_string(book.path()).unwrap();
        let expect: Vec<_> = (0..20).map(|round| format!("{} {round}", book.path().display())).collect();
        assert_eq!(text.lines().skip(1).collect::<Vec<_>>(), expect);
    }
}

#[test]
fn sheets_and_single_lines_keep_their_order_in_every_file() {
    let dir = tempfile::tempdir().unwrap();
    let (all, own) = (book(dir.path().join("all.log")), book(dir.path().join("own.log")));
    let writer = writer();
    let mut expect = String::new();
    for n in 0..50 {
        let line = format!("{n} alone\n");
        writer.append([&all, &own], line.as_bytes());
        let mut sheet = writer.sheet(100_000);
        let many = format!("{n} {}\n", "x".repeat(90)).repeat(if n % 2 == 0 { 500 } else { 2 });
        sheet.extend_from_slice(many.as_bytes());
        writer.append_sheet([&all, &own], &mut sheet);
        assert!(sheet.is_empty());
        expect.extend([line, many]);
    }
    writer.flush();
    for book in [all, own] {
        let text = fs::read_to_string(book.path()).unwrap();
        assert!(text.split_once('\n').unwrap().1 == expect);
    }
}

#[test]
fn of_a_sheet_that_is_lost_every_line_is_counted() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("full");
    std::os::unix::fs::symlink("/dev/full", &path).unwrap();
    let book = Book::new(path, Vec::new().into(), Path::new("run").into());
    let writer = writer();
    writer.append([&book], b"one\n");
    let mut sheet = b"a line of a sheet\n".repeat(1000);
    writer.append_sheet([&book], &mut sheet);
    writer.append([&book], b"two\n");
    writer.flush();
    let lost = writer.lost(Path::new("run")).unwrap();
    assert_eq!((lost.lines, lost.bytes), (1002, 18_008));
}

#[test]
fn dropping_it_writes_what_is_pending() {
    let dir = tempfile::tempdir().unwrap();
    let book = book(dir.path().join("all.log"));
    let writer = writer();
    writer.append([&book], b"last\n");
    drop(writer);
    assert!(fs::read_to_string(book.path()).unwrap().ends_with("last\n"));
}

#[test]
fn a_line_that_was_torn_is_ended_before_the_next() {
    let dir = tempfile::tempdir().unwrap();
    let book = book(dir.path().join("all.log"));
    fs::write(book.path(), "# windlass-log 1 run r plan p\nhalf a li").unwrap();
    let writer = writer();
    writer.append([&book], b"whole\n");
    writer.flush();
    let text = fs::read_to_string(book.path()).unwrap();
    assert_eq!(text, "# windlass-log 1 run r plan p\nhalf a li\nwhole\n");
}

#[test]
fn a_disk_without_room_is_told_of_where_the_lines_should_be() {
    let dir = tempfile::tempdir().unwrap();
    // Nothing can be written where a file stands in the place of a directory.
    fs::write(dir.path().join("nodes"), "").unwrap();
    let path = dir.path().join("nodes/n.log");
    let book = book(path.clone());
    let writer = writer();
    writer.append([&book], b"one\ntwo\n");
    writer.flush();
    writer.append([&book], b"three\n");
    writer.flush();
    let lost = writer.lost(Path::new("run")).unwrap();
    assert_eq!((lost.lines, lost.bytes), (3, 14));
    fs::remove_file(dir.path().join("nodes")).unwrap();
    writer.append([&book], b"four\n");
    writer.flush();
    let text = fs::read_to_string(path).unwrap();
    let lines: Vec<_> = text.lines().collect();
    let told = decode(lines[1].as_bytes()).unwrap();
    let said = String::from_utf8_lossy(&told.text);
    assert!(said.starts_with("3 lines (14 bytes) could not be written here: "), "{said}");
    assert_eq!(lines[2..], ["four"]);
}

#[test]
fn a_full_disk_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("full");
    std::os::unix::fs::symlink("/dev/full", &path).unwrap();
    let book = Book::new(path, Vec::new().into(), Path::new("run").into());
    let writer = writer();
    writer.append([&book], b"one\n");
    writer.flush();
    let lost = writer.lost(Path::new("run")).unwrap();
    assert_eq!((lost.lines, lost.bytes), (1, 4));
    assert!(lost.why.contains("No space left"), "{}", lost.why);
}

#[test]
fn too_many_quiet_nodes_have_files_and_a_run_that_is_over_holds_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let run = |name: &str| -> Arc<Path> { dir.path().join(name).into() };
    let (one, other) = (run("one"), run("other"));
    let book = |run: &Arc<Path>, node: usize| {
        Book::of_node(run.join(format!("nodes/n{node}.log")), header("r", "p").into(), Arc::clone(run))
    };
    let files = |run: &Path| fs::read_dir(run.join("nodes")).map_or(0, Iterator::count);
    let writer = Writer::with_most(MOST, 64, 100 * 1000, || Time(0));
    let happens = |run: &Arc<Path>, nodes: std::ops::Range<usize>| {
        for node in nodes {
            writer.append_at_once([(&book(run, node), b"it happens\n".repeat(10).as_slice())]);
        }
        writer.flush();
    };
    happens(&other, 0..10);
    happens(&one, 0..150);
    assert_eq!((files(&one), files(&other)), (0, 0));
    happens(&one, 150..250);
    assert!(files(&one) > 150, "{}", files(&one));
    assert_eq!(files(&other), 0);
    // What had to go to a file is whole, and goes on there.
    happens(&one, 0..250);
    let text = fs::read_to_string(book(&one, 7).path()).unwrap();
    assert_eq!(text.lines().skip(1).filter(|line| *line == "it happens").count(), 20, "{text}");
    writer.forget(&other);
    writer.append([&book(&one, 0)], b"printed\n");
    writer.flush();
    writer.append([&book(&other, 0)], b"printed\n");
    writer.flush();
    let text = fs::read_to_string(book(&other, 0).path()).unwrap();
    assert_eq!(
        text.lines().skip(1).collect::<Vec<_>>(),
        ["printed"],
        "all else stands in the file of the run"
    );
}

/// A file that takes some ten thousand bytes and then nothing more until somebody reads.
fn stuck(path: &Path) -> std::process::ExitStatus {
    std::process::Command::new("mkfifo").arg(path).status().unwrap()
}

#[test]
fn what_comes_at_once_while_nothing_can_be_written_is_counted_and_not_kept_for_ever() {
    let dir = tempfile::tempdir().unwrap();
    let all = book(dir.path().join("all.log"));
    assert!(stuck(all.path()).success());
    let most = 1 << 20;
    let writer = Writer::with_most(most, 64, quiet::MOST, || Time(0));
    let line = [vec![b'x'; 999], vec![b'\n']].concat();
    for _ in 0..4000 {
        writer.append_at_once([(&all, line.as_slice())]);
    }
    let pending = writer.shared.state().bytes;
    assert!(pending <= most + line.len(), "{pending} bytes are kept");
    let lost = writer.lost(Path::new("run")).unwrap();
    assert_eq!((lost.bytes, lost.why.as_str()), (lost.lines * 1000, "writing is far behind"));
    // One round may be on its way to the file beside what is pending.
    let kept = 4000 - usize::try_from(lost.lines).unwrap();
    assert!((1000..=2200).contains(&kept), "{kept} lines are kept");
    let mut reader = std::io::BufReader::new(fs::File::open(all.path()).unwrap());
    let mut text = String::new();
    for _ in 0..=kept {
        std::io::BufRead::read_line(&mut reader, &mut text).unwrap();
    }
    assert_eq!(
        text.lines().filter(|line| line.len() == 999).count(),
        kept,
        "the rest comes when it can be written"
    );
}

#[tokio::test]
async fn whoever_follows_a_file_is_told_when_there_is_more() {
    let dir = tempfile::tempdir().unwrap();
    let book = book(dir.path().join("all.log"));
    let writer = Arc::new(writer());
    let mut rounds = 0;
    for line in ["one\n", "two\n"] {
        let (told, before) = (Arc::clone(&writer), rounds);
        let waits = tokio::spawn(async move { told.written(before).await });
        writer.append([&book], line.as_bytes());
        rounds = waits.await.unwrap();
        assert!(rounds > before);
        assert!(fs::read_to_string(book.path()).unwrap().ends_with(line));
    }
}
