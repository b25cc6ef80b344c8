//! What can be asked, what is answered, and the lines that carry both.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use windlass_engine::Input;
use windlass_model::code::{self, Code};
use windlass_model::event::{Author, Command, Event, Verdict, What};
use windlass_model::id::RunId;
use windlass_model::submission::{Digest, Submission};
use windlass_model::time::Time;
use windlass_report::words;
use windlass_runtime::{Error, Filter, Handle, RunView};

use crate::exit::Exit;
use crate::failure::{Failure, One};

/// The version of the lines.
pub(super) const VERSION: u32 = 1;
/// The longest question.
pub(super) const MAX_ASK: usize = 64 * 1024;
/// The longest answer: what was submitted, with a million targets.
pub(super) const MAX_ANSWER: usize = 512 * 1024 * 1024;

/// A question, with the version of whoever asks.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Envelope {
    pub(super) v: u32,
    pub(super) ask: Ask,
}

/// What can be asked.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "op", rename_all = "camelCase")]
pub(crate) enum Ask {
    /// Runs, newest first.
    Search { limit: usize, filter: Box<Filter> },
    /// The run of an id, of the beginning of one, or the last.
    Find { text: String },
    /// How a run stands.
    Status { run: RunId },
    /// What was submitted.
    Submission { run: RunId },
    /// Where the log of a run is, with all that was printed written there.
    Logs { run: RunId },
    /// The events of a run, one a line.
    Follow { run: RunId, from: u64, on: bool },
    /// A person's command.
    Command { run: RunId, command: Command, by: Author },
    /// Agree with a run; with the digest of what was looked at, if it was.
    Approve { run: RunId, digest: Option<Digest>, by: Author },
    /// Refuse a run.
    Reject { run: RunId, by: Author },
    /// Settle what waits for a person.
    Resolve { run: RunId, address: String, verdict: Verdict, by: Author },
}

/// What is answered.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Answer {
    /// Runs.
    Rows(Vec<Row>),
    /// A run.
    Run(RunId),
    /// How a run stands.
    Row(Box<Row>),
    /// What was submitted.
    Submission(Box<Submission>),
    /// Where the log of a run is.
    Logs(Logs),
    /// It was done.
    Done,
}

/// Where the log of a run is.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Logs {
    pub(crate) directory: Option<PathBuf>,
    /// What of it could not be written, if so.
    pub(crate) lost: Option<String>,
}

/// How a run stands, for lists.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Row {
    pub(crate) view: RunView,
    /// Whether the process that was asked drives it.
    pub(crate) is_driven: bool,
    /// What waits for a person.
    pub(crate) asked: Vec<String>,
    /// Whether nothing will go on before a person does something.
    #[serde(default)]
    pub(crate) needs_person: bool,
    /// Why it does not go on, if it does not.
    pub(crate) trouble: Option<String>,
}

/// A line that goes back.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) enum Line {
    Answer(Answer),
    Event { seq: u64, at: Time, what: What },
    Error(Wrong),
}

/// A failure on its way.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Wrong {
    code: Code,
    message: String,
    causes: Vec<String>,
    help: Option<String>,
    exit: u8,
}

/// Answers everything but [`Ask::Follow`].
pub(crate) async fn answer(handle: &Handle, ask: Ask) -> Result<Answer, Failure> {
    Ok(match ask {
        Ask::Search { limit, filter } => {
            let limit = if limit == 0 { usize::MAX } else { limit };
            let views = match filter.is_empty() {
                true => handle.list(limit, None).await?,
                false => handle.search(&filter, limit, None).await?,
            };
            let mut rows = Vec::with_capacity(views.len());
            for view in views {
                // Only what is under way stands otherwise than its record says.
                let view = if view.status.is_terminal() { view } else { handle.status(view.id).await? };
                rows.push(Row::of(view));
            }
            Answer::Rows(rows)
        }
        Ask::Find { text } => Answer::Run(find(handle, &text).await?),
        Ask::Status { run } => Answer::Row(Box::new(Row::of(handle.status(run).await?))),
        Ask::Logs { run } => {
            let directory = handle.logs(run).await?;
            Answer::Logs(Logs { directory, lost: lost_output(handle, run).await? })
        }
        Ask::Submission { run } => Answer::Submission(Box::new((*handle.submission(run).await?).clone())),
        Ask::Command { run, command, by } => {
            let told = handle.command(run, command, by.clone()).await;
            or_record(handle, run, told, Input::Command { command, by }).await?
        }
        Ask::Approve { run, digest, by } => {
            let digest = match digest {
                Some(digest) => digest,
                None => handle.submission(run).await?.digest(),
            };
            let told = handle.approve(run, digest, by.clone()).await;
            or_record(handle, run, told, Input::Approve { by, digest }).await?
        }
        Ask::Reject { run, by } => {
            let told = handle.reject(run, by.clone()).await;
            or_record(handle, run, told, Input::Reject { by }).await?
        }
        Ask::Resolve { run, address, verdict, by } => {
            let layout = handle.layout(run).await?;
            let told = handle.resolve(run, address.clone(), verdict, by.clone()).await;
            match layout.find(&address) {
                Some(element) => {
                    or_record(handle, run, told, Input::Resolve { element, verdict, by }).await?
                }
                None => told.map(|()| Answer::Done)?,
            }
        }
        Ask::Follow { .. } => return Err(Failure::usage("events are followed, not asked for")),
    })
}

