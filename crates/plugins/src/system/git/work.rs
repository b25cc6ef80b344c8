//! The steps of a checkout, each of which can be repeated.

use std::path::Path;

use windlass_plugin::{Call, CallError, Diff, Foresight};

use super::refs::{self, Meant};
use super::{Request, Response};
use crate::files::trouble::trouble;
use crate::system::state::or_none;
use crate::system::tool::{self, Ran, Tool};

/// What was found.
#[derive(Debug)]
pub(super) struct Work<'a> {
    request: &'a Request,
    call: &'a Call,
    place: Place,
    /// The commit that is checked out.
    before: Option<String>,
    meant: Meant,
}

/// What is where the checkout shall be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// Nothing, or an empty directory.
    Free,
    Repository,
}

/// Where we keep what we fetched, and what we last checked out: names that nobody else uses.
const FETCHED: &str = "refs/windlass/fetched";
const DEPLOYED: &str = "refs/windlass/deployed";
const BEGUN: &str = "refs/windlass/begun";
/// How many changed files are named.
const NAMED: usize = 10;

// === impl Work ===

impl<'a> Work<'a> {
    pub(super) async fn look(request: &'a Request, call: &'a Call) -> Result<Self, CallError> {
        if tool::find("git").is_none() {
            return Err(tool::missing("git", "install it first, with `use: package`"));
        }
        let place = place(&request.path).await?;
        let before = match place {
            Place::Free => None,
            Place::Repository => head(request, call).await?,
        };
        let meant = match &before {
            // Nothing that is over there matters.
            Some(before) if !request.update => Meant { reference: None, commit: before.clone() },
            _ => meant(request, call).await?,
        };
        Ok(Self { request, call, place, before, meant })
    }

    pub(super) async fn foresee(&self) -> Result<Foresight, CallError> {
        if self.place == Place::Repository {
            if let Some(refused) = self.refused().await? {
                return Err(refused);
            }
            let dirt = self.dirt().await?;
            let strangers = self.strangers().await?;
            return Ok(Foresight::of(self.diff(&dirt, &strangers)));
        }
        Ok(Foresight::of(self.diff(&[], &[])))
    }

    pub(super) async fn act(&self) -> Result<Response, CallError> {
        let (mut dirt, mut strangers) = (Vec::new(), Vec::new());
        if self.place == Place::Repository {
            if let Some(refused) = self.refused().await? {
                return Err(refused);
            }
            dirt = self.dirt().await?;
            strangers = self.strangers().await?;
        }
        let mut diff = self.diff(&dirt, &strangers);
        if !diff.is_empty() {
            self.prepare().await?;
            self.fetch().await?;
            let commit = self.meant.commit.as_str();
            let is_begun = self.is_begun().await?;
            self.git(Tool::look("git")).args(["update-ref", BEGUN, commit]).done(self.call).await?;
            let mut checkout = self.git(Tool::act("git")).args(["checkout", "--quiet", "--detach"]);
            if self.request.force || is_begun {
                checkout = checkout.arg("--force");
            }
            checkout.args([commit, "--"]).done(self.call).await?;
            if self.request.clean && !strangers.is_empty() {
                self.git(Tool::act("git")).args(["clean", "-q", "-f", "-d"]).done(self.call).await?;
            }
            if self.request.submodules {
                let mut update = self.git(Tool::act("git")).args([
                    "submodule",
                    "--quiet",
                    "update",
                    "--init",
                    "--recursive",
                ]);
                if self.request.force {
                    update = update.arg("--force");
                }
                update.done(self.call).await?;
            }
            self.git(Tool::look("git")).args(["update-ref", DEPLOYED, commit]).done(self.call).await?;
            if let Some(before) = self.before.as_deref().filter(|before| *before != commit) {
                diff = diff.and(&self.stat(before, commit).await);
            }
        }
        Ok(Response {
            before: self.before.clone(),
            after: Some(self.meant.commit.clone()),
            reference: self.meant.reference.clone(),
            diff: diff.some(),
        })
    }

    fn git(&self, tool: Tool) -> Tool {
        quiet(tool, self.request).arg("-C").arg(&self.request.path)
    }

