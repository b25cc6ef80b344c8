//! Another program for this agent, which the server offers: fetched, held against its hash, tried, and only then run in the
//! place of this one, between pieces of work.
//!
//! ```text
//!   offer ─► <home>/programs/windlass-<hash> ─► does it come up? ─no─► never again
//!                                                   │ yes
//!               nothing is open ─► program.json: trying ─► it takes the place of this process ─► welcome ─► good
//!                                                   └─ it died before that: whoever starts next marks it as bad ─┘
//! ```

use std::ffi::OsString;
use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use futures_util::StreamExt as _;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use windlass_line::{Fingerprint, Offer, ProgramRequest};

use crate::channel::{Channel, program};
use crate::error::Error;
use crate::home::Home;

/// How a process of this agent is begun.
#[derive(Clone, Debug)]
pub struct Upgrades {
    /// Its program.
    pub program: PathBuf,
    /// What it is told: to serve from its directory.
    pub serve: Vec<OsString>,
    /// What it is told to find out whether it would come up.
    pub check: Vec<OsString>,
}

/// Which program serves instead of the one that was installed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Choice {
    v: u8,
    /// Its hash.
    sha256: String,
    /// The hash of the one that was installed: when somebody installs another, that one counts.
    installed: String,
    stands: Stands,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
enum Stands {
    /// It was begun, and has not been welcomed yet.
    Trying,
    /// It has served.
    Good,
    /// It did not come up.
    Bad,
}

const VERSION: u8 = 1;
/// Tells a program that it was chosen, and by whom.
const CHOSEN: &str = "WINDLASS_AGENT_CHOSEN_BY";
/// How long a program has to find out whether it comes up.
const COMES_UP_WITHIN: Duration = Duration::from_secs(60);
/// The largest program.
const LARGEST: u64 = 1 << 30;

// === impl Upgrades ===

impl Upgrades {
    /// Goes on with the program that was chosen earlier, if it is as it was; else this one serves.
    pub fn go_on(&self, home: &Home) {
        if std::env::var_os(CHOSEN).is_some() {
            return;
        }
        let Some(choice) = Choice::read(home) else { return };
        let installed = hash(&self.program).unwrap_or_default();
        match choice.stands {
            _ if choice.installed != installed => choice.forget(home),
            Stands::Trying => Choice { stands: Stands::Bad, ..choice }.keep(home),
            Stands::Bad => {}
            Stands::Good => {
                let path = choice.path(home);
                if hash(&path).is_ok_and(|found| found == choice.sha256) {
                    // It returns only when that cannot be.
                    let _ = self.become_(&path, &installed);
                }
            }
        }
    }

    /// The hash of this program, by which the server knows whether to offer another one.
    #[must_use]
    pub fn own(&self) -> String {
        std::env::current_exe().and_then(|path| hash(&path)).unwrap_or_default()
    }

    /// It has served: it is as good as the one that was installed.
    pub(crate) fn welcomed(&self, home: &Home) {
        if std::env::var_os(CHOSEN).is_some()
            && let Some(choice) = Choice::read(home).filter(|choice| choice.stands == Stands::Trying)
        {
            Choice { stands: Stands::Good, ..choice }.keep(home);
        }
    }

    /// Fetches and tries a program; whether it may take the place of this one.
    pub(crate) async fn fetch(
        &self,
        home: &Home,
        channel: &Channel,
        offer: &Offer,
    ) -> Result<PathBuf, String> {
        if Choice::read(home).is_some_and(|it| it.sha256 == offer.sha256 && it.stands == Stands::Bad) {
            return Err("it did not come up the last time".to_owned());
        }
        let is_hash = offer.sha256.len() == 64 && offer.sha256.bytes().all(|byte| byte.is_ascii_hexdigit());
        if !is_hash || offer.len > LARGEST {
            return Err("what is said of it makes no sense".to_owned());
        }
        let path = home.path().join("programs").join(format!("windlass-{}", offer.sha256));
        if !hash(&path).is_ok_and(|found| found == offer.sha256) {
            self.load(&path, channel, offer).await?;
        }
        let mut check = tokio::process::Command::new(&path);
        check
            .args(&self.check)
            .env(CHOSEN, "check")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        check.kill_on_drop(true);
        let came = tokio::time::timeout(COMES_UP_WITHIN, check.status()).await;
        match came {
            Ok(Ok(status)) if status.success() => Ok(path),
            _ => {
                let choice = Choice {
                    v: VERSION,
                    sha256: offer.sha256.clone(),
                    installed: hash(&self.program).unwrap_or_default(),
                    stands: Stands::Bad,
                };
                choice.keep(home);
                let _ = fs::remove_file(&path);
                Err("it does not come up".to_owned())
            }
        }
    }

