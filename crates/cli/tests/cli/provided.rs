//! Signing in by a provider of OpenID Connect, as a person does at a command line.

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};

use crate::harness::{Ended, Place, Running, ended, root, running, skip};

/// Where `cargo xtask test` puts the provider.
const PLACE: &str = concat!(env!("CARGO_TARGET_TMPDIR"), "/tools/oidc-provider");

/// A real provider, whose certificate an authority of its own has signed.
struct Provider {
    issuer: String,
    process: Child,
    /// It may say more, and must not end for want of somebody who listens.
    _says: BufReader<ChildStdout>,
}

// === impl Provider ===

impl Provider {
    /// One that sends people back to this server; none where it cannot be had.
    fn begin(test: &str, server: &str) -> Option<Self> {
        if !Path::new(PLACE).join("installed").exists() {
            skip(test, "there is no oidc-provider; `cargo xtask test` installs it");
            return None;
        }
        let program = root().join("crates/server/tests/server/oidc/provider.mjs");
        let redirect = format!("{server}/api/v1/oidc/callback");
        let mut command = Command::new("node");
        command.arg(program).args([PLACE, &redirect]).arg(certificates());
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut process = command.spawn().unwrap();
        let mut issuer = String::new();
        let mut says = BufReader::new(process.stdout.take().unwrap());
        says.read_line(&mut issuer).unwrap();
        Some(Self { issuer: issuer.trim().to_owned(), process, _says: says })
    }

    /// A server at this address by which people sign in here.
    fn serves(&self, place: &Place, address: &str, ca: Option<&Path>) -> Running {
        place.file("oidc.secret", "what/the provider+gave");
        let mut command = place.command(&["server", "--listen", address]);
        command
            .env("WINDLASS_SERVER_OIDC_ISSUER", &self.issuer)
            .env("WINDLASS_SERVER_OIDC_URL", format!("http://{address}"))
            .env("WINDLASS_SERVER_OIDC_CLIENT_ID", "windlass")
            .env("WINDLASS_SERVER_OIDC_CLIENT_SECRET_FILE", place.path("oidc.secret"))
            .env("WINDLASS_SERVER_OIDC_NAME", "Example Corp")
            .env("WINDLASS_SERVER_OIDC_SCOPES", "profile")
            .env("WINDLASS_SERVER_OIDC_CREATE", "true");
        if let Some(ca) = ca {
            command.env("WINDLASS_SERVER_OIDC_CA", ca);
        }
        let mut server = running(command);
        server.wait_for_line("listens on http://");
        server
    }
}

impl Drop for Provider {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn certificates() -> PathBuf {
    root().join("crates/plugins/tests/certificates")
}

/// An address where nobody listens.
fn address() -> String {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string()
}

/// Signs in there as somebody; what stands there at last.
fn browses(url: &str, account: &str) -> Ended {
    let mut command = Command::new("node");
    command.arg(root().join("crates/cli/tests/cli/provided.mjs")).args([url, account]);
    command.env("NODE_EXTRA_CA_CERTS", certificates().join("authority.pem"));
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    ended(command)
}

#[test]
fn somebody_signs_in_by_a_browser_here_and_by_a_code_elsewhere() {
    let address = address();
    let url = format!("http://{address}");
    let name = "somebody_signs_in_by_a_browser_here_and_by_a_code_elsewhere";
    let Some(provider) = Provider::begin(name, &url) else { return };
    let place = Place::new();
    let server = provider.serves(&place, &address, Some(&certificates().join("authority.pem")));

    let mut login = place.start(&["login", &url, "--oidc", "--context", "here"]);
    login.wait_for_words(&format!("signing in by Example Corp ({})", provider.issuer));
    let line = login.words_with("open this in a browser on this machine: ");
    let at = line.trim().rsplit(' ').next().unwrap().to_owned();
    browses(&at, "ann").exits(0).shows(&["You have signed in. This page can be closed."]);
    let signed_in = login.end().exits(0).shows(&["signed in to", "as ann", "the current context, `here`"]);
    signed_in.says(&["it is good until"]);
    assert_eq!(place.run(&["whoami", "-o", "json"]).exits(0).json()["user"], "ann");
    // They are somebody, and may do nothing until somebody lets them.
    place.run(&["get", "nodes"]).exits(2).says(&["WL-1002"]);

    let mut login = place.start(&["login", &url, "--oidc", "--device", "--context", "code"]);
    let line = login.words_with("in any browser, and see that it shows this code:");
    let at = line.split_whitespace().find(|word| word.starts_with("https://")).unwrap().to_owned();
    let code = login.words_with("-").trim().to_owned();
    assert!(at.contains(&code), "{at} {code}");
    browses(&at, "bob").exits(0).shows(&["Success"]);
    login.end().exits(0).shows(&["as bob", "`code`"]);
    assert_eq!(place.run(&["whoami", "-o", "json"]).exits(0).json()["user"], "bob");

    // Who is gone is waited for by nobody, and a provider that is away is said to be.
    drop(provider);
    place.run(&["login", &url, "--oidc", "--device"]).exits(5).says(&["WL-1011"]);
    place.run(&["whoami", "--context", "here"]).exits(0);
    server.signal("TERM");
    server.end().exits(0);
}

#[test]
fn a_provider_whose_certificate_nobody_here_trusts_is_not_asked() {
    let address = address();
    let url = format!("http://{address}");
    let name = "a_provider_whose_certificate_nobody_here_trusts_is_not_asked";
    let Some(provider) = Provider::begin(name, &url) else { return };
    let place = Place::new();
    let server = provider.serves(&place, &address, None);
    place.run(&["login", &url, "--oidc", "--device"]).exits(5).says(&["WL-1011", "certificate"]);
    server.signal("TERM");
    server.end().exits(0);
    // Without a provider, that is what is said.
    let mut plain = place.start(&["server", "--listen", &address]);
    plain.wait_for_line("listens on http://");
    place.run(&["login", &url, "--oidc"]).exits(2).says(&["provider"]);
}
