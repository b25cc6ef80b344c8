//! `file`: sees to it that a file is there, with this content, owner and mode.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;
use windlass_plugin::{
    About, BackoffChoice, BareNode, Call, CallError, Foresight, OriginKind, OriginUse, Plugin, Reply,
    Simulated, Simulation, Template,
};

use super::answer::{Answer, foreseen};
use super::attributes::Ownership;
use super::bare;
use super::blocking::blocking;
use super::change::{Change, Fill, Look, OriginFile, SHOWN};
use super::entry::path_problem;
use super::trouble::refuse;
use super::writing::Writing;
use crate::look;

/// Sees to it that a file is there.
#[derive(Clone, Copy, Debug, Default)]
pub struct File;

/// What `file` is asked. At most one of `content`, `source` and `template` is given; without any, a file that
/// is there keeps its content, and one that is not is made empty.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Request {
    /// The file. The directory that it lies in must exist.
    pub path: PathBuf,
    /// What stands in it.
    #[serde(default)]
    pub content: Option<String>,
    /// A file on the side of Windlass that it is a copy of; a relative path begins beside the plan.
    #[serde(default)]
    #[schemars(extend("x-origin-path" = true))]
    pub source: Option<PathBuf>,
    /// A template file on the side of Windlass that it is made from, with what templates of the plan see. The
    /// template's text becomes part of the run when that is submitted; a relative path begins beside the plan.
    #[serde(default)]
    pub template: Option<Template>,
    /// Who owns it and who may do what with it.
    #[serde(flatten)]
    pub ownership: Ownership,
    /// How it is written.
    #[serde(flatten)]
    pub writing: Writing,
    /// Whether a symbolic link, device, pipe or socket that is there is replaced. A directory never is.
    #[serde(default)]
    pub force: bool,
}

const ABOUT: &str = "\
The file is written beside its place, flushed, given its owner and mode, judged by `validate`, and then renamed: \
whoever reads it sees the old file or the new one, whole, also when the machine dies meanwhile. \
Access lists and security labels of the old file are kept. A second name (hard link) of the old file keeps the old content.

What changes somebody else makes while it is written are not lost: the attempt fails and is made again.

Where no agent runs, a shell on the node does the same for files of up to 64 MiB, but for access lists and security labels.";

// === impl Request ===

impl Request {
    /// What is to stand in it, as far as that can be said before looking.
    async fn fill(&self, call: &Call) -> Result<Fill, CallError> {
        if let Some(content) = &self.content {
            return Ok(Fill::Bytes(content.clone().into_bytes()));
        }
        if let Some(template) = &self.template {
            let text = template.text.clone().ok_or_else(|| unread(&template.file))?;
            return Ok(Fill::Bytes(text.into_bytes()));
        }
        let Some(source) = &self.source else { return Ok(Fill::Keep) };
        origin_file(call, source).await.map(Fill::Origin)
    }

    /// The same where no agent runs.
    async fn change_there<'a>(
        &'a self,
        call: &Call,
        node: &dyn BareNode,
    ) -> Result<bare::Change<'a>, CallError> {
        let content = match self.fill(call).await? {
            Fill::Keep => None,
            Fill::Bytes(bytes) => Some(bytes),
            Fill::Origin(file) => {
                Some(look::unless_cancelled(call, call.origin.read_whole(&file.path)).await??)
            }
        };
        let Self { path, ownership, writing, force, .. } = self;
        bare::Change::of(node, call, bare::Wanted { path, content, ownership, writing, force: *force }).await
    }

    async fn change(&self, call: &Call) -> Result<Change, CallError> {
        let attributes = self.ownership.resolve(call).await?;
        let fill = self.fill(call).await?;
        let (path, follow, force) = (self.path.clone(), self.writing.follow, self.force);
        let (look, fill, differs) = blocking(move || {
            let look = Look::at(&path, follow, force, SHOWN)?;
            let differs = look.differs(&fill)?;
            Ok((look, fill, differs))
        })
        .await?;
        let fill = match fill {
            // What is small is fetched at once, to show how it differs.
            Fill::Origin(file) if differs && file.len <= SHOWN => {
                let bytes = look::unless_cancelled(call, call.origin.read_whole(&file.path)).await??;
                Fill::Bytes(bytes)
            }
            fill => fill,
        };
        let writing = self.writing.clone();
        blocking(move || Change::of(look, fill, attributes, &writing)).await
    }
}

