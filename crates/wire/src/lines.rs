//! Lines that an attempt printed, all of them in one piece of memory.
//!
//! A program that prints a lot prints many lines, and each passes through here on both sides: a list of texts, each in
//! memory of its own, would cost more than everything else about them.

use std::fmt;

use serde::de::{SeqAccess, Visitor};
use serde::ser::SerializeSeq as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use windlass_model::log_level::LogLevel;
use windlass_model::time::Time;
use windlass_plugin::{Printed, Stream};

/// Lines in their order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Lines {
    lines: Vec<Line>,
    bytes: Vec<u8>,
}

/// What is known of a line beside what it says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Line {
    kind: u8,
    at_ms: u64,
    /// Where it ends in the bytes of all.
    end: usize,
}

/// A line as it is written.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename = "Line")]
struct Written<'a> {
    /// Where it came from: 0 standard output, 1 standard error, 2 the plugin itself; above that, in the bits 4 to 6, how much
    /// it matters from 1, debug, to 4, error, where that is known, and in bit 7 whether it goes on in the next line.
    kind: u8,
    /// When, in milliseconds since 1970 by the agent's clock.
    at_ms: u64,
    /// What, without the line's end.
    #[serde(with = "serde_bytes", borrow)]
    bytes: &'a [u8],
}

/// For how many lines room is made before they are read. A length may lie.
const RESERVED: usize = 4096;

// === impl Lines ===

impl Lines {
    /// Adds a line that was printed at a time, in milliseconds since 1970.
    pub fn push(&mut self, line: &Printed<'_>, at_ms: u64) {
        self.add(&Written { kind: kind(line), at_ms, bytes: line.bytes });
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.lines.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }

    /// How many bytes they have, without their ends.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.bytes.len()
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = Printed<'_>> {
        self.written().map(|line| printed(&line))
    }

    /// Those behind so many.
    #[must_use]
    pub fn behind(&self, count: usize) -> Self {
        let mut rest = Self::default();
        self.written().skip(count).for_each(|line| rest.add(&line));
        rest
    }

    fn add(&mut self, line: &Written<'_>) {
        self.bytes.extend_from_slice(line.bytes);
        self.lines.push(Line { kind: line.kind, at_ms: line.at_ms, end: self.bytes.len() });
    }

    fn written(&self) -> impl Iterator<Item = Written<'_>> {
        let begins = std::iter::once(0).chain(self.lines.iter().map(|line| line.end));
        self.lines.iter().zip(begins).map(|(line, begin)| Written {
            kind: line.kind,
            at_ms: line.at_ms,
            bytes: self.bytes.get(begin..line.end).unwrap_or_default(),
        })
    }
}

impl Serialize for Lines {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut seq = serializer.serialize_seq(Some(self.len()))?;
        for line in self.written() {
            seq.serialize_element(&line)?;
        }
        seq.end()
    }
}

impl<'de> Deserialize<'de> for Lines {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reading;

        impl<'de> Visitor<'de> for Reading {
            type Value = Lines;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("lines")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Lines, A::Error> {
                let mut lines = Lines::default();
                lines.lines.reserve(seq.size_hint().unwrap_or_default().min(RESERVED));
                while let Some(line) = seq.next_element::<Written<'de>>()? {
                    lines.add(&line);
                }
                Ok(lines)
            }
        }

        deserializer.deserialize_seq(Reading)
    }
}

fn kind(line: &Printed<'_>) -> u8 {
    let stream = match line.stream {
        Stream::Stdout => 0,
        Stream::Stderr => 1,
        Stream::Note => 2,
    };
    let level = match line.level {
        None => 0,
        Some(LogLevel::Debug) => 1,
        Some(LogLevel::Info) => 2,
        Some(LogLevel::Warn) => 3,
        Some(LogLevel::Error) => 4,
    };
    stream | level << 4 | u8::from(line.goes_on) << 7
}

fn printed<'a>(line: &Written<'a>) -> Printed<'a> {
    let stream = match line.kind & 0xf {
        0 => Stream::Stdout,
        1 => Stream::Stderr,
        _ => Stream::Note,
    };
    let level = match line.kind >> 4 & 7 {
        1 => Some(LogLevel::Debug),
        2 => Some(LogLevel::Info),
        3 => Some(LogLevel::Warn),
        4 => Some(LogLevel::Error),
        _ => None,
    };
    let at = Some(Time(line.at_ms.saturating_mul(1_000)));
    Printed { level, at, goes_on: line.kind >> 7 == 1, ..Printed::new(stream, line.bytes) }
}
