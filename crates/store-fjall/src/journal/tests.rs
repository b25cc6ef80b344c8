//! What is whole, what is cut off and what is damage, on journals made by hand.

use super::*;

fn batch(sequence: u64, items: &[&[u8]]) -> Vec<u8> {
    let mut hashed = Vec::new();
    for value in items {
        hashed.extend([2, 0, 0]);
        hashed.extend(1_u64.to_le_bytes());
        hashed.extend(3_u16.to_le_bytes());
        hashed.extend((value.len() as u32).to_le_bytes());
        hashed.extend((value.len() as u32).to_le_bytes());
        hashed.extend(b"key");
        hashed.extend(*value);
    }
    let mut bytes = vec![1];
    bytes.extend((items.len() as u32).to_le_bytes());
    bytes.extend(sequence.to_le_bytes());
    bytes.extend(&hashed);
    bytes.push(3);
    bytes.extend(xxhash_rust::xxh3::xxh3_64(&hashed).to_le_bytes());
    bytes.extend(TRAILER);
    bytes
}

/// Writes a journal, checks it and tells what is left of it.
fn check(bytes: &[u8], whole: Result<usize, &str>) -> u64 {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("0.jnl");
    fs::write(&path, bytes).unwrap();
    let found = whole_length(&path, directory.path());
    assert_eq!(
        found.as_ref().map_err(StoreError::code),
        whole.map(|length| length as u64).as_ref().map_err(|c| *c)
    );
    fs::metadata(path).unwrap().len()
}

#[test]
fn whole_batches_are_left_alone() {
    let mut journal = [batch(1, &[b"a"]), batch(2, &[b"b", b"c"])].concat();
    let whole = journal.len();
    assert_eq!(check(&journal, Ok(whole)), whole as u64);
    journal.resize(whole + 1000, 0);
    assert_eq!(check(&journal, Ok(whole)), whole as u64 + 1000);
    assert_eq!(check(&[], Ok(0)), 0);
}

#[test]
fn a_last_batch_cut_at_any_byte_is_cut_off() {
    let (first, last) = (batch(1, &[b"first"]), batch(2, &[b"last", &[9; 40]]));
    for length in 1..last.len() {
        let journal = [&first[..], &last[..length]].concat();
        assert_eq!(check(&journal, Ok(first.len())), first.len() as u64);
    }
}

#[test]
fn a_last_batch_with_any_wrong_byte_is_cut_off() {
    let (first, last) = (batch(1, &[b"first"]), batch(2, &[b"last", &[9; 40]]));
    for at in 1..last.len() {
        if last[at] == 0 {
            continue;
        }
        let mut journal = [&first[..], &last[..]].concat();
        journal[first.len() + at] = 0;
        assert_eq!(check(&journal, Ok(first.len())), first.len() as u64);
    }
}

#[test]
fn damage_before_a_whole_batch_is_reported_and_left() {
    let (first, second, third) = (batch(1, &[b"1"]), batch(2, &[b"22222"]), batch(3, &[b"3"]));
    let mut journal = [&first[..], &second[..], &third[..]].concat();
    journal[first.len() + second.len() / 2] ^= 1;
    assert_eq!(check(&journal, Err("WL-0405")), journal.len() as u64);
}
