//! How runs reach an agent: by telling it to open a session, or by waiting until it is here.

use std::time::Duration;

use tokio::time::Instant;
use windlass_fleet::{Become, Connection, Dialled};
use windlass_line::OpenAs;
use windlass_line::from_server::What;
use windlass_model::span::Span;
use windlass_plugin::{BoxFuture, CallError};

use crate::hub::Hub;
use crate::present::{Opened, Present};

/// How long an agent may take to become another user, and to place an agent for them.
const ENTERED_WITHIN: Duration = Duration::from_secs(60);

// === impl Hub ===

impl Dialled for Hub {
    fn reach<'a>(
        &'a self,
        node: &'a str,
        other: Option<&'a Become>,
        within: Duration,
    ) -> BoxFuture<'a, Result<Connection, CallError>> {
        Box::pin(async move {
            let until = Instant::now() + within;
            if let Some(present) = self.inner().find(node)
                && let Some(opened) = open(&present, other, until).await
            {
                return opened;
            }
            self.may_come(node).await?;
            let waiting = self.inner().wait_for(node);
            let reached = self.come(node, other, &waiting, until).await;
            self.inner().waited(node, waiting);
            match reached {
                Some(opened) => opened,
                None => Err(self.away(node, within).await),
            }
        })
    }
}

impl Hub {
    async fn come(
        &self,
        node: &str,
        other: Option<&Become>,
        waiting: &tokio::sync::Notify,
        until: Instant,
    ) -> Option<Opened> {
        loop {
            // Before looking: who comes in between is heard.
            let mut comes = std::pin::pin!(waiting.notified());
            comes.as_mut().enable();
            if let Some(present) = self.inner().find(node) {
                if let Some(opened) = open(&present, other, until).await {
                    return Some(opened);
                }
                if Instant::now() >= until {
                    return None;
                }
                // It is about to be noticed that it has gone.
                tokio::time::sleep(Duration::from_millis(20)).await;
                continue;
            }
            tokio::time::timeout_at(until, comes).await.ok()?;
        }
    }

    /// Whether the agent of a node may come at all.
    async fn may_come(&self, node: &str) -> Result<(), CallError> {
        let later = |why: &str| CallError::retryable("transport", why.to_owned());
        let Some(enrol) = self.enrol() else { return Err(later("the server is about to begin")) };
        let agent = enrol.agent(node).await;
        let agent = agent.map_err(|error| later("the agents cannot be read").because(&error))?;
        let Some(agent) = agent else {
            let message = format!(
                "no agent has joined as `{node}`: make a join token (`windlass server agent-token {node}`, or POST \
                 /api/v1/agenttokens), and run `windlass agent join` with it on the node"
            );
            return Err(CallError::permanent("transport", message));
        };
        match agent.revoked_at {
            None => Ok(()),
            Some(at) => {
                let message = format!(
                    "the agent of `{node}` was revoked at {at}: let it join again with a new join token"
                );
                Err(CallError::permanent("transport", message))
            }
        }
    }

    async fn away(&self, node: &str, within: Duration) -> CallError {
        let since = self.last_seen(node).await;
        let since = since.map_or_else(String::new, |since| format!(", and was last seen {since}"));
        let message = format!(
            "the agent of `{node}` is not here{since}; it was waited for {}. On the node, `systemctl status windlass-agent` says \
             whether it runs, and its log why it cannot come",
            Span(within)
        );
        CallError::retryable("transport", message)
    }
}

/// A session with an agent that is here; `None` where it goes, or does not answer in time.
async fn open(present: &Present, other: Option<&Become>, until: Instant) -> Option<Opened> {
    let (number, arrives) = present.expect();
    let (what, until) = match other {
        None => (What::Open(number), until),
        Some(other) => {
            let Become { user, method, password } = other;
            let (user, password) = (user.clone(), password.clone().unwrap_or_default());
            let open = OpenAs { number, user, method: method.to_string(), password };
            // An agent is placed for that user where there is none.
            (What::OpenAs(open), Instant::now() + ENTERED_WITHIN)
        }
    };
    let opened = match present.say(what) {
        true => tokio::select! {
            arrived = tokio::time::timeout_at(until, arrives) => arrived.ok().and_then(Result::ok),
            () = present.gone() => None,
        },
        false => None,
    };
    if opened.is_none() {
        drop(present.take(number));
        if let Some(other) = other
            && Instant::now() >= until
        {
            return Some(Err(no_answer(present, other)));
        }
    }
    opened
}

/// An older agent skips what it does not know.
fn no_answer(present: &Present, other: &Become) -> CallError {
    let message = format!(
        "the agent of `{}` did not say within {} whether it could become `{}`: its version is {}, and older ones cannot. \
         It takes the program of its server by itself, unless it runs with --keep-program",
        present.node,
        Span(ENTERED_WITHIN),
        other.user,
        present.hello.version
    );
    CallError::retryable("become", message)
}
