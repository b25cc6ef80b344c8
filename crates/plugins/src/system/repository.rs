//! `repository`: sees to a source of packages, with the key that it is trusted by.

mod apt;
mod yum;

use std::path::{Path, PathBuf};
use std::time::Duration;

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;
use windlass_plugin::{About, Call, CallError, Diff, Foresight, Plugin, Reply, Simulated, Simulation};

use super::conf;
use super::state::{Done, State, judged, one_line, replied};
use super::tool;

/// Sees to a source of packages.
#[derive(Clone, Copy, Debug, Default)]
pub struct Repository;

/// What `repository` is asked.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Request {
    /// What it is known by, and its files are called.
    pub name: String,
    /// Whether it shall be there.
    #[serde(default)]
    pub state: State,
    /// Whether packages are taken from it.
    #[serde(default = "yes")]
    pub enabled: bool,
    /// The public key that its packages or its index are signed with, as text: `-----BEGIN PGP PUBLIC KEY BLOCK-----`. It becomes
    /// a file of its own, for this repository only.
    #[serde(default)]
    pub key: Option<String>,
    /// A repository for apt.
    #[serde(default)]
    pub apt: Option<Apt>,
    /// A repository for dnf or zypper.
    #[serde(default)]
    pub yum: Option<Yum>,
}

/// A repository for apt.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Apt {
    /// Where it is.
    #[schemars(length(min = 1))]
    pub uris: Vec<String>,
    /// Its suites: `bookworm`; `./` for one without suites and components.
    #[schemars(length(min = 1))]
    pub suites: Vec<String>,
    /// Its components: `main`.
    #[serde(default)]
    pub components: Vec<String>,
    /// What kinds of packages are taken.
    #[serde(default = "deb")]
    pub types: Vec<AptType>,
    /// For which architectures; those of the machine where this is left out.
    #[serde(default)]
    pub architectures: Vec<String>,
    /// A file of keys that is on the machine already, instead of `key`.
    #[serde(default)]
    pub signed_by: Option<String>,
    /// Whether it is trusted without a signature.
    #[serde(default)]
    pub trusted: bool,
    /// How the file is written.
    #[serde(default)]
    pub format: AptFormat,
}

/// A kind of packages.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
pub enum AptType {
    /// Binary packages.
    #[serde(rename = "deb")]
    Deb,
    /// Source packages.
    #[serde(rename = "deb-src")]
    DebSrc,
}

/// How a file of sources is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum AptFormat {
    /// `NAME.sources`, in paragraphs. apt understands it since 1.1.
    #[default]
    Deb822,
    /// `NAME.list`, a line each.
    List,
}

/// A repository for dnf or zypper.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Yum {
    /// What it is called for people.
    #[serde(default)]
    pub title: Option<String>,
    /// Where it is.
    #[serde(default)]
    pub base_urls: Vec<String>,
    /// A list of mirrors, instead.
    #[serde(default)]
    pub mirror_list: Option<String>,
    /// A metalink, instead.
    #[serde(default)]
    pub metalink: Option<String>,
    /// Whether packages must be signed.
    #[serde(default = "yes")]
    pub gpg_check: bool,
    /// Where keys are that are not given as `key`.
    #[serde(default)]
    pub gpg_keys: Vec<String>,
    /// Further settings of its section: `priority`, `module_hotfixes`.
    #[serde(default)]
    pub settings: std::collections::BTreeMap<String, String>,
}

fn yes() -> bool {
    true
}

fn deb() -> Vec<AptType> {
    vec![AptType::Deb]
}

/// The files that a repository is, and what is in each; `None` where there shall be none.
type Files = Vec<(PathBuf, Option<String>)>;

/// What is to be done.
#[derive(Debug)]
struct Work {
    files: Files,
    diff: Diff,
}

// === impl Request ===

impl Request {
    async fn work(&self) -> Result<Work, CallError> {
        let mut work = Work { files: Vec::new(), diff: Diff::default() };
        for (path, after) in self.files()? {
            let before = conf::read(&path).await?;
            if before != after {
                let diff = Diff::of_texts(&path.display().to_string(), before.as_deref(), after.as_deref());
                work.diff = work.diff.and(&diff);
                work.files.push((path, after));
            }
        }
        Ok(work)
    }

    /// The key comes before what refers to it.
    fn files(&self) -> Result<Files, CallError> {
        if let Some(apt) = &self.apt {
            return Ok(apt::files(self, Some(apt)));
        }
        if let Some(yum) = &self.yum {
            return Ok(yum::files(self, Some(yum), &place()));
        }
        // Nobody says which kind is to be removed: that of the machine.
        if tool::find("apt-get").is_some() {
            return Ok(apt::files(self, None));
        }
        if tool::find("dnf").is_some() || tool::find("zypper").is_some() {
            return Ok(yum::files(self, None, &place()));
        }
        let message = "this machine has none of apt, dnf and zypper; others keep their repositories in one file, for which there is `line`";
        Err(CallError::permanent("unsupported", message))
    }
}

// === impl Repository ===

impl Plugin for Repository {
    type Request = Request;
    type Response = Done;

