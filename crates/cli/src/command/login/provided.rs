//! Signing in by the provider of identities of a server.

use std::process::{Command, Stdio};
use std::time::Duration;

use windlass_client::{Client, Error, browser_sign_in};
use windlass_contract::SignedIn;

use crate::failure::Failure;
use crate::printer::{Printer, STRONG, Styled};

/// What opens a browser.
const OPENS: &str = if cfg!(target_os = "macos") { "open" } else { "xdg-open" };

/// Signs in, in a browser here or anywhere.
pub(super) async fn sign_in(
    client: &Client,
    is_elsewhere: bool,
    printer: &mut Printer,
) -> Result<SignedIn, Failure> {
    let provider = client.provider().await?;
    printer.note(format_args!("signing in by {} ({})", provider.name, provider.issuer));
    if is_elsewhere {
        return elsewhere(client, printer).await;
    }
    let waiting = browser_sign_in(client).await?;
    printer.note(format_args!("open this in a browser on this machine: {}", waiting.url()));
    if provider.device {
        printer.note("where there is none: the same command with --device");
    }
    open(waiting.url());
    Ok(waiting.finish().await?)
}

async fn elsewhere(client: &Client, printer: &mut Printer) -> Result<SignedIn, Failure> {
    let begun = client.device_sign_in().await?;
    let place = begun.verification_uri_complete.as_ref().unwrap_or(&begun.verification_uri);
    printer.note(format_args!("open {place} in any browser, and see that it shows this code:"));
    printer.note(Styled(STRONG, &begun.user_code));
    let asked = async {
        let mut wait = begun.interval;
        loop {
            tokio::time::sleep(Duration::from_secs(wait.max(1))).await;
            let stands = client.device_stands(&begun.handle).await?;
            match (stands.signed_in, stands.wait) {
                (Some(signed_in), _) => return Ok(signed_in),
                (None, more) => wait = more.unwrap_or(wait),
            }
        }
    };
    let signed_in: Result<Result<SignedIn, Error>, _> =
        tokio::time::timeout(Duration::from_secs(begun.expires_in), asked).await;
    Ok(signed_in.unwrap_or(Err(Error::NotSignedIn("the code was not typed in time")))?)
}

/// Where there is a desktop; the address stands there for whoever has none.
fn open(url: &str) {
    let has_desktop = ["DISPLAY", "WAYLAND_DISPLAY"].iter().any(|name| std::env::var_os(name).is_some());
    if cfg!(target_os = "macos") || has_desktop {
        let mut command = Command::new(OPENS);
        command.arg(url).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        // One that does not come is no worse than none.
        let _ = command.spawn();
    }
}
