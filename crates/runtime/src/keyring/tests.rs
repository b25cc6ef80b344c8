//! Key files: written whole, for their owner only, refused when they are not what they should be, and gone when removed.

use std::os::unix::fs::PermissionsExt;

use super::*;

const RUN: RunId = RunId(uuid::Uuid::from_u128(0x0195_0000_0000_7000_8000_0000_0000_0001));

fn keyring() -> (tempfile::TempDir, Keyring) {
    let home = tempfile::tempdir().unwrap();
    let keyring = Keyring::new(&KeyPlace::Directory(home.path().join("keys")));
    (home, keyring)
}

fn names(home: &tempfile::TempDir) -> Vec<String> {
    let entries = fs::read_dir(home.path().join("keys")).unwrap();
    entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

#[test]
fn a_key_is_a_file_for_its_owner_only() {
    let (home, keyring) = keyring();
    let sealed = keyring.make(RUN).unwrap().seal("pw", "hunter22").unwrap();
    assert_eq!(names(&home), [format!("{RUN}.key")]);
    let mode = |path: PathBuf| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(home.path().join("keys")), 0o700);
    assert_eq!(mode(home.path().join(format!("keys/{RUN}.key"))), 0o600);

    // Another process finds it, and it opens what was sealed.
    let found = Keyring::new(&KeyPlace::Directory(home.path().join("keys"))).find(RUN).unwrap();
    let (nonce, rest) = sealed[2..].split_first_chunk().unwrap();
    assert_eq!(found.open("pw", nonce, rest).unwrap().as_str(), "hunter22");
}

#[test]
fn whoever_makes_a_key_twice_gets_the_same() {
    let (home, keyring) = keyring();
    let keys: Vec<_> = std::thread::scope(|scope| {
        let makers: Vec<_> = (0..8).map(|_| scope.spawn(|| keyring.make(RUN).unwrap())).collect();
        makers.into_iter().map(|maker| maker.join().unwrap()).collect()
    });
    assert_eq!(names(&home), [format!("{RUN}.key")]);
    for key in keys {
        let sealed = key.seal("pw", "hunter22").unwrap();
        let (nonce, rest) = sealed[2..].split_first_chunk().unwrap();
        keyring.find(RUN).unwrap().open("pw", nonce, rest).unwrap();
    }
}

#[test]
fn a_key_that_was_removed_is_gone() {
    for keyring in [keyring().1, Keyring::new(&KeyPlace::Memory)] {
        keyring.make(RUN).unwrap();
        keyring.shred(RUN).unwrap();
        assert!(matches!(keyring.find(RUN), Err(SecretsError::NoKey { .. })));
        // Removing it again harms nobody.
        keyring.shred(RUN).unwrap();
    }
}

#[test]
fn what_a_crash_left_half_written_is_cleared_away_and_foreign_files_stay() {
    let (home, keyring) = keyring();
    keyring.make(RUN).unwrap();
    let at = |name: String| home.path().join("keys").join(name);
    fs::write(at(format!("{RUN}.0a1b2c3d.new")), "windlass-run-key 1 pl").unwrap();
    fs::write(at("notes.txt".into()), "not ours").unwrap();
    assert_eq!(keyring.runs().unwrap(), [RUN]);
    let mut names = names(&home);
    names.sort();
    assert_eq!(names, [format!("{RUN}.key"), "notes.txt".into()]);
}

#[test]
fn says_what_is_wrong_with_a_key_file() {
    let (home, keyring) = keyring();
    keyring.make(RUN).unwrap();
    let path = home.path().join(format!("keys/{RUN}.key"));
    let good = fs::read_to_string(&path).unwrap();
    let other = RunId(uuid::Uuid::from_u128(7));
    for (text, expect) in [
        (String::new(), "it is not the key file of a run".to_owned()),
        ("hello".into(), "it is not the key file of a run".into()),
        ("windlass-run-key one".into(), "it is not the key file of a run".into()),
        (good.replace(" 1 ", " 2 "), "it has version 2; this program reads up to 1".into()),
        (
            good.replace("plain", "passphrase"),
            "its key is wrapped (passphrase), which this program cannot undo".into(),
        ),
        (good.replace(&RUN.to_string(), &other.to_string()), format!("it is the key of run {other}")),
        (good[..good.len() - 3].to_owned(), "its key is incomplete".into()),
        (good.replace(&good[good.len() - 3..], "zz\n"), "its key is incomplete".into()),
    ] {
        fs::write(&path, &text).unwrap();
        match keyring.find(RUN) {
            Err(SecretsError::KeyUnreadable { detail, place }) => {
                assert_eq!((detail, place), (expect, path.display().to_string()), "{text}");
            }
            other => panic!("{text}: {other:?}"),
        }
        // It is not overwritten: somebody may still mend it.
        keyring.make(RUN).unwrap_err();
        assert_eq!(fs::read_to_string(&path).unwrap(), text);
    }
    fs::write(&path, good).unwrap();
    keyring.find(RUN).unwrap();
}

#[test]
fn no_key_goes_while_they_are_held() {
    let (home, keyring) = keyring();
    keyring.make(RUN).unwrap();
    let (removes, other) = (keyring.clone(), RunId(uuid::Uuid::from_u128(RUN.0.as_u128() + 1)));
    let removed = keyring.hold(|| {
        let removed = std::thread::spawn(move || removes.shred(RUN));
        // One that comes is made at once.
        keyring.make(other).unwrap();
        for _ in 0..1_000 {
            std::thread::yield_now();
            assert_eq!(names(&home).len(), 2);
        }
        removed
    });
    removed.join().unwrap().unwrap();
    assert_eq!(names(&home), [format!("{other}.key")]);
}
