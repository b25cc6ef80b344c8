//! A change to the text of one file: what `line`, `replace` and `section` have in common.
//!
//! The text is taken as bytes, so that nothing in it is lost that is no UTF-8. A change that would change the
//! file again when it is repeated is refused: nobody could tell whether it was made.

use std::path::Path;

use regex::bytes::{Regex, RegexBuilder};
use windlass_plugin::{Call, CallError};

use super::attributes::Ownership;
use super::blocking::blocking;
use super::change::{Change, Fill, Look};
use super::trouble::NOT_FOUND;
use super::writing::Writing;
use crate::program::one_line;

/// The largest file whose text is changed.
pub(crate) const LARGEST: u64 = 16 << 20;

/// What becomes of a file that is not there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Missing {
    /// It is made.
    Create,
    /// There is nothing to do.
    Leave,
    /// That is an error.
    Refuse,
}

/// Works out what changing a text comes to; `None` where there is nothing to change it in.
pub(crate) async fn plan(
    call: &Call,
    path: &Path,
    missing: Missing,
    ownership: &Ownership,
    writing: &Writing,
    edit: impl Fn(&[u8]) -> Result<Vec<u8>, CallError> + Send + 'static,
) -> Result<Option<Change>, CallError> {
    let attributes = ownership.resolve(call).await?;
    let (path, writing) = (path.to_owned(), writing.clone());
    blocking(move || {
        let look = Look::at(&path, writing.follow, false, LARGEST)?;
        let old = match (&look.found, &look.old) {
            (Some(found), None) => {
                let message = format!("`{}` has {} bytes; at most {LARGEST} are changed", path.display(), found.size);
                return Err(CallError::permanent("tooLarge", message));
            }
            (Some(_), Some(old)) => old.as_slice(),
            (None, _) => match missing {
                Missing::Create => &[],
                Missing::Leave => return Ok(None),
                Missing::Refuse => {
                    let message = format!("`{}` does not exist; say `create: true` to make it", path.display());
                    return Err(CallError::permanent(NOT_FOUND, message));
                }
            },
        };
        let new = edit(old)?;
        if edit(&new)? != new {
            let message = "done a second time it would change the file again, so nobody could tell whether it was done; make the expression not match what it leads to";
            return Err(CallError::permanent("notRepeatable", message));
        }
        Change::of(look, Fill::Bytes(new), attributes, &writing).map(Some)
    })
    .await
}

/// An expression in which `^` and `$` are the ends of a line.
pub(crate) fn expression(field: &str, pattern: &str) -> Result<Regex, String> {
    let compiled = RegexBuilder::new(pattern).multi_line(true).build();
    compiled.map_err(|error| format!("`{field}`: {}", one_line(&error)))
}

/// The lines of a text, each with its end.
pub(crate) fn lines(text: &[u8]) -> Vec<&[u8]> {
    text.split_inclusive(|byte| *byte == b'\n').collect()
}

/// A line without its end.
pub(crate) fn body(line: &[u8]) -> &[u8] {
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    line.strip_suffix(b"\r").unwrap_or(line)
}

/// How the lines of a text end.
pub(crate) fn ending(text: &[u8]) -> &'static [u8] {
    match lines(text).first() {
        Some(first) if first.ends_with(b"\r\n") => b"\r\n",
        _ => b"\n",
    }
}

/// Where new lines go.
#[derive(Clone, Debug)]
pub(crate) enum Spot {
    Begin,
    End,
    After(Regex),
    Before(Regex),
}

// === impl Spot ===

impl Spot {
    /// As requests say it: an expression, or one of the words `BOF` and `EOF`.
    pub(crate) fn read(after: Option<&str>, before: Option<&str>) -> Result<Self, String> {
        match (after, before) {
            (Some(_), Some(_)) => Err("`insertAfter` and `insertBefore` exclude each other".into()),
            (Some("EOF"), None) | (None, None) => Ok(Self::End),
            (None, Some("BOF")) => Ok(Self::Begin),
            (Some(pattern), None) => expression("insertAfter", pattern).map(Self::After),
            (None, Some(pattern)) => expression("insertBefore", pattern).map(Self::Before),
        }
    }

    /// Before which line that is. Where nothing matches, it is the end.
    fn index(&self, lines: &[&[u8]], first: bool) -> usize {
        let find = |regex: &Regex| {
            let mut matching =
                (0..lines.len()).filter(|at| lines.get(*at).is_some_and(|line| regex.is_match(body(line))));
            if first { matching.next() } else { matching.next_back() }
        };
        match self {
            Self::Begin => 0,
            Self::End => lines.len(),
            Self::After(regex) => find(regex).map_or(lines.len(), |at| at.saturating_add(1)),
            Self::Before(regex) => find(regex).unwrap_or(lines.len()),
        }
    }

    /// A text with new lines in it. Each of them gets the end that lines have there.
    pub(crate) fn insert(&self, text: &[u8], new: &[Vec<u8>], first: bool) -> Vec<u8> {
        let (old, end) = (lines(text), ending(text));
        let index = self.index(&old, first);
        let mut changed = Vec::with_capacity(text.len().saturating_add(64));
        let (above, below) = old.split_at(index.min(old.len()));
        changed.extend(above.concat());
        if !changed.is_empty() && !changed.ends_with(b"\n") {
            changed.extend_from_slice(end);
        }
        for line in new {
            changed.extend_from_slice(line);
            changed.extend_from_slice(end);
        }
        changed.extend(below.concat());
        changed
    }
}
