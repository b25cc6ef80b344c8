//! What a server decodes of agents, and agents of a server: any bytes give a message or an error, and messages survive being written again.
#![no_main]

use std::time::Duration;

use http::{Request, Response};
use libfuzzer_sys::fuzz_target;
use prost::Message;
use tokio::io::AsyncWriteExt as _;
use tonic::body::Body;
use windlass_line::{
    Arriving, FromAgent, FromServer, Head, Issued, JoinRequest, JoinToken, Piece, ProgramRequest,
    RenewRequest, Trunk, TrunkOptions,
};

fn look<M: Message + Default + PartialEq + std::fmt::Debug>(data: &[u8]) {
    if let Ok(message) = M::decode(data) {
        let again = M::decode(message.encode_to_vec().as_slice());
        assert_eq!(again.as_ref(), Ok(&message), "a message changed");
    }
}

/// A trunk whose other side says anything at all ends or waits for more, and never holds more than there is room for.
fn trunk(data: &[u8]) {
    let options =
        TrunkOptions { ask_every: Duration::from_secs(10), answer_within: Duration::from_secs(10), calls: 4 };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime");
    runtime.block_on(async {
        let (mut here, there) = tokio::io::duplex(1 << 20);
        let answers = Trunk::answers(there, options, |request: Request<Arriving>| {
            Box::pin(async move {
                let (_, arriving) = request.into_parts();
                Response::new(Body::new(arriving))
            })
        });
        let answers = tokio::spawn(answers);
        here.write_all(data).await.expect("there is room");
        here.shutdown().await.expect("it is open");
        // What it answers is read, so that it is never held up.
        let _ = tokio::io::copy(&mut here, &mut tokio::io::sink()).await;
        let _ = answers.await.expect("it does not panic");
    });
}

fuzz_target!(|data: &[u8]| {
    look::<JoinRequest>(data);
    look::<RenewRequest>(data);
    look::<FromAgent>(data);
    look::<FromServer>(data);
    look::<Issued>(data);
    look::<ProgramRequest>(data);
    look::<Piece>(data);
    look::<Head>(data);
    trunk(data);
    if let Ok(token) = String::from_utf8_lossy(data).parse::<JoinToken>() {
        assert_eq!(token.text().parse(), Ok(token), "a token changed");
    }
});
