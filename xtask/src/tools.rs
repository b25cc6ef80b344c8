//! The programs that building and testing need beyond cargo, and how they get onto a machine.
//!
//! A tool is a row: how to see that it is there, the Debian package that brings it, and what would be missing without it.

use std::process::{Command, Stdio};

/// A program that something here needs.
#[derive(Debug)]
pub(crate) struct Tool {
    pub(crate) name: &'static str,
    /// A command that succeeds where the tool is present.
    probe: &'static [&'static str],
    package: &'static str,
    reason: &'static str,
}

const CHROMIUM: Tool = Tool {
    name: "chromium",
    probe: &["sh", "-c", "command -v chromium"],
    package: "chromium",
    reason: "the console is looked at with a real browser",
};

/// What the tests need. Short is good: every row is something a newcomer has to install.
pub(crate) const FOR_TESTS: &[Tool] = &[
    Tool {
        name: "age",
        probe: &["age", "--version"],
        package: "age",
        reason: "secrets may stand in files that it encrypted",
    },
    CHROMIUM,
    Tool {
        name: "crontab",
        probe: &["sh", "-c", "command -v crontab"],
        package: "cron",
        reason: "the tests of the module `cron` change real tables",
    },
    Tool {
        name: "busybox",
        probe: &["busybox", "true"],
        package: "busybox-static",
        reason: "the tests of containers make images of it",
    },
    Tool {
        name: "dockerd",
        probe: &["sh", "-c", "command -v dockerd"],
        package: "docker.io",
        reason: "the tests of containers start a Docker of their own",
    },
    Tool {
        name: "git",
        probe: &["git", "--version"],
        package: "git",
        reason: "the tests of the module `git` check real repositories out",
    },
    Tool {
        name: "ip",
        probe: &["ip", "-V"],
        package: "iproute2",
        reason: "the tests of jump hosts and cut links lay networks",
    },
    Tool {
        name: "libfaketime",
        probe: &["sh", "-c", "ls /usr/lib/*/faketime/libfaketime.so.1"],
        package: "libfaketime",
        reason: "a host with a wrong clock is made by it",
    },
    Tool {
        name: "puppet",
        probe: &["sh", "-c", "command -v puppet"],
        package: "puppet-agent",
        reason: "the modules about Puppet are tried with a real one",
    },
    Tool {
        name: "sshd",
        probe: &["test", "-x", "/usr/sbin/sshd"],
        package: "openssh-server",
        reason: "the tests of SSH talk to a real server",
    },
    Tool {
        name: "systemctl",
        probe: &["systemctl", "--version"],
        package: "systemd",
        reason: "the tests of the module `service` start a systemd that keeps services of a user",
    },
    Tool {
        name: "sudo",
        probe: &["sudo", "--version"],
        package: "sudo",
        reason: "the tests of becoming another user do",
    },
    Tool {
        name: "doas",
        probe: &["test", "-x", "/usr/bin/doas"],
        package: "opendoas",
        reason: "the tests of becoming another user do",
    },
    Tool {
        name: "bzip2",
        probe: &["sh", "-c", "command -v bzip2"],
        package: "bzip2",
        reason: "the tests of the module `archive` unpack what it packed",
    },
    Tool {
        name: "xz",
        probe: &["sh", "-c", "command -v xz"],
        package: "xz-utils",
        reason: "the tests of the module `archive` unpack what it packed",
    },
    Tool {
        name: "zip",
        probe: &["sh", "-c", "command -v zip"],
        package: "zip",
        reason: "the tests of the module `archive` unpack what it packed",
    },
    Tool {
        name: "zstd",
        probe: &["sh", "-c", "command -v zstd"],
        package: "zstd",
        reason: "the tests of the module `archive` unpack what it packed",
    },
    Tool {
        name: "venv",
        probe: &["/usr/bin/python3", "-c", "import ensurepip, venv"],
        package: "python3-venv",
        reason: "other tools are installed into environments of their own",
    },
    Tool {
        name: "strace",
        probe: &["strace", "--version"],
        package: "strace",
        reason: "it lets real flushes of a real process fail",
    },
];

