//! `archive`: sees to it that an archive was unpacked into a directory.
//!
//! ```text
//!   request ─▶ digest of the archive ─▶ record in the directory ── all there? ──▶ nothing to do
//!                                             │ no
//!                                  unpack ────┴──▶ Spread ──▶ a new record
//! ```

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;
use windlass_plugin::{
    About, Call, CallError, Diff, Foresight, OriginUse, Plugin, Reply, Simulated, Simulation, Span,
};

use super::answer::{Answer, foreseen};
use super::attributes::{Attributes, Ownership};
use super::blocking::blocking;
use super::change::{OriginFile, carry, sha256};
use super::entry::{Entry, path_problem};
use super::file::origin_file;
use super::fresh::Fresh;
use super::owner::Account;
use super::spread::Spread;
use super::tree::Tree;
use super::trouble::{NO_PARENT, NOT_FOUND, trouble};

mod unpack;
mod zip;

use self::unpack::{Done, Unpacking};

/// Sees to it that an archive was unpacked into a directory.
#[derive(Clone, Copy, Debug, Default)]
pub struct Archive;

/// What `archive` is asked. Exactly one of `source` and `path` is given.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Request {
    /// An archive on the side of Windlass: a zip, a tar, or a tar packed by gzip, bzip2, xz or zstd. Its content
    /// tells, not its name. A relative path begins beside the plan.
    #[serde(default)]
    #[schemars(extend("x-origin-path" = true))]
    pub source: Option<PathBuf>,
    /// An archive on the node.
    #[serde(default)]
    pub path: Option<PathBuf>,
    /// The directory that it is unpacked into. It must exist.
    pub into: PathBuf,
    /// Something that it creates: where that exists, nothing is unpacked and nothing changed.
    #[serde(default)]
    pub creates: Option<PathBuf>,
    /// How many leading directories are taken off the names in it. What has no more than these is left out.
    #[serde(default)]
    pub strip: usize,
    /// The user who owns what is unpacked; who does the work where this is left out.
    #[serde(default)]
    pub owner: Option<Account>,
    /// The group of what is unpacked; likewise.
    #[serde(default)]
    pub group: Option<Account>,
}

const ABOUT: &str = "\
Files that are there are replaced, each at once; what is not in the archive stays. Bits for set-user-id and the like, and the owners that the \
archive names, are not taken over. \
Nothing is ever written outside of the directory: a name that leads out of it (`../x`, `/x`), or through a symbolic link in it, ends the \
attempt, as do devices and pipes.

What was unpacked is recorded in the directory, in a file `.windlass.….archive` with the SHA-256 of the archive. Where there is such a record, \
and everything in it is there with its size, there is nothing to do.";

/// The archive, found.
enum Packed {
    Origin(OriginFile),
    Here { path: PathBuf, sha256: [u8; 32], len: u64 },
}

/// What there is to do.
struct Plan {
    packed: Packed,
    attributes: Attributes,
    record: Entry,
    head: String,
    diff: Diff,
}

// === impl Packed ===

impl Packed {
    fn sha256(&self) -> [u8; 32] {
        match self {
            Self::Origin(file) => file.sha256,
            Self::Here { sha256, .. } => *sha256,
        }
    }

    fn len(&self) -> u64 {
        match self {
            Self::Origin(file) => file.len,
            Self::Here { len, .. } => *len,
        }
    }

    fn path(&self) -> &Path {
        match self {
            Self::Origin(file) => &file.path,
            Self::Here { path, .. } => path,
        }
    }
}

// === impl Request ===

impl Request {
    /// `None` where there is nothing to do.
    async fn plan(&self, call: &Call) -> Result<Option<Plan>, CallError> {
        if let Some(creates) = &self.creates
            && tokio::fs::symlink_metadata(creates).await.is_ok()
        {
            return Ok(None);
        }
        let ownership = Ownership { owner: self.owner.clone(), group: self.group.clone(), mode: None };
        let attributes = ownership.resolve(call).await?;
        let packed = match (&self.source, self.path.clone()) {
            (Some(source), _) => Packed::Origin(origin_file(call, source).await?),
            (None, path) => {
                let path = path.unwrap_or_default();
                blocking(move || here(path)).await?
            }
        };
        let request = self.clone();
        blocking(move || request.compare(packed, attributes)).await
    }

    fn compare(&self, packed: Packed, attributes: Attributes) -> Result<Option<Plan>, CallError> {
        let Some(tree) = Tree::open(&self.into)? else {
            let message = format!("the directory `{}` does not exist", self.into.display());
            return Err(CallError::permanent(NO_PARENT, message));
        };
        let digest: String = packed.sha256().iter().map(|byte| format!("{byte:02x}")).collect();
        let name = format!(".windlass.{}.archive", digest.get(..16).unwrap_or(&digest));
        let word = |id: Option<u32>| id.map_or_else(|| "-".to_owned(), |id| id.to_string());
        let (owner, group) = (word(attributes.uid), word(attributes.gid));
        let head = format!("windlass archive 1 {digest} strip={} owner={owner} group={group}", self.strip);
        let record = tree.place(Path::new(&name))?;
        let (into, shown) = (self.into.display(), packed.path().display());
        let why = match recorded(&tree, &record, &head)? {
            Recorded::Whole => return Ok(None),
            Recorded::Nothing => None,
            Recorded::Differs(path) => Some(format!("; `{path}` is not as it was unpacked")),
        };
        let why = why.unwrap_or_default();
        let len = packed.len();
        let line = format!("{into}: unpack `{shown}` ({len} bytes, SHA-256 {digest}){why}");
        Ok(Some(Plan { packed, attributes, record, head, diff: Diff::default().line(line) }))
    }
}

