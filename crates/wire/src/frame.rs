//! Frames: how messages become bytes, and bytes messages again.

use serde::Deserialize;
use windlass_model::event::Severity;
use windlass_model::id::RunId;

use crate::hello::Hello;
use crate::lines::Lines;
use crate::message::{AttachOrder, CallOrder, Ended, FromAgent, Origins, OriginsAnswer, ToAgent};

/// What each side says before its first frame, because shells like to talk when somebody logs in.
pub const MAGIC: [u8; 16] = *b"\0\xffwindlass-wire\n";
/// How much may be said before it.
pub const MOST_NOISE: usize = 64 << 10;

/// The largest frame. Whoever reads one keeps what has arrived of it and reserves nothing beforehand.
const LARGEST: usize = 32 << 20;
const HEADER: usize = 6;
/// The flag of a message that a side which does not know it may skip.
const MAY_SKIP: u8 = 1;

/// Something that travels in a frame.
pub trait Message: Sized {
    /// Its kind and whether a side that does not know it may skip it, and its body.
    fn put(&self) -> Result<(u8, bool, Vec<u8>), postcard::Error>;
    /// The message of a kind; `None` where the kind is unknown.
    fn take(kind: u8, body: &[u8]) -> Result<Option<Self>, postcard::Error>;
}

/// What came of the bytes so far.
#[derive(Clone, Debug, PartialEq)]
pub enum Received<M> {
    /// A message.
    Message(M),
    /// More bytes are needed.
    Wait,
}

/// Why bytes cannot be understood. The connection is of no use any more.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WireError {
    /// No agent answers, something else does.
    #[error("no agent answered; what did says: {}", shown(said))]
    NoAgent {
        /// The beginning of what was said instead.
        said: Vec<u8>,
    },
    /// A frame is larger than any may be.
    #[error("a frame of {len} bytes is larger than any may be")]
    TooLarge {
        /// Its length.
        len: usize,
    },
    /// A frame is not what its kind says.
    #[error("a frame of kind {kind} cannot be read: {why}")]
    Damaged {
        /// Its kind.
        kind: u8,
        /// Why not.
        why: String,
    },
    /// The other side says something that this one must not skip and does not know.
    #[error("a frame of the unknown kind {kind}; the other side is of a newer version")]
    Unknown {
        /// Its kind.
        kind: u8,
    },
}

/// Bytes as they arrive, messages as they are complete.
#[derive(Clone, Debug, Default)]
pub struct Decoder {
    bytes: Vec<u8>,
    at: usize,
    greeted: bool,
    noise: Vec<u8>,
}

/// The bytes of a message.
///
/// # Errors
///
/// The message is larger than a frame may be.
pub fn encode(message: &impl Message) -> Result<Vec<u8>, WireError> {
    let (kind, may_skip, body) =
        message.put().map_err(|error| WireError::Damaged { kind: 0, why: error.to_string() })?;
    let len = body.len().saturating_add(2);
    let Some(len_field) = u32::try_from(len).ok().filter(|_| len <= LARGEST) else {
        return Err(WireError::TooLarge { len });
    };
    let mut bytes = Vec::with_capacity(len.saturating_add(4));
    bytes.extend_from_slice(&len_field.to_le_bytes());
    bytes.push(kind);
    bytes.push(if may_skip { MAY_SKIP } else { 0 });
    bytes.extend_from_slice(&body);
    Ok(bytes)
}

/// What a side says first: the magic and its hello.
///
/// # Errors
///
/// The hello is larger than a frame may be.
pub fn greet(hello: &impl Message) -> Result<Vec<u8>, WireError> {
    let mut bytes = MAGIC.to_vec();
    bytes.extend(encode(hello)?);
    Ok(bytes)
}

// === impl Decoder ===

impl Decoder {
    /// For frames without a greeting before them, such as those of a journal.
    #[must_use]
    pub fn of_frames() -> Self {
        Self { greeted: true, ..Self::default() }
    }

    /// Takes bytes in.
    pub fn push(&mut self, bytes: &[u8]) {
        if self.at > 0 && self.at >= self.bytes.len() / 2 {
            self.bytes.drain(..self.at);
            self.at = 0;
        }
        self.bytes.extend_from_slice(bytes);
    }

    /// Where bytes go that are read next: behind those that are there, with room for so many at least. Whoever reads into it spares
    /// them being moved; memory that a burst took is given back once less comes.
    pub fn room(&mut self, count: usize) -> &mut Vec<u8> {
        if self.at >= self.bytes.len() {
            self.at = 0;
            self.bytes.clear();
            if self.bytes.capacity() / 8 > count {
                self.bytes = Vec::new();
            }
        } else if self.at > 0 && self.bytes.capacity().saturating_sub(self.bytes.len()) < count {
            self.bytes.drain(..self.at);
            self.at = 0;
        }
        self.bytes.reserve_exact(count);
        &mut self.bytes
    }

    /// What was said before the magic.
    #[must_use]
    pub fn noise(&self) -> &[u8] {
        &self.noise
    }

    /// The beginning of what was said so far instead of a greeting.
    #[must_use]
    pub fn said(&self) -> Vec<u8> {
        self.bytes.iter().copied().take(200).collect()
    }

    /// Whether the magic was seen.
    #[must_use]
    pub fn is_greeted(&self) -> bool {
        self.greeted
    }

    /// Whether the bytes end between two frames.
    #[must_use]
    pub fn is_at_an_end(&self) -> bool {
        self.rest().is_empty()
    }

