//! `sysctl`: sees to a setting of the kernel, now and after every start.

use std::path::PathBuf;
use std::time::Duration;

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;
use windlass_plugin::{About, Call, CallError, Diff, Foresight, Plugin, Reply, Simulated, Simulation, Value};

use super::conf;
use super::state::{Done, State, judged, one_line, or_none, replied};
use crate::files::trouble::trouble;

/// Sees to a setting of the kernel.
#[derive(Clone, Copy, Debug, Default)]
pub struct Sysctl;

/// What `sysctl` is asked.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Request {
    /// The setting: `net.ipv4.ip_forward`, or `net/ipv4/conf/eth0.100/forwarding` where a part has dots of its own.
    pub name: String,
    /// Its value: a text or a number. Left out only where it shall be absent.
    #[serde(default)]
    pub value: Option<Value>,
    /// Whether the file shall say it. Where that is absent, the kernel keeps what it has until the next start.
    #[serde(default)]
    pub state: State,
    /// The file that says it after every start.
    #[serde(default = "file")]
    pub file: PathBuf,
    /// Whether it is set now.
    #[serde(default = "yes")]
    pub live: bool,
    /// Whether it is written to the file.
    #[serde(default = "yes")]
    pub persistent: bool,
}

fn file() -> PathBuf {
    "/etc/sysctl.d/90-windlass.conf".into()
}

fn yes() -> bool {
    true
}

/// What was found, and what shall become of it.
#[derive(Debug)]
struct Work {
    live: Option<(PathBuf, String)>,
    new_text: Option<String>,
    diff: Diff,
}

// === impl Request ===

impl Request {
    fn wanted(&self) -> Option<String> {
        match self.value.as_ref()? {
            Value::String(text) => Some(words(text)),
            Value::Number(number) => Some(number.to_string()),
            Value::Bool(is) => Some(u8::from(*is).to_string()),
            _ => None,
        }
    }

    /// The parts of its name. The separator is whichever comes first; the other one is then part of a part.
    fn parts(&self) -> Vec<String> {
        let first = self.name.find(['.', '/']).and_then(|at| self.name.get(at..=at));
        match first {
            Some("/") => self.name.split('/').map(str::to_owned).collect(),
            _ => self.name.split('.').map(|part| part.replace('/', ".")).collect(),
        }
    }

    fn is_about_it(&self, line: &str) -> bool {
        let line = line.trim_start().trim_start_matches('-');
        let name = line.split('=').next().unwrap_or_default().trim();
        !line.starts_with(['#', ';'])
            && line.contains('=')
            && Request { name: name.into(), ..self.clone() }.parts() == self.parts()
    }

    fn merged(&self, text: &str, value: Option<&str>) -> String {
        let line = value.map(|value| format!("{} = {value}", self.name));
        let mut is_said = false;
        let mut lines: Vec<&str> = Vec::new();
        for there in text.lines() {
            if !self.is_about_it(there) {
                lines.push(there);
            } else if let Some(line) = line.as_deref().filter(|_| !is_said) {
                is_said = true;
                // A line that says the same in other words may stay.
                let same = there.split_once('=').is_some_and(|(_, said)| Some(words(said).as_str()) == value);
                lines.push(if same { there } else { line });
            }
        }
        if let Some(line) = line.as_deref().filter(|_| !is_said) {
            lines.push(line);
        }
        lines.iter().flat_map(|line| [line, "\n"]).collect()
    }

    async fn work(&self) -> Result<Work, CallError> {
        let wanted = self.wanted();
        let mut diff = Diff::default();
        let mut live = None;
        if let Some(wanted) = wanted.as_ref().filter(|_| self.live && self.state == State::Present) {
            let path: PathBuf = std::iter::once("/proc/sys".to_owned()).chain(self.parts()).collect();
            let now = conf::read(&path).await?.ok_or_else(|| {
                let message = format!("the kernel has no setting `{}`; is its module loaded?", self.name);
                CallError::retryable("unknownSetting", message)
            })?;
            if words(&now) != *wanted {
                diff = diff.property(&self.name, words(&now), wanted);
                live = Some((path, wanted.clone()));
            }
        }
        let mut new_text = None;
        if self.persistent {
            let text = conf::read(&self.file).await?;
            let before = text.as_deref().unwrap_or_default();
            let after = self.merged(before, wanted.as_deref().filter(|_| self.state == State::Present));
            if conf::differ(before, &after) {
                let shown = self.file.display().to_string();
                diff = diff.and(&Diff::of_texts(&shown, text.as_deref(), Some(&after)));
                new_text = Some(after);
            }
        }
        Ok(Work { live, new_text, diff })
    }
}

// === impl Sysctl ===

