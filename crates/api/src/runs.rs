//! Runs: submitted, looked at, followed, commanded.
//!
//! A run belongs to the namespace that it was submitted in, which its label says; in another one it is not there. Whoever asks, in
//! whatever way, comes here: REST by `http.rs`, and gRPC.

mod admit;
pub(crate) mod board;
pub(crate) mod command;
pub(crate) mod http;
pub(crate) mod look;
pub(crate) mod rehearse;
pub(crate) mod submit;

use axum::http::StatusCode;
use windlass_access::{Resource, Verb};
use windlass_contract::NAMESPACE_LABEL;
use windlass_model::code;
use windlass_model::event::Author;
use windlass_model::id::RunId;
use windlass_runtime::{Filter, RunView};

use crate::answer::Problem;
use crate::api::Api;
use crate::caller::Caller;
use crate::endpoint::{Endpoint, Needs, endpoint};

pub(crate) use self::admit::judged;

/// What rights to runs are called.
pub(crate) const RUN: &str = "Run";

const LISTED: &[(&str, &str)] = &[
    (
        "status",
        "where they stand: submitted, running, paused, succeeded, failed or stopped; several with commas",
    ),
    ("id", "whose id begins with this"),
    ("plan", "of these plans"),
    ("user", "submitted by these people"),
    ("group", "of this group"),
    ("labels", "with these labels: `team=web,env=prod`"),
    ("text", "with this text in plan, description, user, labels or reason"),
    ("since", "submitted then or later"),
    ("until", "submitted before then"),
    (
        "node",
        "with this node among their targets; a page may hold fewer than `limit` of them and still have a `next`",
    ),
    ("limit", "how many at the most; 100 unless given, 1000 at the most"),
    ("cursor", "where to go on: `next` of the page before"),
];

/// What can be asked about runs.
pub(crate) fn endpoints() -> Vec<Endpoint> {
    let all = "/api/v1/namespaces/{namespace}/runs";
    let one = format!("{all}/{{run}}");
    let view = Needs::Right(Verb::View, RUN);
    let of = |method: &str, path: &str, id: &str, about: &str, needs: Needs| {
        endpoint(method, path, id, about, needs, "runs")
    };
    let mut endpoints = vec![
        of("GET", "/api/v1/runs", "listAllRuns", "lists the runs of all namespaces, the newest first", view)
            .query(LISTED)
            .gives(200, "RunPage"),
        of("GET", all, "listRuns", "lists runs, the newest first", view).query(LISTED).gives(200, "RunPage"),
        of(
            "POST",
            all,
            "submitRun",
            "submits a run of a plan, and starts it",
            Needs::Right(Verb::Submit, RUN),
        )
        .takes("NewRun")
        .gives(201, "Submitted"),
        of(
            "POST",
            &format!("{all}/preview"),
            "previewRun",
            "what a run would do, and what would keep it from beginning; nothing is written",
            Needs::Right(Verb::Submit, RUN),
        )
        .takes("NewRun")
        .gives(200, "RunPreview"),
        of("GET", &one, "getRun", "how a run stands", view).gives(200, "Run"),
        of(
            "GET",
            &format!("{one}/submission"),
            "getSubmission",
            "what was submitted: the plan as it was, parameters and frozen targets, for programs that fold the log themselves",
            view,
        )
        .gives(200, "Any"),
        of("GET", &format!("{one}/events"), "followEvents", "the events of a run, as they happen", view)
            .query(&[
                ("from", "the number to begin at"),
                ("after", "the id of the last message that was received, as `Last-Event-ID`"),
                ("follow", "`false`: only those that there are"),
                ("form", "`shown`, with addresses and words, unless given; `record`, as they are kept"),
            ])
            .stream(),
        of("GET", &format!("{one}/report"), "getReport", "everything that is known of a run", view)
            .query(&[("format", "`json`, `text` or `html`")])
            .gives(200, "Any"),
        of(
            "GET",
            &format!("{one}/logs"),
            "followLogs",
            "what actions printed, and what happened in between",
            view,
        )
        .query(&[
            ("node", "of these nodes, with commas"),
            ("level", "this level and above: debug, info, warn or error"),
            ("text", "with this text in their line; letters of ASCII may be large or small"),
            ("from", "the offset to begin at"),
            ("after", "over WebSocket: the id of the last message that was received"),
            ("until", "the offset that nothing behind is wanted of"),
            ("most", "how many lines at the most"),
            ("tail", "only so many of the last lines, and those that follow"),
            ("offsets", "`true`: each line with its offset and a tab in front"),
            ("follow", "`true`: go on with what comes, until the run ends"),
        ])
        .text(),
        of(
            "POST",
            &format!("{one}/retry"),
            "retryRun",
            "a new run of what did not succeed",
            Needs::Right(Verb::Command, RUN),
        )
        .takes("RetryRun")
        .gives(201, "Submitted"),
        of(
            "POST",
            &format!("{one}/resolve"),
            "resolveRun",
            "settles what waits for a person",
            Needs::Right(Verb::Resolve, RUN),
        )
        .takes("Resolution")
        .nothing(),
    ];
    for (word, about, verb) in COMMANDS {
        endpoints.push(
            of("POST", &format!("{one}/{word}"), &format!("{word}Run"), about, Needs::Right(*verb, RUN))
                .takes("Reason")
                .nothing(),
        );
    }
    endpoints
}

