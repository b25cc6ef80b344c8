//! Reading a journal, also while somebody else writes it.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;

use xxhash_rust::xxh3::xxh3_64;

use super::Record;

/// The records of a journal from its beginning.
#[derive(Debug)]
pub(crate) struct Records {
    file: File,
    bytes: Vec<u8>,
    at: usize,
}

const HEADER: usize = 12;

// === impl Records ===

impl Records {
    pub(crate) fn open(path: &Path) -> io::Result<Self> {
        Ok(Self { file: File::open(path)?, bytes: Vec::new(), at: 0 })
    }

    /// The next record that is there as a whole. `None` may be followed by more, if somebody writes.
    ///
    /// A record that is damaged ends the journal: nobody can know where the next one would begin.
    pub(crate) fn next(&mut self) -> io::Result<Option<Record>> {
        loop {
            if let Some(record) = self.take() {
                return Ok(Some(record));
            }
            self.bytes.drain(..self.at);
            self.at = 0;
            let mut more = [0; 64 << 10];
            let count = self.file.read(&mut more)?;
            if count == 0 {
                return Ok(None);
            }
            self.bytes.extend_from_slice(more.get(..count).unwrap_or_default());
        }
    }

    fn take(&mut self) -> Option<Record> {
        let rest = self.bytes.get(self.at..)?;
        let len = u32::from_le_bytes(*rest.first_chunk()?) as usize;
        let sum = u64::from_le_bytes(*rest.get(4..)?.first_chunk()?);
        let body = rest.get(HEADER..HEADER.checked_add(len)?)?;
        if xxh3_64(body) != sum {
            return None;
        }
        let record = postcard::from_bytes(body).ok()?;
        self.at = self.at.saturating_add(HEADER).saturating_add(len);
        Some(record)
    }
}