    fn about(&self) -> About {
        About::acting("repository", "sees to a source of packages, with its key")
            .on_target()
            .description(
                "Files are replaced whole, and the index is not fetched: `package` with `indexAge` does that, and notices that \
                 a repository has changed. Repositories of apk and pacman are lines of one file.",
            )
            .idempotent()
            .example(
                "a repository for apt",
                json!({"name": "example", "key": "-----BEGIN PGP PUBLIC KEY BLOCK-----\n…\n-----END PGP PUBLIC KEY BLOCK-----\n",
                       "apt": {"uris": ["https://packages.example.org/debian"], "suites": ["bookworm"], "components": ["main"]}}),
            )
            .example(
                "one for dnf",
                json!({"name": "example", "yum": {"title": "Example", "baseUrls": ["https://packages.example.org/el$releasever/$basearch"],
                       "gpgKeys": ["https://packages.example.org/key.asc"]}}),
            )
            .example("remove one", json!({"name": "example", "state": "absent"}))
    }

    fn validate(&self, request: &Request) -> Result<(), Vec<String>> {
        let mut problems = Vec::new();
        let is_part = |c: char| c.is_ascii_alphanumeric() || "_-.".contains(c);
        if request.name.is_empty() || request.name.starts_with('.') || !request.name.chars().all(is_part) {
            problems.push("`name`: it is made of letters, digits, `_`, `-` and `.`".into());
        }
        if request.apt.is_some() && request.yum.is_some() {
            problems.push("`apt`, `yum`: a repository is one or the other".into());
        }
        if request.state == State::Present && request.apt.is_none() && request.yum.is_none() {
            problems.push("`apt`: it is missing, and so is `yum`; one says where the repository is".into());
        }
        if request.key.as_ref().is_some_and(|key| !key.contains("-----BEGIN PGP PUBLIC KEY BLOCK-----")) {
            problems.push("`key`: it is no public key in text form; `gpg --export --armor` gives one".into());
        }
        if let Some(apt) = &request.apt {
            let words = [
                ("uris", &apt.uris),
                ("suites", &apt.suites),
                ("components", &apt.components),
                ("architectures", &apt.architectures),
            ];
            for (field, words) in words {
                let bad = words.iter().find(|word| word.is_empty() || word.contains(char::is_whitespace));
                problems.extend(bad.map(|word| format!("`apt.{field}`: `{word}` is not one word")));
            }
            let is_flat = apt.suites.iter().all(|suite| suite.ends_with('/'));
            if apt.components.is_empty() != is_flat {
                problems.push(
                    "`apt.components`: a suite that ends with `/` has none, and every other has some".into(),
                );
            }
            if apt.signed_by.is_some() && request.key.is_some() {
                problems.push("`apt.signedBy`: it says the same as `key`; give one of them".into());
            }
            if apt.types.is_empty() {
                problems.push("`apt.types`: the list is empty".into());
            }
            problems.extend(apt.signed_by.as_ref().and_then(|text| one_line("apt.signedBy", text)));
        }
        if let Some(yum) = &request.yum {
            let places = usize::from(!yum.base_urls.is_empty())
                + usize::from(yum.mirror_list.is_some())
                + usize::from(yum.metalink.is_some());
            if places != 1 {
                problems.push("`yum.baseUrls`: give these, or `mirrorList`, or `metalink`".into());
            }
            let texts = yum
                .base_urls
                .iter()
                .chain(&yum.gpg_keys)
                .chain(yum.settings.keys())
                .chain(yum.settings.values());
            let texts = texts.chain(&yum.title).chain(&yum.mirror_list).chain(&yum.metalink);
            problems.extend(texts.filter_map(|text| one_line("yum", text)));
        }
        judged(problems)
    }

    async fn call(&self, _: Call, request: Request) -> Result<Reply<Done>, CallError> {
        let work = request.work().await?;
        // A source without its key would make the whole index unusable for a moment; so would one after its key is gone.
        let (gone, kept): (Vec<_>, Vec<_>) = work.files.iter().partition(|(_, text)| text.is_none());
        for (path, text) in kept {
            conf::replace(path, text.as_deref().unwrap_or_default(), 0o644).await?;
        }
        for (path, _) in gone.iter().rev() {
            conf::remove(path).await?;
        }
        Ok(replied(work.diff))
    }

    async fn noop(&self, _: Call, request: Request) -> Result<Foresight, CallError> {
        Ok(Foresight::of(request.work().await?.diff))
    }

    fn simulate(&self, simulation: &Simulation<'_>, request: &Request) -> Simulated<Done> {
        let after = simulation.plausible(Duration::from_millis(2), Duration::from_millis(30));
        let diff = Diff::default().line(format_args!("repository {}: simulated", request.name));
        Simulated::changed(after, Some(Done { diff: diff.some() }))
    }
}

/// Where the manager that there is keeps its repositories.
fn place() -> PathBuf {
    let zypp = Path::new("/etc/zypp/repos.d");
    if zypp.is_dir() && tool::find("zypper").is_some() { zypp.into() } else { "/etc/yum.repos.d".into() }
}
