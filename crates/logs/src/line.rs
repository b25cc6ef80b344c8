//! The format: one record is one line of text.
//!
//! ```text
//! # windlass-log 1 run 01a2… plan patch
//! 2026-11-20T14:53:14.711Z info out patch/web01/restart#1 @web01 ~-12 | restarted in 3 s
//! └ when it arrived         │    │   │                │  │      │     └ what was printed
//!                           │    │   │                │  │      └ printed 12 ms before, by the node's clock
//!                           │    │   │                │  └ the node
//!                           │    │   │                └ the attempt
//!                           │    │   └ the action, or `-` for the run
//!                           │    └ out, err, note (the plugin says), event (the run says); `out+`: goes on in the
//!                           │      next record of this attempt and stream
//!                           └ error, warn, info, debug
//! ```
//!
//! Nothing in a record can be mistaken for the end of one: bytes that are no printable UTF-8 stand as `\xHH`, and
//! so does a backslash that would read as such. Everything else is as it was printed, and every text can be put
//! back to the last byte. Whoever has read up to an offset goes on there.

use std::borrow::Cow;
use std::io::Write;

use memchr::memmem;
use windlass_model::log_level::LogLevel;
use windlass_model::time::Time;

/// The version of the format, which stands in the first line of a file.
pub const VERSION: u32 = 1;

/// Between the fields and the text.
const BAR: &[u8] = b" | ";

/// Where a line came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Source {
    /// A program's standard output.
    Out,
    /// A program's standard error.
    Err,
    /// The plugin.
    Note,
    /// The run.
    Event,
}

/// Whether a record is the end of a line that was printed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Form {
    /// It is.
    #[default]
    Whole,
    /// The line was too long for one record and goes on in the next.
    Part,
}

/// One record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record<'a> {
    /// When it arrived, to the millisecond.
    pub at: Time,
    /// How much it matters.
    pub level: LogLevel,
    /// Where it came from.
    pub source: Source,
    /// Whether more of the line follows.
    pub form: Form,
    /// The address of the element; empty for the run.
    pub address: &'a str,
    /// The number of the attempt; zero where there is none.
    pub attempt: u32,
    /// The node.
    pub node: Option<&'a str>,
    /// When it was printed by the clock of where that happened, where that is known.
    pub printed_at: Option<Time>,
    /// What was printed.
    pub text: Cow<'a, [u8]>,
}

/// The head of the record that was read last. The next one mostly has the same, and is spared being taken apart again.
#[derive(Debug, Default)]
pub(crate) struct Last {
    /// Up to the text; empty before there is one.
    head: Vec<u8>,
    record: Option<Record<'static>>,
    address: String,
    node: Option<String>,
}

/// The first line of a file, with its end.
#[must_use]
pub fn header(run: &str, plan: &str) -> Vec<u8> {
    format!("# windlass-log {VERSION} run {run} plan {plan}\n").into_bytes()
}

/// Appends a record, with the end of its line.
pub fn encode(record: &Record<'_>, to: &mut Vec<u8>) {
    encode_head(record, to);
    encode_text(&record.text, to);
}

/// Appends what stands in a record before its text. It is most of the work, and records of a program that prints a lot have
/// it in common.
pub fn encode_head(record: &Record<'_>, to: &mut Vec<u8>) {
    let Record { at, level, source, form, address, attempt, node, printed_at, text: _ } = record;
    let address = if address.is_empty() { "-" } else { address };
    let more = if *form == Form::Part { "+" } else { "" };
    // Writing into memory cannot fail.
    let _ = write!(to, "{at}");
    for word in [" ", level.word(), " ", source.word(), more, " ", address] {
        to.extend_from_slice(word.as_bytes());
    }
    if *attempt > 0 {
        let _ = write!(to, "#{attempt}");
    }
    if let Some(node) = node {
        to.extend_from_slice(b" @");
        to.extend_from_slice(node.as_bytes());
    }
    if let Some(printed) = printed_at {
        // Milliseconds of a time are far fewer than the largest number.
        let (printed, at) = (printed.as_millis().cast_signed(), at.as_millis().cast_signed());
        let _ = write!(to, " ~{}", printed.saturating_sub(at));
    }
    to.extend_from_slice(BAR);
}