    async fn load(&self, path: &Path, channel: &Channel, offer: &Offer) -> Result<(), String> {
        let failed = |error: io::Error| format!("{} cannot be written: {error}", path.display());
        fs::create_dir_all(path.parent().unwrap_or(Path::new("."))).map_err(failed)?;
        let part = path.with_added_extension("part");
        let mut file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o700)
            .open(&part)
            .map_err(failed)?;
        let request = ProgramRequest { sha256: offer.sha256.clone() };
        let mut pieces = program(channel, request).await.map_err(|error| error.to_string())?;
        let (mut sum, mut len) = (Sha256::new(), 0_u64);
        while let Some(piece) = pieces.next().await {
            let bytes = piece.map_err(|status| status.message().to_owned())?.bytes;
            len = len.saturating_add(bytes.len() as u64);
            if len > offer.len {
                return Err("more came than was offered".to_owned());
            }
            sum.update(&bytes);
            file.write_all(&bytes).map_err(failed)?;
        }
        if Fingerprint(sum.finalize().into()).to_string() != offer.sha256 {
            let _ = fs::remove_file(&part);
            return Err("what came is not what was offered".to_owned());
        }
        file.sync_all().map_err(failed)?;
        drop(file);
        fs::rename(&part, path).map_err(failed)
    }

    /// Lets a program that was tried take the place of this process. It returns only when that cannot be.
    pub(crate) fn swap(&self, home: &Home, path: &Path, sha256: &str) -> Error {
        let installed = std::env::var(CHOSEN).ok().filter(|by| by.len() == 64);
        let installed = installed.unwrap_or_else(|| hash(&self.program).unwrap_or_default());
        Choice {
            v: VERSION,
            sha256: sha256.to_owned(),
            installed: installed.clone(),
            stands: Stands::Trying,
        }
        .keep(home);
        // Those before it are not needed any more.
        for entry in fs::read_dir(home.path().join("programs")).into_iter().flatten().flatten() {
            if entry.path() != path && std::env::current_exe().is_ok_and(|own| own != entry.path()) {
                let _ = fs::remove_file(entry.path());
            }
        }
        self.become_(path, &installed)
    }

    fn become_(&self, path: &Path, installed: &str) -> Error {
        let source = Command::new(path).args(&self.serve).env(CHOSEN, installed).exec();
        Error::File { action: "start", path: path.to_owned(), source }
    }
}

// === impl Choice ===

impl Choice {
    fn read(home: &Home) -> Option<Self> {
        let text = fs::read(home.path().join("program.json")).ok()?;
        serde_json::from_slice(&text).ok().filter(|choice: &Self| choice.v <= VERSION)
    }

    /// What cannot be kept is found out again.
    fn keep(&self, home: &Home) {
        let (path, part) = (home.path().join("program.json"), home.path().join("program.json.part"));
        let written = serde_json::to_vec_pretty(self).map_err(io::Error::other);
        let _ = written.and_then(|text| fs::write(&part, text)).and_then(|()| fs::rename(&part, &path));
    }

    fn forget(&self, home: &Home) {
        let _ = fs::remove_file(home.path().join("program.json"));
        let _ = fs::remove_file(self.path(home));
    }

    fn path(&self, home: &Home) -> PathBuf {
        home.path().join("programs").join(format!("windlass-{}", self.sha256))
    }
}

fn hash(path: &Path) -> io::Result<String> {
    let (mut file, mut sum) = (fs::File::open(path)?, Sha256::new());
    io::copy(&mut file, &mut Summing(&mut sum))?;
    Ok(Fingerprint(sum.finalize().into()).to_string())
}

struct Summing<'a>(&'a mut Sha256);

impl io::Write for Summing<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
