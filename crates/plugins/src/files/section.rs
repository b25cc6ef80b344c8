//! `section`: sees to it that some lines stand between two markers in a file.

use std::path::{Path, PathBuf};

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;
use windlass_plugin::{
    About, BackoffChoice, Call, CallError, Diff, Foresight, Plugin, Reply, Simulated, Simulation,
};

use super::answer::{Answer, foreseen};
use super::attributes::Ownership;
use super::change::Change;
use super::edit::{Missing, Spot, body, ending, lines, plan};
use super::entry::path_problem;
use super::trouble::refuse;
use super::writing::Writing;

/// Sees to it that some lines stand between two markers in a file.
#[derive(Clone, Copy, Debug, Default)]
pub struct Section;

/// What `section` is asked.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Request {
    /// The file.
    pub path: PathBuf,
    /// The section's name: its first line is `# BEGIN windlass NAME`, its last `# END windlass NAME`.
    pub name: String,
    /// The lines between them.
    #[serde(default)]
    pub content: String,
    /// What begins a comment in this file.
    #[serde(default = "hash")]
    pub comment: String,
    /// What ends a comment in this file, where something does: `-->`.
    #[serde(default)]
    pub comment_end: String,
    /// An expression for the line after which a new section goes, or `EOF`. Where nothing matches, it is the end.
    #[serde(default)]
    pub insert_after: Option<String>,
    /// An expression for the line before which a new section goes, or `BOF`.
    #[serde(default)]
    pub insert_before: Option<String>,
    /// Whether the section must not stand there.
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
    path: PathBuf,
    begin: Vec<u8>,
    end: Vec<u8>,
    lines: Vec<Vec<u8>>,
    spot: Spot,
    absent: bool,
}

fn hash() -> String {
    "#".into()
}

// === impl Request ===

impl Request {
    fn wanted(&self) -> Result<Wanted, Vec<String>> {
        let mut problems = Vec::new();
        let has_break = |text: &str| text.contains(['\n', '\r', '\0']);
        if self.name.trim().is_empty() || has_break(&self.name) {
            problems.push("`name`: it is empty or holds a line break".into());
        }
        if self.comment.trim().is_empty() || has_break(&self.comment) || has_break(&self.comment_end) {
            problems.push("`comment`: it is empty or holds a line break".into());
        }
        let spot = Spot::read(self.insert_after.as_deref(), self.insert_before.as_deref());
        let spot = spot.map_err(|problem| problems.push(problem)).ok();
        let marker = |word: &str| {
            let marker = format!("{} {word} windlass {} {}", self.comment, self.name, self.comment_end);
            marker.trim_end().as_bytes().to_vec()
        };
        let (begin, end) = (marker("BEGIN"), marker("END"));
        let lines: Vec<Vec<u8>> = self.content.lines().map(|line| line.as_bytes().to_vec()).collect();
        if lines.iter().any(|line| *line == begin || *line == end) {
            problems.push("`content`: it holds one of the section's own markers".into());
        }
        match spot {
            Some(spot) if problems.is_empty() => {
                Ok(Wanted { path: self.path.clone(), begin, end, lines, spot, absent: self.absent })
            }
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
        plan(call, &self.path, missing, &self.ownership, &self.writing, move |text| wanted.applied(text))
            .await
    }
}

// === impl Wanted ===

impl Wanted {
    fn applied(&self, text: &[u8]) -> Result<Vec<u8>, CallError> {
        let old = lines(text);
        let at = |marker: &[u8], from: usize| {
            (from..old.len()).find(|at| old.get(*at).is_some_and(|line| body(line) == marker))
        };
        let Some(begin) = at(&self.begin, 0) else {
            if at(&self.end, 0).is_some() {
                return Err(torn(&self.path, &self.end));
            }
            let mut whole = vec![self.begin.clone()];
            whole.extend(self.lines.iter().cloned());
            whole.push(self.end.clone());
            return Ok(if self.absent { text.to_vec() } else { self.spot.insert(text, &whole, false) });
        };
        let Some(end) = at(&self.end, begin) else { return Err(torn(&self.path, &self.begin)) };
        let (above, below) =
            (old.get(..begin).unwrap_or_default(), old.get(end.saturating_add(1)..).unwrap_or_default());
        let mut changed = above.concat();
        if !self.absent {
            let (first, last) =
                (old.get(begin).copied().unwrap_or_default(), old.get(end).copied().unwrap_or_default());
            changed.extend_from_slice(first);
            for line in &self.lines {
                changed.extend_from_slice(line);
                changed.extend_from_slice(ending(text));
            }
            changed.extend_from_slice(last);
        }
        changed.extend(below.concat());
        Ok(changed)
    }
}

/// One marker stands there without the other: where the section ends, nobody knows.
fn torn(path: &Path, marker: &[u8]) -> CallError {
    let marker = String::from_utf8_lossy(marker).into_owned();
    let message =
        format!("`{}` has the line `{marker}` without its counterpart; mend that by hand", path.display());
    CallError::permanent("torn", message)
}

// === impl Section ===

impl Plugin for Section {
    type Request = Request;
    type Response = Answer;

    fn about(&self) -> About {
        About::acting("section", "sees to it that some lines stand between two markers in a file")
            .on_target()
            .idempotent()
            .backoff(BackoffChoice::Fast)
            .description("What stands around the section is not touched.")
            .example(
                "name some hosts",
                json!({"path": "/etc/hosts", "name": "cluster", "content": "10.0.0.1 db1\n10.0.0.2 db2\n"}),
            )
            .example(
                "in a file with other comments",
                json!({"path": "/srv/app/index.html", "name": "banner", "comment": "<!--", "commentEnd": "-->",
                       "insertAfter": "<body>", "content": "<p>maintenance tonight</p>"}),
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