impl Plugin for Sysctl {
    type Request = Request;
    type Response = Done;

    fn about(&self) -> About {
        About::acting("sysctl", "sees to a setting of the kernel, now and after every start")
            .on_target()
            .description(
                "It is set first and written then, so that a value which the kernel refuses is not found in the file.",
            )
            .idempotent()
            .example("forward packets", json!({"name": "net.ipv4.ip_forward", "value": 1}))
            .example("until the next start only", json!({"name": "vm.swappiness", "value": 10, "persistent": false}))
            .example("say it no more", json!({"name": "vm.swappiness", "state": "absent"}))
    }

    fn validate(&self, request: &Request) -> Result<(), Vec<String>> {
        let mut problems = Vec::new();
        let is_part = |part: &String| {
            !part.is_empty()
                && part != ".."
                && part != "."
                && part.chars().all(|c| c.is_ascii_alphanumeric() || "_.:@-".contains(c))
        };
        let parts = request.parts();
        if parts.len() < 2 || !parts.iter().all(is_part) {
            problems.push(format!("`name`: `{}` is no setting, such as `net.ipv4.ip_forward`", request.name));
        }
        match (request.state, &request.value, request.wanted()) {
            (State::Present, None, _) => problems.push("`value`: it is missing".into()),
            (State::Absent, Some(_), _) => {
                problems.push("`value`: a setting that shall be absent has none".into())
            }
            (_, Some(_), None) => problems.push("`value`: it must be a text or a number".into()),
            (_, _, Some(value)) => {
                problems.extend(one_line("value", &value));
                if value.is_empty() {
                    problems.push("`value`: it is empty".into());
                }
            }
            _ => {}
        }
        if !request.live && !request.persistent {
            problems.push("`live`: with `persistent` off as well there is nothing to do".into());
        }
        if !request.file.is_absolute() {
            problems.push("`file`: it must be an absolute path".into());
        }
        judged(problems)
    }

    async fn call(&self, _: Call, request: Request) -> Result<Reply<Done>, CallError> {
        let work = request.work().await?;
        if let Some((path, value)) = &work.live {
            tokio::fs::write(path, format!("{value}\n")).await.map_err(|error| {
                let refused = format!("the kernel refuses `{value}` for `{}`", request.name);
                match error.kind() {
                    std::io::ErrorKind::InvalidInput => {
                        CallError::permanent("refused", refused).because(&error)
                    }
                    _ => trouble("write", path, error),
                }
            })?;
        }
        if let Some(text) = &work.new_text {
            conf::replace(&request.file, text, 0o644).await?;
        }
        Ok(replied(work.diff))
    }

    async fn noop(&self, _: Call, request: Request) -> Result<Foresight, CallError> {
        match request.work().await {
            Ok(work) => Ok(Foresight::of(work.diff)),
            Err(error) if error.code == "unknownSetting" => Ok(Foresight::unknown(error.message)),
            Err(error) => Err(error),
        }
    }

    fn simulate(&self, simulation: &Simulation<'_>, request: &Request) -> Simulated<Done> {
        let after = simulation.plausible(Duration::from_millis(1), Duration::from_millis(20));
        let diff = Diff::default().property(&request.name, "simulated", or_none(request.wanted()));
        Simulated::changed(after, Some(Done { diff: diff.some() }))
    }
}

/// The kernel prints tabs where people write spaces.
fn words(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(name: &str) -> Request {
        serde_json::from_value(json!({"name": name, "value": 1})).unwrap()
    }

    #[test]
    fn a_line_is_replaced_where_it_stands_and_only_once() {
        let text =
            "# net.ipv4.ip_forward = 0\nnet/ipv4/ip_forward=0\nvm.swappiness = 10\nnet.ipv4.ip_forward = 0\n";
        let request = of("net.ipv4.ip_forward");
        let after = request.merged(text, Some("1"));
        assert_eq!(after, "# net.ipv4.ip_forward = 0\nnet.ipv4.ip_forward = 1\nvm.swappiness = 10\n");
        assert_eq!(request.merged(&after, Some("1")), after);
        assert_eq!(request.merged("net.ipv4.ip_forward=1\n", Some("1")), "net.ipv4.ip_forward=1\n");
        assert_eq!(request.merged(&after, None), "# net.ipv4.ip_forward = 0\nvm.swappiness = 10\n");
    }

    #[test]
    fn a_part_may_have_dots() {
        assert_eq!(
            of("net/ipv4/conf/eth0.100/forwarding").parts(),
            ["net", "ipv4", "conf", "eth0.100", "forwarding"]
        );
        assert_eq!(
            of("net.ipv4.conf.eth0/100.forwarding").parts(),
            ["net", "ipv4", "conf", "eth0.100", "forwarding"]
        );
    }
}
