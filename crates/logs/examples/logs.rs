//! `cargo xtask bench logs`: how fast records are kept and read again, beside a plain copy of the same bytes.

#![expect(
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a benchmark prints, and has nobody to hand errors to"
)]

use std::borrow::Cow;
use std::fs::File;
use std::io::Write;
use std::time::{Duration, Instant};

use windlass_logs::{Book, Filter, Form, Log, Reader, Record, RunFiles, Source, Writer, encode, header};
use windlass_model::log_level::LogLevel;
use windlass_model::time::Time;

const NODES: usize = 500;
const LINE: usize = 99;
const EACH: usize = 1 << 20;
const THREADS: usize = 4;

fn main() {
    let dir = std::env::temp_dir().join(format!("windlass-bench-logs-{}", std::process::id()));
    let files = RunFiles::within(dir.join("run"));
    let text = vec![b'x'; LINE];
    let total = NODES * EACH;

    let plain = timed(|| {
        std::fs::create_dir_all(&dir).unwrap();
        let mut file = File::create(dir.join("plain")).unwrap();
        let piece = text.repeat((1 << 16) / LINE);
        // The same bytes twice, as a log has them in two files.
        (0..2 * total / piece.len()).for_each(|_| file.write_all(&piece).unwrap());
    });
    std::fs::remove_file(dir.join("plain")).unwrap();

    let kept = timed(|| {
        let writer = Writer::new(|| Time::ZERO);
        let header: std::sync::Arc<[u8]> = header("r", "p").into();
        let run: std::sync::Arc<std::path::Path> = files.directory().into();
        let book = |path| Book::of_node(path, std::sync::Arc::clone(&header), std::sync::Arc::clone(&run));
        let all = Book::new(files.all(), std::sync::Arc::clone(&header), std::sync::Arc::clone(&run));
        std::thread::scope(|scope| {
            for thread in 0..THREADS {
                let (writer, all, files, book, text) = (&writer, &all, &files, &book, &text);
                scope.spawn(move || {
                    let names: Vec<String> =
                        (thread..NODES).step_by(THREADS).map(|n| format!("n{n:03}")).collect();
                    let own: Vec<Book> = names.iter().map(|name| book(files.node(name))).collect();
                    let mut line = Vec::new();
                    for _ in 0..EACH / (LINE + 1) {
                        for (name, own) in names.iter().zip(&own) {
                            line.clear();
                            encode(&record(name, text), &mut line);
                            writer.append([all, own], &line);
                        }
                    }
                });
            }
        });
    });
    let lines = total / (LINE + 1);
    report("keep", kept, lines, total);
    println!(
        "  a plain write of as many bytes twice: {:.2} s; keeping them took {:.1} times as long",
        plain.as_secs_f64(),
        kept.as_secs_f64() / plain.as_secs_f64()
    );

    let mut read = 0;
    let took = timed(|| {
        let mut reader = Reader::new(&files.all(), 0);
        while let Some(found) = reader.line().unwrap() {
            read += usize::from(found.record.is_some());
        }
    });
    assert_eq!(read, NODES * (EACH / (LINE + 1)));
    report("read all", took, lines, total);

    let filter = Filter::default();
    let took = timed(|| assert!(Log::of(&files, &filter).last(50, &filter).unwrap() > 0));
    println!("find the last 50 of {lines} lines: {:.1} ms", took.as_secs_f64() * 1e3);

    let mut silent = Filter::default();
    silent.nodes.insert("silent".to_owned());
    let took = timed(|| assert_eq!(Log::of(&files, &silent).last(50, &silent).unwrap(), 0));
    println!("look for a node without a file in {lines} lines: {:.1} ms", took.as_secs_f64() * 1e3);

    // From a line that was handed over to the same line read: one at a time, with nothing else going on.
    let writer = Writer::new(|| Time::ZERO);
    let book = Book::new(dir.join("alone.log"), header("r", "p").into(), dir.as_path().into());
    let mut reader = Reader::new(book.path(), 0);
    let mut waits: Vec<Duration> = (0..1_000)
        .map(|_| {
            let mut line = Vec::new();
            encode(&record("n", &text), &mut line);
            let begun = Instant::now();
            writer.append([&book], &line);
            while !matches!(reader.line().unwrap(), Some(found) if found.record.is_some()) {
                std::thread::yield_now();
            }
            begun.elapsed()
        })
        .collect();
    waits.sort();
    let at = |share: usize| waits.get(waits.len() * share / 100).unwrap().as_secs_f64() * 1e3;
    println!("from written to readable: median {:.3} ms, 99 % within {:.3} ms (limit: 5 ms)", at(50), at(99));
    drop(writer);
    std::fs::remove_dir_all(&dir).unwrap();
}

fn record<'a>(node: &'a str, text: &'a [u8]) -> Record<'a> {
    Record {
        at: Time(1_795_179_600_123_000),
        level: LogLevel::Info,
        source: Source::Out,
        form: Form::Whole,
        address: "patch/web01/restart",
        attempt: 1,
        node: Some(node),
        printed_at: None,
        text: Cow::Borrowed(text),
    }
}

fn timed(work: impl FnOnce()) -> Duration {
    let begun = Instant::now();
    work();
    begun.elapsed()
}

fn report(what: &str, took: Duration, lines: usize, bytes: usize) {
    let secs = took.as_secs_f64();
    println!(
        "{what}: {NODES} nodes × {} MiB in {secs:.2} s, {:.2} million lines/s, {:.0} MB/s of what was printed",
        EACH >> 20,
        lines as f64 / secs / 1e6,
        bytes as f64 / secs / 1e6,
    );
}
