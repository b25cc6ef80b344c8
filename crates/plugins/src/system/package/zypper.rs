//! zypper.

use super::Changed;
use super::dnf::DNF;
use super::flavour::{Ask, Flavour, Manager, Older, Purpose, Settings, named};
use crate::system::tool::Tool;

pub(super) const ZYPPER: Flavour = Flavour {
    manager: Manager::Zypper,
    program: "zypper",
    list: DNF.list,
    listed: DNF.listed,
    index: "/var/cache/zypp/raw",
    sources: &["/etc/zypp/repos.d"],
    fetch: |settings| zypper(Tool::act("zypper")).arg("refresh").args(settings.options),
    rehearse: |ask, settings| {
        asked(&|| zypper(Tool::look("zypper")).arg("--xmlout"), &["--dry-run"], ask, settings)
    },
    rehearsed: DONE,
    aborted: None,
    planned,
    older: Older::Refused,
    change: |ask, settings| asked(&|| zypper(Tool::act("zypper")), &[], ask, settings),
    good: DONE,
    locked: &["System management is locked"],
    unknown: &["not found in package names", "No provider of"],
    mend: None,
};

/// Besides success: a reboot, or a restart of the manager itself, is advised.
const DONE: &[i32] = &[0, 102, 103];

fn zypper(tool: Tool) -> Tool {
    // We wait ourselves, and can be told to stop.
    tool.env("ZYPP_LOCK_TIMEOUT", "0").arg("--non-interactive")
}

fn asked(tool: &dyn Fn() -> Tool, dry: &[&str], ask: &Ask, settings: &Settings<'_>) -> Vec<Tool> {
    let mut tools = Vec::new();
    let mut add = |verb: &str, names: Vec<String>| {
        let mut tool = tool().arg(verb).args(dry);
        if settings.allow_downgrade && verb == "install" {
            tool = tool.arg("--oldpackage");
        }
        tools.push(tool.args(settings.options).args(names));
    };
    if ask.all {
        add("update", Vec::new());
        return tools;
    }
    match ask.purpose {
        Purpose::Install => add("install", ask.names("=")),
        Purpose::Remove => add("remove", ask.names("=")),
        Purpose::Latest => {
            if !ask.new.is_empty() {
                add("install", named(&ask.new, "="));
            }
            if !ask.old.is_empty() {
                add("update", named(&ask.old, "="));
            }
        }
    }
    tools
}

/// `<to-install><solvable type="package" name="a" edition="1" …/></to-install>`, likewise `to-upgrade`,
/// `to-downgrade`, `to-change-arch`, `to-reinstall` and `to-remove`.
fn planned(text: &str) -> Vec<Changed> {
    let mut planned = Vec::new();
    let mut kind = "";
    for tag in text.split('<').skip(1) {
        let tag = tag.split('>').next().unwrap_or_default();
        if let Some(name) = tag.strip_prefix("to-") {
            kind = name;
        } else if tag.starts_with("/to-") {
            kind = "";
        } else if tag.starts_with("solvable ")
            && !kind.is_empty()
            && attribute(tag, "type") == Some("package")
        {
            let Some(name) = attribute(tag, "name") else { continue };
            let edition = attribute(tag, "edition").unwrap_or_default().to_owned();
            let old = attribute(tag, "edition-old").map(str::to_owned);
            let (before, after) = match kind {
                "remove" => (Some(edition), None),
                "install" => (None, Some(edition)),
                _ => (old, Some(edition)),
            };
            planned.push(Changed { name: name.to_owned(), before, after });
        }
    }
    planned
}

fn attribute<'a>(tag: &'a str, name: &str) -> Option<&'a str> {
    let at = tag.find(&format!(" {name}=\""))?;
    tag.get(at + name.len() + 3..)?.split('"').next()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_would_be_done() {
        let text = r#"<?xml version='1.0'?><stream><install-summary download-size="1">
<to-upgrade><solvable type="package" name="curl" edition="8.0-1" arch="x86_64" edition-old="7.9-1" summary="a > b"/></to-upgrade>
<to-install><solvable type="package" name="nginx" edition="1.21-1" arch="x86_64"/>
<solvable type="pattern" name="web" edition="1"/></to-install>
<to-remove><solvable type="package" name="telnet" edition="1.2-3"/></to-remove></install-summary></stream>"#;
        let shown: Vec<String> = planned(text)
            .iter()
            .map(|c| format!("{} {:?} {:?}", c.name, c.before.as_deref(), c.after.as_deref()))
            .collect();
        assert_eq!(
            shown,
            [
                r#"curl Some("7.9-1") Some("8.0-1")"#,
                r#"nginx None Some("1.21-1")"#,
                r#"telnet Some("1.2-3") None"#,
            ]
        );
    }
}
