//! The user's `ssh_config`: the options that matter to reaching a host, with OpenSSH's rules for them.
//!
//! The first value of an option counts, except for `IdentityFile` and `CertificateFile`, which add up. Options
//! that do not concern us are skipped, as are `Match` blocks with conditions that would have to run something.

use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};

/// What a host's configuration says. What it does not say is `None` or empty.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HostConfig {
    /// `HostName`.
    pub host_name: Option<String>,
    /// `User`.
    pub user: Option<String>,
    /// `Port`.
    pub port: Option<u16>,
    /// `IdentityFile`s.
    pub identity_files: Vec<PathBuf>,
    /// `CertificateFile`s.
    pub certificate_files: Vec<PathBuf>,
    /// `IdentityAgent`; `none` for none at all.
    pub identity_agent: Option<String>,
    /// `IdentitiesOnly`.
    pub identities_only: bool,
    /// `ProxyJump`, nearest to us first; `none` is an empty list.
    pub proxy_jump: Option<Vec<String>>,
    /// `UserKnownHostsFile`.
    pub known_hosts: Option<Vec<PathBuf>>,
    /// `StrictHostKeyChecking`.
    pub strict_host_keys: Option<String>,
    /// `HostKeyAlias`.
    pub host_key_alias: Option<String>,
    /// `ConnectTimeout` in seconds.
    pub connect_timeout: Option<u64>,
    /// `ServerAliveInterval` in seconds.
    pub alive_interval: Option<u64>,
    /// `ServerAliveCountMax`.
    pub alive_count: Option<usize>,
}

/// A configuration as it was read, for any host.
#[derive(Clone, Debug, Default)]
pub struct Config {
    lines: Vec<(Condition, String, Vec<String>)>,
    home: PathBuf,
}

#[derive(Clone, Debug)]
enum Condition {
    Always,
    Never,
    Host(Vec<String>),
    Both(Box<Condition>, Box<Condition>),
}

/// How deep configurations may include one another.
const MOST_INCLUDES: usize = 16;

// === impl Config ===

impl Config {
    /// The user's configuration, then the system's.
    ///
    /// # Errors
    ///
    /// A file exists and cannot be read.
    pub fn of_user(home: &Path) -> io::Result<Self> {
        let mut config = Self { lines: Vec::new(), home: home.to_owned() };
        for path in [home.join(".ssh/config"), PathBuf::from("/etc/ssh/ssh_config")] {
            config.read(&path, &Condition::Always, 0)?;
        }
        Ok(config)
    }

    /// This file, and what it includes.
    ///
    /// # Errors
    ///
    /// A file cannot be read.
    pub fn of_file(path: &Path, home: &Path) -> io::Result<Self> {
        let mut config = Self { lines: Vec::new(), home: home.to_owned() };
        std::fs::metadata(path)?;
        config.read(path, &Condition::Always, 0)?;
        Ok(config)
    }

    fn read(&mut self, path: &Path, within: &Condition, depth: usize) -> io::Result<()> {
        let bytes = match std::fs::read(path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(io::Error::new(error.kind(), format!("{}: {error}", path.display()))),
        };
        let mut block = Condition::Always;
        for line in String::from_utf8_lossy(&bytes).lines() {
            let Some((keyword, arguments)) = words(line) else { continue };
            match keyword.as_str() {
                "host" => block = Condition::Host(arguments),
                "match" => block = condition(&arguments),
                "include" if depth < MOST_INCLUDES => {
                    let within = within.clone().and(block.clone());
                    for pattern in &arguments {
                        for path in self.included(pattern, path) {
                            self.read(&path, &within, depth.saturating_add(1))?;
                        }
                    }
                }
                _ => self.lines.push((within.clone().and(block.clone()), keyword, arguments)),
            }
        }
        Ok(())
    }

