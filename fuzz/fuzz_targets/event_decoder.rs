//! The decoder of event chunks: any bytes give events or an error, and events survive being written again.
#![no_main]

use libfuzzer_sys::fuzz_target;
use windlass_model::codec::{decode, encode};

fuzz_target!(|data: &[u8]| {
    if let Ok(events) = decode(data) {
        let again = decode(&encode(&events));
        assert_eq!(again.as_ref(), Ok(&events), "events changed by being written and read");
    }
});
