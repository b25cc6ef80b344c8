//! The pages of `docs/errors`, in the binary, so that an error can be explained where it happens.

use std::borrow::Cow;

include!(concat!(env!("OUT_DIR"), "/pages.rs"));

/// The page of a code: `WL-0204`, `wl-0204`, `0204` or `204`.
pub(crate) fn page(code: &str) -> Option<(&'static str, &'static str)> {
    let digits = code.trim().trim_start_matches(|c: char| !c.is_ascii_digit());
    let wanted: Cow<'_, str> = format!("WL-{digits:0>4}").into();
    PAGES.iter().find(|(code, _)| *code == wanted).copied()
}
