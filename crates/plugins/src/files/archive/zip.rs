//! What is in a zip: the part of the format that archivers write, and nothing else.
//!
//! The directory at the end says what there is; the local headers are only skipped. Stored and deflated members are
//! read, zip64 too. What is encrypted, split or packed otherwise is refused.

use std::fs::File;
use std::io::{self, Read, Seek as _, SeekFrom};

use flate2::Crc;
use flate2::read::DeflateDecoder;
use windlass_plugin::CallError;

/// One thing in a zip.
#[derive(Clone, Debug)]
pub(super) struct Member {
    pub(super) name: String,
    pub(super) is_directory: bool,
    /// The bits that Unix programs write, with the kind of file.
    pub(super) mode: Option<u32>,
    pub(super) crc: u32,
    pub(super) size: u64,
    packed: u64,
    deflated: bool,
    header: u64,
}

/// A member that is held against its size and checksum when its end is reached.
pub(super) struct Checked<R> {
    from: R,
    crc: Crc,
    expected: u32,
    left: u64,
}

/// The largest directory that is read.
const LARGEST_DIRECTORY: u64 = 256 << 20;
/// The most that may follow the end of the directory: a comment.
const LONGEST_END: u64 = 22 + 0xffff;

/// Everything in a zip, as its directory has it.
pub(super) fn members(packed: &mut File) -> Result<Vec<Member>, CallError> {
    let (start, length, count) = directory(packed)?;
    if length > LARGEST_DIRECTORY {
        return Err(damaged("its directory is too large"));
    }
    let bytes = at(packed, start, length)?;
    let (mut members, mut from) = (Vec::new(), 0_usize);
    for _ in 0..count {
        let (member, next) = member(&bytes, from)?;
        from = next;
        members.push(member);
    }
    Ok(members)
}

/// Where the directory begins, how long it is, and how much it lists.
fn directory(packed: &mut File) -> Result<(u64, u64, u64), CallError> {
    let size = packed.seek(SeekFrom::End(0)).map_err(|error| unreadable(&error))?;
    let tail_start = size.saturating_sub(LONGEST_END);
    let tail = at(packed, tail_start, size.saturating_sub(tail_start))?;
    let end = (0..tail.len().saturating_sub(21))
        .rev()
        .find(|from| tail.get(*from..from.saturating_add(4)) == Some(b"PK\x05\x06"));
    let Some(end) = end else { return Err(damaged("it has no end; was it cut off?")) };
    let word = |offset: usize| u16_at(&tail, end.saturating_add(offset));
    let long = |offset: usize| u32_at(&tail, end.saturating_add(offset));
    let (count, length, start) = (word(10)?, long(12)?, long(16)?);
    if count != 0xffff && length != u32::MAX && start != u32::MAX {
        return Ok((start.into(), length.into(), count.into()));
    }
    // The real numbers stand in a longer form before it.
    let locator =
        tail_start.saturating_add(end as u64).checked_sub(20).ok_or_else(|| damaged("its end is torn"))?;
    let locator = at(packed, locator, 20)?;
    if locator.get(..4) != Some(b"PK\x06\x07") {
        return Ok((start.into(), length.into(), count.into()));
    }
    let long = at(packed, u64_at(&locator, 8)?, 56)?;
    if long.get(..4) != Some(b"PK\x06\x06") {
        return Err(damaged("its end is torn"));
    }
    Ok((u64_at(&long, 48)?, u64_at(&long, 40)?, u64_at(&long, 32)?))
}

/// One entry of the directory, and where the next begins.
fn member(bytes: &[u8], from: usize) -> Result<(Member, usize), CallError> {
    let place = |offset: usize| from.saturating_add(offset);
    if bytes.get(from..place(4)) != Some(b"PK\x01\x02") {
        return Err(damaged("its directory is torn"));
    }
    let (made_by, flags, method) =
        (u16_at(bytes, place(4))?, u16_at(bytes, place(8))?, u16_at(bytes, place(10))?);
    let crc = u32_at(bytes, place(16))?;
    let (mut packed, mut size) = (u64::from(u32_at(bytes, place(20))?), u64::from(u32_at(bytes, place(24))?));
    let (name_length, extra_length, comment_length) =
        (u16_at(bytes, place(28))?, u16_at(bytes, place(30))?, u16_at(bytes, place(32))?);
    let external = u32_at(bytes, place(38))?;
    let mut header = u64::from(u32_at(bytes, place(42))?);
    let name_end = place(46).saturating_add(name_length.into());
    let extra_end = name_end.saturating_add(extra_length.into());
    let name = bytes.get(place(46)..name_end).ok_or_else(|| damaged("its directory is torn"))?;
    let extra = bytes.get(name_end..extra_end).ok_or_else(|| damaged("its directory is torn"))?;
    let name = String::from_utf8_lossy(name).into_owned();
    if flags & 1 != 0 {
        return Err(damaged(&format!("`{name}` is encrypted")));
    }
    let deflated = match method {
        0 => false,
        8 => true,
        other => {
            return Err(damaged(&format!(
                "`{name}` is packed by method {other}; stored and deflated are known"
            )));
        }
    };
    let wide = [&mut size, &mut packed, &mut header];
    widen(extra, wide)?;
    let mode = (made_by >> 8 == 3).then_some(external >> 16);
    let is_directory = name.ends_with('/') || mode.is_some_and(|mode| mode & 0o170_000 == 0o040_000);
    let next = extra_end.saturating_add(comment_length.into());
    Ok((Member { name, is_directory, mode, crc, size, packed, deflated, header }, next))
}

