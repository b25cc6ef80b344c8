//! The call that says that an agent is here, as long as it lasts.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::{Stream, StreamExt as _};
use tonic::{Code, Request, Response, Status, Streaming};
use windlass_access::Outcome;
use windlass_line::from_agent::What as Heard;
use windlass_line::from_server::What;
use windlass_line::{FromAgent, FromServer, Hello, Queue, Queued, Welcome};
use windlass_model::{Value, code};

use crate::connection::Caller;
use crate::hub::{Hub, Inner, copied, locked, second};
use crate::join::needs_certificate;
use crate::present::Present;
use crate::refusal::{coded, off, refusal};

/// What is said to an agent that is here. It is polled together with what it says, so that nobody else has to wait for that;
/// dropped, the agent is not here any more.
pub(crate) struct Control {
    heard: Streaming<FromAgent>,
    said: Queued<Result<FromServer, Status>>,
    here: Here,
}

struct Here {
    hub: Arc<Inner>,
    present: Arc<Present>,
}

/// How long an agent has to say who it is.
const HELLO_WITHIN: Duration = Duration::from_secs(10);
/// How long the one that is here has to answer when another one comes.
const ANSWERS_WITHIN: Duration = Duration::from_secs(3);
/// The longest of what an agent calls itself.
const LONGEST: usize = 256;

// === impl Hub ===

impl Hub {
    pub(crate) async fn control(
        self,
        caller: Arc<Caller>,
        request: Request<Streaming<FromAgent>>,
    ) -> Result<Response<Control>, Status> {
        let parts = self.parts()?;
        let shown = caller.shown.ok_or_else(needs_certificate)?;
        let mut heard = request.into_inner();
        let first = tokio::time::timeout(HELLO_WITHIN, heard.message()).await;
        let first = first.map_err(|_| off("it does not say who it is"))??;
        let Some(Heard::Hello(hello)) = first.and_then(|first| first.what) else {
            return Err(off("its first message is no hello"));
        };
        judge(&hello)?;
        let from = caller.from.to_string();
        let admitted = match parts.enrol.admit(shown, parts.clock.now()).await {
            Ok(admitted) => admitted,
            Err(error) => {
                self.note_refused(&error, &from).await;
                return Err(refusal(error));
            }
        };
        let (queue, said) = Queue::new();
        let welcome = What::Welcome(Welcome { version: parts.version.to_owned() });
        let _ = queue.put(Ok(welcome.into()));
        let since = parts.clock.now();
        let present = Arc::new(Present::new(
            admitted.node,
            hello,
            admitted.certificate,
            (caller.from, since),
            queue,
            caller.cut.clone(),
        ));
        if caller.present.set(Arc::clone(&present)).is_err() {
            return Err(off("it says twice that it is here"));
        }
        self.take_in(&present, &from).await?;
        self.inner().offer(&present);
        let here = Here { hub: Arc::clone(self.inner()), present };
        Ok(Response::new(Control { heard, said, here }))
    }

    /// Takes an agent for the one of its node, unless another one is that.
    async fn take_in(&self, present: &Arc<Present>, from: &str) -> Result<(), Status> {
        let hub = self.inner();
        let mut expect: Option<Arc<Present>> = None;
        loop {
            let Err(first) = hub.arrived(present, expect.as_ref()) else { break };
            if first.hello.instance != present.hello.instance && self.answers(&first).await {
                let why = copied(&first, from);
                hub.note(&present.node, from, "serve", Outcome::Denied, why).await;
                tracing::warn!(
                    node = present.node,
                    served = %first.from,
                    refused = from,
                    "two agents use one key; the second is refused"
                );
                first.say(What::Said(format!(
                    "another agent, on `{}` at {}, shows the certificate of this one: its key was copied",
                    present.hello.host,
                    present.from.ip()
                )));
                return Err(second(&present.node, &first));
            }
            expect = Some(first);
        }
        if let Some(before) = expect {
            if before.hello.instance == present.hello.instance {
                // The same process has dialled anew; what it has in hand over the old connection it brings to an end there.
                hub.released(before);
            } else {
                before.cut(coded(Code::Aborted, &code::NO_AGENT, "it did not answer, and another one came"));
            }
        }
        Ok(())
    }

    /// Whether an agent that is taken to be here answers.
    async fn answers(&self, present: &Present) -> bool {
        let ponged = present.ponged.notified();
        let number = self.inner().next.fetch_add(1, Ordering::Relaxed);
        if !present.say(What::Ping(number)) {
            return false;
        }
        tokio::select! {
            () = ponged => true,
            () = present.gone() => false,
            () = tokio::time::sleep(ANSWERS_WITHIN) => false,
        }
    }

    /// A certificate that was good once and is refused is worth noting.
    pub(crate) async fn note_refused(&self, error: &windlass_enrol::Error, from: &str) {
        use windlass_enrol::Refused;
        let windlass_enrol::Error::Refused(refused) = error else { return };
        let (Refused::Superseded { node } | Refused::Revoked { node, .. }) = refused else { return };
        let why = serde_json::json!({"why": refused.to_string()});
        self.inner().note(node, from, "serve", Outcome::Denied, why).await;
        if let (Refused::Superseded { .. }, Some(first)) = (refused, self.inner().find(node)) {
            first.say(What::Said(format!(
                "somebody at {from} shows an earlier certificate of this agent: its key was copied"
            )));
        }
    }
}

fn judge(hello: &Hello) -> Result<(), Status> {
    let Hello { instance, version, os, arch, host, program } = hello;
    let is_long = [instance, version, os, arch, host, program].iter().any(|text| text.len() > LONGEST);
    if is_long || instance.is_empty() {
        return Err(off("its hello has texts that are too long, or no instance"));
    }
    Ok(())
}

// === impl Here ===

impl Here {
    fn take(&self, heard: FromAgent) -> Result<(), Status> {
        match heard.what {
            Some(Heard::Pong(_)) => self.present.ponged.notify_waiters(),
            Some(Heard::Facts(text)) => {
                let facts: Value =
                    serde_json::from_str(&text).map_err(|_| off("what it calls facts is no JSON"))?;
                *locked(&self.present.facts) = Some(facts);
                self.hub.is_due(&self.present.node, Duration::from_secs(1));
            }
            Some(Heard::Hello(_)) => return Err(off("it says twice who it is")),
            Some(Heard::Probed(probed)) => self.present.found(probed.number, probed.answers),
            Some(Heard::NotOpened(not)) => self.present.not_opened(not),
            // What a later version says.
            None => {}
        }
        Ok(())
    }
}

impl Drop for Here {
    fn drop(&mut self) {
        self.hub.left(&self.present);
    }
}

// === impl Control ===

impl Stream for Control {
    type Item = Result<FromServer, Status>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        loop {
            match self.heard.poll_next_unpin(cx) {
                Poll::Ready(Some(Ok(heard))) => {
                    if let Err(status) = self.here.take(heard) {
                        return Poll::Ready(Some(Err(status)));
                    }
                }
                // It goes, in one way or another.
                Poll::Ready(_) => return Poll::Ready(None),
                Poll::Pending => break,
            }
        }
        self.said.poll_next_unpin(cx)
    }
}
