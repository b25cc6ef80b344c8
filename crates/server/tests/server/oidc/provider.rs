//! The provider, as a process of its own.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};

/// Where `cargo xtask test` puts it.
const PLACE: &str = concat!(env!("CARGO_TARGET_TMPDIR"), "/tools/oidc-provider");
const PROGRAM: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/server/oidc/provider.mjs");
/// Where it sends browsers back to; they find the server there whose port is known only later.
pub(crate) const REDIRECT: &str = "https://windlass.example.org/api/v1/oidc/callback";

pub(crate) struct Real {
    pub(crate) issuer: String,
    process: Child,
    /// It may say more, and must not end for want of somebody who listens.
    _says: BufReader<ChildStdout>,
}

impl Real {
    /// None where it cannot be had, which is said.
    pub(crate) fn begin(test: &str) -> Option<Self> {
        if !Path::new(PLACE).join("installed").exists() {
            skip(test, "there is no oidc-provider; `cargo xtask test` installs it");
            return None;
        }
        let mut command = Command::new("node");
        command.args([PROGRAM, PLACE, REDIRECT]);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut process = command.spawn().unwrap();
        let mut issuer = String::new();
        let mut says = BufReader::new(process.stdout.take().unwrap());
        says.read_line(&mut issuer).unwrap();
        Some(Self { issuer: issuer.trim().to_owned(), process, _says: says })
    }
}

#[expect(clippy::print_stdout, reason = "to tell why it did not run")]
fn skip(test: &str, why: &str) {
    println!("SKIPPED: {test}: {why}");
    if let Some(path) = std::env::var_os("WINDLASS_SKIP_LOG") {
        use std::io::Write as _;
        let mut file = std::fs::OpenOptions::new().append(true).create(true).open(path).unwrap();
        writeln!(file, "{test}: {why}").unwrap();
    }
}

impl Drop for Real {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
