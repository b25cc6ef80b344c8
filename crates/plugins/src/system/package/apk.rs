//! apk.

use super::Changed;
use super::flavour::{Ask, Flavour, Installed, Manager, Older, Purpose, Settings, add, named};
use crate::system::tool::Tool;

pub(super) const APK: Flavour = Flavour {
    manager: Manager::Apk,
    program: "apk",
    list: || Tool::look("apk").args(["info", "-v"]),
    listed,
    index: "/var/cache/apk",
    sources: &["/etc/apk/repositories"],
    fetch: |settings| Tool::act("apk").args(["update", "--no-interactive"]).args(settings.options),
    rehearse: |ask, settings| {
        asked(&|| Tool::look("apk"), &["--simulate", "--no-interactive"], ask, settings)
    },
    rehearsed: &[0],
    aborted: None,
    planned,
    older: Older::Announced(") Downgrading "),
    change: |ask, settings| {
        asked(&|| Tool::act("apk"), &["--no-interactive", "--no-progress"], ask, settings)
    },
    good: &[0],
    locked: &["Unable to lock database"],
    unknown: &["no such package", "unable to select packages"],
    mend: None,
};

/// `name-1.2.3-r0`: the version begins behind the last but one hyphen.
fn listed(text: &str) -> Installed {
    let mut installed = Installed::new();
    for line in text.lines() {
        let Some((rest, release)) = line.trim().rsplit_once('-') else { continue };
        let Some((name, version)) = rest.rsplit_once('-') else { continue };
        add(&mut installed, name, &format!("{version}-{release}"));
    }
    installed
}

fn asked(tool: &dyn Fn() -> Tool, flags: &[&str], ask: &Ask, settings: &Settings<'_>) -> Vec<Tool> {
    let mut tools = Vec::new();
    let mut add = |verb: &[&str], names: Vec<String>| {
        tools.push(tool().args(verb).args(flags).args(settings.options).args(names));
    };
    if ask.all {
        add(&["upgrade"], Vec::new());
        return tools;
    }
    match ask.purpose {
        Purpose::Install => add(&["add"], ask.names("=")),
        Purpose::Remove => add(&["del"], ask.names("=")),
        Purpose::Latest => {
            if !ask.new.is_empty() {
                add(&["add"], named(&ask.new, "="));
            }
            if !ask.old.is_empty() {
                add(&["add", "--upgrade"], named(&ask.old, "="));
            }
        }
    }
    tools
}

/// `(1/2) Installing curl (8.5.0-r0)`, `(2/2) Upgrading zlib (1.3-r1 -> 1.3-r2)`, `Purging`, `Downgrading`, `Replacing`.
fn planned(text: &str) -> Vec<Changed> {
    let line = |line: &str| {
        let rest = line.trim().strip_prefix('(')?.split_once(") ")?.1;
        let mut words = rest.splitn(3, ' ');
        let (verb, name) = (words.next()?, words.next()?.to_owned());
        let versions = words.next()?.trim_matches(|c| c == '(' || c == ')');
        let (before, after) = match (verb, versions.split_once(" -> ")) {
            ("Installing", _) => (None, Some(versions)),
            ("Purging", _) => (Some(versions), None),
            (_, Some((before, after))) => (Some(before), Some(after)),
            // Put in once more, as it was.
            _ => return None,
        };
        Some(Changed { name, before: before.map(str::to_owned), after: after.map(str::to_owned) })
    };
    text.lines().filter_map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_is_there_and_what_would_be_done() {
        let installed = listed("alpine-baselayout-3.4.3-r2\nlibcrypto3-3.1.4-r5\n");
        assert_eq!(installed["alpine-baselayout"], ["3.4.3-r2"]);
        let text = "(1/3) Installing curl (8.5.0-r0)\n(2/3) Upgrading zlib (1.3-r1 -> 1.3-r2)\n(3/3) Purging telnet (1.0-r0)\nOK: 12 MiB in 30 packages\n";
        let shown: Vec<String> = planned(text)
            .iter()
            .map(|c| format!("{} {:?} {:?}", c.name, c.before.as_deref(), c.after.as_deref()))
            .collect();
        assert_eq!(
            shown,
            [
                r#"curl None Some("8.5.0-r0")"#,
                r#"zlib Some("1.3-r1") Some("1.3-r2")"#,
                r#"telnet Some("1.0-r0") None"#,
            ]
        );
    }
}
