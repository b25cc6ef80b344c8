//! Files of Windlass's side, as an attempt on a node reaches them: by asking for them.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::mpsc;
use windlass_plugin::origin::{OriginFiles, OriginPart, OriginParts, OriginSink};
use windlass_plugin::{BoxFuture, CallError, Origin, OriginEntry};
use windlass_wire::{FromAgent, Origins, OriginsAnswer};

use crate::outbox::Outbox;

/// How many pieces of files may arrive before the connection waits for whoever writes them.
const MOST_PARTS: usize = 256;

/// The questions of one attempt that are not answered in full.
#[derive(Debug)]
pub(crate) struct Questions {
    id: u64,
    outbox: Arc<Outbox>,
    next: AtomicU64,
    open: Mutex<HashMap<u64, mpsc::Sender<OriginsAnswer>>>,
}

/// A question, and where its answers arrive. Dropped, it says that it wants no more.
struct Question {
    questions: Arc<Questions>,
    number: u64,
    answers: mpsc::Receiver<OriginsAnswer>,
}

struct Asking(Arc<Questions>);

struct Parts(Question);

struct Sink(Question);

// === impl Questions ===

impl Questions {
    pub(crate) fn new(id: u64, outbox: Arc<Outbox>) -> Arc<Self> {
        Arc::new(Self { id, outbox, next: AtomicU64::new(1), open: Mutex::default() })
    }

    pub(crate) fn origin(self: &Arc<Self>) -> Origin {
        Origin::new(Asking(Arc::clone(self)))
    }

    /// Hands an answer to whoever asked. Waits while they have too many.
    pub(crate) async fn answer(&self, question: u64, answer: OriginsAnswer) {
        let open = self.open().get(&question).cloned();
        if let Some(open) = open {
            // Who does not want it any more has gone.
            let _ = open.send(answer).await;
        }
    }

    /// Nothing will be answered any more.
    pub(crate) fn give_up(&self) {
        self.open().clear();
    }

    fn open(&self) -> std::sync::MutexGuard<'_, HashMap<u64, mpsc::Sender<OriginsAnswer>>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn ask(self: &Arc<Self>, ask: Origins) -> Result<Question, CallError> {
        if self.outbox.is_detached() {
            return Err(unreachable());
        }
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let (sender, answers) = mpsc::channel(MOST_PARTS);
        self.open().insert(number, sender);
        let question = Question { questions: Arc::clone(self), number, answers };
        question.say(ask);
        Ok(question)
    }
}

// === impl Question ===

impl Question {
    fn say(&self, ask: Origins) {
        let Questions { id, outbox, .. } = &*self.questions;
        outbox.send(&FromAgent::Origins { id: *id, question: self.number, ask });
    }

    async fn answer(&mut self) -> Result<OriginsAnswer, CallError> {
        match self.answers.recv().await {
            Some(OriginsAnswer::Refused(trouble)) => Err(trouble.into()),
            Some(answer) => Ok(answer),
            None => Err(unreachable()),
        }
    }

    async fn done(&mut self) -> Result<(), CallError> {
        match self.answer().await? {
            OriginsAnswer::Done => Ok(()),
            _ => Err(off()),
        }
    }
}

impl Drop for Question {
    fn drop(&mut self) {
        if self.questions.open().remove(&self.number).is_some() {
            self.say(Origins::Drop);
        }
    }
}

impl OriginFiles for Asking {
    fn list(&self, path: PathBuf) -> BoxFuture<'_, Result<Vec<OriginEntry>, CallError>> {
        Box::pin(async move {
            match self.0.ask(Origins::List(path))?.answer().await? {
                OriginsAnswer::Listed(entries) => Ok(entries),
                _ => Err(off()),
            }
        })
    }

    fn read(&self, paths: Vec<PathBuf>) -> BoxFuture<'_, Result<Box<dyn OriginParts>, CallError>> {
        Box::pin(async move {
            let question = self.0.ask(Origins::Read(paths))?;
            Ok(Box::new(Parts(question)) as Box<dyn OriginParts>)
        })
    }

    fn write(&self, path: PathBuf, mode: u32) -> BoxFuture<'_, Result<Box<dyn OriginSink>, CallError>> {
        Box::pin(async move {
            let mut question = self.0.ask(Origins::Write { path, mode })?;
            question.done().await?;
            Ok(Box::new(Sink(question)) as Box<dyn OriginSink>)
        })
    }
}

impl OriginParts for Parts {
    fn next(&mut self) -> BoxFuture<'_, Result<Option<OriginPart>, CallError>> {
        Box::pin(async move {
            match self.0.answer().await? {
                OriginsAnswer::Part { file, bytes, last } => {
                    Ok(Some(OriginPart { file: file as usize, bytes, last }))
                }
                OriginsAnswer::Done => Ok(None),
                _ => Err(off()),
            }
        })
    }
}

impl OriginSink for Sink {
    fn put(&mut self, bytes: Vec<u8>) -> BoxFuture<'_, Result<(), CallError>> {
        Box::pin(async move {
            self.0.questions.outbox.room().await;
            // A refusal comes unasked, and makes what follows pointless.
            if let Ok(OriginsAnswer::Refused(trouble)) = self.0.answers.try_recv() {
                return Err(trouble.into());
            }
            self.0.say(Origins::Put(bytes));
            Ok(())
        })
    }

    fn finish(mut self: Box<Self>) -> BoxFuture<'static, Result<(), CallError>> {
        Box::pin(async move {
            self.0.say(Origins::Finish);
            self.0.done().await
        })
    }
}

fn unreachable() -> CallError {
    CallError::retryable("origin", "the connection to Windlass is gone, and with it its files")
}

fn off() -> CallError {
    CallError::permanent(
        "agent",
        "Windlass does not keep to the protocol: a question about files got another's answer",
    )
}
