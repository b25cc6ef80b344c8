//! A span, before it is put into the form in which it is sent.

use windlass_model::time::Time;

use crate::context::Context;

/// Something that took a while.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Span {
    /// The trace and the span itself.
    pub(crate) context: Context,
    pub(crate) parent: Option<[u8; 8]>,
    /// What of another trace led to it.
    pub(crate) link: Option<Context>,
    pub(crate) name: String,
    pub(crate) sort: Sort,
    pub(crate) begun: Time,
    pub(crate) ended: Time,
    pub(crate) says: Vec<Says>,
    pub(crate) notes: Vec<Note>,
    /// What happened meanwhile and is not among the notes, for there was too much of it.
    pub(crate) unnoted: u32,
    /// Why it failed.
    pub(crate) failed: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sort {
    /// Work of ours.
    Inside,
    /// A request that was answered.
    Answered,
}

/// Something that happened during a span.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Note {
    pub(crate) at: Time,
    pub(crate) name: &'static str,
    pub(crate) says: Vec<Says>,
}

/// What is said of a span: a name and a value.
pub(crate) type Says = (&'static str, Word);

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Word {
    Text(String),
    Number(i64),
    Is(bool),
}

impl From<&str> for Word {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Word {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<u32> for Word {
    fn from(number: u32) -> Self {
        Self::Number(number.into())
    }
}

impl From<u16> for Word {
    fn from(number: u16) -> Self {
        Self::Number(number.into())
    }
}

impl From<bool> for Word {
    fn from(is: bool) -> Self {
        Self::Is(is)
    }
}
