//! `absent`: sees to it that something is not there.

use std::path::{Path, PathBuf};

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;
use windlass_plugin::{
    About, BackoffChoice, Call, CallError, Diff, Foresight, Plugin, Reply, Simulated, Simulation,
};

use super::answer::{Answer, foreseen};
use super::blocking::blocking;
use super::entry::{Entry, Found, Kind, path_problem};
use super::glob::Glob;
use super::removal;
use super::trouble::NO_PARENT;

/// Sees to it that something is not there.
#[derive(Clone, Copy, Debug, Default)]
pub struct Absent;

/// What `absent` is asked. Exactly one of `path` and `glob` is given.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Request {
    /// What goes: a file, a link (not what it leads to) or a directory.
    #[serde(default)]
    pub path: Option<PathBuf>,
    /// What goes, as a path with `*`, `?` and `[…]` in its names. From the first of them on no link is followed.
    #[serde(default)]
    pub glob: Option<String>,
    /// Whether directories go with all that is in them. Without it only empty ones do.
    #[serde(default)]
    pub recursive: bool,
}

/// Something that goes.
struct Doomed {
    entry: Entry,
    found: Found,
}

const ABOUT: &str = "\
Refused, whatever is asked: `/`, the directories that make up a system (such as `/etc`, `/usr/lib` and `/var/log`), what something \
is mounted on, and directories with something mounted in them. All that a pattern stands for is looked at before the first of it goes.";

/// The directories that no request removes.
const KEPT: &[&str] = &[
    "/",
    "/bin",
    "/boot",
    "/boot/efi",
    "/dev",
    "/etc",
    "/home",
    "/lib",
    "/lib32",
    "/lib64",
    "/libx32",
    "/media",
    "/mnt",
    "/opt",
    "/proc",
    "/root",
    "/run",
    "/sbin",
    "/srv",
    "/sys",
    "/tmp",
    "/usr",
    "/usr/bin",
    "/usr/include",
    "/usr/lib",
    "/usr/lib32",
    "/usr/lib64",
    "/usr/libexec",
    "/usr/local",
    "/usr/sbin",
    "/usr/share",
    "/var",
    "/var/cache",
    "/var/lib",
    "/var/lib/dpkg",
    "/var/lib/rpm",
    "/var/log",
    "/var/run",
    "/var/spool",
    "/var/tmp",
    "/etc/ssh",
    "/etc/systemd",
    "/etc/pam.d",
];

// === impl Request ===

impl Request {
    fn paths(&self) -> Result<Vec<PathBuf>, CallError> {
        match (&self.path, &self.glob) {
            (Some(path), _) => Ok(vec![path.clone()]),
            (None, Some(glob)) => Glob::read(glob).map_err(super::trouble::refuse)?.paths(),
            (None, None) => Ok(Vec::new()),
        }
    }

    /// Everything that would go; refused if any of it may not.
    fn doomed(&self) -> Result<(Vec<Doomed>, Diff), CallError> {
        let (mut doomed, mut diff) = (Vec::new(), Diff::default());
        for path in self.paths()? {
            let entry = match Entry::open(&path) {
                Ok(entry) => entry,
                // Where there is no directory, nothing is in it.
                Err(error) if error.code == NO_PARENT || error.code == "notADirectory" => continue,
                Err(error) => return Err(error),
            };
            let Some(found) = entry.found()? else { continue };
            if found.kind == Kind::Directory {
                judge(&path, &entry, &found)?;
            }
            let survey = removal::survey(&entry, &found)?;
            let shown = path.display();
            if survey.within > 0 && !self.recursive {
                let message = format!(
                    "`{shown}` is a directory that is not empty; say `recursive: true` to remove all that is in it"
                );
                return Err(CallError::permanent("notEmpty", message));
            }
            let (kind, within, bytes) = (found.kind.word(), survey.within, survey.bytes);
            diff = match found.kind {
                Kind::Directory if within == 0 => {
                    diff.line(format_args!("{shown}: an empty directory -> absent"))
                }
                Kind::Directory => diff.line(format_args!(
                    "{shown}: a directory with {within} entries of {bytes} bytes -> absent"
                )),
                Kind::File => diff.line(format_args!("{shown}: a file of {bytes} bytes -> absent")),
                Kind::Link | Kind::Special => diff.line(format_args!("{shown}: {kind} -> absent")),
            };
            doomed.push(Doomed { entry, found });
        }
        Ok((doomed, diff))
    }
}

/// Refuses what holds a system together. Where links lead there, it is the same.
fn judge(path: &Path, entry: &Entry, found: &Found) -> Result<(), CallError> {
    let real = std::fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    if KEPT.iter().any(|kept| real == Path::new(kept) || path == Path::new(kept)) {
        let message = format!("`{}` is part of the system and is not removed", path.display());
        return Err(CallError::permanent("protected", message));
    }
    let above = Found::of_open(entry.dir(), path)?;
    if above.device() != found.device() {
        let message = format!("something is mounted on `{}`; unmount it first", path.display());
        return Err(CallError::permanent("mounted", message));
    }
    Ok(())
}

// === impl Absent ===

impl Plugin for Absent {
    type Request = Request;
    type Response = Answer;

    fn about(&self) -> About {
        About::acting("absent", "sees to it that a file, link or directory is not there")
            .on_target()
            .idempotent()
            .backoff(BackoffChoice::Fast)
            .description(ABOUT)
            .example("remove a file", json!({"path": "/etc/nginx/sites-enabled/default"}))
            .example(
                "remove a directory with all that is in it",
                json!({"path": "/opt/app/releases/41", "recursive": true}),
            )
            .example("clean up", json!({"glob": "/var/tmp/build-*", "recursive": true}))
    }

    fn validate(&self, request: &Request) -> Result<(), Vec<String>> {
        let problem = match (&request.path, &request.glob) {
            (Some(path), None)
                if KEPT.iter().any(|kept| path.components().eq(Path::new(kept).components())) =>
            {
                Some(format!("`path`: `{}` is part of the system and is not removed", path.display()))
            }
            (Some(path), None) if path.components().any(|part| part == std::path::Component::ParentDir) => {
                Some(format!("`path`: `{}` has a `..` in it; write out where it leads", path.display()))
            }
            (Some(path), None) => path_problem("path", path),
            (None, Some(glob)) => Glob::read(glob).err().map(|why| format!("`glob`: {why}")),
            (Some(_), Some(_)) => Some("`path` and `glob` exclude each other".into()),
            (None, None) => Some("one of `path` and `glob` is needed".into()),
        };
        problem.map_or(Ok(()), |problem| Err(vec![problem]))
    }

    async fn call(&self, call: Call, request: Request) -> Result<Reply<Answer>, CallError> {
        let cancel = call.cancel.clone();
        blocking(move || {
            let (doomed, diff) = request.doomed()?;
            for Doomed { entry, found } in doomed {
                removal::remove(&entry, &found, &cancel)?;
                entry.sync_directory()?;
            }
            Ok(Answer::reply(diff, None))
        })
        .await
    }

    async fn noop(&self, _: Call, request: Request) -> Result<Foresight, CallError> {
        foreseen(blocking(move || request.doomed().map(|(_, diff)| diff)).await)
    }

    fn simulate(&self, simulation: &Simulation<'_>, _: &Request) -> Simulated<Answer> {
        Answer::simulated(simulation)
    }
}