/// Appends what stands behind that, with the end of the line.
pub fn encode_text(text: &[u8], to: &mut Vec<u8>) {
    escape(text, to);
    to.push(b'\n');
}

/// Reads a record from a line without its end. `None` for what is none.
#[must_use]
pub fn decode(line: &[u8]) -> Option<Record<'_>> {
    let (head, text) = parted(line)?;
    let record = decode_head(head)?;
    Some(Record { text: unescape(text), ..record })
}

/// What stands before the bar, and what behind it.
fn parted(line: &[u8]) -> Option<(&[u8], &[u8])> {
    let bar = memmem::find(line, BAR)?;
    Some((line.get(..bar)?, line.get(bar + BAR.len()..)?))
}

/// A record without its text.
fn decode_head(head: &[u8]) -> Option<Record<'_>> {
    let mut fields = std::str::from_utf8(head).ok()?.split(' ');
    let at: Time = fields.next()?.parse().ok()?;
    let second = fields.next()?;
    let Ok(level) = second.parse() else { return decode_first(at, second, fields.next()?) };
    let (source, form) = match fields.next()? {
        part if part.ends_with('+') => (Source::of(part.trim_end_matches('+'))?, Form::Part),
        whole => (Source::of(whole)?, Form::Whole),
    };
    let (address, attempt) = numbered(fields.next()?)?;
    let (mut node, mut printed_at) = (None, None);
    for field in fields {
        if let Some(name) = field.strip_prefix('@') {
            node = Some(name);
        } else if let Some(offset) = field.strip_prefix('~') {
            let millis = i128::from(at.as_millis()) + offset.parse::<i64>().map(i128::from).ok()?;
            printed_at = Some(Time(u64::try_from(millis).ok()?.checked_mul(1_000)?));
        }
        // Fields that a later version adds begin otherwise, and are passed over.
    }
    let address = if address == "-" { "" } else { address };
    Some(Record { at, level, source, form, address, attempt, node, printed_at, text: Cow::Borrowed(&[]) })
}

/// A line as it was before the format had a version: `TIME ADDRESS[#N] out|err|note | TEXT`.
fn decode_first<'a>(at: Time, label: &'a str, word: &str) -> Option<Record<'a>> {
    let source = Source::of(word).filter(|source| *source != Source::Event)?;
    let (address, attempt) = numbered(label)?;
    Some(Record {
        at,
        level: LogLevel::Info,
        source,
        form: Form::Whole,
        address,
        attempt: attempt.max(1),
        node: None,
        printed_at: None,
        text: Cow::Borrowed(&[]),
    })
}

fn numbered(label: &str) -> Option<(&str, u32)> {
    match label.split_once('#') {
        None => Some((label, 0)),
        Some((address, n)) => Some((address, n.parse().ok()?)),
    }
}

/// The text as it stands in a record.
fn escape(text: &[u8], to: &mut Vec<u8>) {
    if is_plain(text) {
        to.extend_from_slice(text);
        return;
    }
    let mut rest = text;
    while !rest.is_empty() {
        let (good, bad) = match std::str::from_utf8(rest) {
            Ok(_) => (rest, &[][..]),
            Err(error) => {
                let (good, after) = rest.split_at(error.valid_up_to());
                (good, after.get(..error.error_len().unwrap_or(after.len())).unwrap_or(after))
            }
        };
        escape_utf8(good, to);
        bad.iter().for_each(|byte| hex(*byte, to));
        rest = rest.get(good.len() + bad.len()..).unwrap_or_default();
    }
}

