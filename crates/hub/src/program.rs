//! The program that is offered to agents: that of the server, unless another one is named.

use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use futures_util::{Stream, StreamExt as _};
use sha2::{Digest as _, Sha256};
use tokio::sync::mpsc;
use tonic::{Code, Request, Response, Status};
use windlass_line::from_server::What;
use windlass_line::{Fingerprint, Hello, Offer, Piece, ProgramRequest};
use windlass_model::code;

use crate::connection::Caller;
use crate::hub::Hub;
use crate::join::needs_certificate;
use crate::refusal::coded;

/// A program, and what it is known by.
#[derive(Clone, Debug)]
pub(crate) struct Program {
    path: PathBuf,
    sha256: String,
    len: u64,
    /// For which machine it is, as `uname -m` calls it.
    machine: &'static str,
}

/// How many fetch it at once: it is large, and nobody is in a hurry.
pub(crate) const FETCH_AT_ONCE: usize = 4;
/// How much is sent at once, and how many of those wait.
const PIECE: usize = 32 << 10;
const PIECES: usize = 8;

/// What is known of a file.
pub(crate) fn read(path: &Path) -> std::io::Result<Program> {
    let (mut file, mut sum, mut len) = (std::fs::File::open(path)?, Sha256::new(), 0);
    let mut bytes = vec![0; PIECE];
    loop {
        match file.read(&mut bytes)? {
            0 => break,
            count => {
                sum.update(bytes.get(..count).unwrap_or_default());
                len += count as u64;
            }
        }
    }
    let sha256 = Fingerprint(sum.finalize().into()).to_string();
    Ok(Program { path: path.to_owned(), sha256, len, machine: std::env::consts::ARCH })
}

// === impl Program ===

impl Program {
    /// What an agent is told of it, if it is for such agents and is not theirs already.
    pub(crate) fn offer(&self, hello: &Hello, version: &str) -> Option<What> {
        let fits = hello.os == std::env::consts::OS && hello.arch == self.machine;
        let wanted = !hello.program.is_empty() && hello.program != self.sha256;
        let (version, sha256) = (version.to_owned(), self.sha256.clone());
        (fits && wanted).then_some(What::Offer(Offer { version, sha256, len: self.len }))
    }
}

// === impl Hub ===

impl Hub {
    pub(crate) async fn program(
        self,
        caller: Arc<Caller>,
        request: Request<ProgramRequest>,
    ) -> Result<Response<impl Stream<Item = Result<Piece, Status>> + Send + 'static>, Status> {
        let parts = self.parts()?;
        let shown = caller.shown.ok_or_else(needs_certificate)?;
        parts.enrol.admit(shown, parts.clock.now()).await.map_err(crate::refusal::refusal)?;
        let unknown = || coded(Code::NotFound, &code::NO_AGENT, "there is no such program here");
        let program = self.inner().program.get().ok_or_else(unknown)?;
        if program.sha256 != request.into_inner().sha256 {
            return Err(unknown());
        }
        let turn = Arc::clone(&self.inner().fetching).try_acquire_owned();
        let turn = turn.map_err(|_| Status::unavailable("others fetch it just now; come again later"))?;
        let (pieces, taken) = mpsc::channel(PIECES);
        let path = program.path.clone();
        tokio::task::spawn_blocking(move || {
            let _turn = turn;
            let mut file = match std::fs::File::open(path) {
                Ok(file) => file,
                Err(error) => return drop(pieces.blocking_send(Err(lost(&error)))),
            };
            loop {
                let mut bytes = vec![0; PIECE];
                let piece = match file.read(&mut bytes) {
                    Ok(0) => return,
                    Ok(count) => {
                        bytes.truncate(count);
                        Ok(Piece { bytes: Bytes::from(bytes) })
                    }
                    Err(error) => Err(lost(&error)),
                };
                let is_last = piece.is_err();
                if pieces.blocking_send(piece).is_err() || is_last {
                    return;
                }
            }
        });
        let pieces = futures_util::stream::unfold(taken, |mut taken| async move {
            taken.recv().await.map(|piece| (piece, taken))
        });
        Ok(Response::new(pieces.boxed()))
    }
}

fn lost(error: &std::io::Error) -> Status {
    Status::unavailable(format!("the program cannot be read: {error}"))
}
