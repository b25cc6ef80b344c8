//! What arrives is what was sent, whatever the host can unpack, and an agent starts whatever the login shell is.

use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};

use windlass_plugin::BoxFuture;

use super::*;
use crate::agents::Agents;
use crate::exec::{Terminal, quoted};
use crate::local::Child;

/// This machine, with something said in front of every command.
struct Saying(Child, String);

impl Exec for Saying {
    fn name(&self) -> &str {
        self.0.name()
    }

    fn exec<'a>(&'a self, command: &'a str, terminal: Terminal) -> BoxFuture<'a, Result<Channel, CallError>> {
        let command = format!("{} {command}", self.1);
        Box::pin(async move { self.0.exec(&command, terminal).await })
    }
}

#[tokio::test]
async fn hosts_with_and_without_gzip_get_the_same_agent() {
    let dir = tempfile::TempDir::new().unwrap();
    let program = dir.path().join("program");
    // Nothing that packs well, and longer than any pipe holds.
    let content: Vec<u8> =
        (0..300_000_u32).flat_map(|n| (n.wrapping_mul(2_654_435_761)).to_le_bytes()).collect();
    std::fs::write(&program, &content).unwrap();
    let agents = Agents::of("mips", &program);
    let binary = agents.fit("Linux mips").await.unwrap().unwrap();
    let tools = ["chmod", "head", "id", "mkdir", "mv", "rm", "sha256sum", "wc"];
    for tools in [&[tools.as_slice(), &["gzip"]].concat(), tools.as_slice()] {
        let home = dir.path().join(format!("with-{}", tools.len()));
        let bin = home.join("bin");
        std::fs::create_dir_all(&bin).unwrap();
        for tool in tools {
            let found = ["/bin", "/usr/bin"].map(|place| Path::new(place).join(tool));
            symlink(found.iter().find(|path| path.exists()).unwrap(), bin.join(tool)).unwrap();
        }
        let said = format!("export PATH={} XDG_CACHE_HOME={}; ", bin.display(), home.display());
        let host = Saying(Child::here("web01"), said);
        let (step, within) = (Duration::from_secs(60), Duration::from_secs(60));
        assert!(matches!(place(&host, binary, None, step, within).await.unwrap(), Placed::Yes));
        let placed = home.join("windlass").join(binary.name());
        assert!(std::fs::read(&placed).unwrap() == content);
        assert_eq!(std::fs::metadata(&placed).unwrap().permissions().mode() & 0o777, 0o700);
        // Nothing else is left there.
        assert_eq!(std::fs::read_dir(home.join("windlass")).unwrap().count(), 1);
    }
}

/// This machine behind a login shell that is of no POSIX kind: it shows what it does not understand.
struct Odd {
    here: Child,
    is_odd: bool,
    asked: AtomicUsize,
}

impl Exec for Odd {
    fn name(&self) -> &str {
        self.here.name()
    }

    fn exec<'a>(&'a self, command: &'a str, terminal: Terminal) -> BoxFuture<'a, Result<Channel, CallError>> {
        self.asked.fetch_add(1, Ordering::Relaxed);
        Box::pin(async move {
            if self.is_odd && !command.starts_with("exec /bin/sh -c ") {
                let answer = format!("echo {}; exit 2", quoted(&format!("syntax error: {command}")));
                return self.here.exec(&answer, terminal).await;
            }
            self.here.exec(command, terminal).await
        })
    }
}

#[tokio::test]
async fn a_login_shell_that_does_not_take_the_script_is_asked_for_another_one() {
    let dir = tempfile::TempDir::new().unwrap();
    let program = dir.path().join("program");
    std::fs::write(&program, "not there").unwrap();
    let agents = Agents::of("mips", &program);
    for (is_odd, times) in [(false, 1), (true, 2)] {
        let host = Odd { here: Child::here("web01"), is_odd, asked: AtomicUsize::new(0) };
        let all = agents.all().await.unwrap();
        let started = start(&host, all.values(), None, Duration::from_secs(60)).await.unwrap();
        let Start::Missing { system } = started else { panic!("it is not there") };
        assert!(system.starts_with("Linux "), "{system}");
        assert_eq!(host.asked.into_inner(), times);
    }
}