    /// How many bytes were not yet understood as messages.
    #[must_use]
    pub fn pending(&self) -> usize {
        self.rest().len()
    }

    /// The next message, if it is complete.
    ///
    /// # Errors
    ///
    /// The bytes cannot be understood, now or ever.
    pub fn message<M: Message>(&mut self) -> Result<Received<M>, WireError> {
        if !self.greeted && !self.find_magic()? {
            return Ok(Received::Wait);
        }
        loop {
            let rest = self.rest();
            let Some(&[a, b, c, d]) = rest.first_chunk::<4>() else { return Ok(Received::Wait) };
            let len = u32::from_le_bytes([a, b, c, d]) as usize;
            if len > LARGEST {
                return Err(WireError::TooLarge { len });
            }
            if len < 2 {
                return Err(WireError::Damaged { kind: 0, why: format!("its length is {len}") });
            }
            let end = len.saturating_add(4);
            let (Some(&kind), Some(&flags), Some(body)) = (rest.get(4), rest.get(5), rest.get(HEADER..end))
            else {
                return Ok(Received::Wait);
            };
            let taken =
                M::take(kind, body).map_err(|error| WireError::Damaged { kind, why: error.to_string() })?;
            self.at = self.at.saturating_add(end);
            match taken {
                Some(message) => return Ok(Received::Message(message)),
                None if flags & MAY_SKIP != 0 => {}
                None => return Err(WireError::Unknown { kind }),
            }
        }
    }

    fn rest(&self) -> &[u8] {
        self.bytes.get(self.at..).unwrap_or_default()
    }

    fn find_magic(&mut self) -> Result<bool, WireError> {
        let found = self.bytes.windows(MAGIC.len()).position(|window| window == MAGIC);
        match found {
            Some(at) if at <= MOST_NOISE => {
                self.noise = self.bytes.get(..at).unwrap_or_default().to_vec();
                self.bytes.drain(..at.saturating_add(MAGIC.len()));
                self.greeted = true;
                Ok(true)
            }
            None if self.bytes.len() <= MOST_NOISE => Ok(false),
            _ => Err(WireError::NoAgent { said: self.said() }),
        }
    }
}

// === impl Message ===

/// Kinds and their bodies. A kind's number is never used for anything else.
macro_rules! kinds {
    ($message:ty { $($number:literal $(($skip:ident))? => $pattern:pat => $body:expr, $ty:ty => |$read:pat_param| $made:expr;)* }) => {
        impl Message for $message {
            fn put(&self) -> Result<(u8, bool, Vec<u8>), postcard::Error> {
                match self {
                    $($pattern => Ok(($number, kinds!(@skip $($skip)?), postcard::to_stdvec(&$body)?)),)*
                }
            }

            fn take(kind: u8, body: &[u8]) -> Result<Option<Self>, postcard::Error> {
                match kind {
                    $($number => {
                        let $read: $ty = whole(body)?;
                        Ok(Some($made))
                    })*
                    _ => Ok(None),
                }
            }
        }
    };
    (@skip) => { false };
    (@skip $skip:ident) => { true };
}

kinds!(ToAgent {
    1 => Self::Hello(hello) => hello, Hello => |hello| Self::Hello(hello);
    2 => Self::Call(order) => order, CallOrder => |order| Self::Call(Box::new(order));
    3 => Self::Attach(order) => order, AttachOrder => |order| Self::Attach(order);
    4 => Self::Cancel { id, how } => (id, how), (u64, Severity) => |(id, how)| Self::Cancel { id, how };
    5 => Self::Origins { id, question, answer } => (id, question, answer), (u64, u64, OriginsAnswer)
        => |(id, question, answer)| Self::Origins { id, question, answer };
    6 => Self::Forget(run) => run, RunId => |run| Self::Forget(run);
    7 => Self::Ping(n) => n, u64 => |n| Self::Ping(n);
    8 => Self::Bye => (), () => |()| Self::Bye;
});

kinds!(FromAgent {
    65 => Self::Hello(hello) => hello, Hello => |hello| Self::Hello(hello);
    66 => Self::Output { id, from, lines } => (id, from, lines), (u64, u64, Lines)
        => |(id, from, lines)| Self::Output { id, from, lines };
    67 => Self::Ended { id, ended } => (id, ended), (u64, Ended) => |(id, ended)| Self::Ended { id, ended };
    68 => Self::Gone { id, begun } => (id, begun), (u64, bool) => |(id, begun)| Self::Gone { id, begun };
    69 => Self::Origins { id, question, ask } => (id, question, ask), (u64, u64, Origins)
        => |(id, question, ask)| Self::Origins { id, question, ask };
    70 => Self::Pong(n) => n, u64 => |n| Self::Pong(n);
    71 (may_skip) => Self::Said(text) => text, String => |text| Self::Said(text);
});

/// A body with nothing left over: what is left over was written by somebody who means something else.
fn whole<'a, T: Deserialize<'a>>(body: &'a [u8]) -> Result<T, postcard::Error> {
    let (value, rest) = postcard::take_from_bytes(body)?;
    if rest.is_empty() { Ok(value) } else { Err(postcard::Error::DeserializeBadEncoding) }
}

fn shown(said: &[u8]) -> String {
    if said.is_empty() {
        return "nothing".to_owned();
    }
    format!("`{}`", String::from_utf8_lossy(said).trim().escape_debug())
}