/// Whether nothing in a text needs a second look, as in most. Pieces of this size are looked at all at once.
fn is_plain(text: &[u8]) -> bool {
    let stays = |byte: &u8| matches!(byte, b' '..=b'~' | b'\t') & (*byte != b'\\');
    text.chunks(32).all(|piece| piece.iter().fold(true, |all, byte| all & stays(byte)))
}

fn escape_utf8(text: &[u8], to: &mut Vec<u8>) {
    let mut from = 0;
    for (at, byte) in text.iter().enumerate() {
        let next = || text.get(at + 1).copied();
        let is_odd = match byte {
            b'\t' => false,
            0..=0x1f | 0x7f => true,
            // U+0080 to U+009F: some terminals obey them.
            0xc2 => next().is_some_and(|next| next < 0xa0),
            0x80..=0x9f => at.checked_sub(1).and_then(|before| text.get(before)) == Some(&0xc2),
            b'\\' => text.get(at..).is_some_and(|rest| escaped(rest).is_some()),
            _ => false,
        };
        if is_odd {
            to.extend_from_slice(text.get(from..at).unwrap_or_default());
            hex(*byte, to);
            from = at + 1;
        }
    }
    to.extend_from_slice(text.get(from..).unwrap_or_default());
}

fn hex(byte: u8, to: &mut Vec<u8>) {
    let digit = |value: u8| char::from_digit(u32::from(value), 16).map_or(b'0', |digit| digit as u8);
    to.extend_from_slice(&[b'\\', b'x', digit(byte >> 4), digit(byte & 0xf)]);
}

/// The byte that a text begins with, where it begins with an escaped one.
fn escaped(text: &[u8]) -> Option<u8> {
    let [b'\\', b'x', high, low, ..] = text else { return None };
    let digit = |byte: &u8| match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        _ => None,
    };
    Some(digit(high)? << 4 | digit(low)?)
}

fn unescape(text: &[u8]) -> Cow<'_, [u8]> {
    if !text.contains(&b'\\') {
        return Cow::Borrowed(text);
    }
    let next = |from: usize| {
        let rest = text.get(from..).unwrap_or_default();
        rest.windows(4).enumerate().find_map(|(at, four)| Some((from + at, escaped(four)?)))
    };
    let Some(mut found) = next(0) else { return Cow::Borrowed(text) };
    let (mut out, mut from) = (Vec::with_capacity(text.len()), 0);
    loop {
        let (at, byte) = found;
        out.extend_from_slice(text.get(from..at).unwrap_or_default());
        out.push(byte);
        from = at + 4;
        match next(from) {
            Some(more) => found = more,
            None => break,
        }
    }
    out.extend_from_slice(text.get(from..).unwrap_or_default());
    Cow::Owned(out)
}

// === impl Last ===

impl Last {
    /// The same as [`decode`].
    pub(crate) fn decode<'a>(&'a mut self, line: &'a [u8]) -> Option<Record<'a>> {
        if self.record.is_none() || !line.starts_with(&self.head) {
            self.record = None;
            let (head, text) = parted(line)?;
            let record = decode_head(head)?;
            self.head.clear();
            self.head.extend_from_slice(line.get(..line.len() - text.len())?);
            record.address.clone_into(&mut self.address);
            self.node = record.node.map(str::to_owned);
            self.record = Some(Record { address: "", node: None, text: Cow::Borrowed(&[]), ..record });
        }
        let (record, text) = (self.record.as_ref()?, line.get(self.head.len()..)?);
        let (address, node) = (self.address.as_str(), self.node.as_deref());
        Some(Record { address, node, text: unescape(text), ..record.clone() })
    }
}

// === impl Source ===

impl Source {
    /// Its word.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Out => "out",
            Self::Err => "err",
            Self::Note => "note",
            Self::Event => "event",
        }
    }

    fn of(word: &str) -> Option<Self> {
        [Self::Out, Self::Err, Self::Note, Self::Event].into_iter().find(|source| source.word() == word)
    }
}

#[cfg(test)]
mod tests;
