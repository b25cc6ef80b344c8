//! What arrives is what was sent, whatever the host can unpack.

use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::Path;

use windlass_plugin::BoxFuture;

use super::*;
use crate::agents::Agents;
use crate::exec::Terminal;
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
