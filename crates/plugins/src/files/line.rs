//! `line`: sees to it that a line stands in a file, or does not.

use std::path::PathBuf;

use regex::bytes::Regex;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;
use windlass_plugin::{
    About, BackoffChoice, Call, CallError, Diff, Foresight, Plugin, Reply, Simulated, Simulation,
};

use super::answer::{Answer, foreseen};
use super::attributes::Ownership;
use super::change::Change;
use super::edit::{Missing, Spot, body, expression, lines, plan};
use super::entry::path_problem;
use super::replacement::Replacement;
use super::trouble::refuse;
use super::writing::Writing;

/// Sees to it that a line stands in a file, or does not.
#[derive(Clone, Copy, Debug, Default)]
pub struct Line;

/// What `line` is asked.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Request {
    /// The file.
    pub path: PathBuf,
    /// The line, without its end. Not needed with `absent` and `regexp`.
    #[serde(default)]
    pub line: Option<String>,
    /// An expression for the line that this one replaces; of several the last. With `absent`, all lines that it
    /// matches go. Where nothing matches, the line is added unless it stands there already.
    #[serde(default)]
    pub regexp: Option<String>,
    /// Whether `\1` and `\g<name>` in the line stand for what the groups of `regexp` matched. Where nothing
    /// matches, nothing is changed then.
    #[serde(default)]
    pub back_references: bool,
    /// Whether the first line that matches counts instead of the last.
    #[serde(default)]
    pub first_match: bool,
    /// An expression for the line after which a new line goes, or `EOF`. Where nothing matches, it is the end.
    #[serde(default)]
    pub insert_after: Option<String>,
    /// An expression for the line before which a new line goes, or `BOF`.
    #[serde(default)]
    pub insert_before: Option<String>,
    /// Whether the line must not stand there.
    #[serde(default)]
    pub absent: bool,
    /// Whether a file that is not there is made.
    #[serde(default)]
    pub create: bool,
    /// Who owns it and who may do what with it.
    #[serde(flatten)]
    pub ownership: Ownership,
    /// How it is written.
    #[serde(flatten)]
    pub writing: Writing,
}

/// A request that was understood.
struct Wanted {
    line: Option<String>,
    regexp: Option<(Regex, Replacement)>,
    spot: Spot,
    absent: bool,
    needs_match: bool,
    first: bool,
}

// === impl Request ===

impl Request {
    fn wanted(&self) -> Result<Wanted, Vec<String>> {
        let mut problems = Vec::new();
        let mut take = |problem: String| problems.push(problem);
        if self.line.as_deref().is_some_and(|line| line.contains(['\n', '\r', '\0'])) {
            take("`line`: it holds a line break; `section` is for several lines".into());
        }
        match (self.absent, &self.line, &self.regexp) {
            (true, None, None) => take("one of `line` and `regexp` is needed".into()),
            (true, Some(_), Some(_)) => take("with `absent`, `line` and `regexp` exclude each other".into()),
            (false, None, _) => take("`line` is needed, unless `absent` is true".into()),
            _ => {}
        }
        if self.back_references && self.regexp.is_none() {
            take("`backReferences` means nothing without `regexp`".into());
        }
        let spot = Spot::read(self.insert_after.as_deref(), self.insert_before.as_deref());
        let spot = spot.map_err(&mut take).ok();
        let regexp = self.regexp.as_deref().and_then(|pattern| {
            let regex = expression("regexp", pattern).map_err(&mut take).ok()?;
            let line = self.line.as_deref().unwrap_or_default();
            let replacement = if self.back_references {
                Replacement::read(line, &regex).map_err(|why| take(format!("`line`: {why}"))).ok()?
            } else {
                Replacement::literal(line)
            };
            Some((regex, replacement))
        });
        match spot {
            Some(spot) if problems.is_empty() => Ok(Wanted {
                line: self.line.clone(),
                regexp,
                spot,
                absent: self.absent,
                needs_match: self.back_references,
                first: self.first_match,
            }),
            _ => Err(problems),
        }
    }

    async fn plan(&self, call: &Call) -> Result<Option<Change>, CallError> {
        let wanted = self.wanted().map_err(|problems| refuse(problems.join("; ")))?;
        let missing = match (self.absent, self.create) {
            (true, _) => Missing::Leave,
            (false, true) => Missing::Create,
            (false, false) => Missing::Refuse,
        };
        plan(call, &self.path, missing, &self.ownership, &self.writing, move |text| Ok(wanted.applied(text)))
            .await
    }
}

// === impl Wanted ===

impl Wanted {
    fn applied(&self, text: &[u8]) -> Vec<u8> {
        if self.absent { self.without(text) } else { self.with(text) }
    }

    fn without(&self, text: &[u8]) -> Vec<u8> {
        let goes = |line: &[u8]| match (&self.regexp, &self.line) {
            (Some((regex, _)), _) => regex.is_match(body(line)),
            (None, Some(wanted)) => body(line) == wanted.as_bytes(),
            (None, None) => false,
        };
        lines(text).into_iter().filter(|line| !goes(line)).collect::<Vec<_>>().concat()
    }

    fn with(&self, text: &[u8]) -> Vec<u8> {
        let old = lines(text);
        if let Some((regex, replacement)) = &self.regexp {
            let matches = |at: &usize| old.get(*at).is_some_and(|line| regex.is_match(body(line)));
            let mut matching = (0..old.len()).filter(matches);
            let at = if self.first { matching.next() } else { matching.next_back() };
            if let Some((at, line)) = at.and_then(|at| Some((at, *old.get(at)?)))
                && let Some(captures) = regex.captures(body(line))
            {
                let mut new = replacement.fill(&captures);
                new.extend_from_slice(line.get(body(line).len()..).unwrap_or_default());
                let mut changed = old.clone();
                if let Some(place) = changed.get_mut(at) {
                    *place = &new;
                }
                return changed.concat();
            }
            if self.needs_match {
                return text.to_vec();
            }
        }
        let Some(wanted) = &self.line else { return text.to_vec() };
        if old.iter().any(|line| body(line) == wanted.as_bytes()) {
            return text.to_vec();
        }
        self.spot.insert(text, &[wanted.clone().into_bytes()], self.first)
    }
}

// === impl Line ===

impl Plugin for Line {
    type Request = Request;
    type Response = Answer;

    fn about(&self) -> About {
        About::acting("line", "sees to it that a line stands in a file, or does not")
            .on_target()
            .idempotent()
            .backoff(BackoffChoice::Fast)
            .description("A request that would change the file again when it is repeated fails with the code `notRepeatable` and changes nothing.")
            .example(
                "set an option, if the server accepts it",
                json!({"path": "/etc/ssh/sshd_config", "regexp": "^#?PermitRootLogin ", "line": "PermitRootLogin no",
                       "validate": ["sshd", "-t", "-f", "%s"]}),
            )
            .example(
                "keep part of the line",
                json!({"path": "/etc/default/grub", "regexp": "^(GRUB_CMDLINE_LINUX)=.*", "backReferences": true,
                       "line": "\\1=\"console=ttyS0\""}),
            )
            .example("take lines out", json!({"path": "/etc/fstab", "regexp": "\\sswap\\s", "absent": true, "backup": true}))
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