/// What fuzzing needs.
pub(crate) const FOR_FUZZING: &[Tool] = &[Tool {
    name: "c++",
    probe: &["c++", "--version"],
    package: "g++",
    reason: "libFuzzer is C++ and built from source",
}];

/// What the benchmark of the console needs.
pub(crate) const FOR_LOOKING: &[Tool] = &[CHROMIUM];

/// What the benchmark of the fleet needs. Without the last ones it leaves their rows out.
pub(crate) const FOR_BENCHES: &[Tool] = &[
    Tool {
        name: "sshd",
        probe: &["test", "-x", "/usr/sbin/sshd"],
        package: "openssh-server",
        reason: "the hosts are real ones",
    },
    Tool {
        name: "time",
        probe: &["test", "-x", "/usr/bin/time"],
        package: "time",
        reason: "it measures what programs cost",
    },
    Tool {
        name: "venv",
        probe: &["/usr/bin/python3", "-c", "import ensurepip, venv"],
        package: "python3-venv",
        reason: "other tools are installed into environments of their own",
    },
    Tool {
        name: "pdsh",
        probe: &["sh", "-c", "command -v pdsh"],
        package: "pdsh",
        reason: "Windlass is compared with it",
    },
    Tool {
        name: "clush",
        probe: &["sh", "-c", "command -v clush"],
        package: "clustershell",
        reason: "Windlass is compared with it",
    },
];

/// A tool that is absent and could not be installed.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Missing {
    pub(crate) name: String,
    pub(crate) reason: String,
}

/// Installs what is absent where that is possible (Debian, as root) and gives back what is still missing.
pub(crate) fn ensure(tools: &[Tool]) -> Vec<Missing> {
    let absent: Vec<&Tool> = tools.iter().filter(|tool| !is_present(tool)).collect();
    if absent.is_empty() {
        return Vec::new();
    }
    install(&absent);
    absent.into_iter().filter(|tool| !is_present(tool)).map(missing).collect()
}

fn is_present(tool: &Tool) -> bool {
    tool.probe.split_first().is_some_and(|(program, args)| succeeds(Command::new(program).args(args)))
}

fn install(tools: &[&Tool]) {
    if !is_root_with_apt() {
        return;
    }
    let packages: Vec<&str> = tools.iter().map(|tool| tool.package).collect();
    println!("installing {}", packages.join(" "));
    let mut apt = Command::new("apt-get");
    apt.args(["install", "--yes", "--quiet", "--no-install-recommends"]).args(&packages);
    apt.env("DEBIAN_FRONTEND", "noninteractive");
    // A fresh machine has no package lists yet; one that has them is spared the wait.
    if !succeeds(&mut apt) && succeeds(Command::new("apt-get").args(["update", "--quiet"])) {
        succeeds(&mut apt);
    }
}

/// Whether packages can be had here.
pub(crate) fn is_root_with_apt() -> bool {
    let is_root = Command::new("id").arg("-u").output().is_ok_and(|output| output.stdout == b"0\n");
    is_root && succeeds(Command::new("apt-get").arg("--version"))
}

fn missing(tool: &Tool) -> Missing {
    let reason = format!("{}; install it with `apt-get install {}`", tool.reason, tool.package);
    Missing { name: tool.name.into(), reason }
}

fn succeeds(command: &mut Command) -> bool {
    command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|s| s.success())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_present_tool_is_not_missing() {
        let tool = Tool { name: "sh", probe: &["sh", "-c", "exit 0"], package: "dash", reason: "shells" };
        assert_eq!(ensure(&[tool]), []);
    }

    #[test]
    fn a_missing_tool_says_how_to_get_it() {
        let tool =
            Tool { name: "x", probe: &["no-such-program"], package: "x-package", reason: "x draws letters" };
        assert!(!is_present(&tool));
        assert_eq!(missing(&tool).reason, "x draws letters; install it with `apt-get install x-package`");
    }
}