fn here(path: PathBuf) -> Result<Packed, CallError> {
    let (entry, found) = Entry::resolved(&path, true)?;
    let Some(found) = found else {
        return Err(CallError::permanent(NOT_FOUND, format!("`{}` does not exist", path.display())));
    };
    let sha256 = sha256(&mut entry.read()?).map_err(|error| trouble("read", &path, error))?;
    Ok(Packed::Here { path, sha256, len: found.size })
}

enum Recorded {
    Whole,
    Nothing,
    Differs(String),
}

/// Whether all that a record names is there. What it is not understood counts as no record.
fn recorded(tree: &Tree, record: &Entry, head: &str) -> Result<Recorded, CallError> {
    if !record.found()?.is_some_and(|found| found.is_file()) {
        return Ok(Recorded::Nothing);
    }
    let mut lines = BufReader::new(record.read()?).lines();
    if !matches!(lines.next(), Some(Ok(first)) if first == head) {
        return Ok(Recorded::Nothing);
    }
    for line in lines {
        let line = line.map_err(|error| trouble("read", record.path(), error))?;
        let Some(Done { below, size }) = Done::read(&line) else { return Ok(Recorded::Nothing) };
        let found = match tree.entry(&below) {
            Ok(Some(entry)) => entry.found()?,
            Ok(None) | Err(_) => None,
        };
        let fits = match (&found, size) {
            (Some(found), Some(size)) => found.is_file() && found.size == size,
            (Some(_), None) => true,
            (None, _) => false,
        };
        if !fits {
            return Ok(Recorded::Differs(below.display().to_string()));
        }
    }
    Ok(Recorded::Whole)
}

// === impl Plan ===

impl Plan {
    async fn make(self, call: &Call, request: &Request) -> Result<(), CallError> {
        let Self { packed, attributes, record, head, .. } = self;
        let packed = match packed {
            Packed::Here { path, .. } => blocking(move || Entry::resolved(&path, true)?.0.read()).await?,
            Packed::Origin(file) => {
                // A zip is read from its end, so it has to be here whole. It lies where its content goes, because there
                // must be room for it, and it has no name for longer than it takes to write it.
                let mut name = record.name().to_owned();
                name.push(".packed");
                let path = request.into.join(name);
                let fresh = blocking(move || Entry::open(&path).and_then(Fresh::beside)).await?;
                carry(call, &file, &fresh).await?;
                blocking(move || {
                    let held = fresh.file().try_clone();
                    held.map_err(|error| trouble("read", fresh.entry().path(), error))
                })
                .await?
            }
        };
        let (request, cancel) = (request.clone(), call.cancel.clone());
        blocking(move || {
            let tree = Tree::open(&request.into)?
                .ok_or_else(|| trouble("open", &request.into, rustix::io::Errno::NOENT))?;
            let spread = Spread::below(tree, false);
            let done = Unpacking::new(spread, attributes, request.strip, cancel).all_of(packed)?;
            let mut text = head;
            text.push('\n');
            for done in done {
                text.push_str(&done.line());
            }
            Fresh::beside(record)?.settle(text.as_bytes(), Attributes { mode: Some(0o600), ..attributes })
        })
        .await
    }
}

// === impl Archive ===

impl Plugin for Archive {
    type Request = Request;
    type Response = Answer;

    fn about(&self) -> About {
        About::acting("archive", "sees to it that an archive was unpacked into a directory")
            .on_target()
            .idempotent()
            .timeout(Span::secs(600))
            .description(ABOUT)
            .example(
                "install a release from beside the plan",
                json!({"source": "dist/app-42.tar.gz", "into": "/opt/app/releases/42", "strip": 1, "owner": "app"}),
            )
            .example("unpack what is on the node once", json!({"path": "/srv/seed.tar.zst", "into": "/srv/db", "creates": "/srv/db/PG_VERSION"}))
    }

    fn origin_use(&self, _: &Call, request: &Request) -> OriginUse {
        request.source.as_ref().map_or(OriginUse::NOTHING, OriginUse::reading)
    }

    fn validate(&self, request: &Request) -> Result<(), Vec<String>> {
        let mut problems: Vec<String> = path_problem("into", &request.into).into_iter().collect();
        match (&request.source, &request.path) {
            (None, None) => problems.push("one of `source` and `path` is needed".into()),
            (Some(_), Some(_)) => problems.push("`source` and `path` exclude each other".into()),
            (None, Some(path)) => problems.extend(path_problem("path", path)),
            (Some(_), None) => {}
        }
        problems.extend(request.creates.as_deref().and_then(|path| path_problem("creates", path)));
        if problems.is_empty() { Ok(()) } else { Err(problems) }
    }

    async fn call(&self, call: Call, request: Request) -> Result<Reply<Answer>, CallError> {
        let Some(mut plan) = request.plan(&call).await? else {
            return Ok(Answer::reply(Diff::default(), None));
        };
        let diff = std::mem::take(&mut plan.diff);
        plan.make(&call, &request).await?;
        Ok(Answer::reply(diff, None))
    }

    async fn noop(&self, call: Call, request: Request) -> Result<Foresight, CallError> {
        foreseen(request.plan(&call).await.map(|plan| plan.map_or_else(Diff::default, |plan| plan.diff)))
    }

    fn simulate(&self, simulation: &Simulation<'_>, _: &Request) -> Simulated<Answer> {
        Answer::simulated(simulation)
    }
}
