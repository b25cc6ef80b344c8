//! The way of a request through a package manager, the same for all of them.

use std::time::{Duration, Instant, SystemTime};

use windlass_plugin::{Call, CallError};

use super::flavour::{self, Ask, Flavour, Installed, Manager, Older, Purpose, Settings};
use super::wanted::Wanted;
use super::{Changed, PackageState, Request};
use crate::look::unless_cancelled;
use crate::system::tool::{self, Ran, Tool};

/// One request, with the manager that there is.
pub(super) struct Work<'a> {
    flavour: &'static Flavour,
    wanted: Vec<Wanted>,
    request: &'a Request,
    call: &'a Call,
}

/// How often is looked whether a lock is free.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

// === impl Work ===

impl<'a> Work<'a> {
    pub(super) fn new(request: &'a Request, call: &'a Call) -> Result<Self, CallError> {
        let flavour = flavour::find(request.manager)?;
        let wanted = request.names.iter().map(|name| Wanted::read(name)).collect::<Result<_, _>>();
        let wanted = wanted.map_err(|why| CallError::permanent(CallError::REQUEST, why))?;
        Ok(Self { flavour, wanted, request, call })
    }

    pub(super) fn manager(&self) -> Manager {
        self.flavour.manager
    }

    pub(super) fn program(&self) -> &'static str {
        self.flavour.program
    }

    fn settings(&self) -> Settings<'_> {
        Settings {
            allow_removals: self.request.allow_removals,
            allow_downgrade: self.request.allow_downgrade,
            purge: self.request.purge,
            options: &self.request.options,
        }
    }

    pub(super) async fn installed(&self) -> Result<Installed, CallError> {
        let ran = (self.flavour.list)().done(self.call).await?;
        Ok((self.flavour.listed)(&ran.stdout))
    }

    /// Whether the index is to be fetched.
    pub(super) async fn is_old(&self) -> Option<bool> {
        let age = self.request.index_age?;
        let index = modified(self.flavour.index).await;
        let mut sources = None;
        for place in self.flavour.sources {
            sources = sources.max(modified(place).await);
        }
        let old = SystemTime::now().checked_sub(age.0);
        Some(index.is_none() || index < sources || index < old)
    }

    pub(super) async fn fetch(&self) -> Result<bool, CallError> {
        if self.is_old().await != Some(true) {
            return Ok(false);
        }
        self.call.output.note("fetching the index of the repositories");
        self.patiently(|| (self.flavour.fetch)(&self.settings())).await?;
        // A manager leaves files alone of which it knows that they are as new as the server's.
        let now = std::fs::FileTimes::new().set_modified(SystemTime::now());
        let touched = std::fs::File::open(self.flavour.index).and_then(|index| index.set_times(now));
        if let Err(error) = touched {
            self.call.output.note(&format!("the age of the index cannot be noted: {error}"));
        }
        Ok(true)
    }

    /// What is to be asked of the manager, as far as that can be told without it.
    pub(super) fn needed(&self, installed: &Installed) -> Option<Ask> {
        let is_there = |wanted: &&Wanted| installed.contains_key(&wanted.name);
        let (purpose, wanted): (_, Vec<&Wanted>) = match self.request.state {
            PackageState::Present => {
                let lacking = self.wanted.iter().filter(|wanted| !wanted.is_met(installed));
                (Purpose::Install, lacking.collect())
            }
            PackageState::Absent => (Purpose::Remove, self.wanted.iter().filter(is_there).collect()),
            PackageState::Latest => (Purpose::Latest, self.wanted.iter().collect()),
        };
        if wanted.is_empty() {
            return None;
        }
        let all = wanted.iter().any(|wanted| wanted.name == "*");
        let (old, new) = wanted.into_iter().cloned().partition(|wanted| is_there(&wanted));
        Some(if all {
            Ask { purpose, all, new: Vec::new(), old: Vec::new() }
        } else {
            Ask { purpose, all, new, old }
        })
    }

    /// The same, after the manager was asked where only it knows.
    pub(super) async fn to_do(&self, installed: &Installed) -> Result<Option<Ask>, CallError> {
        let Some(ask) = self.needed(installed) else { return Ok(None) };
        let may_lower = ask.purpose == Purpose::Install
            && !matches!(self.flavour.older, Older::Refused)
            && ask.new.iter().chain(&ask.old).any(|wanted| wanted.is_file || wanted.version.is_some());
        if (ask.purpose == Purpose::Latest || may_lower) && self.rehearse(&ask, installed).await?.is_empty() {
            return Ok(None);
        }
        Ok(Some(ask))
    }

    /// What the manager says that it would do.
    pub(super) async fn rehearse(&self, ask: &Ask, installed: &Installed) -> Result<Vec<Changed>, CallError> {
        let (mut planned, mut is_older) = (Vec::new(), false);
        for tool in (self.flavour.rehearse)(ask, &self.settings()) {
            let ran = self.in_turn(|| tool.clone()).await?;
            let is_aborted = self.flavour.aborted.is_some_and(|says| ran.says(says));
            if !is_aborted && !self.flavour.rehearsed.contains(&ran.code) {
                return Err(self.said(&ran));
            }
            is_older |= matches!(self.flavour.older, Older::Announced(says) if ran.says(says));
            planned.extend((self.flavour.planned)(&ran.stdout));
        }
        let planned = flavour::filled(planned, installed);
        if self.request.allow_downgrade {
            return Ok(planned);
        }
        if let Older::Compared(compare) = self.flavour.older {
            for changed in &planned {
                if let (Some(before), Some(after)) = (&changed.before, &changed.after) {
                    let ran = compare(before, after).done(self.call).await?;
                    is_older |= ran.stdout.trim().starts_with('-');
                }
            }
        }
        if is_older {
            let message =
                "an older version would take the place of a newer one; `allowDowngrade` allows that";
            return Err(CallError::permanent("downgrade", message));
        }
        Ok(planned)
    }

    pub(super) async fn change(&self, ask: &Ask) -> Result<(), CallError> {
        for tool in (self.flavour.change)(ask, &self.settings()) {
            self.patiently(|| tool.clone()).await?;
        }
        Ok(())
    }

    /// Runs the manager to a good end.
    async fn patiently(&self, tool: impl Fn() -> Tool) -> Result<(), CallError> {
        let mut ran = self.in_turn(&tool).await?;
        if ran.code != 0
            && let Some((says, mend)) = self.flavour.mend
            && ran.says(says)
        {
            self.call.output.note("an earlier installation was cut off; completing it first");
            self.in_turn(mend).await?;
            ran = self.in_turn(&tool).await?;
        }
        if self.flavour.good.contains(&ran.code) { Ok(()) } else { Err(self.said(&ran)) }
    }

    /// Runs the manager, again while somebody else holds its lock.
    async fn in_turn(&self, tool: impl Fn() -> Tool) -> Result<Ran, CallError> {
        let begun = Instant::now();
        let mut is_noted = false;
        loop {
            let ran = tool().run(self.call).await?;
            let is_locked = ran.code != 0 && self.flavour.locked.iter().any(|says| ran.says(says));
            if !is_locked {
                return Ok(ran);
            }
            if begun.elapsed() >= self.request.lock_wait.0 {
                let name = self.flavour.program;
                let wait = self.request.lock_wait;
                let message = format!("somebody else still used {name} after {wait}");
                let mut error = CallError::retryable("locked", message);
                error.causes.extend(ran.last_line().map(|line| tool::shortened(line, 500)));
                return Err(error);
            }
            if !is_noted {
                is_noted = true;
                self.call.output.note(&format!("somebody else uses {}; waiting", self.flavour.program));
            }
            let wait = LOOK_AGAIN.min(self.request.lock_wait.0);
            unless_cancelled(self.call, tokio::time::sleep(wait)).await?;
        }
    }

    /// Why the manager failed, in its own words.
    fn said(&self, ran: &Ran) -> CallError {
        let mut error = ran.failure();
        error.causes.extend(said(ran));
        if self.flavour.unknown.iter().any(|says| ran.says(says)) {
            error.code = "unknownPackage".into();
            if self.request.index_age.is_none() {
                error.causes.push("the index was used as it is; `indexAge` fetches one that is old".into());
            }
        }
        error
    }

    /// Why what was planned would not do.
    pub(super) fn not_enough(&self, installed: &Installed, planned: &[Changed]) -> Option<CallError> {
        self.not_so(&flavour::with(installed, planned))
    }

    /// Why what is there now is not what is wanted, although the manager was content.
    pub(super) fn not_so(&self, installed: &Installed) -> Option<CallError> {
        let wrong = match self.request.state {
            PackageState::Absent => {
                let left = self.wanted.iter().find(|wanted| installed.contains_key(&wanted.name))?;
                format!("`{}` is still installed", left.name)
            }
            _ => {
                // A name that nothing has may be that of something which others provide.
                let is_other =
                    |wanted: &&Wanted| installed.contains_key(&wanted.name) && !wanted.is_met(installed);
                let other = self.wanted.iter().filter(|wanted| wanted.version.is_some()).find(is_other)?;
                let versions = installed.get(&other.name).map(|versions| versions.join(", "));
                format!(
                    "`{}` is {} and not {}",
                    other.name,
                    versions.unwrap_or_default(),
                    other.version.as_ref()?
                )
            }
        };
        Some(CallError::retryable("package", wrong))
    }
}

