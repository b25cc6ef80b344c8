//! apt.

use super::Changed;
use super::flavour::{Ask, Flavour, Installed, Manager, Older, Purpose, Settings, add};
use crate::system::tool::Tool;

pub(super) const APT: Flavour = Flavour {
    manager: Manager::Apt,
    program: "apt-get",
    list,
    listed,
    index: "/var/lib/apt/lists",
    sources: &["/etc/apt/sources.list", "/etc/apt/sources.list.d"],
    fetch: |settings| apt(Tool::act("apt-get")).args(["-qq", "update"]).args(settings.options),
    rehearse: |ask, settings| vec![asked(apt(Tool::look("apt-get")).arg("-s"), ask, settings)],
    rehearsed: &[0],
    aborted: None,
    planned,
    older: Older::Refused,
    change: |ask, settings| vec![asked(apt(Tool::act("apt-get")), ask, settings)],
    good: &[0],
    locked: &[
        "Could not get lock",
        "Unable to acquire the dpkg frontend lock",
        "Unable to lock directory",
        "dpkg frontend lock was locked by another process",
        "is locked by another process",
    ],
    unknown: &["Unable to locate package", "has no installation candidate", "was not found"],
    mend: Some(("dpkg --configure -a", || {
        Tool::act("dpkg")
            .args(["--force-confdef", "--force-confold", "--configure", "-a"])
            .env("DEBIAN_FRONTEND", "noninteractive")
    })),
};

fn list() -> Tool {
    Tool::look("dpkg-query").args([
        "-W",
        "-f",
        "${db:Status-Status}\t${Package}\t${Architecture}\t${Version}\n",
    ])
}

/// A package of a foreign architecture can be named with or without it.
fn listed(text: &str) -> Installed {
    let mut installed = Installed::new();
    for line in text.lines() {
        let mut fields = line.split('\t');
        // What was removed and left its configuration is not installed.
        let (Some("installed"), Some(name), Some(_), Some(version)) =
            (fields.next(), fields.next(), fields.next(), fields.next())
        else {
            continue;
        };
        add(&mut installed, name, version);
    }
    installed
}

fn apt(tool: Tool) -> Tool {
    tool.env("DEBIAN_FRONTEND", "noninteractive")
        .env("APT_LISTCHANGES_FRONTEND", "none")
        .env("NEEDRESTART_MODE", "l")
        .args(["-o", "Dpkg::Options::=--force-confdef", "-o", "Dpkg::Options::=--force-confold"])
        .args(["-o", "Dpkg::Use-Pty=0", "-o", "APT::Get::Show-User-Simulation-Note=0"])
}

fn asked(tool: Tool, ask: &Ask, settings: &Settings<'_>) -> Tool {
    let mut tool = tool.args(["-y", "-q"]);
    if settings.allow_downgrade {
        tool = tool.arg("--allow-downgrades");
    }
    if !settings.allow_removals && ask.purpose != Purpose::Remove {
        tool = tool.arg("--no-remove");
    }
    tool = tool.args(settings.options);
    match (ask.purpose, ask.all) {
        (Purpose::Latest, true) if settings.allow_removals => tool.arg("dist-upgrade"),
        (Purpose::Latest, true) => tool.args(["--with-new-pkgs", "upgrade"]),
        (Purpose::Install | Purpose::Latest, _) => tool.arg("install").arg("--").args(ask.names("=")),
        (Purpose::Remove, _) if settings.purge => tool.arg("purge").arg("--").args(ask.names("=")),
        (Purpose::Remove, _) => tool.arg("remove").arg("--").args(ask.names("=")),
    }
}

/// `Inst name [old] (new Release [arch])`, `Remv name [old]`, `Purg name [old]`.
fn planned(text: &str) -> Vec<Changed> {
    let line = |line: &str| {
        let mut words = line.split_whitespace();
        let is_gone = match words.next()? {
            "Inst" => false,
            "Remv" | "Purg" => true,
            _ => return None,
        };
        let name = words.next()?.to_owned();
        let rest = line.split_once(&name)?.1;
        let between = |open: char, close: char| {
            let inner = rest.split_once(open)?.1.split_once(close)?.0;
            inner.split_whitespace().next().map(str::to_owned)
        };
        // The brackets of the architecture stand behind the version.
        let before = rest.trim_start().starts_with('[').then(|| between('[', ']')).flatten();
        let after = if is_gone { None } else { between('(', ')') };
        Some(Changed { name, before, after })
    };
    text.lines().filter_map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_would_be_done() {
        let text = "Reading package lists...\n\
            Inst libnginx (1.22.1-9 Debian:12.5/stable [amd64]) []\n\
            Inst curl [7.88.1-10] (7.88.1-10+deb12u5 Debian:12.5/stable, Debian-Security:12/stable-security [amd64])\n\
            Conf curl (7.88.1-10+deb12u5 Debian:12.5/stable [amd64])\n\
            Remv telnetd [0.17+2.4-2] [xinetd:amd64 ]\n\
            Purg telnet [0.17]\n";
        let shown: Vec<String> =
            planned(text).iter().map(|c| format!("{} {:?} {:?}", c.name, c.before, c.after)).collect();
        assert_eq!(
            shown,
            [
                r#"libnginx None Some("1.22.1-9")"#,
                r#"curl Some("7.88.1-10") Some("7.88.1-10+deb12u5")"#,
                r#"telnetd Some("0.17+2.4-2") None"#,
                r#"telnet Some("0.17") None"#,
            ]
        );
    }

    #[test]
    fn what_left_its_configuration_is_not_installed() {
        let text = "installed\tcurl\tamd64\t7.88\nconfig-files\ttelnetd\tamd64\t0.17\ninstalled\tlibc6\tamd64\t2.36\ninstalled\tlibc6\ti386\t2.36\n";
        let installed = listed(text);
        assert_eq!(installed.keys().collect::<Vec<_>>(), ["curl", "libc6"]);
        assert_eq!(installed["libc6"], ["2.36", "2.36"]);
    }
}
