//! Reads one batch of a fjall 3 journal and says whether it is whole. It keeps nothing of what it
//! reads, so a length that is nonsense costs no memory.
//!
//! ```text
//!   start:  1, items u32, sequence u64
//!   item:   2, type u8, compression u8, keyspace u64, key length u16,
//!           value length u32, stored length u32, key, value
//!   clear:  4, keyspace u64
//!   end:    3, xxh3 of the items and clears u64, "FJL" 3
//! ```

use std::io::{self, Read};

use xxhash_rust::xxh3::Xxh3;

use super::TRAILER;

const START: u8 = 1;
const ITEM: u8 = 2;
const END: u8 = 3;
const CLEAR: u8 = 4;

/// What was found.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Scan {
    /// A whole batch.
    Batch {
        /// Its bytes.
        length: u64,
        /// Its sequence number, which the checksum does not cover.
        sequence: u64,
    },
    /// The end of the file, or space that was never written.
    End,
    /// Something that is not a whole batch.
    Broken,
}

/// Reads the next batch.
pub(super) fn next_batch(reader: &mut impl Read) -> io::Result<Scan> {
    let mut batch = Batch { reader, hash: Xxh3::new(), length: 0 };
    match batch.read() {
        Ok(scan) => Ok(scan),
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(Scan::Broken),
        Err(error) => Err(error),
    }
}

struct Batch<'a, R> {
    reader: &'a mut R,
    hash: Xxh3,
    length: u64,
}

// === impl Batch ===

impl<R: Read> Batch<'_, R> {
    fn read(&mut self) -> io::Result<Scan> {
        let mut tag = [0];
        if self.reader.read(&mut tag)? == 0 || tag == [0] {
            return Ok(Scan::End);
        }
        self.length = 1;
        if tag != [START] {
            return Ok(Scan::Broken);
        }
        let items = u32::from_le_bytes(self.take()?);
        let sequence = u64::from_le_bytes(self.take()?);
        for _ in 0..items {
            if !self.item()? {
                return Ok(Scan::Broken);
            }
        }
        let found = self.hash.digest();
        let [tag] = self.take()?;
        let expected = u64::from_le_bytes(self.take()?);
        let trailer: [u8; 4] = self.take()?;
        if tag == END && expected == found && trailer == TRAILER {
            return Ok(Scan::Batch { length: self.length, sequence });
        }
        Ok(Scan::Broken)
    }

    fn item(&mut self) -> io::Result<bool> {
        let [tag] = self.take_hashed()?;
        match tag {
            CLEAR => {
                let _keyspace: [u8; 8] = self.take_hashed()?;
                Ok(true)
            }
            ITEM => {
                let _kind_and_compression: [u8; 2] = self.take_hashed()?;
                let _keyspace: [u8; 8] = self.take_hashed()?;
                let key = u16::from_le_bytes(self.take_hashed()?);
                let _value: [u8; 4] = self.take_hashed()?;
                let stored = u32::from_le_bytes(self.take_hashed()?);
                self.skip_hashed(u64::from(key).saturating_add(u64::from(stored)))?;
                Ok(true)
            }
            _ => Ok(false),
        }
    }

    fn take<const N: usize>(&mut self) -> io::Result<[u8; N]> {
        let mut bytes = [0; N];
        self.reader.read_exact(&mut bytes)?;
        self.length = self.length.saturating_add(N as u64);
        Ok(bytes)
    }

    fn take_hashed<const N: usize>(&mut self) -> io::Result<[u8; N]> {
        let bytes = self.take()?;
        self.hash.update(&bytes);
        Ok(bytes)
    }

    fn skip_hashed(&mut self, length: u64) -> io::Result<()> {
        let mut buffer = [0; 8 * 1024];
        let mut left = length;
        while left > 0 {
            let wanted = usize::try_from(left).unwrap_or(usize::MAX).min(buffer.len());
            let Some(piece) = buffer.get_mut(..wanted) else {
                break;
            };
            self.reader.read_exact(piece)?;
            self.hash.update(piece);
            left = left.saturating_sub(wanted as u64);
        }
        self.length = self.length.saturating_add(length);
        Ok(())
    }
}