/// What can be said to a run, what it does, and what it takes.
pub(crate) const COMMANDS: &[(&str, &str, Verb)] = &[
    ("start", "begins a run that was submitted and not started", Verb::Submit),
    ("pause", "lets nothing new begin until it is resumed", Verb::Command),
    ("resume", "goes on with a paused run", Verb::Command),
    ("stop", "lets nothing new begin, and what is in flight end", Verb::Command),
    ("cancel", "as stop; and what is in flight is asked to end", Verb::Command),
    ("kill", "as stop; and what is in flight is ended", Verb::Command),
    ("approve", "agrees with a run, exactly as it is", Verb::Approve),
    ("reject", "refuses a run that awaits approval", Verb::Approve),
];

/// The run that is meant, if it is one of the namespace, and whoever asks may do this with it.
pub(crate) async fn meant(
    caller: &Caller,
    verb: Verb,
    namespace: &str,
    text: &str,
) -> Result<RunView, Problem> {
    caller.must(verb, &Resource::within(RUN, namespace).named(text)).await?;
    let unknown = || {
        Problem::new(
            StatusCode::NOT_FOUND,
            &code::UNKNOWN_RUN,
            format!("there is no run {text} in {namespace}"),
        )
    };
    let run: RunId = text.parse().map_err(|_| unknown())?;
    let view = match caller.api().parts().runs.status(run).await {
        Ok(view) => view,
        Err(windlass_runtime::Error::UnknownRun(_)) => return Err(unknown()),
        Err(error) => return Err(error.into()),
    };
    if view.labels.get(NAMESPACE_LABEL).map(String::as_str) != Some(namespace) {
        return Err(unknown());
    }
    Ok(view)
}

/// Stops every run that something which was frozen just now covers. What fails is said in the log and tried again with the
/// next freeze: no new work begins in it anyway.
pub(crate) async fn freeze(api: &Api) {
    use windlass_model::outcome::RunStatus;
    let statuses = vec![RunStatus::Submitted, RunStatus::Running, RunStatus::Paused];
    let filter = Filter { statuses, ..Filter::default() };
    let runs = match api.parts().runs.search(&filter, usize::MAX, None).await {
        Ok(runs) => runs,
        Err(error) => {
            tracing::error!(%error, "runs that a freeze covers cannot be found");
            return;
        }
    };
    for view in runs {
        let label = |name: &str| view.labels.get(name).map(String::as_str);
        let namespace = label(NAMESPACE_LABEL).unwrap_or_default();
        if let Some(why) = api.gathered().frozen(namespace, &view.plan, label).await {
            let by = Author { user: "windlass".to_owned(), why: format!("frozen by {why}") };
            if let Err(error) = api.parts().runs.stop(view.id, by).await {
                tracing::error!(run = %view.id, %error, "a run that is frozen cannot be stopped");
            }
        }
    }
}