    /// The files that an `Include` names. Relative ones begin beside the user's configuration.
    fn included(&self, pattern: &str, from: &Path) -> Vec<PathBuf> {
        let base = if from.starts_with("/etc") { PathBuf::from("/etc/ssh") } else { self.home.join(".ssh") };
        let path = base.join(self.expanded(pattern));
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        if !name.contains(['*', '?']) {
            return vec![path];
        }
        let entries = path.parent().and_then(|directory| std::fs::read_dir(directory).ok());
        let mut paths: Vec<PathBuf> = entries
            .into_iter()
            .flatten()
            .flatten()
            .filter(|entry| matches(&name, &entry.file_name().to_string_lossy()))
            .map(|entry| entry.path())
            .collect();
        paths.sort();
        paths
    }

    fn expanded(&self, path: &str) -> PathBuf {
        match path.strip_prefix("~/") {
            Some(rest) => self.home.join(rest),
            None => PathBuf::from(path),
        }
    }

    /// What is said of a host. `user` is who is logged in here.
    #[must_use]
    pub fn host(&self, name: &str, user: &str) -> HostConfig {
        let mut host = HostConfig::default();
        let mut seen = BTreeSet::new();
        for (condition, keyword, arguments) in &self.lines {
            if !condition.holds(name) {
                continue;
            }
            let Some(first) = arguments.first() else { continue };
            let adds = matches!(keyword.as_str(), "identityfile" | "certificatefile");
            if !adds && !seen.insert(keyword.as_str()) {
                continue;
            }
            let seconds = || first.strip_suffix('s').unwrap_or(first).parse().ok();
            match keyword.as_str() {
                "hostname" => host.host_name = Some(first.replace("%h", name)),
                "user" => host.user = Some(first.clone()),
                "port" => host.port = first.parse().ok(),
                "identityfile" => host.identity_files.push(PathBuf::from(first)),
                "certificatefile" => host.certificate_files.push(PathBuf::from(first)),
                "identityagent" => host.identity_agent = Some(first.clone()),
                "identitiesonly" => host.identities_only = first.eq_ignore_ascii_case("yes"),
                "proxyjump" if first.eq_ignore_ascii_case("none") => host.proxy_jump = Some(Vec::new()),
                "proxyjump" => {
                    host.proxy_jump = Some(first.split(',').map(|hop| hop.trim().to_owned()).collect())
                }
                "userknownhostsfile" if first.eq_ignore_ascii_case("none") => {
                    host.known_hosts = Some(Vec::new())
                }
                "userknownhostsfile" => {
                    host.known_hosts = Some(arguments.iter().map(PathBuf::from).collect());
                }
                "stricthostkeychecking" => host.strict_host_keys = Some(first.to_lowercase()),
                "hostkeyalias" => host.host_key_alias = Some(first.clone()),
                "connecttimeout" => host.connect_timeout = seconds(),
                "serveraliveinterval" => host.alive_interval = seconds(),
                "serveralivecountmax" => host.alive_count = first.parse().ok(),
                _ => {}
            }
        }
        self.resolve(&mut host, name, user);
        host
    }

    /// Fills in what stands for something: `~`, and the tokens that OpenSSH knows.
    fn resolve(&self, host: &mut HostConfig, name: &str, user: &str) {
        let target = host.host_name.clone().unwrap_or_else(|| name.to_owned());
        let (port, remote) =
            (host.port.unwrap_or(22).to_string(), host.user.clone().unwrap_or_else(|| user.to_owned()));
        let home = self.home.display().to_string();
        let fill = |path: &PathBuf| {
            let text = path.to_string_lossy();
            let mut filled = String::with_capacity(text.len());
            let mut letters = text.chars();
            while let Some(letter) = letters.next() {
                if letter != '%' {
                    filled.push(letter);
                    continue;
                }
                match letters.next() {
                    Some('h') => filled.push_str(&target),
                    Some('n') => filled.push_str(name),
                    Some('p') => filled.push_str(&port),
                    Some('r') => filled.push_str(&remote),
                    Some('u') => filled.push_str(user),
                    Some('d') => filled.push_str(&home),
                    Some('%') => filled.push('%'),
                    Some(other) => filled.extend(['%', other]),
                    None => filled.push('%'),
                }
            }
            self.expanded(&filled)
        };
        host.identity_files = host.identity_files.iter().map(fill).collect();
        host.certificate_files = host.certificate_files.iter().map(fill).collect();
        host.known_hosts = host.known_hosts.as_ref().map(|files| files.iter().map(fill).collect());
        if let Some(agent) = host.identity_agent.as_mut().filter(|agent| !agent.eq_ignore_ascii_case("none"))
        {
            *agent = fill(&PathBuf::from(&*agent)).display().to_string();
        }
    }
}

