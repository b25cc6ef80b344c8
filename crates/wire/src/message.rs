//! The messages.
//!
//! Requests and responses are JSON as bytes: their shapes are the plugins', not the wire's.
//! The number of a kind stands in [`crate::frame`]; fields of a kind never change.

use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use windlass_model::event::Severity;
use windlass_model::id::RunId;
use windlass_plugin::origin::{OriginEntry, OriginPart};
use windlass_plugin::{CallError, Foresight, Reply, Value};

use crate::hello::Hello;
use crate::lines::Lines;

/// What Windlass says to an agent.
#[derive(Clone, Debug, PartialEq)]
pub enum ToAgent {
    /// Who is speaking. The first message.
    Hello(Hello),
    /// Make an attempt.
    Call(Box<CallOrder>),
    /// Find an attempt that was ordered earlier, perhaps over another connection and of another process.
    Attach(AttachOrder),
    /// End an attempt.
    Cancel {
        /// Which.
        id: u64,
        /// How harshly.
        how: Severity,
    },
    /// The answer to a question about files of Windlass's side.
    Origins {
        /// The attempt that asked.
        id: u64,
        /// Its question's number.
        question: u64,
        /// The answer.
        answer: OriginsAnswer,
    },
    /// Nothing of this run will be asked for again.
    Forget(RunId),
    /// Say something.
    Ping(u64),
    /// Nothing more will be ordered: end when all work has ended.
    Bye,
}

/// What an agent says to Windlass.
#[derive(Clone, Debug, PartialEq)]
pub enum FromAgent {
    /// Who is speaking. The first message.
    Hello(Hello),
    /// Lines that an attempt printed.
    Output {
        /// Which attempt.
        id: u64,
        /// How many lines it had printed before these: where to go on after a lost connection.
        from: u64,
        /// The lines.
        lines: Lines,
    },
    /// An attempt ended.
    Ended {
        /// Which.
        id: u64,
        /// How.
        ended: Ended,
    },
    /// What was to be found again is not to be found, or its end is not known.
    Gone {
        /// Which attempt.
        id: u64,
        /// Whether it is known to have begun.
        begun: bool,
    },
    /// A question about files of Windlass's side.
    Origins {
        /// The attempt that asks.
        id: u64,
        /// The question's number.
        question: u64,
        /// The question.
        ask: Origins,
    },
    /// The answer to a ping.
    Pong(u64),
    /// Something that an operator of the agent should know.
    Said(String),
}

/// An attempt to make.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CallOrder {
    /// What this attempt is called on this connection.
    pub id: u64,
    /// What is wanted of the plugin.
    pub mode: Mode,
    /// The plugin.
    pub plugin: String,
    /// The request, as JSON.
    #[serde(with = "serde_bytes")]
    pub request: Vec<u8>,
    /// The run.
    pub run: RunId,
    /// The plan's name.
    pub plan: String,
    /// The action's address.
    pub address: String,
    /// The attempt's number.
    pub attempt: u32,
    /// The key of the action.
    pub key: String,
    /// The node that this agent is on.
    pub node: Option<String>,
    /// The node whose sequence this is, where that is another one.
    pub for_node: Option<String>,
    /// How long it may take, in milliseconds.
    pub within_ms: u64,
    /// Whether its begin, output and end are kept until the run is forgotten. What cannot be kept is not begun then.
    pub keep: bool,
}

impl CallOrder {
    /// The code of the end of an attempt that was not begun, because nothing can be kept where the agent is.
    pub const UNKEPT: &'static str = "agent.unkept";
    /// The code of the end of one that was not begun, because somebody had looked for it before its order arrived.
    pub const VOID: &'static str = "agent.void";
    /// How long at least an agent keeps what nobody asks for.
    pub const KEPT: Duration = Duration::from_secs(7 * 24 * 3600);
}

/// An attempt to find again. One that has not begun when it is looked for never begins: an order for it that is still on
/// its way over a dead connection is void.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AttachOrder {
    /// What this attempt is called on this connection.
    pub id: u64,
    /// The run.
    pub run: RunId,
    /// The key of the action.
    pub key: String,
    /// The attempt's number.
    pub attempt: u32,
    /// How many of its lines are known already.
    pub from: u64,
}

/// What is wanted of a plugin.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Mode {
    /// To do it.
    Act,
    /// To say what it would change.
    Noop,
    /// To say whether it was done.
    WasDone,
}

/// How an attempt ended. What was answered is JSON.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Ended {
    /// Well.
    Replied {
        /// The response.
        #[serde(with = "serde_bytes")]
        response: Vec<u8>,
        /// Whether anything was changed.
        changed: bool,
    },
    /// It said what it would change: a [`Foresight`].
    Foreseen(#[serde(with = "serde_bytes")] Vec<u8>),
    /// It said whether it was done.
    Known(Option<bool>),
    /// Badly.
    Failed(Trouble),
}

