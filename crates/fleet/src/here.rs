//! What this process knows of where it is: whose home, which files of ssh, which ssh-agent, which secrets.

use std::fmt;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use windlass_plugin::SecretProvider;

use crate::led_to::{LedTo, Nowhere};
use crate::secrets::FromEnvironment;

/// This side, as far as reaching a node depends on it.
#[derive(Clone)]
pub struct Here {
    /// The home that `~` stands for.
    pub home: PathBuf,
    /// Who logs in where nothing says whom to log in as.
    pub user: String,
    /// The `ssh_config` to read instead of the user's and the system's.
    pub ssh_config: Option<PathBuf>,
    /// The socket of the ssh-agent, where there is one.
    pub ssh_agent: Option<PathBuf>,
    /// Where secrets come from.
    pub secrets: Arc<dyn SecretProvider>,
    /// Where names of hosts have led to.
    pub led_to: Arc<dyn LedTo>,
}

// === impl Here ===

impl Here {
    /// As the environment of this process says.
    #[must_use]
    pub fn of_this_process() -> Self {
        let path = |name| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
        let account = own_account();
        let home = path("HOME").or_else(|| account.as_ref().map(|(_, home)| home.clone()));
        Self {
            home: home.unwrap_or_else(|| PathBuf::from("/")),
            user: account.map_or_else(|| "root".to_owned(), |(user, _)| user),
            ssh_config: path("WINDLASS_SSH_CONFIG"),
            ssh_agent: path("SSH_AUTH_SOCK"),
            secrets: Arc::new(FromEnvironment),
            led_to: Arc::new(Nowhere),
        }
    }

    /// The same with another source of secrets.
    #[must_use]
    pub fn secrets(self, secrets: impl SecretProvider + 'static) -> Self {
        Self { secrets: Arc::new(secrets), ..self }
    }

    /// The same with somewhere to keep where names have led to.
    #[must_use]
    pub fn led_to(self, led_to: impl LedTo + 'static) -> Self {
        Self { led_to: Arc::new(led_to), ..self }
    }

    /// A path as somebody wrote it.
    #[must_use]
    pub fn expand(&self, path: &str) -> PathBuf {
        match path.strip_prefix("~/") {
            Some(rest) => self.home.join(rest),
            None => PathBuf::from(path),
        }
    }
}

impl fmt::Debug for Here {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Here").field("home", &self.home).field("user", &self.user).finish_non_exhaustive()
    }
}

/// The name and home of the account that this process runs as. Not `$USER`: anybody can set that.
fn own_account() -> Option<(String, PathBuf)> {
    let uid = std::fs::metadata("/proc/self").ok()?.uid().to_string();
    account(Path::new("/etc/passwd"), &uid)
}

fn account(accounts: &Path, uid: &str) -> Option<(String, PathBuf)> {
    std::fs::read_to_string(accounts).ok()?.lines().find_map(|line| {
        let fields: Vec<&str> = line.split(':').collect();
        let is_own = fields.get(2) == Some(&uid);
        is_own.then(|| Some((fields.first()?.to_string(), PathBuf::from(fields.get(5)?))))?
    })
}
