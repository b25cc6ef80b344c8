//! `replace`: replaces every match of an expression in a file.

use std::path::PathBuf;

use regex::bytes::{Captures, Regex};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;
use windlass_plugin::{
    About, BackoffChoice, Call, CallError, Diff, Foresight, Plugin, Reply, Simulated, Simulation,
};

use super::answer::{Answer, foreseen};
use super::attributes::Ownership;
use super::change::Change;
use super::edit::{Missing, expression, plan};
use super::entry::path_problem;
use super::replacement::Replacement;
use super::trouble::refuse;
use super::writing::Writing;

/// Replaces every match of an expression in a file.
#[derive(Clone, Copy, Debug, Default)]
pub struct Replace;

/// What `replace` is asked.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Request {
    /// The file. It must exist.
    pub path: PathBuf,
    /// What is replaced, as a regular expression over the whole text; `^` and `$` are the ends of a line, and `(?s)`
    /// lets a dot match line breaks.
    pub regexp: String,
    /// What takes its place; `\1` and `\g<name>` stand for what groups matched, `\\` for a backslash.
    #[serde(default)]
    pub with: String,
    /// An expression; only what comes after its first match is looked at. Where it does not match, nothing is.
    #[serde(default)]
    pub after: Option<String>,
    /// An expression; only what comes before its first match (behind that of `after`) is looked at. Where it does not
    /// match, nothing is.
    #[serde(default)]
    pub before: Option<String>,
    /// Who owns it and who may do what with it.
    #[serde(flatten)]
    pub ownership: Ownership,
    /// How it is written.
    #[serde(flatten)]
    pub writing: Writing,
}

/// A request that was understood.
struct Wanted {
    regexp: Regex,
    with: Replacement,
    after: Option<Regex>,
    before: Option<Regex>,
}

// === impl Request ===

impl Request {
    fn wanted(&self) -> Result<Wanted, Vec<String>> {
        let mut problems = Vec::new();
        let mut read = |field: &str, pattern: &str| {
            expression(field, pattern).map_err(|problem| problems.push(problem)).ok()
        };
        let after = self.after.as_deref().map(|pattern| read("after", pattern));
        let before = self.before.as_deref().map(|pattern| read("before", pattern));
        let regexp = read("regexp", &self.regexp);
        let with = regexp.as_ref().and_then(|regexp| {
            Replacement::read(&self.with, regexp).map_err(|why| problems.push(format!("`with`: {why}"))).ok()
        });
        if self.regexp.is_empty() {
            problems.push("`regexp`: it is empty".into());
        }
        match (regexp, with) {
            (Some(regexp), Some(with)) if problems.is_empty() => {
                Ok(Wanted { regexp, with, after: after.flatten(), before: before.flatten() })
            }
            _ => Err(problems),
        }
    }

    async fn plan(&self, call: &Call) -> Result<Option<Change>, CallError> {
        let wanted = self.wanted().map_err(|problems| refuse(problems.join("; ")))?;
        let edit = move |text: &[u8]| Ok(wanted.applied(text));
        let planned = plan(call, &self.path, Missing::Refuse, &self.ownership, &self.writing, edit).await;
        planned.map_err(|error| CallError {
            message: error.message.replace("; say `create: true` to make it", ""),
            ..error
        })
    }
}

// === impl Wanted ===

impl Wanted {
    fn applied(&self, text: &[u8]) -> Vec<u8> {
        let Some((from, to)) = self.bounds(text) else { return text.to_vec() };
        let (Some(above), Some(within), Some(below)) = (text.get(..from), text.get(from..to), text.get(to..))
        else {
            return text.to_vec();
        };
        let replaced = self.regexp.replace_all(within, |captures: &Captures<'_>| self.with.fill(captures));
        [above, &*replaced, below].concat()
    }

    /// The part that is looked at.
    fn bounds(&self, text: &[u8]) -> Option<(usize, usize)> {
        let from = match &self.after {
            Some(after) => after.find(text)?.end(),
            None => 0,
        };
        let to = match &self.before {
            Some(before) => before.find_at(text, from)?.start(),
            None => text.len(),
        };
        Some((from, to))
    }
}

// === impl Replace ===

impl Plugin for Replace {
    type Request = Request;
    type Response = Answer;

    fn about(&self) -> About {
        About::acting("replace", "replaces every match of an expression in a file")
            .on_target()
            .idempotent()
            .backoff(BackoffChoice::Fast)
            .description("A request that would change the file again when it is repeated fails with the code `notRepeatable` and changes nothing.")
            .example(
                "move to another mirror",
                json!({"path": "/etc/apt/sources.list", "regexp": "http://old\\.example\\.org/", "with": "https://mirror.example.org/"}),
            )
            .example(
                "change one section of a file",
                json!({"path": "/etc/app.ini", "after": "^\\[server\\]$", "before": "^\\[", "regexp": "^(port) *=.*$",
                       "with": "\\1 = 8080", "backup": true}),
            )
    }

    fn validate(&self, request: &Request) -> Result<(), Vec<String>> {
        let mut problems: Vec<String> = path_problem("path", &request.path).into_iter().collect();
        problems.extend(request.writing.problems());
        problems.extend(request.wanted().err().unwrap_or_default());
        if problems.is_empty() { Ok(()) } else { Err(problems) }
    }

    async fn call(&self, call: Call, request: Request) -> Result<Reply<Answer>, CallError> {
        Change::made(request.plan(&call).await?, &call, &request.writing).await
    }

    async fn noop(&self, call: Call, request: Request) -> Result<Foresight, CallError> {
        foreseen(
            request.plan(&call).await.map(|change| change.map_or_else(Diff::default, |change| change.diff)),
        )
    }

    fn simulate(&self, simulation: &Simulation<'_>, _: &Request) -> Simulated<Answer> {
        Answer::simulated(simulation)
    }
}
