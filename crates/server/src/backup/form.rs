//! The format: a line that says what it is, then parts, each with what proves it and all before it.
//!
//! ```text
//!   windlass-backup\n
//!   { kind: 1 byte │ length: 4 bytes, big end first │ payload │ proof: the first 16 bytes of the SHA-256 of all up to here }
//!   H head, as JSON · E entries of the store · F a file begins: its path · D what is in it · Z the end, as JSON
//! ```
//!
//! A part that is missing, changed, doubled or in another place does not fit the proof of the next.

use std::io::{self, Read, Write};

use bytes::{Buf as _, BufMut as _, Bytes, BytesMut};
use sha2::{Digest as _, Sha256};
use windlass_store::Entry;

/// Why a backup cannot be made or used.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// It is none.
    #[error("it is no backup of Windlass")]
    None,
    /// A newer program made it.
    #[error("it has format {found}, and this program reads up to {supported}")]
    Newer {
        /// What it has.
        found: u32,
        /// What is known here.
        supported: u32,
    },
    /// It is not whole.
    #[error("it is not whole: {0}")]
    Broken(String),
    /// There is something already where it is to go.
    #[error("there is something in {} already", .0.display())]
    Exists(std::path::PathBuf),
    /// It cannot be read or written.
    #[error("it cannot be read or written")]
    Io(#[from] io::Error),
    /// The store cannot.
    #[error(transparent)]
    Store(#[from] windlass_store::StoreError),
}

/// A sort of part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Head = b'H' as isize,
    Entries = b'E' as isize,
    File = b'F' as isize,
    Data = b'D' as isize,
    End = b'Z' as isize,
}

/// What goes along with the parts, on both sides.
pub(super) struct Proof(Sha256);

/// Parts as they are read.
pub(super) struct Parts<R> {
    from: R,
    proof: Proof,
    number: u64,
}

pub(super) const MAGIC: &[u8] = b"windlass-backup\n";
/// How much goes into a part at about the most; no part of ours is four times as long.
pub(super) const PART: usize = 1 << 20;
const LONGEST: usize = 64 << 20;
const PROOF: usize = 16;

// === impl Kind ===

impl Kind {
    fn of(byte: u8) -> Option<Self> {
        [Self::Head, Self::Entries, Self::File, Self::Data, Self::End]
            .into_iter()
            .find(|kind| kind.byte() == byte)
    }

    fn byte(self) -> u8 {
        match self {
            Self::Head => b'H',
            Self::Entries => b'E',
            Self::File => b'F',
            Self::Data => b'D',
            Self::End => b'Z',
        }
    }
}

// === impl Proof ===

impl Proof {
    pub(super) fn new() -> Self {
        Self(Sha256::new_with_prefix(MAGIC))
    }

    /// A part as it stands in the file.
    pub(super) fn part(&mut self, kind: Kind, payload: &[u8]) -> Bytes {
        let mut part = BytesMut::with_capacity(payload.len().saturating_add(5 + PROOF));
        part.put_u8(kind.byte());
        part.put_u32(u32::try_from(payload.len()).unwrap_or(u32::MAX));
        part.put_slice(payload);
        self.0.update(&part);
        part.put_slice(&self.now());
        part.freeze()
    }

    fn now(&self) -> [u8; PROOF] {
        let whole = self.0.clone().finalize();
        let mut proof = [0; PROOF];
        for (to, from) in proof.iter_mut().zip(whole) {
            *to = from;
        }
        proof
    }
}

// === impl Parts ===

impl<R: Read> Parts<R> {
    /// The parts of what is read; whether it is a backup at all is looked at now.
    pub(super) fn of(mut from: R) -> Result<Self, BackupError> {
        let mut magic = [0; MAGIC.len()];
        match from.read_exact(&mut magic) {
            Ok(()) if magic == *MAGIC => Ok(Self { from, proof: Proof::new(), number: 0 }),
            Ok(()) => Err(BackupError::None),
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Err(BackupError::None),
            Err(error) => Err(error.into()),
        }
    }

    /// The next part, which was proved. The file must not end before the part that is its end.
    pub(super) fn next(&mut self) -> Result<(Kind, Bytes), BackupError> {
        self.number = self.number.saturating_add(1);
        let number = self.number;
        let broken = |why: &str| BackupError::Broken(format!("part {number} {why}"));
        let mut head = [0; 5];
        self.fill(&mut head, "is missing, and so is what came behind it")?;
        let [byte, length @ ..] = head;
        let length = u32::from_be_bytes(length) as usize;
        let kind = Kind::of(byte).ok_or_else(|| broken("is of no kind that there is"))?;
        if length > LONGEST {
            return Err(broken("is longer than any"));
        }
        let mut payload = vec![0; length];
        self.fill(&mut payload, "is cut off")?;
        let mut proof = [0; PROOF];
        self.fill(&mut proof, "is cut off")?;
        self.proof.0.update(head);
        self.proof.0.update(&payload);
        if self.proof.now() != proof {
            return Err(broken("is not what its checksum says"));
        }
        // As on the other side, the proofs themselves are not proved: they follow from the rest.
        Ok((kind, payload.into()))
    }

    /// Nothing may come behind the end.
    pub(super) fn ends(mut self) -> Result<(), BackupError> {
        match self.from.read(&mut [0])? {
            0 => Ok(()),
            _ => Err(BackupError::Broken("something comes behind its end".to_owned())),
        }
    }

    fn fill(&mut self, into: &mut [u8], why: &str) -> Result<(), BackupError> {
        self.from.read_exact(into).map_err(|error| match error.kind() {
            io::ErrorKind::UnexpectedEof => BackupError::Broken(format!("part {} {why}", self.number)),
            _ => error.into(),
        })
    }
}

/// Entries as they lie in a part.
pub(super) fn encode(entries: &[Entry]) -> Vec<u8> {
    let size = entries.iter().map(|entry| 16 + entry.key.len() + entry.value.len()).sum();
    let mut bytes = Vec::with_capacity(size);
    let length = |bytes: &[u8]| u32::try_from(bytes.len()).unwrap_or(u32::MAX);
    for Entry { key, value, revision } in entries {
        bytes.put_u32(length(key));
        bytes.put_slice(key);
        bytes.put_u64(*revision);
        bytes.put_u32(length(value));
        bytes.put_slice(value);
    }
    bytes
}

/// The entries of a part; none where it holds something else.
pub(super) fn decode(mut bytes: Bytes) -> Option<Vec<Entry>> {
    let mut entries = Vec::new();
    while bytes.has_remaining() {
        let key = text(&mut bytes)?;
        let revision = bytes.try_get_u64().ok()?;
        let value = text(&mut bytes)?;
        entries.push(Entry { key, value, revision });
    }
    Some(entries)
}

fn text(bytes: &mut Bytes) -> Option<Bytes> {
    let length = bytes.try_get_u32().ok()? as usize;
    (length <= bytes.len()).then(|| bytes.split_to(length))
}

/// Writes all of something that is made in pieces.
pub(super) fn copy(
    pieces: impl Iterator<Item = Result<Bytes, BackupError>>,
    to: &mut impl Write,
) -> Result<(), BackupError> {
    for piece in pieces {
        to.write_all(&piece?)?;
    }
    Ok(())
}
