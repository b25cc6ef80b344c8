//! The figures of the engine through the real store, each beside its limit measured in the same run.
//!
//! `cargo run --release -p windlass-runtime --example bench [DIRECTORY...]`
//!
//! Without directories it measures here, and in `/dev/shm` for the processor's share. The disk of a
//! small machine is throttled after a burst of flushes: so what is measured and its limit are
//! interleaved in short slices, the disk is probed before and after each, and slices in which it
//! moved are dropped. Memory and recovery are measured in processes of their own.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::indexing_slicing,
    reason = "a measurement that fails has nothing to say"
)]

#[path = "bench/disk.rs"]
mod disk;
#[path = "bench/flat.rs"]
mod flat;
#[path = "bench/memory.rs"]
mod memory;
#[path = "bench/recovery.rs"]
mod recovery;
#[path = "bench/sequential.rs"]
mod sequential;
#[path = "bench/setting.rs"]
mod setting;
#[path = "bench/small.rs"]
mod small;
#[path = "bench/snapshots.rs"]
mod snapshots;
#[path = "bench/table.rs"]
mod table;
#[path = "bench/wide.rs"]
mod wide;

use std::path::{Path, PathBuf};

const FIGURES: &[&str] =
    &["wide", "small", "queue", "sequential", "first", "memory", "recovery", "flat", "snapshots"];

fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    if let [child, figure, directory] = args.as_slice()
        && child == "--alone"
    {
        return setting::blocking(alone(figure, Path::new(directory)));
    }
    let (figures, places): (Vec<&str>, Vec<&str>) =
        args.iter().map(String::as_str).partition(|arg| FIGURES.contains(arg));
    let wanted = |figure: &str| figures.is_empty() || figures.contains(&figure);
    let places: Vec<PathBuf> = match places.as_slice() {
        [] => vec![".".into(), "/dev/shm".into()],
        places => places.iter().map(PathBuf::from).collect(),
    };
    for place in places {
        let directory = tempfile::Builder::new().prefix("windlass-bench-").tempdir_in(&place).unwrap();
        table::head(&place);
        let at = |name: &str| {
            let path = directory.path().join(name);
            std::fs::create_dir_all(&path).unwrap();
            path
        };
        setting::blocking(async {
            if wanted("wide") {
                wide::measure(&at("wide")).await;
            }
            if wanted("small") {
                small::measure(&at("small")).await;
            }
            if wanted("queue") {
                small::queue(&at("queue")).await;
            }
            if wanted("sequential") {
                sequential::measure(&at("sequential")).await;
            }
            if wanted("first") {
                sequential::first(&at("first")).await;
            }
            if wanted("snapshots") {
                snapshots::measure(&at("snapshots")).await;
            }
            if wanted("flat") {
                flat::measure(&at("flat")).await;
            }
        });
        for figure in ["memory", "recovery"].into_iter().filter(|figure| wanted(figure)) {
            let again = std::env::current_exe().unwrap();
            if figure == "recovery" {
                setting::child(&again, "log", &at(figure));
                setting::child(&again, "whole-log", &at("whole"));
                setting::child(&again, "whole", &at("whole"));
            }
            setting::child(&again, figure, &at(figure));
        }
    }
}

async fn alone(figure: &str, directory: &Path) {
    match figure {
        "memory" => memory::measure(directory).await,
        "log" => recovery::prepare(directory, windlass_runtime::Options::default().snapshot_every).await,
        "whole-log" => recovery::prepare(directory, None).await,
        "whole" => recovery::measure(directory, "the same without a snapshot").await,
        _ => recovery::measure(directory, "recovery of a log of 1,000,000 events").await,
    }
}
