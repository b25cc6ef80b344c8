//! A log that is written more slowly than its run goes on.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use windlass_logs::RunFiles;
use windlass_model::id::RunId;
use windlass_model::outcome::RunStatus;
use windlass_runtime::{Condition, Logs, Options};
use windlass_store::memory::MemoryStore;

use crate::stage::{World, end, plan, request};

const TARGETS: usize = 10_000;
/// Sequence, action and attempt: each begins and ends.
const LINES: usize = 6 * TARGETS;

#[tokio::test(flavor = "multi_thread")]
async fn a_run_goes_no_further_than_its_log_follows_and_no_line_is_lost() {
    let directory = tempfile::tempdir().unwrap();
    let run = RunId(uuid::Uuid::from_u128(7));
    let files = RunFiles::new(directory.path(), "test", run);
    fs::create_dir_all(files.directory()).unwrap();
    // It takes some ten thousand bytes, and nothing more before somebody reads.
    assert!(Command::new("mkfifo").arg(files.all()).status().unwrap().success());

    let options = Options { logs: Logs::Files(directory.path().to_owned()), ..Options::default() };
    let runtime = World::default().runtime_with(Arc::new(MemoryStore::new()), options).await;
    let handle = runtime.handle();
    let nodes: Vec<String> = (0..TARGETS).map(|n| format!("n{n}")).collect();
    let plan = plan(&format!(
        "  blocks: [{{name: b, concurrency: 500, targets: {{nodes: [{}]}}, sequence: [{{name: a, use: noop}}]}}]",
        nodes.join(", ")
    ));
    let mut request = request(plan).starting();
    request.run_id = Some(run);
    assert_eq!(handle.submit(request).await.unwrap(), run);
    // It goes on until there is too much to tell, and then no further.
    let (mut before, mut now) = (0, 1);
    while before != now {
        // tidy-allow: sleep: that nothing happens any more gives no sign
        tokio::time::sleep(Duration::from_millis(300)).await;
        let status = handle.status(run).await.unwrap();
        let Condition::Driven { seq, .. } = status.condition else { panic!("{status:?}") };
        (before, now) = (now, seq);
    }
    assert!(now < LINES as u64 / 2, "{now} events, and its log is stuck");

    let all = files.all();
    let reader = std::thread::spawn(move || {
        // Open for both, so that it does not end when the one who writes closes it for a while.
        let file = fs::OpenOptions::new().read(true).write(true).open(all).unwrap();
        let lines = BufReader::new(file).lines().map(Result::unwrap);
        lines.filter(|line| line.contains(" b/n")).take(LINES).count()
    });
    assert_eq!(end(&handle, run).await.status, RunStatus::Succeeded);
    assert_eq!(reader.join().unwrap(), LINES);
    // Nothing was printed, so no node has a file.
    handle.flush_logs().await;
    assert!(!files.directory().join("nodes").exists());
}
