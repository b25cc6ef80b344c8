//! `fetch`: brings a file of the node to the side of Windlass.

use std::fs::File;
use std::io::Read as _;
use std::path::{Component, Path, PathBuf};
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;
use sha2::{Digest as _, Sha256};
use windlass_plugin::{
    About, BackoffChoice, Call, CallError, Diff, Foresight, OriginUse, Plugin, Reply, Simulated, Simulation,
};

use super::answer::foreseen;
use super::blocking::blocking;
use super::change::sha256;
use super::entry::{Entry, Found, path_problem};
use super::trouble::{NOT_FOUND, refuse, trouble};
use crate::look;

/// Brings a file of the node to the side of Windlass.
#[derive(Clone, Copy, Debug, Default)]
pub struct Fetch;

/// What `fetch` is asked.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Request {
    /// The file on the node. Links are followed.
    pub path: PathBuf,
    /// A directory on the side of Windlass, made where there is none; a relative path begins beside the plan. The
    /// file goes into a directory in it that is called like the node, under its whole path.
    #[schemars(extend("x-origin-path" = true))]
    pub to: PathBuf,
    /// Whether it goes there under its name alone.
    #[serde(default)]
    pub flat: bool,
    /// Whether a file that is not there is no failure.
    #[serde(default)]
    pub optional: bool,
}

/// What was fetched.
#[derive(Clone, Debug, Default, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Response {
    /// Where it lies on the side of Windlass; nothing where there was no file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stored: Option<String>,
    /// How many bytes it has.
    pub bytes: u64,
    /// Its SHA-256, in hexadecimal digits.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sha256: Option<String>,
    /// What was brought here.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub diff: Option<Diff>,
}

/// A file on the node.
struct Source {
    file: File,
    bytes: u64,
    sha256: [u8; 32],
}

/// How much travels at once.
const PART: usize = 64 << 10;
/// The bits on the side of Windlass: what is closed on a node shall not be open there.
const KEPT: u32 = 0o600;

// === impl Request ===

impl Request {
    /// The directory in which files of a call's node lie.
    fn directory(&self, call: &Call) -> Result<PathBuf, CallError> {
        let node = call.node.as_ref().map_or("localhost", |node| node.name.as_str());
        let mut parts = Path::new(node).components();
        match (parts.next(), parts.next()) {
            (Some(Component::Normal(name)), None) => Ok(self.to.join(name)),
            _ => Err(refuse(format!("the node's name `{node}` cannot name a directory"))),
        }
    }

    fn destination(&self, call: &Call) -> Result<PathBuf, CallError> {
        let below: PathBuf = if self.flat {
            self.path.file_name().map(PathBuf::from).unwrap_or_default()
        } else {
            self.path.components().filter(|part| matches!(part, Component::Normal(_))).collect()
        };
        Ok(self.directory(call)?.join(below))
    }

    fn source(&self) -> Result<Source, CallError> {
        let (entry, found) = Entry::resolved(&self.path, true)?;
        if found.is_none() {
            return Err(CallError::permanent(NOT_FOUND, format!("`{}` does not exist", self.path.display())));
        }
        let mut file = entry.read()?;
        let bytes = Found::of_open(&file, &self.path)?.size;
        let sha256 = sha256(&mut file).map_err(|error| trouble("read", &self.path, error))?;
        std::io::Seek::rewind(&mut file).map_err(|error| trouble("read", &self.path, error))?;
        Ok(Source { file, bytes, sha256 })
    }

    /// What is on the node, and whether the same is here already; `None` where there is no file and need not be.
    async fn look(&self, call: &Call, to: &Path) -> Result<Option<(Source, bool)>, CallError> {
        let request = self.clone();
        let source = match blocking(move || request.source()).await {
            Err(error) if self.optional && [NOT_FOUND, super::trouble::NO_PARENT].contains(&&*error.code) => {
                return Ok(None);
            }
            source => source?,
        };
        // What cannot be listed is not there; if that is not the reason, writing it will say so.
        let listed = look::unless_cancelled(call, call.origin.list(to)).await?.unwrap_or_default();
        let same = matches!(listed.as_slice(), [here] if here.sha256 == Some(source.sha256));
        Ok(Some((source, same)))
    }
}

