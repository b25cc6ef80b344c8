//! One host: an sshd with a home of its own.

use std::ffi::OsString;
use std::fs;
use std::io;
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::keys::{keygen, run, told};
use crate::net::Net;

/// Where sshd is.
pub const SSHD: &str = "/usr/sbin/sshd";

/// Whether hosts can be had on this machine.
#[must_use]
pub fn is_possible() -> bool {
    Path::new(SSHD).exists()
}

/// A host that is up. Dropped, it is down, as if its cable had been pulled, unless it was made to stay.
#[derive(Debug)]
pub struct Host {
    /// What it is called.
    pub name: String,
    /// Its address.
    pub address: Ipv4Addr,
    /// Its port.
    pub port: u16,
    /// What is odd about it.
    pub kind: Kind,
    dir: PathBuf,
    own: Own,
    /// Its sshd, where that is a child of ours; one that stays has left its number in `pid`.
    child: Option<Child>,
}

/// What a host is to be like.
#[derive(Clone, Debug)]
pub struct Setup {
    /// What it is called.
    pub name: String,
    /// Its address.
    pub address: Ipv4Addr,
    /// Its port.
    pub port: u16,
    /// What is odd about it.
    pub kind: Kind,
    /// Further lines of its `sshd_config`, in front of the usual ones.
    pub config: String,
    /// How long it is there.
    pub stay: Stay,
    /// What it has for itself alone.
    pub own: Own,
}

/// What a host has for itself alone, beside its files.
#[derive(Clone, Debug, Default)]
pub struct Own {
    /// The network that it is in; that of whoever starts it where there is none.
    pub net: Option<Net>,
    /// Whether it has a first process and processes of its own, which end with it, and a `/var/lib/windlass`: it can be
    /// rebooted.
    pub processes: bool,
    /// Whether it has all files of this machine for itself, and a name: what is changed there, by whoever, is gone with it. It
    /// has processes of its own, too.
    pub files: bool,
}

/// How long a host is there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Stay {
    /// As long as somebody holds it.
    #[default]
    WhileHeld,
    /// Until it is taken down by [`Host::take_down`].
    UntilTakenDown,
}

/// What may be odd about a host.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Kind {
    /// Nothing.
    #[default]
    Plain,
    /// It shows another key than the known one.
    WrongKey,
    /// Whoever logs in gets no shell.
    BadShell,
    /// Nothing can be written in its home.
    ReadOnlyHome,
    /// It takes its time with everything.
    Slow,
    /// It takes connections and never says a word.
    Hung,
}

/// How long a host may take to come up; on a busy machine that is long.
const UP_WITHIN: Duration = Duration::from_secs(60);

// === impl Kind ===

impl Kind {
    /// All but the plain one.
    pub const ODD: [Self; 5] = [Self::WrongKey, Self::BadShell, Self::ReadOnlyHome, Self::Slow, Self::Hung];

    /// It in a word.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Plain => "plain",
            Self::WrongKey => "wrong-key",
            Self::BadShell => "bad-shell",
            Self::ReadOnlyHome => "read-only-home",
            Self::Slow => "slow",
            Self::Hung => "hung",
        }
    }
}

// === impl Own ===

/// The first process of a host that has processes of its own: told to end, it ends, and everything else with it.
///
/// What it is told: where its `/var/lib/windlass` lies; the directory of the farm, where it shall have a copy of all files,
/// with what is changed in it kept in memory; where that copy is put together.
const FIRST: &str = r#"
set -e
state=$1 farm=$2 place=$3
shift 3
mount --make-rprivate /
mkdir -p "$state"
if [ -n "$farm" ]; then
    mkdir -p "$place"
    mount -t tmpfs -o mode=755 none "$place"
    mkdir "$place/upper" "$place/work" "$place/root"
    mount -t overlay overlay -o "lowerdir=/,upperdir=$place/upper,workdir=$place/work" "$place/root"
    cd "$place/root"
    mkdir -p dev proc sys run old ".$farm"
    rm -f .dockerenv
    mount --rbind /dev dev
    mount --rbind /sys sys
    mount -t proc proc proc
    mount -t tmpfs -o mode=755 none run
    mkdir run/sshd run/lock
    mount --bind "$farm" ".$farm"
    pivot_root . old
    umount -l /old
    cd /
