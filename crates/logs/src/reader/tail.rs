//! The end of a file, without reading all of it.

use std::fs::File;
use std::io::{self, ErrorKind};
use std::os::unix::fs::FileExt;
use std::path::Path;

use memchr::memrchr;

use super::Filter;
use crate::line::decode;

/// How much is read at a time, from the end on.
const PIECE: u64 = 256 << 10;

/// The offset from which on there are so many wanted records, or the beginning where there are fewer.
pub(super) fn last(path: &Path, wanted: usize, filter: &Filter) -> io::Result<u64> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(0),
        Err(error) => return Err(error),
    };
    let mut begin = file.metadata()?.len();
    if wanted == 0 {
        return end_of_last_line(&file, begin);
    }
    // The beginning of a line of which the end was read already.
    let mut rest: Vec<u8> = Vec::new();
    let mut found = 0;
    while begin > 0 {
        let from = begin.saturating_sub(PIECE);
        let mut piece = vec![0; usize::try_from(begin - from).unwrap_or_default()];
        file.read_exact_at(&mut piece, from)?;
        piece.extend_from_slice(&rest);
        let mut end = piece.len();
        while let Some(at) = memrchr(b'\n', piece.get(..end).unwrap_or_default()) {
            if is_wanted(piece.get(at + 1..end).unwrap_or_default(), filter) {
                found += 1;
                if found == wanted {
                    return Ok(from.saturating_add(at as u64).saturating_add(1));
                }
            }
            end = at;
        }
        piece.truncate(end);
        (rest, begin) = (piece, from);
    }
    Ok(0)
}

fn is_wanted(line: &[u8], filter: &Filter) -> bool {
    filter.may_want(line) && decode(line).is_some_and(|record| filter.wants(&record))
}

/// Where the line begins that is still being written.
fn end_of_last_line(file: &File, len: u64) -> io::Result<u64> {
    let mut end = len;
    while end > 0 {
        let from = end.saturating_sub(PIECE);
        let mut piece = vec![0; usize::try_from(end - from).unwrap_or_default()];
        file.read_exact_at(&mut piece, from)?;
        if let Some(at) = memrchr(b'\n', &piece) {
            return Ok(from.saturating_add(at as u64).saturating_add(1));
        }
        end = from;
    }
    Ok(0)
}
