//! Runs: submitted, looked at, followed, commanded.

use bytes::Bytes;
use hyper::Method;
use windlass_contract::{NewRun, Reason, Resolution, RetryRun, Run, RunPage, RunPreview, Submitted};
use windlass_model::id::RunId;
use windlass_model::submission::Submission;

use crate::client::{Ask, Client, escaped};
use crate::error::Error;
use crate::stream::{Body, RunEvents};

/// Which runs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RunQuery {
    /// Where they stand; several with commas.
    pub status: Option<String>,
    /// What their ids begin with.
    pub id: Option<String>,
    /// Of these plans.
    pub plan: Option<String>,
    /// Submitted by these people.
    pub user: Option<String>,
    /// Of this group.
    pub group: Option<String>,
    /// With these labels.
    pub labels: Option<String>,
    /// With this text in plan, description, user, labels or reason.
    pub text: Option<String>,
    /// Submitted then or later.
    pub since: Option<String>,
    /// Submitted before then.
    pub until: Option<String>,
    /// How many at the most.
    pub limit: Option<usize>,
    /// Where to go on.
    pub cursor: Option<String>,
}

/// Which lines of a run's output.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LogQuery {
    /// Of these nodes, with commas.
    pub node: Option<String>,
    /// This level and above.
    pub level: Option<String>,
    /// The offset to begin at.
    pub from: Option<u64>,
    /// Only so many of the last lines, and those that follow.
    pub tail: Option<usize>,
    /// Whether to go on with what comes, until the run ends.
    pub follow: bool,
}

fn all(namespace: Option<&str>) -> String {
    match namespace {
        None => "/api/v1/runs".to_owned(),
        Some(namespace) => format!("/api/v1/namespaces/{}/runs", escaped(namespace)),
    }
}

fn one(namespace: &str, run: RunId, rest: &str) -> String {
    format!("{}/{run}{rest}", all(Some(namespace)))
}

impl Client {
    /// Submits a run.
    pub async fn submit(&self, namespace: &str, wanted: &NewRun) -> Result<Submitted, Error> {
        self.json(Ask::new(Method::POST, all(Some(namespace))).body(wanted)).await
    }

    /// What a run would do, and what would keep it from beginning.
    pub async fn preview(&self, namespace: &str, wanted: &NewRun) -> Result<RunPreview, Error> {
        self.json(Ask::new(Method::POST, format!("{}/preview", all(Some(namespace)))).body(wanted)).await
    }

    /// Some runs of a namespace, or of all of them; the newest first.
    pub async fn runs(&self, namespace: Option<&str>, query: &RunQuery) -> Result<RunPage, Error> {
        let ask = Ask::get(all(namespace))
            .query("status", query.status.as_ref())
            .query("id", query.id.as_ref())
            .query("plan", query.plan.as_ref())
            .query("user", query.user.as_ref())
            .query("group", query.group.as_ref())
            .query("labels", query.labels.as_ref())
            .query("text", query.text.as_ref())
            .query("since", query.since.as_ref())
            .query("until", query.until.as_ref())
            .query("limit", query.limit)
            .query("cursor", query.cursor.as_ref());
        self.json(ask).await
    }

    /// How a run stands.
    pub async fn run(&self, namespace: &str, run: RunId) -> Result<Run, Error> {
        self.json(Ask::get(one(namespace, run, ""))).await
    }

    /// What was submitted.
    pub async fn submission(&self, namespace: &str, run: RunId) -> Result<Submission, Error> {
        self.json(Ask::get(one(namespace, run, "/submission"))).await
    }

    /// The events of a run from a number on: until its end, or those that there are now.
    #[must_use]
    pub fn events(&self, namespace: &str, run: RunId, from: u64, follow: bool) -> RunEvents {
        RunEvents::new(self.clone(), namespace.to_owned(), run, from, follow)
    }

    pub(crate) fn following(namespace: &str, run: RunId, from: u64, follow: bool) -> Ask {
        Ask::get(one(namespace, run, "/events"))
            .query("form", Some("record"))
            .query("from", Some(from))
            .query("follow", Some(follow))
    }

    /// Everything that is known of a run, as `json`, `text` or `html`.
    pub async fn report(&self, namespace: &str, run: RunId, format: &str) -> Result<Bytes, Error> {
        self.bytes(Ask::get(one(namespace, run, "/report")).query("format", Some(format))).await
    }

    /// What its actions printed, line by line as it is kept.
    pub async fn logs(&self, namespace: &str, run: RunId, query: &LogQuery) -> Result<Body, Error> {
        let ask = Ask::get(one(namespace, run, "/logs"))
            .query("node", query.node.as_ref())
            .query("level", query.level.as_ref())
            .query("from", query.from)
            .query("tail", query.tail)
            .query("follow", query.follow.then_some(true));
        self.stream(ask).await
    }

    /// Says something to a run: start, pause, resume, stop, cancel, kill, approve or reject.
    pub async fn say(
        &self,
        namespace: &str,
        run: RunId,
        command: &str,
        reason: &Reason,
    ) -> Result<(), Error> {
        self.nothing(Ask::new(Method::POST, one(namespace, run, &format!("/{command}"))).body(reason)).await
    }

    /// Settles what waits for a person.
    pub async fn resolve(&self, namespace: &str, run: RunId, resolution: &Resolution) -> Result<(), Error> {
        self.nothing(Ask::new(Method::POST, one(namespace, run, "/resolve")).body(resolution)).await
    }

    /// A new run of what did not succeed.
    pub async fn retry(&self, namespace: &str, run: RunId, wanted: &RetryRun) -> Result<Submitted, Error> {
        self.json(Ask::new(Method::POST, one(namespace, run, "/retry")).body(wanted)).await
    }
}