    fn diff(&self, dirt: &[String], strangers: &[String]) -> Diff {
        let path = self.request.path.display();
        let mut diff = Diff::default().property(&path, or_none(self.before.as_ref()), &self.meant.commit);
        for file in dirt.iter().take(NAMED) {
            diff = diff.line(format_args!("{path}/{file}: changed -> as in the repository"));
        }
        for file in strangers.iter().take(NAMED) {
            diff = diff.line(format_args!("{path}/{file}: not of the repository -> absent"));
        }
        let more = dirt.len().saturating_sub(NAMED) + strangers.len().saturating_sub(NAMED);
        if more > 0 { diff.line(format_args!("and {more} more")) } else { diff }
    }

    /// Why what somebody did here stands in the way.
    async fn refused(&self) -> Result<Option<CallError>, CallError> {
        if self.request.force {
            return Ok(None);
        }
        let (path, commit) = (self.request.path.display(), &self.meant.commit);
        let dirt = self.changed().await?;
        if !dirt.is_empty() {
            let more =
                if dirt.len() > NAMED { format!(" and {} more", dirt.len() - NAMED) } else { String::new() };
            let named = dirt.iter().take(NAMED).map(String::as_str).collect::<Vec<_>>().join(", ");
            let message =
                format!("files in `{path}` were changed here: {named}{more}; `force` would throw that away");
            return Ok(Some(CallError::permanent("modified", message)));
        }
        let Some(before) = self.before.as_ref().filter(|before| *before != commit) else { return Ok(None) };
        // What neither the other side nor we put there is somebody's work.
        let tool = self.git(Tool::look("git")).args([
            "rev-list",
            "--max-count=1",
            before,
            "--not",
            "--remotes",
            "--tags",
        ]);
        let tool = tool.args(["--glob=refs/windlass/*"]);
        let ran = tool.run(self.call).await?;
        if ran.code == 0 && !ran.stdout.trim().is_empty() {
            let message =
                format!("`{path}` is at {before}, a commit that exists only here; `force` would leave it");
            return Ok(Some(CallError::permanent("modified", message)));
        }
        Ok(None)
    }

    /// Files that are to be as they were.
    async fn dirt(&self) -> Result<Vec<String>, CallError> {
        if self.request.force { self.changed().await } else { Ok(Vec::new()) }
    }

    async fn changed(&self) -> Result<Vec<String>, CallError> {
        // Before the first checkout every file seems to be missing.
        if self.before.is_none() {
            return Ok(Vec::new());
        }
        self.status(&["--untracked-files=no"], |line| line.get(3..)).await
    }

    /// Files that are to go.
    async fn strangers(&self) -> Result<Vec<String>, CallError> {
        if !self.request.clean {
            return Ok(Vec::new());
        }
        self.status(&["--untracked-files=normal"], |line| line.strip_prefix("?? ")).await
    }

    async fn status(&self, args: &[&str], of: fn(&str) -> Option<&str>) -> Result<Vec<String>, CallError> {
        let tool = self.git(Tool::look("git")).args(["status", "--porcelain", "-z"]).args(args);
        let ran = tool.done(self.call).await?;
        Ok(ran.stdout.split('\0').filter_map(of).map(str::to_owned).collect())
    }

    async fn prepare(&self) -> Result<(), CallError> {
        let request = self.request;
        if self.place == Place::Free {
            let tool = quiet(Tool::look("git"), request).args(["init", "--quiet", "--"]).arg(&request.path);
            tool.done(self.call).await?;
        }
        let old = self.git(Tool::look("git")).args(["remote", "get-url", "origin"]).run(self.call).await?;
        let verb = match old.code {
            0 if old.stdout.trim() == request.repository => return Ok(()),
            0 => "set-url",
            _ => "add",
        };
        let tool = self.git(Tool::look("git")).args(["remote", verb, "origin", &request.repository]);
        tool.done(self.call).await.map(drop)
    }

