//! What arrives is what was sent, whatever the host can unpack, and an agent starts whatever the login shell is.

use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};

use windlass_plugin::BoxFuture;

use super::*;
use crate::agents::Agents;
use crate::exec::{Terminal, quoted};
use crate::local::Child;

/// This machine, with something said in front of every command, and some shell.
struct Saying {
    exec: Child,
    said: String,
    shell: String,
}

impl Exec for Saying {
    fn name(&self) -> &str {
        self.exec.name()
    }

    fn exec<'a>(&'a self, command: &'a str, terminal: Terminal) -> BoxFuture<'a, Result<Channel, CallError>> {
        let command = format!("{} exec {} -c {}", self.said, self.shell, quoted(command));
        Box::pin(async move { self.exec.exec(&command, terminal).await })
    }
}

#[tokio::test]
async fn an_agent_of_another_machine_is_not_taken_for_a_script() {
    let dir = tempfile::TempDir::new().unwrap();
    let (cache, flag) = (dir.path().join("windlass"), dir.path().join("done"));
    std::fs::create_dir(&cache).unwrap();
    let busybox = ["/bin/busybox", "/usr/bin/busybox"].into_iter().find(|path| Path::new(path).exists());
    let Some(busybox) = busybox else {
        return skip("an_agent_of_another_machine_is_not_taken_for_a_script", "there is no busybox");
    };
    for shell in [format!("{busybox} sh"), "/bin/sh".to_owned()] {
        let program = dir.path().join("program");
        std::fs::write(&program, format!("\x7fELF\ntouch {}\n", flag.display())).unwrap();
        let agents = Agents::of("mips", &program);
        let agents = agents.all().await.unwrap();
        let placed = cache.join(agents.values().next().unwrap().name());
        std::fs::copy(&program, &placed).unwrap();
        std::fs::set_permissions(&placed, std::fs::Permissions::from_mode(0o700)).unwrap();
        let host = Saying {
            exec: Child::here("web01"),
            said: format!("export XDG_CACHE_HOME={}; ", dir.path().display()),
            shell: shell.clone(),
        };
        let started = start(&host, agents, None, Duration::from_secs(60)).await.unwrap();
        let Start::Missing { system } = started else { panic!("{shell} found it") };
        assert!(system.ends_with(std::env::consts::ARCH), "{system}");
        assert!(!flag.exists(), "{shell} took it for a script");
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
        let host = Saying { exec: Child::here("web01"), said, shell: "/bin/sh".into() };
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
        let started = start(&host, all, None, Duration::from_secs(60)).await.unwrap();
        let Start::Missing { system } = started else { panic!("it is not there") };
        assert!(system.starts_with("Linux "), "{system}");
        assert_eq!(host.asked.into_inner(), times);
    }
}

/// Says that a test cannot do its work here.
fn skip(test: &str, why: &str) {
    println!("SKIPPED: {test}: {why}");
    if let Some(path) = std::env::var_os("WINDLASS_SKIP_LOG") {
        use std::io::Write as _;
        let mut file = std::fs::OpenOptions::new().append(true).create(true).open(path).unwrap();
        writeln!(file, "{test}: {why}").unwrap();
    }
}
