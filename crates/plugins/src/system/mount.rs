//! `mount`: sees to a line of `/etc/fstab`, and to what is mounted.

mod table;

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;
use windlass_plugin::{About, Call, CallError, Diff, Foresight, Plugin, Reply, Simulated, Simulation, Span};

use self::table::{Entry, Mounted};
use super::conf;
use super::state::{Done, judged, replied};
use super::tool::Tool;
use crate::files::trouble::trouble;

/// Sees to a mount.
#[derive(Clone, Copy, Debug, Default)]
pub struct Mount;

/// What `mount` is asked.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Request {
    /// Where it is mounted.
    pub path: String,
    /// What is wanted of it.
    #[serde(default)]
    pub state: MountState,
    /// What is mounted: a device, `UUID=…`, `server:/path`. Not needed to unmount something.
    #[serde(default)]
    pub source: Option<String>,
    /// The kind of file system: `ext4`, `nfs4`, `tmpfs`. Not needed to unmount something.
    #[serde(default)]
    pub fstype: Option<String>,
    /// Its options.
    #[serde(default = "defaults")]
    pub options: String,
    /// Whether `dump` saves it.
    #[serde(default)]
    pub dump: u8,
    /// When it is checked at the start: 0 never, 1 first, 2 later.
    #[serde(default)]
    pub pass: u8,
    /// The table of file systems.
    #[serde(default = "fstab")]
    pub fstab: PathBuf,
}

/// What is wanted of a mount.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum MountState {
    /// The table says it, and it is mounted.
    #[default]
    Mounted,
    /// The table says it, and it is not mounted.
    Unmounted,
    /// The table says it; whether it is mounted is left as it is.
    Present,
    /// The table does not say it, and it is not mounted.
    Absent,
}

const TIMEOUT: Span = Span::secs(2 * 60);

fn defaults() -> String {
    "defaults".into()
}

fn fstab() -> PathBuf {
    "/etc/fstab".into()
}

/// What is to be done about what is mounted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    Nothing,
    Mount,
    Remount,
    /// Something else is mounted there.
    Exchange,
    Unmount,
}

#[derive(Debug)]
struct Work {
    text: Option<String>,
    step: Step,
    diff: Diff,
}

// === impl Request ===

impl Request {
    fn entry(&self) -> Option<Entry> {
        Some(Entry {
            source: self.source.clone()?,
            path: self.path.clone(),
            fstype: self.fstype.clone()?,
            options: self.options.clone(),
            dump: self.dump,
            pass: self.pass,
        })
    }

    async fn work(&self) -> Result<Work, CallError> {
        let before = conf::read(&self.fstab).await?;
        let entry = if self.state == MountState::Absent { None } else { self.entry() };
        let old = table::find(before.as_deref().unwrap_or_default(), &self.path);
        let keeps = self.state == MountState::Unmounted && entry.is_none();
        let after = match &before {
            _ if keeps => before.clone().unwrap_or_default(),
            _ => table::merged(before.as_deref().unwrap_or_default(), &self.path, entry.as_ref()),
        };
        let is_same = !conf::differ(before.as_deref().unwrap_or_default(), &after);
        let shown = self.fstab.display().to_string();
        let mut diff =
            if is_same { Diff::default() } else { Diff::of_texts(&shown, before.as_deref(), Some(&after)) };
        let mounted = table::mounted(&self.path).await?;
        let step = self.step(old.as_ref(), mounted.as_ref());
        let now = mounted.as_ref().map_or_else(|| "not mounted".to_owned(), ToString::to_string);
        diff = match step {
            Step::Nothing => diff,
            Step::Mount => diff.line(format_args!("{}: not mounted -> mounted", self.path)),
            Step::Remount => {
                diff.line(format_args!("{}: mounted anew with the options {}", self.path, self.options))
            }
            Step::Exchange => {
                let source = self.source.as_deref().unwrap_or_default();
                diff.line(format_args!("{}: {now} -> {source}", self.path))
            }
            Step::Unmount => diff.line(format_args!("{}: {now} -> not mounted", self.path)),
        };
        Ok(Work { text: (!is_same).then_some(after), step, diff })
    }

