//! OpenRC.

use windlass_plugin::{Call, CallError};

use super::init::{Found, Verb, unknown};
use crate::system::tool::Tool;

/// The runlevel that services are added to.
const RUNLEVEL: &str = "default";

pub(super) async fn look(name: &str, call: &Call) -> Result<Found, CallError> {
    let exists = Tool::look("rc-service").args(["--exists", name]).run(call).await?;
    if exists.code != 0 {
        return Err(unknown(name, "`rc-service --list` lists those that there are"));
    }
    let status = Tool::look("rc-service").args([name, "status"]).run(call).await?;
    let says = status
        .stdout
        .lines()
        .chain(status.stderr.lines())
        .find_map(|line| line.split_once("status:").map(|(_, says)| says.trim().to_owned()));
    let shown = Tool::look("rc-update").arg("show").run(call).await?;
    Ok(Found {
        running: status.code == 0,
        enabled: Some(!levels(name, &shown.stdout).is_empty()),
        says,
        ..Found::default()
    })
}

pub(super) async fn act(verb: Verb, name: &str, call: &Call) -> Result<(), CallError> {
    let tool = match verb {
        Verb::Enable => Tool::act("rc-update").args(["add", name, RUNLEVEL]),
        Verb::Disable => {
            // Told to use all runlevels, it complains of those that do not have it.
            let shown = Tool::look("rc-update").arg("show").done(call).await?;
            Tool::act("rc-update").args(["del", name]).args(levels(name, &shown.stdout))
        }
        Verb::Reload => {
            let ran = Tool::act("rc-service").args([name, "reload"]).run(call).await?;
            // What cannot read its configuration again is restarted.
            if ran.code == 0 {
                return Ok(());
            }
            Tool::act("rc-service").args([name, "restart"])
        }
        Verb::Start => {
            // One that died counts as started until somebody says that it is not.
            let ran = Tool::look("rc-service").args([name, "status"]).run(call).await?;
            if ran.says("crashed") {
                Tool::act("rc-service").args([name, "zap"]).done(call).await?;
            }
            Tool::act("rc-service").args([name, "start"])
        }
        other => Tool::act("rc-service").args([name, other.word()]),
    };
    tool.done(call).await.map(drop)
}

/// The runlevels that have a service: `  nginx | boot default`.
fn levels(name: &str, text: &str) -> Vec<String> {
    let line =
        text.lines().filter_map(|line| line.split_once('|')).find(|(service, _)| service.trim() == name);
    line.map(|(_, levels)| levels.split_whitespace().map(str::to_owned).collect()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_service_is_enabled_in_some_runlevel() {
        let text = "                acpid |      default\n              hwclock | boot sysinit\n                nginx |\n";
        let of = |name| levels(name, text).join(" ");
        assert_eq!(["acpid", "hwclock", "nginx", "x"].map(of), ["default", "boot sysinit", "", ""]);
    }
}