fi
mkdir -p /var/lib/windlass
mount --bind "$state" /var/lib/windlass
trap 'exit 0' TERM
"$@" &
while :; do sleep 1000 & wait $! || true; done
"#;

impl Own {
    /// What a program is started by.
    fn command(&self, dir: &Path) -> io::Result<Command> {
        let mut words: Vec<OsString> = Vec::new();
        if let Some(net) = &self.net {
            words.extend(net.enter());
        }
        if self.has_processes() {
            let unshare = [
                "unshare",
                "--mount",
                "--uts",
                "--ipc",
                "--pid",
                "--fork",
                "--mount-proc",
                "--kill-child",
                "sh",
                "-c",
                FIRST,
                "first",
            ];
            words.extend(unshare.map(OsString::from));
            words.push(dir.join("state").into());
            let farm = dir.parent().filter(|_| self.files);
            words.push(farm.unwrap_or(Path::new("")).into());
            words.push(dir.join("root").into());
        }
        if words.is_empty() {
            words.push("env".into());
        }
        let mut command = Command::new(words.remove(0));
        command.args(words);
        Ok(command)
    }

    fn has_processes(&self) -> bool {
        self.processes || self.files
    }
}

// === impl Host ===

impl Host {
    /// Starts a host. Its files lie in a directory of its own; whose public key is in `authorized` may log in.
    ///
    /// # Errors
    ///
    /// sshd cannot be started, or does not answer.
    pub fn start(setup: Setup, dir: &Path, authorized: &Path) -> io::Result<Self> {
        let Setup { name, address, port, kind, config, stay, own } = setup;
        let home = dir.join("home");
        fs::create_dir_all(&home)?;
        fs::create_dir_all(dir.join("tmp"))?;
        keygen(&dir.join("host_key"))?;
        // sshd wants it, whether it uses it or not.
        let _ = fs::create_dir_all("/run/sshd");
        let at = dir.display();
        let odd = match kind {
            Kind::Plain | Kind::WrongKey | Kind::Hung => "",
            Kind::BadShell => "ForceCommand echo This account is not available.; exit 1\n",
            Kind::Slow => "ForceCommand sleep 1; exec /bin/sh -c \"$SSH_ORIGINAL_COMMAND\"\n",
            Kind::ReadOnlyHome => {
                // A file where a directory is wanted stops even those whom permissions do not.
                fs::write(home.join(".cache"), "")?;
                ""
            }
        };
        let text = format!(
            "{config}{odd}ListenAddress {address}:{port}\nHostKey {at}/host_key\nAuthorizedKeysFile {authorized}\nPidFile {at}/pid\n\
             StrictModes no\nUsePAM no\nPasswordAuthentication no\nKbdInteractiveAuthentication no\nPermitRootLogin yes\n\
             MaxStartups 1000:30:2000\nMaxSessions 1000\nUseDNS no\nPrintMotd no\nPrintLastLog no\nLogLevel ERROR\n\
             SetEnv HOME={at}/home XDG_CACHE_HOME={at}/home/.cache TMPDIR={at}/tmp\nSubsystem sftp internal-sftp\n",
            authorized = authorized.display(),
        );
        fs::write(dir.join("sshd_config"), text)?;
        let mut host = Self { name, address, port, kind, dir: dir.to_owned(), own, child: None };
        match stay {
            Stay::WhileHeld => host.up()?,
            Stay::UntilTakenDown => {
                run(Command::new(SSHD)
                    .arg("-f")
                    .arg(dir.join("sshd_config"))
                    .arg("-E")
                    .arg(dir.join("log")))?;
                host.answers()?;
            }
        }
        if kind == Kind::Hung {
            // The kernel goes on to take connections for it.
            host.signal("STOP");
        }
        Ok(host)
    }