    fn step(&self, old: Option<&Entry>, mounted: Option<&Mounted>) -> Step {
        match (self.state, mounted) {
            (MountState::Present, _) | (MountState::Unmounted | MountState::Absent, None) => Step::Nothing,
            (MountState::Unmounted | MountState::Absent, Some(_)) => Step::Unmount,
            (MountState::Mounted, None) => Step::Mount,
            (MountState::Mounted, Some(mounted)) => {
                let source = self.source.as_deref().unwrap_or_default();
                let fstype = self.fstype.as_deref().unwrap_or_default();
                if mounted.is_other(source, fstype) {
                    return Step::Exchange;
                }
                // What the kernel calls options is not what the table does: only a changed table can tell.
                match old {
                    Some(old) if old.options != self.options => Step::Remount,
                    _ => Step::Nothing,
                }
            }
        }
    }
}

// === impl Mount ===

impl Plugin for Mount {
    type Request = Request;
    type Response = Done;

    fn about(&self) -> About {
        About::acting("mount", "sees to a line of the table of file systems, and to what is mounted")
            .on_target()
            .description(
                "The line is replaced where it stands, others stay as they are. A missing directory is made. The table is changed when the rest went well. Options that changed are \
                 applied by mounting anew; something else that is mounted there is unmounted first. What is in use is not \
                 forced away: that is a failure.",
            )
            .idempotent()
            .timeout(TIMEOUT)
            .example(
                "mount a disk, now and always",
                json!({"path": "/srv/data", "source": "UUID=0a3407de-014b-458b-b5c1-848e92a327a3", "fstype": "ext4", "options": "noatime", "pass": 2}),
            )
            .example("unmount it and forget it", json!({"path": "/srv/old", "state": "absent"}))
    }

    fn validate(&self, request: &Request) -> Result<(), Vec<String>> {
        let mut problems = Vec::new();
        let needs = matches!(request.state, MountState::Mounted | MountState::Present);
        for (field, text) in [("source", &request.source), ("fstype", &request.fstype)] {
            match text {
                None if needs => problems.push(format!("`{field}`: it is missing")),
                Some(text) if text.is_empty() || text.contains(['\n', '\0']) => {
                    problems.push(format!("`{field}`: it is empty or holds a line break"));
                }
                _ => {}
            }
        }
        let path = Path::new(&request.path);
        let is_plain = !path.components().any(|part| matches!(part, std::path::Component::ParentDir));
        if !(path.is_absolute() && is_plain)
            || request.path.contains(['\n', '\0'])
            || (request.path.len() > 1 && request.path.ends_with('/'))
        {
            problems
                .push("`path`: it must be an absolute path without `..` and without a `/` at its end".into());
        }
        if request.options.is_empty() || request.options.contains(char::is_whitespace) {
            problems.push("`options`: they are one word, with commas: `noatime,ro`".into());
        }
        if request.pass > 2 || request.dump > 1 {
            problems.push("`pass`: it is 0, 1 or 2, and `dump` 0 or 1".into());
        }
        judged(problems)
    }

    async fn call(&self, call: Call, request: Request) -> Result<Reply<Done>, CallError> {
        let work = request.work().await?;
        // What cannot be unmounted shall not be forgotten by the table.
        if matches!(work.step, Step::Unmount | Step::Exchange) {
            Tool::act("umount").arg("--").arg(&request.path).done(&call).await?;
        }
        if matches!(work.step, Step::Mount | Step::Exchange) {
            made(Path::new(&request.path)).await?;
            let (source, fstype) =
                (request.source.clone().unwrap_or_default(), request.fstype.clone().unwrap_or_default());
            let tool = Tool::act("mount").args([
                "-t",
                &fstype,
                "-o",
                &request.options,
                "--",
                &source,
                &request.path,
            ]);
            tool.done(&call).await?;
        }
        if work.step == Step::Remount {
            let options = format!("remount,{}", request.options);
            Tool::act("mount").args(["-o", &options, "--", &request.path]).done(&call).await?;
        }
        // Last: with a line that cannot be mounted, a machine may not start.
        if let Some(text) = &work.text {
            conf::replace(&request.fstab, text, 0o644).await?;
        }
        Ok(replied(work.diff))
    }

    async fn noop(&self, _: Call, request: Request) -> Result<Foresight, CallError> {
        Ok(Foresight::of(request.work().await?.diff))
    }

    fn simulate(&self, simulation: &Simulation<'_>, request: &Request) -> Simulated<Done> {
        let after = simulation.plausible(Duration::from_millis(20), Duration::from_millis(800));
        let diff = Diff::default().line(format_args!("{}: simulated", request.path));
        Simulated::changed(after, Some(Done { diff: diff.some() }))
    }
}

async fn made(path: &Path) -> Result<(), CallError> {
    match tokio::fs::create_dir_all(path).await {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(trouble("create", path, error)),
        _ => Ok(()),
    }
}
