//! `link`: sees to it that a link leads where it should.

use std::path::{Path, PathBuf};

use rustix::fs::AtFlags;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;
use windlass_plugin::{
    About, BackoffChoice, Call, CallError, Diff, Foresight, Plugin, Reply, Simulated, Simulation,
};

use super::answer::{Answer, foreseen};
use super::blocking::blocking;
use super::entry::{Entry, Found, Kind, in_the_way, path_problem};
use super::spread::{make_link, swap};
use super::trouble::{NOT_FOUND, trouble};

/// Sees to it that a link leads where it should.
#[derive(Clone, Copy, Debug, Default)]
pub struct Link;

/// What `link` is asked.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Request {
    /// Where the link lies. The directory that it lies in must exist.
    pub path: PathBuf,
    /// What it leads to, as it will stand in the link: a relative path begins where the link lies. What a
    /// symbolic link leads to need not be there.
    pub to: PathBuf,
    /// Whether it is a second name of the same file (a hard link) instead of a symbolic link.
    #[serde(default)]
    pub hard: bool,
    /// Whether a file that is there is replaced. A directory never is.
    #[serde(default)]
    pub force: bool,
}

/// What is to be done.
struct Linking {
    entry: Entry,
    there: Option<Found>,
    diff: Diff,
}

// === impl Request ===

impl Request {
    fn look(&self) -> Result<Linking, CallError> {
        let entry = Entry::open(&self.path)?;
        let there = entry.found()?;
        let (shown, to) = (self.path.display(), self.to.display());
        let diff = if self.hard {
            self.second_name(there.as_ref())?
        } else {
            self.symbolic(&entry, there.as_ref())?
        };
        let before = match &there {
            None => "absent".to_owned(),
            Some(found) if found.is_link() => format!("-> {}", entry.link()?.display()),
            Some(found) => found.kind.word().to_owned(),
        };
        let after = if self.hard { format!("the same file as {to}") } else { format!("-> {to}") };
        let diff = if diff {
            Diff::default().line(format_args!("{shown}: ({before}) becomes ({after})"))
        } else {
            Diff::default()
        };
        Ok(Linking { entry, there, diff })
    }

    /// Whether a symbolic link has to be made.
    fn symbolic(&self, entry: &Entry, there: Option<&Found>) -> Result<bool, CallError> {
        let Some(there) = there else { return Ok(true) };
        match there.kind {
            Kind::Link => Ok(entry.link()? != self.to),
            Kind::File | Kind::Special if self.force => Ok(true),
            Kind::File | Kind::Special => {
                Err(in_the_way(&self.path, there.kind, "say `force: true` to replace it"))
            }
            Kind::Directory => Err(in_the_way(&self.path, there.kind, "remove it first with `absent`")),
        }
    }

    /// Whether a second name has to be made.
    fn second_name(&self, there: Option<&Found>) -> Result<bool, CallError> {
        let of = Entry::open(&self.to)?;
        let Some(of) = of.found()? else {
            return Err(CallError::permanent(NOT_FOUND, format!("`{}` does not exist", self.to.display())));
        };
        if !of.is_file() {
            return Err(in_the_way(&self.to, of.kind, "only a plain file can have a second name"));
        }
        match there {
            None => Ok(true),
            Some(there) if there.is_same(&of) => Ok(false),
            Some(there) if there.is_directory() => {
                Err(in_the_way(&self.path, there.kind, "remove it first with `absent`"))
            }
            Some(_) if self.force => Ok(true),
            Some(there) => Err(in_the_way(&self.path, there.kind, "say `force: true` to replace it")),
        }
    }

    fn make(&self, linking: &Linking) -> Result<(), CallError> {
        let Linking { entry, there, .. } = linking;
        if !self.hard {
            make_link(entry, there.as_ref(), &self.to)?;
            return entry.sync_directory();
        }
        let of = Entry::open(&self.to)?;
        swap(entry, |name| {
            rustix::fs::linkat(of.dir(), of.name(), entry.dir(), name, AtFlags::empty())
                .map_err(|error| trouble("make the link", entry.path(), error))
        })
    }
}

// === impl Link ===

impl Plugin for Link {
    type Request = Request;
    type Response = Answer;

    fn about(&self) -> About {
        About::acting("link", "sees to it that a link leads where it should")
            .on_target()
            .idempotent()
            .backoff(BackoffChoice::Fast)
            .description("A link that leads elsewhere is replaced at once: there is no moment without one.")
            .example("switch to a release", json!({"path": "/opt/app/current", "to": "releases/42"}))
            .example(
                "give a file a second name",
                json!({"path": "/srv/www/index.html", "to": "/srv/www/home.html", "hard": true}),
            )
    }

    fn validate(&self, request: &Request) -> Result<(), Vec<String>> {
        let mut problems: Vec<String> = path_problem("path", &request.path).into_iter().collect();
        if request.to == Path::new("") {
            problems.push("`to`: it is empty".into());
        } else if request.hard {
            problems.extend(path_problem("to", &request.to));
        }
        if problems.is_empty() { Ok(()) } else { Err(problems) }
    }

    async fn call(&self, _: Call, request: Request) -> Result<Reply<Answer>, CallError> {
        blocking(move || {
            let linking = request.look()?;
            if !linking.diff.is_empty() {
                request.make(&linking)?;
            }
            Ok(Answer::reply(linking.diff, None))
        })
        .await
    }

    async fn noop(&self, _: Call, request: Request) -> Result<Foresight, CallError> {
        foreseen(blocking(move || request.look().map(|linking| linking.diff)).await)
    }

    fn simulate(&self, simulation: &Simulation<'_>, _: &Request) -> Simulated<Answer> {
        Answer::simulated(simulation)
    }
}