    /// Brings it up, again if it was down.
    ///
    /// # Errors
    ///
    /// sshd cannot be started, or does not answer.
    pub fn up(&mut self) -> io::Result<()> {
        let _ = fs::remove_file(self.dir.join("pid"));
        let log = fs::File::options().create(true).append(true).open(self.dir.join("log"))?;
        let mut command = self.own.command(&self.dir)?;
        command.args([SSHD, "-D", "-e", "-f"]).arg(self.dir.join("sshd_config"));
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log);
        self.child = Some(command.spawn().map_err(|error| told(SSHD, &error))?);
        self.answers()
    }

    /// Waits until it listens, and not somebody else who was given the same port: only then it leaves its number.
    fn answers(&mut self) -> io::Result<()> {
        let begun = Instant::now();
        // What it is called among processes of its own says nothing to others.
        let is_up = || match self.own.has_processes() {
            true => self.dir.join("pid").exists(),
            false => pid_of(&self.dir).is_some(),
        };
        while !is_up() {
            let ended = |child: &mut Child| matches!(child.try_wait(), Ok(Some(_)) | Err(_));
            if self.child.as_mut().is_some_and(ended) || begun.elapsed() > UP_WITHIN {
                return Err(io::Error::other(format!("{} does not come up: {}", self.name, self.log())));
            }
            std::thread::yield_now();
        }
        Ok(())
    }

    /// Takes it down: nobody can connect any more. Connections that there are go on, unless its processes are its own:
    /// then they end with it.
    pub fn down(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }

    /// Whether it went down by itself.
    pub fn has_ended(&mut self) -> bool {
        self.child.as_mut().is_none_or(|child| !matches!(child.try_wait(), Ok(None)))
    }

    /// Takes a host down that was made to stay, by the directory that its files lie in; says whether it was up.
    #[must_use]
    pub fn take_down(dir: &Path) -> bool {
        let Some(pid) = pid_of(dir) else { return false };
        let killed = Command::new("kill").args(["-s", "KILL", &pid]).stderr(Stdio::null()).status();
        let _ = fs::remove_file(dir.join("pid"));
        killed.is_ok_and(|status| status.success())
    }

    /// Whether a host that was made to stay is up.
    #[must_use]
    pub fn is_up(dir: &Path) -> bool {
        pid_of(dir).is_some_and(|pid| Path::new("/proc").join(pid).exists())
    }

    /// A file of the host's own directory: `home/...`, `log`.
    #[must_use]
    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.join(name)
    }

    /// What sshd said.
    #[must_use]
    pub fn log(&self) -> String {
        fs::read_to_string(self.path("log")).unwrap_or_default()
    }

    /// Cuts every connection that there is, as a firewall would that forgets them. New ones can be made.
    pub fn cut(&self) {
        let Some(pid) = self.pid() else { return };
        for child in children(&pid) {
            let _ = Command::new("kill").args(["-s", "KILL", &child]).stderr(Stdio::null()).status();
        }
    }

    fn pid(&self) -> Option<String> {
        self.child.as_ref().map(|child| child.id().to_string()).or_else(|| pid_of(&self.dir))
    }

    fn signal(&self, signal: &str) {
        if let Some(pid) = self.pid() {
            let _ = Command::new("kill").args(["-s", signal, &pid]).status();
        }
    }

    /// The line of a `known_hosts` that knows it by the public key in a file.
    pub(crate) fn known_as(&self, key: &Path) -> io::Result<String> {
        let key = fs::read_to_string(key).map_err(|error| told(&key.display().to_string(), &error))?;
        let key: Vec<&str> = key.split_whitespace().take(2).collect();
        // The usual port is left out, as OpenSSH does.
        let name = match self.port {
            22 => self.address.to_string(),
            port => format!("[{}]:{port}", self.address),
        };
        Ok(format!("{name} {}\n", key.join(" ")))
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        self.down();
    }
}

fn pid_of(dir: &Path) -> Option<String> {
    let text = fs::read_to_string(dir.join("pid")).ok()?;
    let pid = text.trim();
    let is_own = || {
        let line = fs::read(Path::new("/proc").join(pid).join("cmdline")).unwrap_or_default();
        // A number is given to another process before long.
        String::from_utf8_lossy(&line).contains("sshd")
    };
    (pid.parse::<u32>().is_ok() && is_own()).then(|| pid.to_owned())
}

/// The children of a process: of an sshd, one for each connection.
fn children(pid: &str) -> Vec<String> {
    let path = format!("/proc/{pid}/task/{pid}/children");
    let text = fs::read_to_string(path).unwrap_or_default();
    text.split_whitespace().map(str::to_owned).collect()
}
