//! Answers an agent's questions about files of our side: those that the request is about, and no others.

use std::collections::HashMap;
use std::path::Path;

use tokio::sync::mpsc;
use tokio::sync::mpsc::error::TrySendError;
use tokio::task::JoinHandle;
use windlass_plugin::origin::OriginSink;
use windlass_plugin::{CallError, Origin, OriginUse};
use windlass_wire::{Origins, OriginsAnswer, ToAgent, encode};

/// The questions of one call.
pub(super) struct Answers {
    id: u64,
    origin: Origin,
    uses: OriginUse,
    frames: mpsc::Sender<Vec<u8>>,
    /// Files that are being sent: ended when nobody wants them any more.
    sending: HashMap<u64, JoinHandle<()>>,
    writing: HashMap<u64, Box<dyn OriginSink>>,
}

/// The most files that a call may write at once; an agent that opens more is not one of ours.
const MOST_WRITING: usize = 16;

// === impl Answers ===

impl Answers {
    pub(super) fn new(id: u64, origin: Origin, uses: OriginUse, frames: mpsc::Sender<Vec<u8>>) -> Self {
        Self { id, origin, uses, frames, sending: HashMap::new(), writing: HashMap::new() }
    }

    pub(super) async fn take(&mut self, question: u64, ask: Origins) {
        let to = To { id: self.id, question, frames: self.frames.clone() };
        match ask {
            Origins::List(path) if self.uses.may_read(&path) => {
                let listed = self.origin.list(path).await;
                to.tell(listed.map_or_else(refusal, OriginsAnswer::Listed));
            }
            Origins::Read(paths) => match paths.iter().find(|path| !self.uses.may_read(path)) {
                Some(path) => to.tell(refusal(beside(path))),
                None => {
                    let origin = self.origin.clone();
                    self.sending.retain(|_, sending| !sending.is_finished());
                    self.sending.insert(
                        question,
                        tokio::spawn(async move {
                            if let Err(error) = send(&to, &origin, paths).await {
                                to.say(refusal(error)).await;
                            }
                        }),
                    );
                }
            },
            Origins::Write { path, mode }
                if self.uses.may_write(&path) && self.writing.len() < MOST_WRITING =>
            {
                match self.origin.write(path, mode).await {
                    Ok(sink) => {
                        self.writing.insert(question, sink);
                        to.tell(OriginsAnswer::Done);
                    }
                    Err(error) => to.tell(refusal(error)),
                }
            }
            Origins::List(path) | Origins::Write { path, .. } => to.tell(refusal(beside(&path))),
            Origins::Put(bytes) => {
                let Some(sink) = self.writing.get_mut(&question) else { return };
                if let Err(error) = sink.put(bytes).await {
                    self.writing.remove(&question);
                    to.tell(refusal(error));
                }
            }
            Origins::Finish => {
                let Some(sink) = self.writing.remove(&question) else { return };
                to.tell(sink.finish().await.map_or_else(refusal, |()| OriginsAnswer::Done));
            }
            Origins::Drop => {
                self.writing.remove(&question);
                if let Some(sending) = self.sending.remove(&question) {
                    sending.abort();
                }
            }
        }
    }
}

impl Drop for Answers {
    fn drop(&mut self) {
        self.sending.values().for_each(JoinHandle::abort);
    }
}

struct To {
    id: u64,
    question: u64,
    frames: mpsc::Sender<Vec<u8>>,
}

impl To {
    async fn say(&self, answer: OriginsAnswer) {
        if let Some(frame) = self.frame(answer) {
            // If the connection is gone, so is whoever asked.
            let _ = self.frames.send(frame).await;
        }
    }

    /// The same without waiting for the connection: it may be waiting for what the call prints to be taken, which is the caller's work.
    fn tell(&self, answer: OriginsAnswer) {
        if let Some(frame) = self.frame(answer) {
            send_later(&self.frames, frame);
        }
    }

    fn frame(&self, answer: OriginsAnswer) -> Option<Vec<u8>> {
        encode(&ToAgent::Origins { id: self.id, question: self.question, answer }).ok()
    }
}

/// Sends a frame when the connection takes it.
pub(super) fn send_later(frames: &mpsc::Sender<Vec<u8>>, frame: Vec<u8>) {
    if let Err(TrySendError::Full(frame)) = frames.try_send(frame) {
        let frames = frames.clone();
        tokio::spawn(async move { frames.send(frame).await });
    }
}

async fn send(to: &To, origin: &Origin, paths: Vec<std::path::PathBuf>) -> Result<(), CallError> {
    let mut parts = origin.read(paths).await?;
    while let Some(part) = parts.next().await? {
        to.say(part.into()).await;
    }
    to.say(OriginsAnswer::Done).await;
    Ok(())
}

fn refusal(error: CallError) -> OriginsAnswer {
    OriginsAnswer::Refused(error.into())
}

fn beside(path: &Path) -> CallError {
    let message = format!("the action is not about `{}` on the side of Windlass", path.display());
    CallError::permanent("origin", message)
}
