//! `file.exists`: looks whether something is there.

use std::fs::FileType;
use std::io;
use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;
use windlass_plugin::{About, Call, CallError, Plugin, Reply, Simulated, Simulation};

use crate::look;

/// Passes when something is there, or is not.
#[derive(Clone, Copy, Debug, Default)]
pub struct FileExists;

/// What `file.exists` is asked.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Request {
    /// Where to look.
    pub path: PathBuf,
    /// What must be there. Links are followed, except for `symlink` and where a link leads nowhere.
    #[serde(default)]
    pub kind: Kind,
    /// Whether it passes when nothing of that kind is there.
    #[serde(default)]
    pub absent: bool,
}

/// What may be there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Kind {
    /// Anything, even a link that leads nowhere.
    #[default]
    Any,
    /// A plain file.
    File,
    /// A directory.
    Directory,
    /// A symbolic link.
    Symlink,
}

/// What was found.
#[derive(Clone, Debug, Default, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Response {
    /// Whether what was asked for is there.
    pub exists: bool,
    /// How many bytes a plain file has.
    pub size: Option<u64>,
}

// === impl Kind ===

impl Kind {
    fn fits(self, found: FileType) -> bool {
        match self {
            Self::Any => true,
            Self::File => found.is_file(),
            Self::Directory => found.is_dir(),
            Self::Symlink => found.is_symlink(),
        }
    }

    fn word(self) -> &'static str {
        match self {
            Self::Any => "anything",
            Self::File => "a file",
            Self::Directory => "a directory",
            Self::Symlink => "a symbolic link",
        }
    }
}

// === impl FileExists ===

impl Plugin for FileExists {
    type Request = Request;
    type Response = Response;

    fn about(&self) -> About {
        About::check("file.exists", "passes when a file, directory or link is there, or is not")
            .on_target()
            .description("What cannot be looked at, because a directory above it may not be read, neither exists nor is absent: the check does not pass.")
            .example("look for a flag", json!({"path": "/run/maintenance"}))
            .example("see that nobody holds the lock", json!({"path": "/run/deploy.lock", "absent": true}))
            .example("look for a mounted share", json!({"path": "/srv/share/data", "kind": "directory"}))
    }

    async fn call(&self, call: Call, request: Request) -> Result<Reply<Response>, CallError> {
        let Request { path, kind, absent } = request;
        let found = look::unless_cancelled(&call, async {
            match kind {
                Kind::Any | Kind::Symlink => tokio::fs::symlink_metadata(&path).await,
                Kind::File | Kind::Directory => tokio::fs::metadata(&path).await,
            }
        })
        .await?;
        let shown = path.display();
        let (found, other) = match found {
            Ok(found) if kind.fits(found.file_type()) => (Some(found), false),
            Ok(_) => (None, true),
            Err(error) if is_nothing(&error) => (None, false),
            Err(error) => {
                return Err(
                    CallError::retryable("io", format!("`{shown}` cannot be looked at")).because(&error)
                );
            }
        };
        let size = found.as_ref().filter(|found| found.is_file()).map(std::fs::Metadata::len);
        let response = Response { exists: found.is_some(), size };
        match (response.exists, absent) {
            (true, true) => Err(look::not_so(format!("`{shown}` exists"), response)),
            (false, false) if other => {
                Err(look::not_so(format!("`{shown}` exists and is not {}", kind.word()), response))
            }
            (false, false) => Err(look::not_so(format!("`{shown}` does not exist"), response)),
            _ => Ok(Reply::unchanged(response)),
        }
    }

    fn simulate(&self, simulation: &Simulation<'_>, request: &Request) -> Simulated<Response> {
        look::passes(simulation, Response { exists: !request.absent, size: None })
    }
}

fn is_nothing(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
}
