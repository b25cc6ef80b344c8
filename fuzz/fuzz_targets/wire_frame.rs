//! The decoder of frames: any bytes, cut anywhere, give messages or an error, and messages survive being written again.
#![no_main]

use libfuzzer_sys::fuzz_target;
use windlass_wire::{Decoder, FromAgent, Message, Received, ToAgent, encode};

fn look<M: Message + PartialEq + std::fmt::Debug>(data: &[u8]) {
    let (cut, bytes) = data.split_first().map_or((0, data), |(cut, rest)| (usize::from(*cut), rest));
    let (first, second) = bytes.split_at(cut.min(bytes.len()));
    let mut decoder = Decoder::of_frames();
    for piece in [first, second] {
        decoder.push(piece);
        while let Ok(Received::Message(message)) = decoder.message::<M>() {
            let mut again = Decoder::of_frames();
            again.push(&encode(&message).expect("what was read fits a frame"));
            assert_eq!(again.message::<M>(), Ok(Received::Message(message)), "a message changed");
        }
    }
}

fuzz_target!(|data: &[u8]| {
    look::<ToAgent>(data);
    look::<FromAgent>(data);
});
