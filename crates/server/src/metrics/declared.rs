//! The declarations, and the reference page that is made of them.

use std::fmt::Write as _;

use super::{Declared, Sort};

const fn counter(name: &'static str, labels: &'static [&'static str], about: &'static str) -> Declared {
    Declared { name, sort: Sort::Counter, labels, about }
}

const fn gauge(name: &'static str, labels: &'static [&'static str], about: &'static str) -> Declared {
    Declared { name, sort: Sort::Gauge, labels, about }
}

const fn histogram(name: &'static str, labels: &'static [&'static str], about: &'static str) -> Declared {
    Declared { name, sort: Sort::Histogram, labels, about }
}

/// All of them, in the order of the page and of the text. Counters are called without their `_total` here.
pub(super) const ALL: &[Declared] = &[
    gauge("windlass_build_info", &["version"], "Which Windlass it is; always 1."),
    gauge("windlass_ready", &[], "1 while it can take work, 0 while it cannot: what `/readyz` says."),
    gauge("windlass_runs", &["status"], "Runs that have not ended, by where they stand."),
    gauge(
        "windlass_runs_held",
        &["for"],
        "Runs that do not go on: for a `person`, a `lock` of another run, the `store`, the end of an `otherRun`, or because they `cannotGoOn`.",
    ),
    counter("windlass_runs_submitted", &[], "Runs that were taken in."),
    counter("windlass_runs_ended", &["status"], "Runs that have ended, by how."),
    counter("windlass_actions_begun", &[], "Actions, checks and undos that began."),
    counter("windlass_actions_ended", &["outcome"], "Actions, checks and undos that ended, by how."),
    gauge("windlass_attempts_in_flight", &[], "Attempts that are under way."),
    histogram(
        "windlass_attempt_duration_seconds",
        &[],
        "How long attempts took, those left out that were answered at once by a plugin that always does.",
    ),
    gauge(
        "windlass_dispatcher_queue",
        &["queue"],
        "What waits for the one thread that decides: `calls` of people, `ends` of attempts, `inputs` of runs, `writes` under way.",
    ),
    counter("windlass_store_transactions", &[], "Transactions that were committed."),
    counter("windlass_store_refused", &[], "Transactions of which a precondition did not hold."),
    counter("windlass_store_flushes", &[], "Flushes to the disk."),
    histogram(
        "windlass_store_flush_duration_seconds",
        &[],
        "How long a flush took, with the writing before it.",
    ),
    counter("windlass_store_written_bytes", &[], "Bytes of keys and values that were written."),
    gauge("windlass_store_revision", &[], "The revision of the newest transaction."),
    gauge(
        "windlass_store_disk_bytes",
        &["part"],
        "What the store takes on the disk: its `journal`, its `tables`.",
    ),
    gauge("windlass_disk_free_bytes", &[], "What the disk of the data directory has left."),
    gauge("windlass_agents_connected", &[], "Agents that have dialled in and are here."),
    counter("windlass_agents_arrived", &[], "Times that an agent dialled in and was taken in."),
    counter("windlass_agents_left", &[], "Times that the connection of an agent ended."),
    counter("windlass_agents_joined", &[], "Agents that joined with a token."),
    counter("windlass_agents_refused", &[], "Times that somebody who wanted to join or serve was refused."),
    counter(
        "windlass_api_requests",
        &["method", "endpoint", "status"],
        "Requests that were answered, by endpoint and status. What there is no endpoint for is `none`.",
    ),
    histogram(
        "windlass_api_request_duration_seconds",
        &["method", "endpoint"],
        "How long it took until the answer began.",
    ),
    counter(
        "windlass_grpc_calls",
        &["call", "code"],
        "Calls of gRPC that have ended, by call and code. What there is no call for is `none`; who went before the end is `CANCELLED`.",
    ),
    histogram(
        "windlass_grpc_call_duration_seconds",
        &["call"],
        "How long it took until the answer to a call began.",
    ),
    counter(
        "windlass_traces_spans_told",
        &[],
        "Spans that a collector has taken in; 0 where no traces are told.",
    ),
    counter(
        "windlass_traces_spans_dropped",
        &[],
        "Spans that it refused, and spans of requests that came when too many were on their way.",
    ),
    counter("windlass_audit_entries", &[], "Entries of the record, of all times."),
    counter("process_cpu_seconds", &[], "Processor time that was used."),
    gauge("process_resident_memory_bytes", &[], "Memory that is in use."),
    gauge("process_open_fds", &[], "Files and connections that are open."),
    gauge("process_max_fds", &[], "How many may be."),
    gauge("process_threads", &[], "Threads."),
    gauge("process_start_time_seconds", &[], "When the process began, in seconds since 1970."),
];

const HEAD: &str = "\
<!-- Made by `cargo xtask docs` from the declarations of the metrics. Do not edit. -->

# Metrics of a server

`GET /metrics` gives them as Prometheus reads them, and as OpenMetrics has them where `Accept` asks for that. It needs a token with the
right to view `Server`; where `metrics.listen` is [set](server-config.md), that address gives them to anybody who can reach it.
[Monitoring](../guide/monitoring.md) shows what to watch.

Counters begin at 0 with the process. Labels are words from this page, and paths of endpoints; no name that somebody gives
becomes one, so that there are only so many series.

| Metric | Sort | Labels | Meaning |
|---|---|---|---|
";

/// The reference page.
#[must_use]
pub fn metrics_reference() -> String {
    let mut page = String::from(HEAD);
    for Declared { name, sort, labels, about } in ALL {
        let (suffix, word) = match sort {
            Sort::Counter => ("_total", "counter"),
            Sort::Gauge => ("", "gauge"),
            Sort::Histogram => ("", "histogram"),
        };
        let labels: Vec<String> = labels.iter().map(|label| format!("`{label}`")).collect();
        let _ = writeln!(page, "| `{name}{suffix}` | {word} | {} | {about} |", labels.join(", "));
    }
    page
}

pub(super) fn find(name: &str) -> Option<&'static Declared> {
    ALL.iter().find(|declared| declared.name == name)
}