/// Sends a file, and sees to it that it is the one that was looked at.
async fn send(call: &Call, request: &Request, source: Source, to: &Path) -> Result<(), CallError> {
    let mut sink = look::unless_cancelled(call, call.origin.write(to, KEPT)).await??;
    let (mut file, mut hash) = (source.file, Sha256::new());
    loop {
        let path = request.path.clone();
        let (held, bytes) = blocking(move || {
            let mut bytes = Vec::with_capacity(PART);
            let read = (&mut file).take(PART as u64).read_to_end(&mut bytes);
            read.map_err(|error| trouble("read", &path, error))?;
            Ok((file, bytes))
        })
        .await?;
        file = held;
        if bytes.is_empty() {
            break;
        }
        hash.update(&bytes);
        look::unless_cancelled(call, sink.put(bytes)).await??;
    }
    if <[u8; 32]>::from(hash.finalize()) != source.sha256 {
        let message = format!("`{}` was changed while it was read", request.path.display());
        return Err(CallError::retryable("changed", message));
    }
    sink.finish().await
}

fn difference(to: &Path, source: &Source) -> Diff {
    Diff::default().line(format_args!("{} on the side of Windlass: {} bytes", to.display(), source.bytes))
}

fn hex(digest: [u8; 32]) -> String {
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

// === impl Fetch ===

impl Plugin for Fetch {
    type Request = Request;
    type Response = Response;

    fn about(&self) -> About {
        About::acting("fetch", "brings a file of the node to the side of Windlass")
            .on_target()
            .idempotent()
            .backoff(BackoffChoice::Fast)
            .description("The file takes its place when it is there whole. Only the user who runs Windlass may read it. What is there already, by its SHA-256, does not travel.")
            .example("keep a log of each node", json!({"path": "/var/log/dpkg.log", "to": "collected"}))
            .example("keep a file that not every node has", json!({"path": "/var/run/reboot-required.pkgs", "to": "collected", "flat": true, "optional": true}))
    }

    fn origin_use(&self, call: &Call, request: &Request) -> OriginUse {
        // Nothing of the other nodes.
        let own = request.directory(call).into_iter();
        OriginUse { reads: own.clone().collect(), writes: own.collect() }
    }

    fn validate(&self, request: &Request) -> Result<(), Vec<String>> {
        let mut problems: Vec<String> = path_problem("path", &request.path).into_iter().collect();
        if request.to.as_os_str().is_empty() {
            problems.push("`to`: it is empty".into());
        }
        if request.path.components().any(|part| part == Component::ParentDir) {
            problems.push("`path`: it has a `..` in it; write out where it leads".into());
        }
        if problems.is_empty() { Ok(()) } else { Err(problems) }
    }

    async fn call(&self, call: Call, request: Request) -> Result<Reply<Response>, CallError> {
        let to = request.destination(&call)?;
        let Some((source, same)) = request.look(&call, &to).await? else {
            return Ok(Reply::unchanged(Response::default()));
        };
        let response = Response {
            stored: Some(to.to_string_lossy().into_owned()),
            bytes: source.bytes,
            sha256: Some(hex(source.sha256)),
            diff: (!same).then(|| difference(&to, &source)),
        };
        if same {
            return Ok(Reply::unchanged(response));
        }
        send(&call, &request, source, &to).await?;
        Ok(Reply::changed(response))
    }

    async fn noop(&self, call: Call, request: Request) -> Result<Foresight, CallError> {
        let to = request.destination(&call)?;
        foreseen(request.look(&call, &to).await.map(|looked| match looked {
            Some((source, false)) => difference(&to, &source),
            Some((_, true)) | None => Diff::default(),
        }))
    }

    fn simulate(&self, simulation: &Simulation<'_>, _: &Request) -> Simulated<Response> {
        let after = simulation.plausible(Duration::from_millis(5), Duration::from_millis(200));
        Simulated::changed(after, Some(Response::default()))
    }
}