/// What a manager said besides the last line: its errors, and what pacman marks in its output.
fn said(ran: &Ran) -> Vec<String> {
    const MOST: usize = 5;
    let marked = ran.stdout.lines().filter(|line| line.starts_with(":: ") && !line.ends_with("..."));
    let lines = ran.stderr.lines().chain(marked).map(str::trim);
    let last = ran.last_line().unwrap_or_default();
    let lines: Vec<&str> = lines.filter(|line| !line.is_empty() && *line != last).collect();
    let shown = lines.get(lines.len().saturating_sub(MOST)..).unwrap_or_default();
    shown.iter().map(|line| tool::shortened(line, 200)).collect()
}

/// When something was changed; for a directory, when the newest thing in it was.
async fn modified(path: &str) -> Option<SystemTime> {
    let of = |found: std::fs::Metadata| found.modified().ok();
    let found = tokio::fs::metadata(path).await.ok()?;
    let is_directory = found.is_dir();
    let mut newest = of(found);
    // The index itself holds files with the server's times; sources hold files that people change.
    if is_directory && let Ok(mut entries) = tokio::fs::read_dir(path).await {
        while let Ok(Some(entry)) = entries.next_entry().await {
            let name = entry.file_name();
            let is_source =
                [".list", ".sources", ".repo"].iter().any(|end| name.to_string_lossy().ends_with(end));
            if is_source && let Ok(found) = entry.metadata().await {
                newest = newest.max(of(found));
            }
        }
    }
    newest
}
