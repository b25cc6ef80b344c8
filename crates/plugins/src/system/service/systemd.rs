//! systemd.

use std::collections::BTreeMap;

use windlass_plugin::{Call, CallError};

use super::init::{Found, Verb, unknown};
use crate::system::tool::{self, Tool};

const ASKED: &str =
    "LoadState,LoadError,ActiveState,SubState,Result,UnitFileState,Type,RemainAfterExit,NeedDaemonReload";
/// How many of the last lines of a service are quoted.
const LAST_WORDS: &str = "5";

pub(super) async fn look(name: &str, user: bool, call: &Call) -> Result<Found, CallError> {
    let unit = unit(name);
    let ran =
        systemctl(Tool::look("systemctl"), user).args(["show", "-p", ASKED, "--", &unit]).done(call).await?;
    found(&unit, &ran.stdout)
}

pub(super) async fn act(verb: Verb, name: &str, user: bool, call: &Call) -> Result<(), CallError> {
    let word = match verb {
        // What cannot read its configuration again is restarted.
        Verb::Reload => "reload-or-restart",
        other => other.word(),
    };
    let unit = unit(name);
    let ran = systemctl(Tool::act("systemctl"), user).args([word, "--", &unit]).run(call).await?;
    if ran.code == 0 {
        return Ok(());
    }
    let mut error = ran.failure();
    error.causes.extend(last_words(name, user, call).await);
    Err(error)
}

pub(super) async fn reload_units(user: bool, call: &Call) -> Result<(), CallError> {
    systemctl(Tool::act("systemctl"), user).arg("daemon-reload").done(call).await.map(drop)
}

pub(super) async fn last_words(name: &str, user: bool, call: &Call) -> Vec<String> {
    let tool = Tool::look("journalctl").args(["-q", "--no-pager", "-o", "cat", "-n", LAST_WORDS]);
    let tool = tool.arg(if user { "--user-unit" } else { "--unit" }).arg(unit(name));
    // What cannot be quoted is no failure of its own.
    let said = tool.done(call).await.map(|ran| ran.stdout).unwrap_or_default();
    said.lines().filter(|line| !line.trim().is_empty()).map(|line| tool::shortened(line, 200)).collect()
}

fn systemctl(tool: Tool, user: bool) -> Tool {
    let tool = tool.env("SYSTEMD_COLORS", "0").env("SYSTEMD_PAGER", "").arg("--no-ask-password");
    if user { tool.arg("--user") } else { tool }
}

/// systemd would guess, too, but `show` of a guess says nothing of what does not exist.
fn unit(name: &str) -> String {
    const KINDS: &[&str] = &[
        ".service",
        ".socket",
        ".timer",
        ".target",
        ".mount",
        ".path",
        ".slice",
        ".automount",
        ".swap",
        ".scope",
    ];
    if KINDS.iter().any(|kind| name.ends_with(kind)) { name.to_owned() } else { format!("{name}.service") }
}

fn found(unit: &str, text: &str) -> Result<Found, CallError> {
    let said: BTreeMap<&str, &str> = text.lines().filter_map(|line| line.split_once('=')).collect();
    let of = |key: &str| said.get(key).copied().unwrap_or_default();
    match of("LoadState") {
        "not-found" => return Err(unknown(unit, "`systemctl list-unit-files` lists those that there are")),
        "masked" => {
            // Nothing that is masked runs or starts by itself; unmasking is a decision of its own.
            let running = of("ActiveState") == "active";
            return Ok(Found {
                running,
                enabled: Some(false),
                says: Some("masked".into()),
                ..Found::default()
            });
        }
        "error" | "bad-setting" => {
            let message = format!("the unit `{unit}` cannot be used: {}", of("LoadError"));
            return Err(CallError::permanent("service", message));
        }
        _ => {}
    }
    let active = of("ActiveState");
    let enabled = match of("UnitFileState") {
        "enabled" | "enabled-runtime" | "linked" | "linked-runtime" | "alias" => Some(true),
        // What is static or generated starts when something else wants it, and cannot be told otherwise.
        "static" | "generated" | "indirect" | "transient" | "" => None,
        _ => Some(false),
    };
    let is_done = of("Type") == "oneshot" && of("Result") == "success" && active == "inactive";
    Ok(Found {
        running: matches!(active, "active" | "reloading" | "refreshing"),
        enabled,
        is_fixed: enabled.is_none(),
        is_done,
        is_outdated: of("NeedDaemonReload") == "yes",
        says: Some(match of("Result") {
            "success" | "" => format!("{active} ({})", of("SubState")),
            result => format!("{active} ({}), {result}", of("SubState")),
        }),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> Found {
        found("x.service", text).unwrap()
    }

    #[test]
    fn reads_what_systemd_says() {
        let found_it = of(
            "LoadState=loaded\nActiveState=active\nSubState=running\nResult=success\nUnitFileState=enabled\nType=simple\nNeedDaemonReload=no\n",
        );
        assert!(found_it.running && found_it.enabled == Some(true) && !found_it.is_outdated);
        assert_eq!(found_it.says.as_deref(), Some("active (running)"));
        let failed = of(
            "LoadState=loaded\nActiveState=failed\nSubState=failed\nResult=exit-code\nUnitFileState=disabled\nNeedDaemonReload=yes\n",
        );
        assert!(!failed.running && failed.enabled == Some(false) && failed.is_outdated);
        assert_eq!(failed.says.as_deref(), Some("failed (failed), exit-code"));
        let done = of(
            "LoadState=loaded\nActiveState=inactive\nSubState=dead\nResult=success\nUnitFileState=static\nType=oneshot\n",
        );
        assert!(done.is_done && done.enabled.is_none());
        assert_eq!(found("x.service", "LoadState=not-found\n").unwrap_err().code, "unknownService");
        assert_eq!(of("LoadState=masked\nActiveState=inactive\n").says.as_deref(), Some("masked"));
    }

    #[test]
    fn a_name_without_a_kind_is_a_service() {
        assert_eq!(unit("nginx"), "nginx.service");
        assert_eq!(unit("nightly.timer"), "nightly.timer");
        assert_eq!(unit("getty@tty1"), "getty@tty1.service");
    }
}
