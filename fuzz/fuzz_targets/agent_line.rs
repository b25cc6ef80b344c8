//! What a server decodes of agents, and agents of a server: any bytes give a message or an error, and messages survive being written again.
#![no_main]

use libfuzzer_sys::fuzz_target;
use prost::Message;
use windlass_line::{
    FromAgent, FromServer, Issued, JoinRequest, JoinToken, Piece, ProgramRequest, RenewRequest,
};

fn look<M: Message + Default + PartialEq + std::fmt::Debug>(data: &[u8]) {
    if let Ok(message) = M::decode(data) {
        let again = M::decode(message.encode_to_vec().as_slice());
        assert_eq!(again.as_ref(), Ok(&message), "a message changed");
    }
}

fuzz_target!(|data: &[u8]| {
    look::<JoinRequest>(data);
    look::<RenewRequest>(data);
    look::<FromAgent>(data);
    look::<FromServer>(data);
    look::<Issued>(data);
    look::<ProgramRequest>(data);
    look::<Piece>(data);
    if let Ok(token) = String::from_utf8_lossy(data).parse::<JoinToken>() {
        assert_eq!(token.text().parse(), Ok(token), "a token changed");
    }
});
