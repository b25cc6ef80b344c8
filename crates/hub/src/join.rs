//! Joining, and the next certificate.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use bytes::Bytes;
use serde_json::json;
use tonic::{Code, Request, Response, Status};
use windlass_access::Outcome;
use windlass_enrol::{Agent, Issued as Made};
use windlass_line::{Issued, JoinRequest, RenewRequest};
use windlass_model::{Value, code};
use windlass_objects::{Author, Name, Objects, Write, kinds};

use crate::connection::Caller;
use crate::hub::{Hub, Parts};
use crate::refusal::{coded, refusal};

// === impl Hub ===

impl Hub {
    pub(crate) async fn join(
        self,
        caller: Arc<Caller>,
        request: Request<JoinRequest>,
    ) -> Result<Response<Issued>, Status> {
        let JoinRequest { token, node, public_key } = request.into_inner();
        let parts = self.parts()?;
        let from = caller.from.to_string();
        let now = parts.clock.now();
        let joined = parts.enrol.join(&token, &node, &public_key, &from, now).await;
        let (agent, made) = match joined {
            Ok(joined) => joined,
            Err(error) => {
                // What they call themselves is not known to be a name.
                let named = if windlass_model::name::is_slug(&node) { node.as_str() } else { "unknown" };
                let why = json!({"why": error.to_string()});
                self.inner().note(named, &from, "join", Outcome::Denied, why).await;
                return Err(refusal(error));
            }
        };
        // Another one may be served as this node's agent, whose certificate is good no more.
        for before in self.inner().connections(&node) {
            let why = format!("another agent joined as `{node}` from {}", caller.from.ip());
            before.cut(coded(Code::PermissionDenied, &code::AGENT_TAKEN, why));
        }
        if let Err(error) = there_is(&parts.objects, &agent).await {
            tracing::warn!(node, %error, "the node of an agent that joined cannot be made");
        }
        let after = json!({"token": agent.token, "serial": agent.certificate.serial});
        self.inner().note(&node, &from, "join", Outcome::Done, after).await;
        Ok(Response::new(said(parts, agent, made)))
    }

    pub(crate) async fn renew(
        self,
        caller: Arc<Caller>,
        request: Request<RenewRequest>,
    ) -> Result<Response<Issued>, Status> {
        let parts = self.parts()?;
        let shown = caller.shown.ok_or_else(needs_certificate)?;
        let renewed = parts.enrol.renew(shown, &request.into_inner().public_key, parts.clock.now()).await;
        let (agent, made) = match renewed {
            Ok(renewed) => renewed,
            Err(error) => {
                self.note_refused(&error, &caller.from.to_string()).await;
                return Err(refusal(error));
            }
        };
        Ok(Response::new(said(parts, agent, made)))
    }

    pub(crate) fn parts(&self) -> Result<&Parts, Status> {
        let open = self.inner().parts.get().filter(|_| !self.inner().closed.load(Ordering::Relaxed));
        open.ok_or_else(|| Status::unavailable("the server is about to begin, or to end"))
    }
}

pub(crate) fn needs_certificate() -> Status {
    coded(
        Code::Unauthenticated,
        &code::AGENT_REVOKED,
        "this needs the certificate of an agent, and none was shown: join first",
    )
}

fn said(parts: &Parts, agent: Agent, made: Made) -> Issued {
    Issued {
        node: agent.node,
        certificate: Bytes::from(made.der.to_vec()),
        authority: Bytes::from(parts.enrol.authority().certificate().to_vec()),
        not_after: made.not_after.as_millis() / 1000,
    }
}

/// Whoever joins is a node of the inventory, if they were not before.
async fn there_is(objects: &Objects, agent: &Agent) -> Result<(), windlass_objects::Error> {
    let name = Name::global(&agent.node);
    match objects.get(&kinds::NODE, &name).await {
        Err(windlass_objects::Error::NotFound { .. }) => {}
        found => return found.map(drop),
    }
    let author = Author { user: format!("agent {}", agent.node), at: agent.joined_at };
    let document: Value = json!({"metadata": {"name": agent.node}, "spec": {"transport": {"use": "agent"}}});
    objects.apply(&kinds::NODE, document, Some(&name), Write::default(), &author).await.map(drop)
}
