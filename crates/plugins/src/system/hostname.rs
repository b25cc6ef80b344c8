//! `hostname`: sees to the name of the machine, now and after every start.

use std::path::Path;
use std::time::Duration;

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;
use windlass_plugin::{About, Call, CallError, Diff, Foresight, Plugin, Reply, Simulated, Simulation};

use super::conf;
use super::state::{Done, judged, replied};
use crate::files::trouble::trouble;

/// Sees to the name of the machine.
#[derive(Clone, Copy, Debug, Default)]
pub struct Hostname;

/// What `hostname` is asked.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Request {
    /// The name.
    pub name: String,
    /// Whether `/etc/hosts` says that the name is this machine, on the line of 127.0.1.1.
    #[serde(default)]
    pub hosts: bool,
}

const LIVE: &str = "/proc/sys/kernel/hostname";
const FILE: &str = "/etc/hostname";
/// Gentoo keeps it here.
const OPENRC: &str = "/etc/conf.d/hostname";
const HOSTS: &str = "/etc/hosts";
const OWN: &str = "127.0.1.1";

/// What shall become of the machine: the name that is set now, and the files that are replaced.
#[derive(Debug)]
struct Work {
    is_live: bool,
    files: Vec<(&'static str, String)>,
    diff: Diff,
}

// === impl Request ===

impl Request {
    async fn work(&self) -> Result<Work, CallError> {
        let live = conf::read(Path::new(LIVE)).await?.unwrap_or_default();
        let is_live = live.trim() == self.name;
        let mut work = Work {
            is_live,
            files: Vec::new(),
            diff: Diff::default().property("hostname", live.trim(), &self.name),
        };
        let text = conf::read(Path::new(FILE)).await?;
        if text.as_deref().map(str::trim) != Some(&self.name) {
            work.put(FILE, text.as_deref(), format!("{}\n", self.name));
        }
        if let Some(text) = conf::read(Path::new(OPENRC)).await? {
            work.put(OPENRC, Some(&text), openrc(&text, &self.name));
        }
        if self.hosts {
            let text = conf::read(Path::new(HOSTS)).await?;
            work.put(HOSTS, text.as_deref(), hosts(text.as_deref().unwrap_or_default(), &self.name));
        }
        Ok(work)
    }
}

// === impl Work ===

impl Work {
    fn put(&mut self, file: &'static str, before: Option<&str>, after: String) {
        if before.is_some_and(|before| !conf::differ(before, &after)) {
            return;
        }
        let diff = Diff::of_texts(file, before, Some(&after));
        self.diff = std::mem::take(&mut self.diff).and(&diff);
        self.files.push((file, after));
    }
}

// === impl Hostname ===

impl Plugin for Hostname {
    type Request = Request;
    type Response = Done;

    fn about(&self) -> About {
        About::acting("hostname", "sees to the name of the machine")
            .on_target()
            .description("The name is set now and written to `/etc/hostname`; where `/etc/conf.d/hostname` exists, there too.")
            .idempotent()
            .example("name a machine", json!({"name": "web03", "hosts": true}))
    }

    fn validate(&self, request: &Request) -> Result<(), Vec<String>> {
        let is_label = |label: &str| {
            let is_part = |c: char| c.is_ascii_alphanumeric() || c == '-';
            !label.is_empty()
                && label.len() <= 63
                && label.chars().all(is_part)
                && !label.starts_with('-')
                && !label.ends_with('-')
        };
        let mut problems = Vec::new();
        if !request.name.split('.').all(is_label) {
            problems.push(format!(
                "`name`: `{}` is no name of a machine; letters, digits and hyphens, with dots between",
                request.name
            ));
        }
        if request.name.len() > 64 {
            problems.push("`name`: the kernel takes at most 64 characters".into());
        }
        judged(problems)
    }

    async fn call(&self, _: Call, request: Request) -> Result<Reply<Done>, CallError> {
        let work = request.work().await?;
        for (file, text) in &work.files {
            conf::replace(Path::new(file), text, 0o644).await?;
        }
        if !work.is_live {
            let written = tokio::fs::write(LIVE, &request.name).await;
            written.map_err(|error| trouble("write", Path::new(LIVE), error))?;
        }
        Ok(replied(work.diff))
    }

    async fn noop(&self, _: Call, request: Request) -> Result<Foresight, CallError> {
        Ok(Foresight::of(request.work().await?.diff))
    }

    fn simulate(&self, simulation: &Simulation<'_>, request: &Request) -> Simulated<Done> {
        let after = simulation.plausible(Duration::from_millis(1), Duration::from_millis(20));
        let diff = Diff::default().property("hostname", "simulated", &request.name);
        Simulated::changed(after, Some(Done { diff: diff.some() }))
    }
}

fn openrc(text: &str, name: &str) -> String {
    let line = format!("hostname=\"{name}\"");
    let mut is_said = false;
    let mut lines: Vec<&str> = Vec::new();
    for there in text.lines() {
        if !there.trim_start().starts_with("hostname=") {
            lines.push(there);
        } else if !is_said {
            is_said = true;
            lines.push(&line);
        }
    }
    if !is_said {
        lines.push(&line);
    }
    lines.iter().flat_map(|line| [line, "\n"]).collect()
}

/// The line of our own address: the name, and its first part where it has several.
fn hosts(text: &str, name: &str) -> String {
    let short = name.split('.').next().unwrap_or(name);
    let names = if short == name { name.to_owned() } else { format!("{name} {short}") };
    let line = format!("{OWN}\t{names}");
    let mut is_said = false;
    let mut lines: Vec<&str> = Vec::new();
    for there in text.lines() {
        let said = there.split('#').next().unwrap_or_default();
        let mut words = said.split_whitespace();
        if words.next() != Some(OWN) {
            lines.push(there);
        } else if !is_said {
            is_said = true;
            lines.push(if words.collect::<Vec<_>>().join(" ") == names { there } else { &line });
        }
    }
    if !is_said {
        lines.push(&line);
    }
    lines.iter().flat_map(|line| [line, "\n"]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_line_says_who_we_are() {
        let text = "127.0.0.1 localhost\n127.0.1.1  old.example old # us\n127.0.1.1 older\n::1 localhost\n";
        let after = hosts(text, "web03.example");
        assert_eq!(after, "127.0.0.1 localhost\n127.0.1.1\tweb03.example web03\n::1 localhost\n");
        assert_eq!(hosts(&after, "web03.example"), after);
        assert_eq!(hosts("", "web03"), "127.0.1.1\tweb03\n");
        assert_eq!(openrc("# x\nhostname=\"old\"\n", "web03"), "# x\nhostname=\"web03\"\n");
    }
}
