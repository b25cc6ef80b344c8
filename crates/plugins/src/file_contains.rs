//! `file.contains`: looks whether a text stands in a file.

use std::path::{Path, PathBuf};

use regex::Regex;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;
use tokio::io::AsyncReadExt;
use windlass_plugin::{About, Call, CallError, Plugin, Reply, Simulated, Simulation};

use crate::look;
use crate::program::one_line;

/// Passes when a text stands in a file, or does not.
#[derive(Clone, Copy, Debug, Default)]
pub struct FileContains;

/// What `file.contains` is asked. Exactly one of `text`, `line` and `regex` is given.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Request {
    /// The file.
    pub path: PathBuf,
    /// A text that stands anywhere in it.
    #[serde(default)]
    pub text: Option<String>,
    /// A whole line of it, without spaces at its ends.
    #[serde(default)]
    pub line: Option<String>,
    /// A regular expression that matches somewhere; `^` and `$` are the ends of a line.
    #[serde(default)]
    pub regex: Option<String>,
    /// Whether it passes when the text does not stand there. A file that does not exist has no text.
    #[serde(default)]
    pub absent: bool,
    /// How many bytes the file may have; a larger one is not looked at, and the check does not pass.
    #[serde(default = "max_size")]
    pub max_size: u64,
}

/// What was found.
#[derive(Clone, Debug, Default, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Response {
    /// Whether the text stands there.
    pub found: bool,
    /// The number of the line on which it begins, from 1.
    pub line: Option<usize>,
}

enum Wanted {
    Text(String),
    Line(String),
    Regex(Regex),
}

fn max_size() -> u64 {
    16 * 1024 * 1024
}

// === impl Request ===

impl Request {
    fn wanted(&self) -> Result<Wanted, String> {
        match (&self.text, &self.line, &self.regex) {
            (Some(text), None, None) if text.is_empty() => Err("`text` is empty".into()),
            (Some(text), None, None) => Ok(Wanted::Text(text.clone())),
            (None, Some(line), None) => Ok(Wanted::Line(line.trim().to_owned())),
            (None, None, Some(pattern)) => Regex::new(&format!("(?m){pattern}"))
                .map(Wanted::Regex)
                .map_err(|error| format!("`regex`: {}", one_line(&error))),
            (None, None, None) => Err("one of `text`, `line` and `regex` is needed".into()),
            _ => Err("`text`, `line` and `regex` exclude each other".into()),
        }
    }
}

// === impl Wanted ===

impl Wanted {
    /// The number of the line on which it begins.
    fn find(&self, content: &str) -> Option<usize> {
        let line_of = |at: usize| content.bytes().take(at).filter(|byte| *byte == b'\n').count() + 1;
        match self {
            Self::Text(text) => content.find(text.as_str()).map(line_of),
            Self::Line(line) => {
                content.lines().position(|present| present.trim() == line).map(|index| index + 1)
            }
            Self::Regex(regex) => regex.find(content).map(|found| line_of(found.start())),
        }
    }

    fn shown(&self) -> String {
        match self {
            Self::Text(text) => format!("the text `{text}`"),
            Self::Line(line) => format!("the line `{line}`"),
            Self::Regex(regex) => format!("a match of `{}`", regex.as_str().trim_start_matches("(?m)")),
        }
    }
}

// === impl FileContains ===

impl Plugin for FileContains {
    type Request = Request;
    type Response = Response;

    fn about(&self) -> About {
        About::check("file.contains", "passes when a text stands in a file, or does not")
            .on_target()
            .description("What is no UTF-8 in the file is replaced before looking.")
            .example("see that a setting is there", json!({"path": "/etc/app.conf", "line": "mode = active"}))
            .example(
                "see that no error was logged",
                json!({"path": "/var/log/app.log", "regex": "^ERROR", "absent": true}),
            )
    }

    fn validate(&self, request: &Request) -> Result<(), Vec<String>> {
        request.wanted().map(drop).map_err(|problem| vec![problem])
    }

    async fn call(&self, call: Call, request: Request) -> Result<Reply<Response>, CallError> {
        let wanted = request.wanted().map_err(|problem| CallError::permanent(CallError::REQUEST, problem))?;
        let shown = request.path.display();
        let content = look::unless_cancelled(&call, read(&request.path, request.max_size)).await??;
        let line = content.as_deref().and_then(|content| wanted.find(content));
        let response = Response { found: line.is_some(), line };
        match (line, request.absent) {
            (Some(line), true) => {
                Err(look::not_so(format!("`{shown}` has {} on line {line}", wanted.shown()), response))
            }
            (None, false) if content.is_none() => {
                Err(look::not_so(format!("`{shown}` does not exist"), response))
            }
            (None, false) => {
                Err(look::not_so(format!("`{shown}` does not have {}", wanted.shown()), response))
            }
            _ => Ok(Reply::unchanged(response)),
        }
    }

    fn simulate(&self, simulation: &Simulation<'_>, request: &Request) -> Simulated<Response> {
        look::passes(simulation, Response { found: !request.absent, line: None })
    }
}

/// The text of a file; `None` where there is no file.
async fn read(path: &Path, max_size: u64) -> Result<Option<String>, CallError> {
    let shown = path.display();
    let failed = |error: std::io::Error| {
        CallError::retryable("io", format!("`{shown}` cannot be read")).because(&error)
    };
    // Opening a pipe would wait for somebody to write, and reading a device would never end.
    match tokio::fs::metadata(path).await {
        Ok(found) if found.is_file() => {}
        Ok(_) => return Err(CallError::permanent("notAFile", format!("`{shown}` is no plain file"))),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(failed(error)),
    }
    let file = tokio::fs::File::open(path).await.map_err(failed)?;
    let mut bytes = Vec::new();
    file.take(max_size.saturating_add(1)).read_to_end(&mut bytes).await.map_err(failed)?;
    if bytes.len() as u64 > max_size {
        let message = format!("`{shown}` has more than {max_size} bytes; raise `maxSize` to look at it");
        return Err(CallError::permanent("tooLarge", message));
    }
    Ok(Some(
        String::from_utf8(bytes)
            .unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned()),
    ))
}
