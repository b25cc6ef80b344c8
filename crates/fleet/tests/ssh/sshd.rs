//! A real sshd with keys of its own, on a free port of this machine.

use std::fs;
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

pub(crate) struct Sshd {
    pub(crate) port: u16,
    dir: TempDir,
    child: Child,
}

const PROGRAM: &str = "/usr/sbin/sshd";

pub(crate) fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// The agent that belongs to these tests. A build of the whole workspace has made it already.
pub(crate) fn agent_binary() -> PathBuf {
    let here = std::env::current_exe().unwrap();
    let agent = here.ancestors().nth(2).unwrap().join("windlass-agent");
    if !agent.exists() {
        let args = ["build", "--quiet", "--package", "windlass-agent"];
        assert!(Command::new(env!("CARGO")).args(args).status().unwrap().success());
    }
    agent
}

fn keygen(dir: &Path, name: &str) {
    let path = dir.join(name);
    let args = ["-q", "-t", "ed25519", "-N", "", "-f"];
    assert!(Command::new("ssh-keygen").args(args).arg(path).status().unwrap().success());
}

impl Sshd {
    /// `None` where there is no sshd, which the run of the tests counts as skipped.
    pub(crate) fn start() -> Option<Self> {
        if !Path::new(PROGRAM).exists() {
            assert!(std::env::var_os("CI").is_none(), "{PROGRAM} is missing");
            println!("skipped: {PROGRAM} is missing");
            return None;
        }
        let dir = TempDir::new().unwrap();
        for name in ["host_key", "wrong_host_key", "user_key", "stranger_key"] {
            keygen(dir.path(), name);
        }
        fs::create_dir_all("/run/sshd").unwrap();
        fs::copy(dir.path().join("user_key.pub"), dir.path().join("authorized")).unwrap();
        let port = free_port();
        let at = dir.path().display();
        let config = format!(
            "ListenAddress 127.0.0.1:{port}\nHostKey {at}/host_key\nAuthorizedKeysFile {at}/authorized\nPidFile none\n\
             StrictModes no\nUsePAM no\nPasswordAuthentication no\nKbdInteractiveAuthentication no\nPermitRootLogin yes\n\
             MaxStartups 1000:30:2000\nMaxSessions 1000\nUseDNS no\nPrintMotd no\nPrintLastLog no\nLogLevel ERROR\n\
             SetEnv XDG_CACHE_HOME={at}/cache\nSubsystem sftp internal-sftp\n"
        );
        fs::write(dir.path().join("sshd_config"), config).unwrap();
        let child = Command::new(PROGRAM)
            .args(["-D", "-e", "-f"])
            .arg(dir.path().join("sshd_config"))
            .stdin(Stdio::null())
            .stderr(fs::File::create(dir.path().join("log")).unwrap())
            .spawn()
            .unwrap();
        let sshd = Self { port, dir, child };
        let begun = Instant::now();
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(
                begun.elapsed() < Duration::from_secs(20),
                "{}",
                fs::read_to_string(sshd.path("log")).unwrap()
            );
            std::thread::yield_now();
        }
        sshd.know("known_hosts", "host_key.pub");
        fs::write(sshd.path("ssh_config"), "").unwrap();
        Some(sshd)
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// Writes a file of known hosts in which this host has that key.
    pub(crate) fn know(&self, file: &str, key: &str) {
        let key = fs::read_to_string(self.path(key)).unwrap();
        let key: Vec<&str> = key.split_whitespace().take(2).collect();
        fs::write(self.path(file), format!("[127.0.0.1]:{} {}\n", self.port, key.join(" "))).unwrap();
    }

    /// The same with hashed names.
    pub(crate) fn hash_known(&self, from: &str, to: &str) {
        fs::copy(self.path(from), self.path(to)).unwrap();
        let hashed = Command::new("ssh-keygen").args(["-q", "-H", "-f"]).arg(self.path(to)).output().unwrap();
        assert!(hashed.status.success());
        assert!(fs::read_to_string(self.path(to)).unwrap().starts_with("|1|"));
    }
}

impl Drop for Sshd {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
