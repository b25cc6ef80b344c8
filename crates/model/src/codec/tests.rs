//! Round trips, damage, and the committed sample.

use super::*;
use crate::element::{ElementId, Work};
use crate::event::AttemptEnd;
use crate::outcome::{Failure, Outcome};
use proptest::prelude::*;

fn sample() -> Vec<Event> {
    let element = ElementId::Work(Work::Action { block: 0, seq: 300, action: 2 });
    let whats = [
        What::ActionBegan { element, request: None },
        What::AttemptBegan { element, n: 1 },
        What::AttemptEnded { element, n: 1, end: AttemptEnd::failed(Failure::new("exit", "exit code 3")) },
        What::ActionEnded { element, outcome: Outcome::Failed, failure: None, saves: vec![] },
        What::Heartbeat,
    ];
    whats
        .into_iter()
        .enumerate()
        .map(|(i, what)| Event { seq: 7 + i as u64, at: Time(1_000_000 + 10 * i as u64), what })
        .collect()
}

#[test]
fn round_trips() {
    assert_eq!(decode(&encode(&sample())).unwrap(), sample());
}

/// The bytes that version 1 wrote, for ever readable.
#[test]
fn reads_the_committed_sample_of_version_1() {
    let hex = include_str!("sample-v1.hex").trim();
    let bytes: Vec<u8> =
        (0..hex.len()).step_by(2).map(|i| u8::from_str_radix(&hex[i..i + 2], 16).unwrap()).collect();
    assert_eq!(decode(&bytes).unwrap(), sample());
}

#[test]
fn refuses_newer_and_damaged() {
    assert_eq!(decode(&[9]), Err(CodecError::Newer { found: 9 }));
    let bytes = encode(&sample());
    for cut in 0..bytes.len() {
        assert!(decode(&bytes[..cut]).is_err(), "cut at {cut}");
    }
}

proptest! {
    #[test]
    fn never_panics(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = decode(&bytes);
    }

    #[test]
    fn numbers_round_trip(number: u64) {
        let mut bytes = Vec::new();
        varint(&mut bytes, number);
        prop_assert_eq!(read_varint(&mut &*bytes), Some(number));
    }
}