    async fn fetch(&self) -> Result<(), CallError> {
        let commit = &self.meant.commit;
        let has = |tool: Tool| tool.args(["cat-file", "-e", &format!("{commit}^{{commit}}")]);
        let is_there = has(self.git(Tool::look("git"))).run(self.call).await?.code == 0;
        if is_there {
            return Ok(());
        }
        let fetch = |what: &str| {
            let mut tool = self.git(Tool::act("git")).args(["fetch", "--quiet", "--force"]);
            if let Some(depth) = self.request.depth {
                tool = tool.arg(format!("--depth={depth}"));
            }
            tool.args(["origin", what])
        };
        let wanted = self.meant.reference.as_deref().unwrap_or(commit);
        let ran = fetch(&format!("+{wanted}:{FETCHED}")).run(self.call).await?;
        if ran.code != 0 {
            if self.meant.reference.is_some() {
                return Err(unreachable(&ran));
            }
            // Some servers give a commit away only as part of a branch.
            let all = self.git(Tool::act("git")).args(["fetch", "--quiet", "--force", "--tags", "origin"]);
            let ran = all.arg("+refs/heads/*:refs/remotes/origin/*").run(self.call).await?;
            if ran.code != 0 {
                return Err(unreachable(&ran));
            }
        }
        if has(self.git(Tool::look("git"))).run(self.call).await?.code == 0 {
            return Ok(());
        }
        // The branch may have moved on since we asked.
        let message = format!(
            "the repository does not give the commit {commit} away; it may have changed since it was asked"
        );
        Err(CallError::retryable("unknownRevision", message))
    }

    /// Whether an attempt of ours was cut off in the middle of the first checkout: the files are its own.
    async fn is_begun(&self) -> Result<bool, CallError> {
        if self.place == Place::Free || self.before.is_some() {
            return Ok(false);
        }
        let tool = self.git(Tool::look("git")).args(["rev-parse", "--verify", "--quiet", BEGUN]);
        Ok(tool.run(self.call).await?.code == 0)
    }

    async fn stat(&self, before: &str, after: &str) -> Diff {
        let tool =
            self.git(Tool::look("git")).args(["diff", "--stat=120", "--no-color", before, after, "--"]);
        // The old commit may have gone from a history of one.
        match tool.done(self.call).await {
            Ok(ran) => ran.stdout.lines().fold(Diff::default(), |diff, line| diff.line(line.trim_end())),
            Err(_) => Diff::default(),
        }
    }
}

async fn place(path: &Path) -> Result<Place, CallError> {
    if tokio::fs::symlink_metadata(path.join(".git")).await.is_ok() {
        return Ok(Place::Repository);
    }
    let mut entries = match tokio::fs::read_dir(path).await {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Place::Free),
        Err(error) => return Err(trouble("read", path, error)),
    };
    match entries.next_entry().await {
        Ok(None) => Ok(Place::Free),
        Ok(Some(_)) => {
            let message =
                format!("`{}` holds something else than a checkout, and is left as it is", path.display());
            Err(CallError::permanent("occupied", message))
        }
        Err(error) => Err(trouble("read", path, error)),
    }
}

async fn head(request: &Request, call: &Call) -> Result<Option<String>, CallError> {
    let tool = quiet(Tool::look("git"), request).arg("-C").arg(&request.path);
    let ran = tool.args(["rev-parse", "--verify", "--quiet", "HEAD^{commit}"]).run(call).await?;
    match ran.code {
        0 => Ok(Some(ran.stdout.trim().to_owned())),
        1 => Ok(None),
        _ => Err(CallError { permanent: true, ..ran.failure() }),
    }
}

async fn meant(request: &Request, call: &Call) -> Result<Meant, CallError> {
    let ran =
        quiet(Tool::look("git"), request).args(["ls-remote", "--", &request.repository]).run(call).await?;
    if ran.code != 0 {
        return Err(unreachable(&ran));
    }
    refs::meant(&ran.stdout, request.revision.as_deref())
        .map_err(|why| CallError::permanent("unknownRevision", why))
}

/// Of all that git says, the line that begins with its word for an error is the reason.
fn unreachable(ran: &Ran) -> CallError {
    let mut error = ran.failure();
    error.code = "repository".into();
    if let Some(line) = ran.stderr.lines().find(|line| line.starts_with("fatal: ")) {
        error.causes.push(tool::shortened(line, 300));
    }
    error
}

/// git, asking nobody for anything, whatever the login's configuration says.
fn quiet(tool: Tool, request: &Request) -> Tool {
    let ssh = request.ssh_command.as_deref().unwrap_or("ssh -o BatchMode=yes");
    tool.env("GIT_TERMINAL_PROMPT", "0")
        .env("GIT_ASKPASS", "true")
        .env("GIT_SSH_COMMAND", ssh)
        .env("GIT_ADVICE", "0")
        .args([
            "-c",
            "advice.detachedHead=false",
            "-c",
            "core.quotePath=false",
            "-c",
            "protocol.ext.allow=never",
        ])
}
