//! `git`: sees to it that a directory holds a repository at a revision.
//!
//! ```text
//!   ls-remote ──▶ which commit is meant ──▶ fetch what is missing ──▶ changed here? ──no──▶ check out, detached
//!                                                                          └──yes──▶ refused, unless forced
//! ```

mod refs;
mod work;

use std::path::PathBuf;
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;
use windlass_plugin::{About, Call, CallError, Diff, Foresight, Plugin, Reply, Simulated, Simulation, Span};

use self::work::Work;
use super::state::{judged, one_line};

/// Sees to a checkout.
#[derive(Clone, Copy, Debug, Default)]
pub struct Git;

/// What `git` is asked.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Request {
    /// Where the repository is: `https://…`, `user@host:path`, or a path. Without credentials.
    pub repository: String,
    /// The directory that holds it. Made where it is missing; one that holds something else is refused.
    pub path: PathBuf,
    /// The revision: a branch, a tag, a whole commit, or `refs/…`. Left out, what the repository calls its head.
    #[serde(default)]
    pub revision: Option<String>,
    /// Whether a branch is followed: where this is off, a checkout that is there stays as it is.
    #[serde(default = "yes")]
    pub update: bool,
    /// Whether changes that somebody made here are thrown away. Otherwise they are a failure.
    #[serde(default)]
    pub force: bool,
    /// Whether files are removed that are not of the repository. Those that it ignores stay.
    #[serde(default)]
    pub clean: bool,
    /// How many commits are fetched; all where this is left out.
    #[serde(default)]
    #[schemars(range(min = 1))]
    pub depth: Option<u32>,
    /// Whether repositories within it are checked out, too.
    #[serde(default)]
    pub submodules: bool,
    /// How SSH is called: `ssh -i /etc/deploy/key -o BatchMode=yes`. It asks nobody for anything.
    #[serde(default)]
    pub ssh_command: Option<String>,
}

/// What was found and done.
#[derive(Clone, Debug, Default, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Response {
    /// The commit before; null where there was none.
    pub before: Option<String>,
    /// The commit now.
    pub after: Option<String>,
    /// What was meant by the revision: `refs/heads/main`; null for a commit.
    pub reference: Option<String>,
    /// What was changed: the commit, and how many lines of which files; null where nothing was.
    pub diff: Option<Diff>,
}

/// Repositories may be large, and lines slow.
const TIMEOUT: Span = Span::secs(30 * 60);

fn yes() -> bool {
    true
}

// === impl Git ===

impl Plugin for Git {
    type Request = Request;
    type Response = Response;

    fn about(&self) -> About {
        About::acting("git", "sees to it that a directory holds a repository at a revision")
            .on_target()
            .description(
                "The head is detached: what is checked out is a commit, whatever the branch does. Changed files and commits that exist \
                 only here are refused with their names, unless `force` says that they may go. A name that is both a branch and a \
                 tag is refused; `refs/heads/NAME` and `refs/tags/NAME` say which. A first checkout that was cut off is \
                 taken up by the next attempt. git asks nobody for a password; credentials come from its own configuration or from SSH.",
            )
            .idempotent()
            .timeout(TIMEOUT)
            .example(
                "a release",
                json!({"repository": "https://git.example.org/app.git", "path": "/srv/app", "revision": "v1.4.2"}),
            )
            .example(
                "follow a branch, whatever happened here",
                json!({"repository": "git@git.example.org:site.git", "path": "/srv/site", "revision": "main", "force": true, "clean": true, "depth": 1}),
            )
    }

    fn validate(&self, request: &Request) -> Result<(), Vec<String>> {
        let mut problems: Vec<String> = one_line("repository", &request.repository).into_iter().collect();
        if request.repository.is_empty() || request.repository.starts_with('-') {
            problems.push("`repository`: it is empty or begins with `-`".into());
        }
        // A URL with a password would stand in the process list, and in the configuration of the checkout.
        let authority = request.repository.split_once("://").and_then(|(_, rest)| rest.split('/').next());
        if authority
            .and_then(|authority| authority.split_once('@'))
            .is_some_and(|(user, _)| user.contains(':'))
        {
            problems.push("`repository`: it holds a password; use git's credential store, or SSH".into());
        }
        if request.repository.contains("::") {
            problems.push("`repository`: helpers such as `ext::` run programs, and are refused".into());
        }
        if !request.path.is_absolute() {
            problems.push("`path`: it must be an absolute path".into());
        }
        if let Some(revision) = &request.revision
            && !refs::is_name(revision)
        {
            problems.push(format!("`revision`: `{revision}` is no branch, tag or commit"));
        }
        if request.depth == Some(0) {
            problems.push("`depth`: it is at least 1".into());
        }
        judged(problems)
    }

    async fn call(&self, call: Call, request: Request) -> Result<Reply<Response>, CallError> {
        let work = Work::look(&request, &call).await?;
        let done = work.act().await?;
        let changed = done.diff.is_some();
        Ok(Reply { response: done, changed })
    }

    async fn noop(&self, call: Call, request: Request) -> Result<Foresight, CallError> {
        let work = match Work::look(&request, &call).await {
            Ok(work) => work,
            // What cannot be reached now may be what an earlier action would make reachable.
            Err(error) if !error.permanent => return Ok(Foresight::unknown(error.to_string())),
            Err(error) => return Err(error),
        };
        work.foresee().await
    }

    fn simulate(&self, simulation: &Simulation<'_>, request: &Request) -> Simulated<Response> {
        let after = simulation.plausible(Duration::from_millis(500), Duration::from_secs(20));
        let diff = Diff::default().line(format_args!("{}: simulated", request.path.display()));
        Simulated::changed(after, Some(Response { diff: diff.some(), ..Response::default() }))
    }
}
