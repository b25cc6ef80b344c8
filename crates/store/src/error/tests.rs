//! Codes stay as they are, and texts are as the style wants them.

use std::collections::BTreeSet;
use std::error::Error as _;

use super::*;

fn every() -> Vec<StoreError> {
    let path = || PathBuf::from("/data");
    vec![
        StoreError::Locked { path: path(), holder: "process 7".into() },
        StoreError::Newer { path: path(), found: 2, supported: 1 },
        StoreError::Full { path: path() },
        StoreError::ReadOnly { path: path() },
        StoreError::Corrupt { path: path(), detail: "no revision".into() },
        StoreError::Stopped { cause: Arc::new(StoreError::Full { path: path() }) },
        StoreError::io("read", path(), io::Error::other("bad sector")),
        StoreError::Precondition { which: Precondition::Absent("a".into()) },
        StoreError::Compacted { oldest: 3 },
        StoreError::TooLarge { what: "value", size: 2, limit: 1 },
        StoreError::Closed,
        StoreError::Busy { queued: 9 },
        StoreError::Leased { name: "n".into(), holder: "h".into() },
        StoreError::LeaseLost { name: "n".into() },
        StoreError::BadKey { why: "it is empty" },
    ]
}

#[test]
fn codes_are_stable_and_unique() {
    let codes: Vec<&str> = every().iter().map(StoreError::code).collect();
    let expected: Vec<String> = (401..=415).map(|n| format!("WL-0{n}")).collect();
    assert_eq!(codes, expected);
    assert_eq!(codes.iter().collect::<BTreeSet<_>>().len(), codes.len());
}

#[test]
fn texts_are_fragments_that_do_not_repeat_their_source() {
    for error in every() {
        let text = error.to_string();
        assert!(!text.ends_with('.'), "{text}");
        assert!(text.starts_with(|c: char| !c.is_uppercase()), "{text}");
        assert!(!error.help().is_empty());
        if let Some(source) = error.source() {
            assert!(!text.contains(&source.to_string()), "{text}");
        }
    }
}

#[test]
fn system_errors_become_what_a_person_can_act_on() {
    let check = |kind: io::ErrorKind, code: &str| {
        assert_eq!(StoreError::io("write", "/d", kind.into()).code(), code);
    };
    check(io::ErrorKind::StorageFull, "WL-0403");
    check(io::ErrorKind::QuotaExceeded, "WL-0403");
    check(io::ErrorKind::ReadOnlyFilesystem, "WL-0404");
    check(io::ErrorKind::PermissionDenied, "WL-0404");
    check(io::ErrorKind::Interrupted, "WL-0407");
}
