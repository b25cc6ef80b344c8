//! dnf.

use super::Changed;
use super::flavour::{Ask, Flavour, Installed, Manager, Older, Purpose, Settings, add, named};
use crate::system::tool::Tool;

pub(super) const DNF: Flavour = Flavour {
    manager: Manager::Dnf,
    program: "dnf",
    list: || Tool::look("rpm").args(["-qa", "--qf", "%{NAME}\t%|EPOCH?{%{EPOCH}:}|%{VERSION}-%{RELEASE}\n"]),
    listed,
    index: "/var/cache/dnf",
    sources: &["/etc/yum.repos.d"],
    fetch: |settings| Tool::act("dnf").args(["-y", "-q", "makecache", "--refresh"]).args(settings.options),
    // It has no dry run; refusing its question is one, and ends with 1 where there is something to do.
    rehearse: |ask, settings| asked(&|| Tool::look("dnf").arg("--assumeno"), ask, settings),
    rehearsed: &[0],
    aborted: Some("Operation aborted"),
    planned,
    older: Older::Announced("Downgrading:"),
    change: |ask, settings| asked(&|| Tool::act("dnf").arg("-y"), ask, settings),
    good: &[0],
    locked: &[
        "already locked by",
        "Waiting for process with pid",
        "is locked by another",
        "Failed to obtain the transaction lock",
        "Waiting for a lock on the system repository",
    ],
    unknown: &["Unable to find a match", "No match for argument"],
    mend: None,
};

/// An epoch is part of a version only where it is not 0. dnf 5 shows it all the same.
fn without_no_epoch(version: &str) -> &str {
    version.strip_prefix("0:").unwrap_or(version)
}

fn listed(text: &str) -> Installed {
    let mut installed = Installed::new();
    for (name, version) in text.lines().filter_map(|line| line.split_once('\t')) {
        // Keys that packages were signed with are listed as if they were packages.
        if name != "gpg-pubkey" {
            add(&mut installed, name, without_no_epoch(version));
        }
    }
    installed
}

fn asked(tool: &dyn Fn() -> Tool, ask: &Ask, settings: &Settings<'_>) -> Vec<Tool> {
    let tool = || tool().args(["--setopt=exit_on_lock=True"]).args(settings.options);
    if ask.all {
        return vec![tool().arg("upgrade")];
    }
    let mut tools = Vec::new();
    let mut add = |verb: &str, names: Vec<String>| {
        if !names.is_empty() {
            tools.push(tool().arg(verb).args(names));
        }
    };
    match ask.purpose {
        Purpose::Install => add("install", ask.names("-")),
        Purpose::Latest => {
            add("install", named(&ask.new, "-"));
            add("upgrade", named(&ask.old, "-"));
        }
        Purpose::Remove => tools.push(
            tool().args(["remove", "--setopt=clean_requirements_on_remove=False"]).args(ask.names("-")),
        ),
    }
    tools
}

/// A table with a heading for each kind of change. Only an upgrade does not say what there was before.
fn planned(text: &str) -> Vec<Changed> {
    let mut planned = Vec::new();
    let (mut is_gone, mut is_new) = (None, false);
    for line in text.lines() {
        let heading = line.strip_suffix(':').filter(|heading| !heading.starts_with(' '));
        if let Some(heading) = heading {
            is_gone = match heading {
                "Installing"
                | "Installing dependencies"
                | "Installing weak dependencies"
                | "Upgrading"
                | "Downgrading"
                | "Reinstalling" => Some(false),
                _ if heading.starts_with("Removing") => Some(true),
                _ => None,
            };
            is_new = heading.starts_with("Installing");
            continue;
        }
        if line.starts_with("Transaction Summary") {
            break;
        }
        let (Some(is_gone), true) = (is_gone, line.starts_with(' ')) else { continue };
        let mut words = line.split_whitespace();
        let (Some(name), Some(second), Some(version)) = (words.next(), words.next(), words.next()) else {
            continue;
        };
        if name == "replacing" {
            planned.extend(replaced(&planned, second, version, words.next()));
            continue;
        }
        let (version, old) = (without_no_epoch(version), || Some("installed".to_owned()));
        let (before, after) = match (is_gone, is_new) {
            (true, _) => (Some(version.to_owned()), None),
            (false, true) => (None, Some(version.to_owned())),
            (false, false) => (old(), Some(version.to_owned())),
        };
        planned.push(Changed { name: name.to_owned(), before, after });
    }
    planned
}