/// Takes numbers that do not fit into 32 bits from where they stand.
fn widen(extra: &[u8], numbers: [&mut u64; 3]) -> Result<(), CallError> {
    let mut from = 0_usize;
    while from.saturating_add(4) <= extra.len() {
        let (id, length) = (u16_at(extra, from)?, usize::from(u16_at(extra, from.saturating_add(2))?));
        from = from.saturating_add(4);
        if id == 1 {
            let mut inner = from;
            for number in numbers {
                if *number == u64::from(u32::MAX) {
                    *number = u64_at(extra, inner)?;
                    inner = inner.saturating_add(8);
                }
            }
            return Ok(());
        }
        from = from.saturating_add(length);
    }
    Ok(())
}

// === impl Member ===

impl Member {
    pub(super) fn is_link(&self) -> bool {
        self.mode.is_some_and(|mode| mode & 0o170_000 == 0o120_000)
    }

    /// Its content.
    pub(super) fn open<'a>(&self, packed: &'a mut File) -> Result<Box<dyn Read + 'a>, CallError> {
        let header = at(packed, self.header, 30)?;
        if header.get(..4) != Some(b"PK\x03\x04") {
            return Err(damaged(&format!("`{}` is not where its directory says", self.name)));
        }
        let skipped = u64::from(u16_at(&header, 26)?).saturating_add(u16_at(&header, 28)?.into());
        let start = self.header.saturating_add(30).saturating_add(skipped);
        packed.seek(SeekFrom::Start(start)).map_err(|error| unreadable(&error))?;
        let content = packed.take(self.packed);
        Ok(if self.deflated { Box::new(DeflateDecoder::new(content)) } else { Box::new(content) })
    }
}

// === impl Checked ===

impl<R: Read> Checked<R> {
    pub(super) fn new(from: R, expected: u32, size: u64) -> Self {
        Self { from, crc: Crc::new(), expected, left: size }
    }
}

impl<R: Read> Read for Checked<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.from.read(buffer)?;
        self.crc.update(buffer.get(..count).unwrap_or_default());
        let wrong = |what: &str| Err(io::Error::new(io::ErrorKind::InvalidData, what.to_owned()));
        match self.left.checked_sub(count as u64) {
            Some(left) => self.left = left,
            None => return wrong("something in it is longer than its directory says"),
        }
        if count == 0 && !buffer.is_empty() && (self.left > 0 || self.crc.sum() != self.expected) {
            return wrong("something in it does not have the checksum that its directory says");
        }
        Ok(count)
    }
}

fn at(packed: &mut File, start: u64, length: u64) -> Result<Vec<u8>, CallError> {
    packed.seek(SeekFrom::Start(start)).map_err(|error| unreadable(&error))?;
    let mut bytes = Vec::new();
    packed.take(length).read_to_end(&mut bytes).map_err(|error| unreadable(&error))?;
    if bytes.len() as u64 == length { Ok(bytes) } else { Err(damaged("it is shorter than it says")) }
}

fn u16_at(bytes: &[u8], from: usize) -> Result<u16, CallError> {
    number(bytes, from).map(u16::from_le_bytes)
}

fn u32_at(bytes: &[u8], from: usize) -> Result<u32, CallError> {
    number(bytes, from).map(u32::from_le_bytes)
}

fn u64_at(bytes: &[u8], from: usize) -> Result<u64, CallError> {
    number(bytes, from).map(u64::from_le_bytes)
}

fn number<const N: usize>(bytes: &[u8], from: usize) -> Result<[u8; N], CallError> {
    let number = bytes.get(from..from.saturating_add(N)).and_then(|number| number.try_into().ok());
    number.ok_or_else(|| damaged("it is torn"))
}

fn damaged(what: &str) -> CallError {
    CallError::permanent("archive", format!("the zip cannot be read: {what}"))
}

fn unreadable(error: &io::Error) -> CallError {
    CallError::permanent("archive", "the zip cannot be read").because(error)
}
