//! One process a directory, and what the second one is told.

#![expect(clippy::unwrap_used, reason = "the way for a test to fail")]

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;
use windlass_store::{Entry, Range, Store, StoreError, Txn};
use windlass_store_fjall::{FORMAT_VERSION, FjallStore, Options};

const KILLS: u64 = 20;
const DIRECTORY: &str = "STORE_TEST_DIRECTORY";

fn open(directory: &Path) -> Result<FjallStore, StoreError> {
    FjallStore::open(directory, Options::default())
}

fn refusal(directory: &Path) -> (&'static str, String) {
    let error = open(directory).unwrap_err();
    (error.code(), error.to_string())
}

/// Not a test: what the other process does, when a test starts it.
#[tokio::test]
async fn other_process() {
    let Ok(directory) = std::env::var(DIRECTORY) else { return };
    let store = open(Path::new(&directory)).unwrap();
    let mut told = std::io::stdout().lock();
    loop {
        let commits: Vec<_> = (0..3)
            .map(|n| {
                let key = store.revision() + n;
                store.commit(Txn::new().put(format!("a{key}"), vec![1; 500]).put(format!("b{key}"), "2"))
            })
            .collect();
        for commit in commits {
            let revision = commit.await.unwrap();
            writeln!(told, "\nacknowledged {revision}").unwrap();
        }
    }
}

/// Starts the other process and waits until it has committed so many transactions.
fn start_other(directory: &Path, revision: u64) -> (Child, impl Iterator<Item = u64>) {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["other_process", "--exact", "--nocapture"])
        .env(DIRECTORY, directory)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let output = BufReader::new(child.stdout.take().unwrap());
    let mut acknowledged = output
        .lines()
        .filter_map(|line| line.unwrap().strip_prefix("acknowledged ").and_then(|text| text.parse().ok()));
    assert!(acknowledged.any(|acknowledged| acknowledged >= revision));
    (child, acknowledged)
}

#[test]
fn a_second_process_is_told_who_has_the_store_and_finds_it_after_a_kill() {
    let directory = TempDir::new().unwrap();
    let (mut other, acknowledged) = start_other(directory.path(), 1);
    let (code, text) = refusal(directory.path());
    assert_eq!(code, "WL-0401");
    assert!(text.contains(&format!("process {} (owners-", other.id())), "{text}");
    assert!(text.contains("since 20"), "{text}");
    other.kill().unwrap();
    other.wait().unwrap();
    let last = acknowledged.last().unwrap_or(1);
    // The dead one's text is still in the file; it must confuse neither us nor those we keep out.
    let store = open(directory.path()).unwrap();
    assert!(store.revision() >= last);
    let (_, text) = refusal(directory.path());
    assert!(text.contains(&format!("process {} ", std::process::id())), "{text}");
}

#[tokio::test]
async fn a_process_that_is_killed_at_any_moment_loses_nothing_acknowledged() {
    let directory = TempDir::new().unwrap();
    let mut revision = 0;
    for round in 0..KILLS {
        let (mut other, acknowledged) = start_other(directory.path(), revision + round * 7 + 1);
        other.kill().unwrap();
        other.wait().unwrap();
        let last = acknowledged.last().unwrap_or(revision);
        let store = open(directory.path()).unwrap();
        assert!(store.revision() >= last, "round {round}");
        revision = store.revision();
        let (a, b) = (store.range(Range::prefix("a")).await, store.range(Range::prefix("b")).await);
        let revisions = |entries: Vec<Entry>| entries.into_iter().map(|e| e.revision).collect::<Vec<_>>();
        assert_eq!(revisions(a.unwrap()), revisions(b.unwrap()));
    }
}

#[test]
fn a_lock_file_that_makes_no_sense_still_keeps_others_out() {
    let directory = TempDir::new().unwrap();
    let store = open(directory.path()).unwrap();
    let dead = r#"{"pid":2147483646,"command":"windlass run","since":"2020-01-01T00:00:00Z"}"#;
    for content in ["", "{", "\u{0}\u{1}", dead] {
        std::fs::write(directory.path().join("LOCK"), content).unwrap();
        let (code, text) = refusal(directory.path());
        assert_eq!(code, "WL-0401");
        assert!(text.ends_with("in use by another process; its lock file does not tell which"), "{text}");
    }
    drop(store);
    open(directory.path()).unwrap();
}

#[test]
fn a_newer_format_is_refused_and_left_alone() {
    let directory = TempDir::new().unwrap();
    drop(open(directory.path()).unwrap());
    let format = directory.path().join("FORMAT");
    let newer = format!("windlass-store {} ready and more\n", FORMAT_VERSION + 1);
    std::fs::write(&format, &newer).unwrap();
    let (code, text) = refusal(directory.path());
    assert_eq!(code, "WL-0402");
    assert!(text.contains("has format 2, this program knows up to 1"), "{text}");
    assert_eq!(std::fs::read_to_string(format).unwrap(), newer);
}

#[test]
fn a_format_that_makes_no_sense_is_damage() {
    for content in ["", "hello", "windlass-store x ready", "windlass-store 1", "windlass-store 1 no"] {
        let directory = TempDir::new().unwrap();
        drop(open(directory.path()).unwrap());
        std::fs::write(directory.path().join("FORMAT"), content).unwrap();
        assert_eq!(refusal(directory.path()).0, "WL-0405", "{content}");
    }
    let directory = TempDir::new().unwrap();
    drop(open(directory.path()).unwrap());
    std::fs::remove_file(directory.path().join("FORMAT")).unwrap();
    assert_eq!(refusal(directory.path()).0, "WL-0405");
}

#[test]
fn a_path_that_is_a_file_is_refused() {
    let file = tempfile::NamedTempFile::new().unwrap();
    assert_eq!(refusal(file.path()).0, "WL-0407");
}