/// What goes because something else comes: `replacing  wl-old.noarch 1.0-1`, or, as dnf 5 says also of older
/// versions, `replacing wl-old noarch 1.0-1 repo 5 KiB`.
fn replaced(planned: &[Changed], name: &str, second: &str, third: Option<&str>) -> Option<Changed> {
    let (name, version) = match third {
        Some(version) => (name, version),
        None => (name.rsplit_once('.')?.0, second),
    };
    let is_older = planned.last().is_some_and(|new| new.name == name);
    let before = Some(without_no_epoch(version).to_owned());
    let gone = Changed { name: name.to_owned(), before, after: None };
    Some(gone).filter(|_| !is_older)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_would_be_done() {
        let text = "\
Dependencies resolved.
================================================================================
 Package        Arch      Version                Repository     Size
================================================================================
Installing:
 nginx          x86_64    1:1.22.1-3.el9         appstream      40 k
Upgrading:
 curl           x86_64    7.76.1-29.el9          baseos        294 k
Installing dependencies:
 nginx-core     x86_64    1:1.22.1-3.el9         appstream     567 k
     replacing  nginx-all.noarch 1:1.20-1
Removing:
 telnet         x86_64    1:0.17-85.el9          @appstream    100 k

Transaction Summary
================================================================================
Install  2 Packages
";
        let shown: Vec<String> = planned(text)
            .iter()
            .map(|c| format!("{} {:?} {:?}", c.name, c.before.as_deref(), c.after.as_deref()))
            .collect();
        assert_eq!(
            shown,
            [
                r#"nginx None Some("1:1.22.1-3.el9")"#,
                r#"curl Some("installed") Some("7.76.1-29.el9")"#,
                r#"nginx-core None Some("1:1.22.1-3.el9")"#,
                r#"nginx-all Some("1:1.20-1") None"#,
                r#"telnet Some("1:0.17-85.el9") None"#,
            ]
        );
    }

    /// As dnf 5 prints it.
    #[test]
    fn an_older_version_is_replaced_and_does_not_go() {
        let text = "\
Package      Arch   Version     Repository      Size
Upgrading:
 curl        x86_64 0:8.2-1.fc41  updates    450.2 KiB
   replacing curl   x86_64 0:8.1-1.fc41 fedora 449.0 KiB
Installing:
 new         noarch 1-1         updates      1.0 KiB
   replacing old    noarch 0-1  fedora       1.0 KiB

Transaction Summary:
 Upgrading: 1 package
Operation aborted by the user.
";
        let shown: Vec<String> =
            planned(text).iter().map(|c| format!("{} {:?}", c.name, c.after.as_deref())).collect();
        assert_eq!(shown, [r#"curl Some("8.2-1.fc41")"#, r#"new Some("1-1")"#, "old None"]);
    }

    #[test]
    fn keys_are_no_packages_and_an_epoch_of_nothing_is_none() {
        let installed = listed("gpg-pubkey\t1-2\nbash\t5.1.8-6.el9\nvim\t2:8.2-20\nx\t0:1-1\n");
        assert_eq!(installed.keys().collect::<Vec<_>>(), ["bash", "vim", "x"]);
        assert_eq!((installed["vim"][0].as_str(), installed["x"][0].as_str()), ("2:8.2-20", "1-1"));
    }
}