/// An error of a plugin.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trouble {
    code: String,
    message: String,
    permanent: bool,
    retry_after_ms: Option<u64>,
    causes: Vec<String>,
    #[serde(with = "serde_bytes")]
    response: Option<Vec<u8>>,
}

/// A question about files of Windlass's side.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Origins {
    /// What is there? Answered by one list.
    List(PathBuf),
    /// Send these. Answered by parts, and an end.
    Read(Vec<PathBuf>),
    /// A file begins that is to be written. Answered by `Done` or a refusal.
    Write {
        /// Where to.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// More of it. Not answered, unless it is refused.
    Put(#[serde(with = "serde_bytes")] Vec<u8>),
    /// It is complete. Answered by `Done` or a refusal.
    Finish,
    /// Nobody waits for more of this question's answer, or the file that it writes is given up.
    Drop,
}

/// An answer to such a question.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum OriginsAnswer {
    /// What is there.
    Listed(Vec<OriginEntry>),
    /// A piece of a file.
    Part {
        /// Which file, by its position in the question.
        file: u32,
        /// The bytes.
        #[serde(with = "serde_bytes")]
        bytes: Vec<u8>,
        /// Whether the file ends here.
        last: bool,
    },
    /// That was all, or it was done.
    Done,
    /// It cannot be, and why.
    Refused(Trouble),
}

// === impl Ended ===

impl Ended {
    /// From what a plugin answered.
    #[must_use]
    pub fn of(answer: Result<Reply<Value>, CallError>) -> Self {
        match answer {
            Ok(Reply { response, changed }) => Self::Replied { response: json(&response), changed },
            Err(error) => Self::Failed(error.into()),
        }
    }

    /// From what a plugin foresaw.
    #[must_use]
    pub fn foreseen(answer: Result<Foresight, CallError>) -> Self {
        match answer {
            Ok(foresight) => Self::Foreseen(json(&foresight)),
            Err(error) => Self::Failed(error.into()),
        }
    }

    /// What the plugin answered. An agent that answers something else is at fault, not the plugin.
    pub fn reply(self) -> Result<Reply<Value>, CallError> {
        match self {
            Self::Replied { response, changed } => Ok(Reply { response: read(&response)?, changed }),
            Self::Failed(trouble) => Err(trouble.into()),
            Self::Foreseen(_) | Self::Known(_) => Err(off("an attempt was answered with something else")),
        }
    }

    /// Whether the agent says that it began nothing, for this reason.
    #[must_use]
    pub fn is_refusal(&self, code: &str) -> bool {
        matches!(self, Self::Failed(trouble) if trouble.code == code)
    }

    /// What the plugin foresaw.
    pub fn foresight(self) -> Result<Foresight, CallError> {
        match self {
            Self::Foreseen(foresight) => read(&foresight),
            Self::Failed(trouble) => Err(trouble.into()),
            Self::Replied { .. } | Self::Known(_) => {
                Err(off("a look ahead was answered with something else"))
            }
        }
    }
}

// === impl Trouble ===

impl From<CallError> for Trouble {
    fn from(error: CallError) -> Self {
        let CallError { code, message, permanent, retry_after, causes, response } = error;
        let retry_after_ms = retry_after.map(|wait| u64::try_from(wait.0.as_millis()).unwrap_or(u64::MAX));
        Self { code, message, permanent, retry_after_ms, causes, response: response.map(|it| json(&*it)) }
    }
}

impl From<Trouble> for CallError {
    fn from(trouble: Trouble) -> Self {
        let Trouble { code, message, permanent, retry_after_ms, causes, response } = trouble;
        let wait = |ms| windlass_model::span::Span(std::time::Duration::from_millis(ms));
        Self {
            code,
            message,
            permanent,
            retry_after: retry_after_ms.map(wait),
            causes,
            response: response.and_then(|bytes| serde_json::from_slice(&bytes).ok()).map(Box::new),
        }
    }
}

// === impl OriginsAnswer ===

impl From<OriginPart> for OriginsAnswer {
    fn from(part: OriginPart) -> Self {
        let OriginPart { file, bytes, last } = part;
        Self::Part { file: u32::try_from(file).unwrap_or(u32::MAX), bytes, last }
    }
}

fn json(value: &impl Serialize) -> Vec<u8> {
    // These are JSON values already, or made of texts: they always serialize.
    serde_json::to_vec(value).unwrap_or_default()
}

fn read<T: for<'a> Deserialize<'a>>(bytes: &[u8]) -> Result<T, CallError> {
    serde_json::from_slice(bytes).map_err(|error| off("an answer is no JSON of that shape").because(&error))
}

fn off(what: &str) -> CallError {
    CallError::permanent("agent", format!("the agent does not keep to the protocol: {what}"))
}
