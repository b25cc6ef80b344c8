//! Where prefixes end, and which ranges are empty.

use super::*;

fn check(prefix: &'static [u8], end: Option<&'static [u8]>) {
    let range = Range::prefix(prefix);
    assert_eq!(range.start, prefix);
    assert_eq!(range.end.as_deref(), end, "prefix {}", prefix.escape_ascii());
}

#[test]
fn the_end_of_a_prefix() {
    check(b"a", Some(b"b"));
    check(b"runs/", Some(b"runs0"));
    check(b"a\xff", Some(b"b"));
    check(b"\xff\xff", None);
    check(b"", None);
}

#[test]
fn a_range_that_ends_before_it_starts_is_empty() {
    assert!(Range::between("b", "a").is_empty());
    assert!(Range::between("a", "a").is_empty());
    assert!(!Range::between("a", "b").is_empty());
    assert!(Range::all().limit(0).is_empty());
}