/// What of a run's output could not be written, in words.
pub(crate) async fn lost_output(handle: &Handle, run: RunId) -> Result<Option<String>, Failure> {
    let lost = handle.lost_output(run).await?;
    Ok(lost.map(|lost| {
        let lines = words::count(lost.lines, "line");
        format!("{lines} of what its actions printed could not be written: {}", lost.why)
    }))
}

/// What nobody who drives the run could take is written down, and takes effect when somebody drives it.
async fn or_record(
    handle: &Handle,
    run: RunId,
    told: Result<(), Error>,
    input: Input,
) -> Result<Answer, Failure> {
    match told {
        Err(Error::NotDriven(_)) => handle.record(run, input).await?,
        told => told?,
    }
    Ok(Answer::Done)
}

async fn find(handle: &Handle, text: &str) -> Result<RunId, Failure> {
    let unknown = |message: String| {
        Failure::new(Exit::Invalid, code::UNKNOWN_RUN, message)
            .help("`windlass runs list` lists the runs of this data directory")
    };
    if text == "last" {
        let last = handle.list(1, None).await?;
        return last.first().map(|view| view.id).ok_or_else(|| unknown("there is no run here yet".into()));
    }
    if let Ok(run) = text.parse::<RunId>() {
        return Ok(handle.status(run).await?.id);
    }
    let wanted = text.to_ascii_lowercase();
    if wanted.is_empty() || !wanted.chars().all(|char| char.is_ascii_hexdigit() || char == '-') {
        return Err(unknown(format!(
            "`{text}` is not the id of a run; write an id, the beginning of one, or `last`"
        )));
    }
    let filter = Filter { id_begins: Some(wanted), ..Filter::default() };
    let found: Vec<RunId> = handle.search(&filter, usize::MAX, None).await?.iter().map(|it| it.id).collect();
    match found.as_slice() {
        [run] => Ok(*run),
        [] => Err(unknown(format!("there is no run whose id begins with `{text}`"))),
        several => Err(unknown(format!("{} runs have ids that begin with `{text}`", several.len()))
            .help("give more of the id; `windlass runs list` shows them")),
    }
}

// === impl Row ===

impl Row {
    fn of(view: RunView) -> Self {
        let (is_driven, trouble) = (view.condition.is_driven(), view.condition.trouble());
        let asked = view.condition.asked().to_vec();
        let needs_person = view.condition.needs_person();
        Self { view, is_driven, asked, needs_person, trouble }
    }
}

// === impl Line ===

impl Line {
    pub(super) fn event(event: &Event) -> Self {
        Self::Event { seq: event.seq, at: event.at, what: event.what.clone() }
    }

    /// As bytes, with the line break.
    pub(super) fn bytes(&self) -> Vec<u8> {
        // Nothing in a line can fail to serialize; if it could, an empty line would end the conversation.
        let mut bytes = serde_json::to_vec(self).unwrap_or_default();
        bytes.push(b'\n');
        bytes
    }
}

// === impl Wrong ===

impl Wrong {
    pub(super) fn of(failure: &Failure) -> Self {
        match failure {
            Failure::One(one) => Self {
                code: one.code.clone(),
                message: one.message.clone(),
                causes: one.causes.clone(),
                help: one.help.clone(),
                exit: one.exit.code(),
            },
            other => Self {
                code: code::BUG,
                message: format!("{other:?}"),
                causes: Vec::new(),
                help: None,
                exit: other.exit().code(),
            },
        }
    }

    pub(super) fn into_failure(self) -> Failure {
        let Self { code, message, causes, help, exit } = self;
        Failure::One(Box::new(One { code, message, causes, help, exit: Exit::from_code(exit) }))
    }
}