/// Nobody put the template's text into the plan.
fn unread(file: &str) -> CallError {
    refuse(format!("`template`: the template file `{file}` was not read when the run was submitted"))
}

/// A file of Windlass's side, as it is now.
pub(crate) async fn origin_file(call: &Call, path: &std::path::Path) -> Result<OriginFile, CallError> {
    let listed = look::unless_cancelled(call, call.origin.list(path)).await??;
    match listed.as_slice() {
        [entry] if entry.kind == OriginKind::File => {
            Ok(OriginFile { path: path.to_owned(), len: entry.len, sha256: entry.sha256.unwrap_or_default() })
        }
        _ => Err(refuse(format!("`source`: `{}` on the side of Windlass is no plain file", path.display()))),
    }
}

// === impl File ===

impl Plugin for File {
    type Request = Request;
    type Response = Answer;

    fn about(&self) -> About {
        About::acting("file", "sees to it that a file is there, with this content, owner and mode")
            .on_target()
            .works_bare()
            .idempotent()
            .backoff(BackoffChoice::Fast)
            .description(ABOUT)
            .example(
                "write a file, if its reader accepts it",
                json!({"path": "/etc/sudoers.d/deploy", "content": "deploy ALL=(root) NOPASSWD: /usr/bin/systemctl\n",
                       "owner": "root", "group": "root", "mode": "0440", "validate": ["visudo", "-cf", "%s"]}),
            )
            .example(
                "copy a file from beside the plan",
                json!({"path": "/etc/app/app.conf", "source": "files/app.conf", "mode": "0644", "backup": true}),
            )
            .example(
                "write a configuration from a template file beside the plan",
                json!({"path": "/etc/nginx/conf.d/site.conf", "template": "templates/site.conf.j2", "mode": "0644"}),
            )
            .example("close a file that is there", json!({"path": "/etc/app/key.pem", "owner": "app", "mode": "0600"}))
    }

    fn origin_use(&self, _: &Call, request: &Request) -> OriginUse {
        request.source.as_ref().map_or(OriginUse::NOTHING, OriginUse::reading)
    }

    fn validate(&self, request: &Request) -> Result<(), Vec<String>> {
        let mut problems: Vec<String> = path_problem("path", &request.path).into_iter().collect();
        problems.extend(request.writing.problems());
        let given = [request.content.is_some(), request.source.is_some(), request.template.is_some()];
        if given.into_iter().filter(|is_given| *is_given).count() > 1 {
            problems.push("`content`, `source` and `template` exclude each other".into());
        }
        if problems.is_empty() { Ok(()) } else { Err(problems) }
    }

    async fn call(&self, call: Call, request: Request) -> Result<Reply<Answer>, CallError> {
        if let Some(node) = call.bare.clone() {
            let change = request.change_there(&call, &*node).await?;
            let diff = change.diff.clone();
            let backup = if diff.is_empty() { None } else { change.make(&node, &call).await? };
            return Ok(Answer::reply(diff, backup));
        }
        let change = request.change(&call).await?;
        let diff = change.diff.clone();
        let backup = if diff.is_empty() { None } else { change.make(&call, &request.writing).await? };
        Ok(Answer::reply(diff, backup))
    }

    async fn noop(&self, call: Call, request: Request) -> Result<Foresight, CallError> {
        if let Some(node) = call.bare.clone() {
            return foreseen(request.change_there(&call, &*node).await.map(|change| change.diff));
        }
        foreseen(request.change(&call).await.map(|change| change.diff))
    }

    fn simulate(&self, simulation: &Simulation<'_>, _: &Request) -> Simulated<Answer> {
        Answer::simulated(simulation)
    }
}