// === impl Condition ===

impl Condition {
    fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::Always, other) | (other, Self::Always) => other,
            (one, other) => Self::Both(Box::new(one), Box::new(other)),
        }
    }

    fn holds(&self, name: &str) -> bool {
        match self {
            Self::Always => true,
            Self::Never => false,
            Self::Both(one, other) => one.holds(name) && other.holds(name),
            Self::Host(patterns) => {
                let negated = patterns.iter().filter_map(|pattern| pattern.strip_prefix('!'));
                let plain = patterns.iter().filter(|pattern| !pattern.starts_with('!'));
                !negated.into_iter().any(|pattern| matches(pattern, name))
                    && plain.into_iter().any(|pattern| matches(pattern, name))
            }
        }
    }
}

/// The condition of a `Match`, as far as it can be told without running anything.
fn condition(arguments: &[String]) -> Condition {
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["all"] => Condition::Always,
        ["host" | "originalhost", patterns] => {
            Condition::Host(patterns.split(',').map(str::to_owned).collect())
        }
        _ => Condition::Never,
    }
}

/// The keyword of a line in lower case, and its arguments without their quotes.
fn words(line: &str) -> Option<(String, Vec<String>)> {
    let line = line.trim();
    if line.is_empty() || line.starts_with('#') {
        return None;
    }
    let end = line.find(|c: char| c.is_whitespace() || c == '=').unwrap_or(line.len());
    let (keyword, rest) = line.split_at(end);
    let rest = rest.trim_start();
    let mut rest = rest.strip_prefix('=').unwrap_or(rest).trim_start();
    let mut arguments = Vec::new();
    while !rest.is_empty() && !rest.starts_with('#') {
        let (argument, after) = match rest.strip_prefix('"') {
            Some(quoted) => quoted.split_once('"').unwrap_or((quoted, "")),
            None => rest.split_at(rest.find(char::is_whitespace).unwrap_or(rest.len())),
        };
        arguments.push(argument.to_owned());
        rest = after.trim_start();
    }
    Some((keyword.to_lowercase(), arguments))
}

/// Whether a pattern with `*` and `?` fits a whole text.
pub(crate) fn matches(pattern: &str, text: &str) -> bool {
    // As nearly all are, in files of thousands of lines that are asked for each of thousands of hosts.
    if !pattern.contains(['*', '?']) {
        return pattern == text;
    }
    let (pattern, text): (Vec<char>, Vec<char>) = (pattern.chars().collect(), text.chars().collect());
    let (mut at, mut on) = (0, 0);
    let mut star = None;
    while let Some(letter) = text.get(on) {
        match pattern.get(at) {
            Some('*') => {
                star = Some((at, on));
                at += 1;
            }
            Some(wanted) if *wanted == '?' || wanted == letter => (at, on) = (at + 1, on + 1),
            _ => match star {
                Some((star_at, star_on)) => {
                    star = Some((star_at, star_on + 1));
                    (at, on) = (star_at + 1, star_on + 1);
                }
                None => return false,
            },
        }
    }
    pattern.iter().skip(at).all(|rest| *rest == '*')
}

#[cfg(test)]
mod tests;
