//! Which span something belongs to, as the header `traceparent` says it (W3C Trace Context).

use std::fmt;
use std::str::FromStr;

/// A span of a trace, ours or somebody else's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Context {
    pub(crate) trace: [u8; 16],
    pub(crate) span: [u8; 8],
    /// Whether the trace is kept.
    pub(crate) is_sampled: bool,
}

/// A text is no `traceparent`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoContext;

/// Of a version that is not known yet, more may follow.
const LENGTH: usize = 55;

impl FromStr for Context {
    type Err = NoContext;

    fn from_str(text: &str) -> Result<Self, NoContext> {
        let (known, rest) = text.split_at_checked(LENGTH).ok_or(NoContext)?;
        let mut parts = known.split('-');
        let mut part = || parts.next().ok_or(NoContext);
        let [version] = bytes(part()?)?;
        let context = Self { trace: bytes(part()?)?, span: bytes(part()?)?, is_sampled: flags(part()?)? };
        let is_whole = match version {
            0 => rest.is_empty(),
            0xff => false,
            _ => rest.is_empty() || rest.starts_with('-'),
        };
        let is_empty = context.trace == [0; 16] || context.span == [0; 8];
        if is_whole && !is_empty { Ok(context) } else { Err(NoContext) }
    }
}

impl fmt::Display for Context {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (trace, span) = (u128::from_be_bytes(self.trace), u64::from_be_bytes(self.span));
        write!(f, "00-{trace:032x}-{span:016x}-{:02x}", u8::from(self.is_sampled))
    }
}

fn flags(text: &str) -> Result<bool, NoContext> {
    let [flags] = bytes(text)?;
    Ok(flags & 1 == 1)
}

/// Bytes in hexadecimal digits, as few as they need and all of them small.
fn bytes<const COUNT: usize>(text: &str) -> Result<[u8; COUNT], NoContext> {
    let mut bytes = [0; COUNT];
    if text.len() != 2 * COUNT {
        return Err(NoContext);
    }
    for (byte, digits) in bytes.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
        let digits = str::from_utf8(digits).map_err(|_| NoContext)?;
        let are_digits = digits.chars().all(|digit| matches!(digit, '0'..='9' | 'a'..='f'));
        *byte = u8::from_str_radix(digits, 16).ok().filter(|_| are_digits).ok_or(NoContext)?;
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_caller_says_is_read_and_written_alike() {
        let text = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
        let context: Context = text.parse().unwrap();
        assert!(context.is_sampled);
        assert_eq!(context.to_string(), text);
        let later = "cc-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00-what-the-future-has";
        assert!(!later.parse::<Context>().unwrap().is_sampled);
    }

    #[test]
    fn what_is_none_is_none() {
        for text in [
            "",
            "00",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-more",
            "ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            "00-00000000000000000000000000000000-b7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01",
            "00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331+01",
            "00-0af7651916cd43dd8448eb211c80319-cb7ad6b7169203331-01",
            "+0-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b716920333ü-01",
        ] {
            assert_eq!(text.parse::<Context>(), Err(NoContext), "{text}");
        }
    }
}
