//! What everything is at the moment.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use windlass_access::Audit;
use windlass_api::Tally;
use windlass_hub::Hub;
use windlass_meter::Taken;
use windlass_runtime::Handle;
use windlass_store::Store as _;
use windlass_store_fjall::FjallStore;
use windlass_traces::Tracer;

use super::declared::find;
use super::{Measured, Sample};

/// What is watched.
#[derive(Clone, Debug)]
pub(crate) struct Watched {
    pub(crate) store: Arc<FjallStore>,
    pub(crate) directory: PathBuf,
    pub(crate) runs: Handle,
    pub(crate) agents: Hub,
    pub(crate) audit: Audit,
    pub(crate) tracer: Option<Tracer>,
    pub(crate) version: &'static str,
}

/// How long the dispatcher has to say how it is. One that does not is not asked for more.
const ANSWERS_WITHIN: Duration = Duration::from_secs(2);

/// Everything there is.
pub(crate) async fn collect(watched: &Watched, asked: Tally, ready: bool) -> Vec<Sample> {
    let mut all = Vec::with_capacity(256);
    number(&mut all, "windlass_build_info", [watched.version], 1.0);
    number(&mut all, "windlass_ready", [], f64::from(u8::from(ready)));
    runs(&mut all, &watched.runs).await;
    let directory = watched.directory.join("db");
    let sizes = tokio::task::spawn_blocking(move || sizes(&directory)).await.unwrap_or_default();
    store(&mut all, &watched.store, sizes);
    let counts = watched.agents.counts();
    number(&mut all, "windlass_agents_connected", [], watched.agents.count() as f64);
    for (name, count) in [
        ("windlass_agents_arrived", &counts.arrived),
        ("windlass_agents_left", &counts.left),
        ("windlass_agents_joined", &counts.joined),
        ("windlass_agents_refused", &counts.refused),
    ] {
        number(&mut all, name, [], count.get() as f64);
    }
    for ((method, endpoint, status), count) in &asked.asked.answers {
        let status = status.to_string();
        number(&mut all, "windlass_api_requests", [method, endpoint, &status], *count as f64);
    }
    for ((method, endpoint), taken) in &asked.asked.took {
        times(&mut all, "windlass_api_request_duration_seconds", [method, endpoint], *taken);
    }
    for ((call, code), count) in &asked.called.ended {
        number(&mut all, "windlass_grpc_calls", [call, code], *count as f64);
    }
    for (call, taken) in &asked.called.took {
        times(&mut all, "windlass_grpc_call_duration_seconds", [call], *taken);
    }
    let spans = watched.tracer.as_ref().map(Tracer::tally).unwrap_or_default();
    number(&mut all, "windlass_traces_spans_told", [], spans.told as f64);
    number(&mut all, "windlass_traces_spans_dropped", [], spans.dropped as f64);
    number(&mut all, "windlass_audit_entries", [], watched.audit.count().await as f64);
    process(&mut all);
    all
}

async fn runs(all: &mut Vec<Sample>, runs: &Handle) {
    let Ok(Ok(tally)) = tokio::time::timeout(ANSWERS_WITHIN, runs.tally()).await else { return };
    for (name, words) in [
        ("windlass_runs", &tally.runs),
        ("windlass_runs_held", &tally.held),
        ("windlass_runs_ended", &tally.ended),
        ("windlass_actions_ended", &tally.actions_ended),
        ("windlass_dispatcher_queue", &tally.queues),
    ] {
        for (word, count) in words {
            number(all, name, [word], *count as f64);
        }
    }
    number(all, "windlass_runs_submitted", [], tally.submitted as f64);
    number(all, "windlass_actions_begun", [], tally.actions_begun as f64);
    number(all, "windlass_attempts_in_flight", [], tally.attempts as f64);
    times(all, "windlass_attempt_duration_seconds", [], tally.attempts_took);
}

fn store(all: &mut Vec<Sample>, store: &FjallStore, (journal, tables): (u64, u64)) {
    let stats = store.stats();
    for (name, count) in [
        ("windlass_store_transactions", stats.transactions),
        ("windlass_store_refused", stats.refused),
        ("windlass_store_flushes", stats.flushes),
        ("windlass_store_written_bytes", stats.bytes_written),
        ("windlass_store_revision", store.revision()),
    ] {
        number(all, name, [], count as f64);
    }
    times(all, "windlass_store_flush_duration_seconds", [], stats.flushes_took);
    number(all, "windlass_store_disk_bytes", ["journal"], journal as f64);
    number(all, "windlass_store_disk_bytes", ["tables"], tables as f64);
    if let Some(free) = store.free_bytes() {
        number(all, "windlass_disk_free_bytes", [], free as f64);
    }
}

/// What files of a store take: its journals, which lie at the top, and all others.
fn sizes(directory: &Path) -> (u64, u64) {
    let (mut journal, mut tables) = (0_u64, 0_u64);
    let mut waiting = vec![directory.to_owned()];
    while let Some(folder) = waiting.pop() {
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            let Ok(what) = entry.metadata() else { continue };
            let path = entry.path();
            if what.is_dir() {
                waiting.push(path);
            } else if path.extension().is_some_and(|extension| extension == "jnl") {
                journal = journal.saturating_add(what.len());
            } else {
                tables = tables.saturating_add(what.len());
            }
        }
    }
    (journal, tables)
}

/// What the system says of this process; where it says nothing, there is nothing.
fn process(all: &mut Vec<Sample>) {
    let ticks = rustix::param::clock_ticks_per_second() as f64;
    let page = rustix::param::page_size() as f64;
    let stat = fs::read_to_string("/proc/self/stat").unwrap_or_default();
    // The name of the program may hold anything, and ends with the last bracket.
    let fields: Vec<f64> = stat
        .rsplit_once(')')
        .map(|(_, rest)| rest.split_whitespace().map(|word| word.parse().unwrap_or_default()).collect())
        .unwrap_or_default();
    let field = |number: usize| fields.get(number.saturating_sub(3)).copied();
    if let Some(((user, system), ((threads, start), pages))) =
        field(14).zip(field(15)).zip(field(20).zip(field(22)).zip(field(24)))
    {
        number(all, "process_cpu_seconds", [], (user + system) / ticks);
        number(all, "process_threads", [], threads);
        number(all, "process_resident_memory_bytes", [], pages * page);
        let boot = fs::read_to_string("/proc/stat").unwrap_or_default();
        let boot = boot.lines().find_map(|line| line.strip_prefix("btime ")?.trim().parse::<f64>().ok());
        if let Some(boot) = boot {
            number(all, "process_start_time_seconds", [], boot + start / ticks);
        }
    }
    if let Ok(open) = fs::read_dir("/proc/self/fd") {
        number(all, "process_open_fds", [], open.count() as f64);
    }
    if let Some(most) = rustix::process::getrlimit(rustix::process::Resource::Nofile).current {
        number(all, "process_max_fds", [], most as f64);
    }
}

fn number<const N: usize>(all: &mut Vec<Sample>, name: &'static str, labels: [&str; N], number: f64) {
    sample(all, name, labels, Measured::Number(number));
}

fn times<const N: usize>(all: &mut Vec<Sample>, name: &'static str, labels: [&str; N], taken: Taken) {
    sample(all, name, labels, Measured::Times(Box::new(taken)));
}

fn sample<const N: usize>(all: &mut Vec<Sample>, name: &'static str, labels: [&str; N], value: Measured) {
    debug_assert!(find(name).is_some_and(|declared| declared.labels.len() == N), "{name} is not declared so");
    all.push(Sample { name, labels: labels.map(str::to_owned).into(), value });
}
