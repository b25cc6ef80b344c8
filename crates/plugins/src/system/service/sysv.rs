//! Scripts in `/etc/init.d`.

use std::path::PathBuf;

use windlass_plugin::{Call, CallError};

use super::init::{Found, Verb, unknown};
use crate::system::tool::{self, Ran, Tool};

const SCRIPTS: &str = "/etc/init.d";
/// What a script's `status` says of a service that is not running: dead, dead with a lock, not running.
const NOT_RUNNING: &[i32] = &[1, 2, 3];
/// What a script says of a verb that it does not have.
const NO_SUCH_VERB: &[i32] = &[2, 3];

pub(super) async fn look(name: &str, call: &Call) -> Result<Found, CallError> {
    let script = script(name)?;
    let status = Tool::look(&script).arg("status").run(call).await?;
    if status.code != 0 && !NOT_RUNNING.contains(&status.code) {
        // 4 is "unknown", by the rules that these scripts are written by.
        let mut error = status.failure();
        error.message = format!("whether `{name}` runs cannot be told: {}", error.message);
        return Err(error);
    }
    let says = status.last_line().map(|line| tool::shortened(line, 200));
    Ok(Found { running: status.code == 0, enabled: enabled(name), says, ..Found::default() })
}

pub(super) async fn act(verb: Verb, name: &str, call: &Call) -> Result<(), CallError> {
    let script = script(name)?;
    match verb {
        Verb::Enable | Verb::Disable => level(verb, name, call).await,
        Verb::Reload => {
            let ran = Tool::act(&script).arg("reload").run(call).await?;
            if NO_SUCH_VERB.contains(&ran.code) {
                return good(&Tool::act(&script).arg("restart").run(call).await?);
            }
            good(&ran)
        }
        other => good(&Tool::act(&script).arg(other.word()).run(call).await?),
    }
}

fn good(ran: &Ran) -> Result<(), CallError> {
    if ran.code == 0 { Ok(()) } else { Err(ran.failure()) }
}

async fn level(verb: Verb, name: &str, call: &Call) -> Result<(), CallError> {
    let on = verb == Verb::Enable;
    if tool::find("update-rc.d").is_some() {
        // A new script has no links yet, and those of an old one are only turned.
        Tool::act("update-rc.d").args([name, "defaults"]).done(call).await?;
        let word = if on { "enable" } else { "disable" };
        return Tool::act("update-rc.d").args([name, word]).done(call).await.map(drop);
    }
    if tool::find("chkconfig").is_some() {
        return Tool::act("chkconfig").args([name, if on { "on" } else { "off" }]).done(call).await.map(drop);
    }
    Err(tool::missing("update-rc.d", "without it or chkconfig, `enabled` cannot be changed"))
}

fn script(name: &str) -> Result<PathBuf, CallError> {
    let script = PathBuf::from(SCRIPTS).join(name);
    if script.is_file() { Ok(script) } else { Err(unknown(name, "there is no such script in /etc/init.d")) }
}

/// Whether a link starts it in the runlevels of normal work.
fn enabled(name: &str) -> Option<bool> {
    let mut known = None;
    for level in ["/etc/rc2.d", "/etc/rc3.d", "/etc/rc5.d", "/etc/rc.d/rc3.d", "/etc/rc.d/rc5.d"] {
        let Ok(links) = std::fs::read_dir(level) else { continue };
        known = known.or(Some(false));
        let starts = |link: std::fs::DirEntry| {
            let link = link.file_name();
            let link = link.to_string_lossy();
            let number = link.strip_prefix('S').and_then(|rest| rest.strip_suffix(name));
            number
                .is_some_and(|number| number.len() == 2 && number.bytes().all(|digit| digit.is_ascii_digit()))
        };
        if links.flatten().any(starts) {
            return Some(true);
        }
    }
    known
}
