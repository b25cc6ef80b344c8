//! `directory`: sees to it that a directory is there, and that what should be in it is.
//!
//! [`copy`] compares what is below it with a directory of Windlass's side and makes it the same.

use std::path::{Path, PathBuf};

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;
use windlass_plugin::{
    About, BackoffChoice, Call, CallError, Diff, Foresight, OriginEntry, OriginKind, OriginUse, Plugin,
    Reply, Simulated, Simulation,
};

use super::answer::{Answer, foreseen};
use super::attributes::{Attributes, Ownership};
use super::blocking::blocking;
use super::entry::{Entry, Found, in_the_way, path_problem};
use super::mode::Mode;
use super::trouble::{NO_PARENT, refuse};
use crate::look;

mod copy;

use self::copy::Copy;

/// Sees to it that a directory is there.
#[derive(Clone, Copy, Debug, Default)]
pub struct Directory;

/// What `directory` is asked.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Request {
    /// The directory.
    pub path: PathBuf,
    /// Whether directories above it that do not exist are made too. They get its owner and group, and 0755.
    #[serde(default = "yes")]
    pub parents: bool,
    /// Who owns it and who may do what with it. With `source`, owner and group are those of all that is
    /// copied, and the mode is that of the directory itself.
    #[serde(flatten)]
    pub ownership: Ownership,
    /// Whether a symbolic link in the last place of the path is followed. Without it such a link is an error.
    #[serde(default)]
    pub follow: bool,
    /// A directory on the side of Windlass; all that is in it is copied. A relative path begins beside the plan.
    #[serde(default)]
    #[schemars(extend("x-origin-path" = true))]
    pub source: Option<PathBuf>,
    /// The permission bits of the files that are copied; those of the files of the source where this is left out.
    #[serde(default)]
    pub file_mode: Option<Mode>,
    /// The permission bits of the directories that are copied; likewise.
    #[serde(default)]
    pub directory_mode: Option<Mode>,
    /// Whether what is in the directory and not in the source is removed.
    #[serde(default)]
    pub purge: bool,
    /// Whether a file or link that stands where a directory is to be is removed.
    #[serde(default)]
    pub force: bool,
}

/// The bits of a new directory for which a request says none.
const NEW_DIRECTORY: u32 = 0o755;

const ABOUT: &str = "\
With `source`, what is in the directory and has other content, another owner or other bits is made the same. \
Files are compared by their SHA-256, so only what differs travels, many files in one go, and each takes its place whole. Symbolic links are \
copied as they are. Below the directory no link is followed: where one stands in the place of a directory, that is an error.";

fn yes() -> bool {
    true
}

/// What is to be done.
struct Plan {
    /// Directories to make, from the outermost on; the last is the directory itself.
    missing: Vec<PathBuf>,
    attributes: Attributes,
    /// The directory, where it is there and has to be given other attributes.
    present: Option<(Entry, Found)>,
    /// A file or link in its place that is to go.
    displaced: Option<Entry>,
    path: PathBuf,
    copy: Option<Copy>,
    diff: Diff,
}

// === impl Request ===

impl Request {
    async fn plan(&self, call: &Call) -> Result<Plan, CallError> {
        let attributes = self.ownership.resolve(call).await?;
        let listed = match &self.source {
            Some(source) => Some(self.listed(call, source).await?),
            None => None,
        };
        let (request, cancel) = (self.clone(), call.cancel.clone());
        blocking(move || {
            let mut plan = request.look(attributes)?;
            if let Some(listed) = listed {
                let is_new = plan.present.is_none();
                let copy = Copy::compare(&request, &plan.path, listed, attributes, is_new, &cancel)?;
                plan.diff = plan.diff.and(&copy.diff);
                plan.copy = Some(copy);
            }
            Ok(plan)
        })
        .await
    }

    async fn listed(&self, call: &Call, source: &Path) -> Result<Vec<OriginEntry>, CallError> {
        let mut listed = look::unless_cancelled(call, call.origin.list(source)).await??;
        if listed.first().is_none_or(|root| root.kind != OriginKind::Directory) {
            return Err(refuse(format!(
                "`source`: `{}` on the side of Windlass is no directory",
                source.display()
            )));
        }
        listed.remove(0);
        Ok(listed)
    }

