//! pacman.

use super::Changed;
use super::flavour::{Ask, Flavour, Installed, Manager, Older, Purpose, Settings, add};
use crate::system::tool::Tool;

pub(super) const PACMAN: Flavour = Flavour {
    manager: Manager::Pacman,
    program: "pacman",
    list: || Tool::look("pacman").arg("-Q"),
    listed,
    index: "/var/lib/pacman/sync",
    sources: &["/etc/pacman.conf"],
    fetch: |settings| {
        Tool::act("pacman").args(["-Sy", "--noconfirm", "--noprogressbar"]).args(settings.options)
    },
    rehearse: |ask, settings| {
        let format = if ask.purpose == Purpose::Remove { "-%n %v" } else { "+%n %v" };
        asked(&|| Tool::look("pacman"), &["--print", "--print-format", format], ask, settings)
    },
    rehearsed: &[0],
    aborted: None,
    planned,
    older: Older::Compared(|before, after| Tool::look("vercmp").args([after, before])),
    change: |ask, settings| asked(&|| Tool::act("pacman"), &["--noprogressbar"], ask, settings),
    good: &[0],
    locked: &["unable to lock database"],
    unknown: &["target not found"],
    mend: None,
};

fn listed(text: &str) -> Installed {
    let mut installed = Installed::new();
    for (name, version) in text.lines().filter_map(|line| line.split_once(' ')) {
        add(&mut installed, name, version);
    }
    installed
}

fn asked(tool: &dyn Fn() -> Tool, flags: &[&str], ask: &Ask, settings: &Settings<'_>) -> Vec<Tool> {
    let tool = |verb: &str, names: Vec<String>| {
        let mut tool = tool().arg(verb).arg("--noconfirm").args(flags);
        if ask.purpose != Purpose::Remove {
            tool = tool.arg("--needed");
            // Its questions about conflicts are answered with the default, which is to fail, unless told otherwise.
            if settings.allow_removals {
                tool = tool.arg("--ask=4");
            }
        }
        tool.args(settings.options).args(names)
    };
    if ask.purpose == Purpose::Remove {
        let verb = match (settings.purge, settings.allow_removals) {
            (false, false) => "-R",
            (true, false) => "-Rn",
            (false, true) => "-Rc",
            (true, true) => "-Rnc",
        };
        return vec![tool(verb, ask.names("="))];
    }
    if ask.all {
        return vec![tool("-Su", Vec::new())];
    }
    let (files, names): (Vec<String>, Vec<String>) =
        ask.names("=").into_iter().partition(|name| name.starts_with('/'));
    let asked = [("-U", files), ("-S", names)].into_iter().filter(|(_, names)| !names.is_empty());
    asked.map(|(verb, names)| tool(verb, names)).collect()
}

fn planned(text: &str) -> Vec<Changed> {
    let line = |line: &str| {
        let (name, version) = line.get(1..)?.split_once(' ')?;
        let version = Some(version.to_owned());
        match line.get(..1)? {
            // It does not say what was there before, nor whether anything was.
            "+" => Some(Changed { name: name.to_owned(), before: version.clone(), after: version }),
            "-" => Some(Changed { name: name.to_owned(), before: version, after: None }),
            _ => None,
        }
    };
    text.lines().filter_map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_is_there_and_what_would_be_done() {
        assert_eq!(listed("curl 8.5.0-1\nzlib 1:1.3-1\n")["zlib"], ["1:1.3-1"]);
        let shown: Vec<String> = planned("+curl 8.5.0-1\n-telnet 1.0-1\n")
            .iter()
            .map(|c| format!("{} {:?} {:?}", c.name, c.before.as_deref(), c.after.as_deref()))
            .collect();
        assert_eq!(shown, [r#"curl Some("8.5.0-1") Some("8.5.0-1")"#, r#"telnet Some("1.0-1") None"#]);
    }
}
