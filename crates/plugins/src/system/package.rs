//! `package`: sees to it that packages are installed, are not, or are the newest that there are.
//!
//! ```text
//!   installed ──▶ what is wanted and not so? ──no──▶ unchanged
//!        │                  │ yes
//!        │                  ▼
//!        └──── compare ◀── the manager, in one transaction, again while somebody else holds its lock
//! ```
//!
//! What a manager is called, says and prints is known in one file each; the way is the same for all.

mod apk;
mod apt;
mod dnf;
mod flavour;
mod pacman;
mod wanted;
mod work;
mod zypper;

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;
use windlass_plugin::{
    About, Call, CallError, Diff, Foresight, Plugin, Reply, Simulated, Simulation, Span, Would,
};

use self::flavour::Installed;
use self::wanted::Wanted;
use self::work::Work;
use super::state::judged;

pub use self::flavour::Manager;

/// Sees to the packages of a machine.
#[derive(Clone, Copy, Debug, Default)]
pub struct Package;

/// What `package` is asked.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Request {
    /// The packages, in one transaction: names such as `nginx`, with a version as `nginx=1.22.1-9`
    /// (apt also takes `nginx=1.22.*`), or absolute paths of package files on the node. `*` alone means
    /// all that are installed, and goes with `latest`. May be left out where only the index is to be fetched.
    #[serde(default)]
    pub names: Vec<String>,
    /// What is wanted of them.
    #[serde(default)]
    pub state: PackageState,
    /// The package manager; the one that is found where this is left out.
    #[serde(default)]
    pub manager: Option<Manager>,
    /// Fetches the index of the repositories first when it is older than this, or than what says which
    /// repositories there are. Left out, it is used as it is.
    #[serde(default)]
    pub index_age: Option<Span>,
    /// How long to wait while somebody else uses the package manager.
    #[serde(default = "lock_wait")]
    pub lock_wait: Span,
    /// Whether other packages may be removed where these conflict with them (only apt and pacman would), and, with
    /// pacman, what needs a package that is removed.
    #[serde(default)]
    pub allow_removals: bool,
    /// Whether an older version than the installed one may be put in its place.
    #[serde(default)]
    pub allow_downgrade: bool,
    /// Whether configuration goes, too, with a package that is removed. Only apt keeps it.
    #[serde(default)]
    pub purge: bool,
    /// Further arguments for the package manager, as they are.
    #[serde(default)]
    pub options: Vec<String>,
}

/// What is wanted of packages.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum PackageState {
    /// They are installed; whichever version there is stays, unless one is named.
    #[default]
    Present,
    /// They are not installed.
    Absent,
    /// They are installed, in the newest version that the index knows.
    Latest,
}

/// What was done.
#[derive(Clone, Debug, Default, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Response {
    /// The package manager.
    pub manager: Option<Manager>,
    /// Whether the index was fetched. That alone is no change.
    pub fetched: bool,
    /// Every package that is another one than before, those that came along included.
    pub packages: Vec<Changed>,
    /// The same, to read.
    pub diff: Option<Diff>,
}

/// A package that is not as it was.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Changed {
    /// Its name.
    pub name: String,
    /// The version before; null where it was not installed.
    pub before: Option<String>,
    /// The version after; null where it is not installed any more.
    pub after: Option<String>,
}

/// Installing takes long where mirrors and disks are slow.
const TIMEOUT: Span = Span::secs(30 * 60);

fn lock_wait() -> Span {
    Span::secs(300)
}

// === impl Package ===

impl Plugin for Package {
    type Request = Request;
    type Response = Response;

    fn about(&self) -> About {
        About::acting("package", "sees to it that packages are installed or not")
            .on_target()
            .description(
                "Works with apt, dnf, zypper, apk and pacman. All packages go into one transaction (dnf, zypper and apk \
                 need two for `latest` where some are not installed yet).\n\nQuestions of the manager are answered so that changed \
                 configuration files stay. What needs a package that is removed goes with it (pacman: only with \
                 `allowRemovals`; apk refuses); otherwise no other package is removed unless `allowRemovals` says so. While somebody else uses the \
                 manager, it waits up to `lockWait`. An installation that was cut off, by a crash or a timeout, is completed first \
                 (`dpkg --configure -a`).\n\nLooking only uses the manager's own dry run, with the index as it is.",
            )
            .idempotent()
            .timeout(TIMEOUT)
            .example("install two packages, with an index of today", json!({"names": ["nginx", "curl"], "indexAge": "1d"}))
            .example("hold a version", json!({"names": ["nginx=1.22.1-9"], "allowDowngrade": true}))
            .example("remove one with its configuration", json!({"names": ["telnetd"], "state": "absent", "purge": true}))
            .example("upgrade everything", json!({"names": ["*"], "state": "latest", "indexAge": "1h"}))
    }