    fn look(&self, attributes: Attributes) -> Result<Plan, CallError> {
        let shown = self.path.display();
        let mut plan = Plan {
            missing: Vec::new(),
            attributes,
            present: None,
            displaced: None,
            path: self.path.clone(),
            copy: None,
            diff: Diff::default(),
        };
        let (entry, found) = match Entry::resolved(&self.path, self.follow) {
            Ok(looked) => looked,
            Err(error) if error.code == NO_PARENT && self.parents => {
                plan.missing = missing(&self.path);
                plan.diff = plan.missing.iter().fold(plan.diff, |diff, path| {
                    diff.line(format_args!("{}: absent -> a directory", path.display()))
                });
                plan.diff = attributes.add_to(plan.diff, None, &format!("{shown}: "));
                return Ok(plan);
            }
            Err(error) => return Err(error),
        };
        entry.path().clone_into(&mut plan.path);
        match found {
            Some(found) if found.is_directory() => {
                plan.diff = attributes.add_to(plan.diff, Some(&found), &format!("{shown}: "));
                plan.present = Some((entry, found));
                return Ok(plan);
            }
            Some(found) if self.force => {
                plan.diff = plan.diff.line(format_args!("{shown}: {} -> a directory", found.kind.word()));
                plan.displaced = Some(entry);
            }
            Some(found) => {
                let help = if found.is_link() {
                    "say `follow: true` to work on what it leads to, or `force: true` to replace it"
                } else {
                    "say `force: true` to replace it"
                };
                return Err(in_the_way(&self.path, found.kind, help));
            }
            None => plan.diff = plan.diff.line(format_args!("{shown}: absent -> a directory")),
        }
        plan.missing.push(plan.path.clone());
        plan.diff = attributes.add_to(plan.diff, None, &format!("{shown}: "));
        Ok(plan)
    }
}

/// The directories of a path that do not exist, from the outermost on.
fn missing(path: &Path) -> Vec<PathBuf> {
    let absent = path.ancestors().take_while(|above| std::fs::metadata(above).is_err());
    let mut absent: Vec<PathBuf> = absent.map(Path::to_owned).collect();
    absent.reverse();
    absent
}

// === impl Plan ===

impl Plan {
    /// Makes the directory itself.
    fn make(&self) -> Result<(), CallError> {
        if let Some((entry, found)) = &self.present {
            return self.attributes.give_entry(entry, found);
        }
        if let Some(entry) = &self.displaced {
            entry.remove()?;
        }
        for path in &self.missing {
            let entry = Entry::open(path)?;
            let is_last = *path == self.path;
            // Until it has its owner nobody else shall put anything into it.
            match entry.make_directory(0o700) {
                Ok(()) => {}
                // Somebody else made it meanwhile.
                Err(_) if !is_last && entry.found()?.is_some_and(|found| found.is_directory()) => continue,
                Err(error) => return Err(error),
            }
            let wanted = self.attributes.mode.filter(|_| is_last).unwrap_or(NEW_DIRECTORY);
            if let Some(found) = entry.found()? {
                // A directory with the bit for its group hands that on.
                let mode = wanted | (found.mode & 0o2000);
                Attributes { mode: Some(mode), ..self.attributes }.give_entry(&entry, &found)?;
            }
            entry.sync_directory()?;
        }
        Ok(())
    }
}

// === impl Directory ===

impl Plugin for Directory {
    type Request = Request;
    type Response = Answer;

    fn about(&self) -> About {
        About::acting("directory", "sees to it that a directory is there, and a copy of another one in it")
            .on_target()
            .idempotent()
            .backoff(BackoffChoice::Fast)
            .description(ABOUT)
            .example("make a directory", json!({"path": "/var/lib/app/data", "owner": "app", "group": "app", "mode": "0750"}))
            .example(
                "copy a directory from beside the plan",
                json!({"path": "/srv/www/site", "source": "files/site", "owner": "www-data", "fileMode": "0644",
                       "directoryMode": "0755", "purge": true}),
            )
    }

    fn origin_use(&self, _: &Call, request: &Request) -> OriginUse {
        request.source.as_ref().map_or(OriginUse::NOTHING, OriginUse::reading)
    }

    fn validate(&self, request: &Request) -> Result<(), Vec<String>> {
        let mut problems: Vec<String> = path_problem("path", &request.path).into_iter().collect();
        if request.source.is_none() {
            let given = [
                ("fileMode", request.file_mode.is_some()),
                ("directoryMode", request.directory_mode.is_some()),
                ("purge", request.purge),
            ];
            let alone = given.into_iter().filter(|(_, is_given)| *is_given);
            problems.extend(alone.map(|(field, _)| format!("`{field}` means nothing without `source`")));
        }
        if problems.is_empty() { Ok(()) } else { Err(problems) }
    }

    async fn call(&self, call: Call, request: Request) -> Result<Reply<Answer>, CallError> {
        let mut plan = request.plan(&call).await?;
        let diff = std::mem::take(&mut plan.diff);
        if diff.is_empty() {
            return Ok(Answer::reply(diff, None));
        }
        let (copy, path) = (plan.copy.take(), plan.path.clone());
        blocking(move || plan.make()).await?;
        if let (Some(copy), Some(source)) = (copy, &request.source) {
            copy.make(&call, source, &path, request.force).await?;
        }
        Ok(Answer::reply(diff, None))
    }

    async fn noop(&self, call: Call, request: Request) -> Result<Foresight, CallError> {
        foreseen(request.plan(&call).await.map(|plan| plan.diff))
    }

    fn simulate(&self, simulation: &Simulation<'_>, _: &Request) -> Simulated<Answer> {
        Answer::simulated(simulation)
    }
}