    fn validate(&self, request: &Request) -> Result<(), Vec<String>> {
        let mut problems: Vec<String> = request
            .names
            .iter()
            .enumerate()
            .filter_map(|(index, name)| Some(format!("`names.{index}`: {}", Wanted::read(name).err()?)))
            .collect();
        let all = request.names.iter().any(|name| name == "*");
        if all && (request.names.len() > 1 || request.state != PackageState::Latest) {
            problems.push("`names`: `*` stands alone and goes with `state: latest` only".into());
        }
        let has = |what: fn(&Wanted) -> bool| {
            request.names.iter().filter_map(|name| Wanted::read(name).ok()).any(|wanted| what(&wanted))
        };
        if request.state == PackageState::Latest && has(|wanted| wanted.version.is_some()) {
            problems.push("`names`: a version and `state: latest` contradict each other".into());
        }
        if request.state == PackageState::Absent && has(|wanted| wanted.version.is_some() || wanted.is_file) {
            problems.push("`names`: packages to remove are named without version and path".into());
        }
        if request.names.is_empty() && request.index_age.is_none() {
            problems.push("`names`: there is nothing to do; name packages, or give `indexAge`".into());
        }
        judged(problems)
    }

    async fn call(&self, call: Call, request: Request) -> Result<Reply<Response>, CallError> {
        let work = Work::new(&request, &call)?;
        let fetched = work.fetch().await?;
        let response = Response { manager: Some(work.manager()), fetched, ..Response::default() };
        let before = work.installed().await?;
        let Some(ask) = work.to_do(&before).await? else { return Ok(Reply::unchanged(response)) };
        let failed = work.change(&ask).await;
        let after = work.installed().await?;
        let packages = changes(&before, &after);
        let diff = difference(&packages);
        let changed = !packages.is_empty();
        let response = Response { packages, diff: diff.some(), ..response };
        let failed = failed.err().or_else(|| work.not_so(&after));
        match failed {
            // What came of it all the same is worth knowing.
            Some(error) => Err(error.with_response(response)),
            None => Ok(Reply { response, changed }),
        }
    }

    async fn noop(&self, call: Call, request: Request) -> Result<Foresight, CallError> {
        let work = Work::new(&request, &call)?;
        let before = work.installed().await?;
        let needed = work.needed(&before);
        let Some(ask) = needed else { return Ok(Foresight::nothing()) };
        let planned = match work.rehearse(&ask, &before).await {
            Ok(planned) => planned,
            // The repository may be what an earlier action would have added.
            Err(error) if !error.permanent => return Ok(Foresight::unknown(error.message)),
            Err(error) => return Err(error),
        };
        if let Some(error) = work.not_enough(&before, &planned) {
            return Ok(Foresight::unknown(format!(
                "{} would do nothing about it: {}",
                work.program(),
                error.message
            )));
        }
        let with_old_index = work.is_old().await.unwrap_or(false);
        let foresight = Foresight::of(difference(&planned));
        Ok(match (with_old_index, foresight.would) {
            (true, Would::Nothing) => Foresight::unknown("the index is old, and would be fetched first"),
            (true, _) => foresight.because("the index is old, and would be fetched first"),
            (false, _) => foresight,
        })
    }

    fn simulate(&self, simulation: &Simulation<'_>, request: &Request) -> Simulated<Response> {
        let after = simulation.plausible(Duration::from_secs(5), Duration::from_secs(45));
        let changed = |name: &String| {
            let wanted = Wanted::read(name).ok()?;
            let version = wanted.version.unwrap_or_else(|| "simulated".into());
            let (before, after) = match request.state {
                PackageState::Absent => (Some(version), None),
                _ => (None, Some(version)),
            };
            Some(Changed { name: wanted.name, before, after })
        };
        let packages: Vec<_> = request.names.iter().filter_map(changed).collect();
        let diff = difference(&packages).some();
        Simulated::changed(after, Some(Response { packages, diff, ..Response::default() }))
    }
}

fn changes(before: &Installed, after: &Installed) -> Vec<Changed> {
    let names = before.keys().chain(after.keys().filter(|name| !before.contains_key(*name)));
    let version = |of: &Installed, name: &String| of.get(name).map(|versions| versions.join(", "));
    let mut changes: Vec<Changed> = names
        .map(|name| Changed {
            name: name.clone(),
            before: version(before, name),
            after: version(after, name),
        })
        .filter(|changed| changed.before != changed.after)
        .collect();
    changes.sort_by(|a, b| a.name.cmp(&b.name));
    changes
}

fn difference(changes: &[Changed]) -> Diff {
    let shown = |version: &Option<String>| version.clone().unwrap_or_else(|| "absent".into());
    changes.iter().fold(Diff::default(), |diff, changed| {
        diff.property(&changed.name, shown(&changed.before), shown(&changed.after))
    })
}
