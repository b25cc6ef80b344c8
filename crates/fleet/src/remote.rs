//! A plugin that works on its node, wherever that is.

use std::fmt;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;
use windlass_model::fact::{PluginKind, Recovery};
use windlass_model::outcome::Failure;
use windlass_plugin::{
    About, BoxFuture, Call, CallError, DynPlugin, Foresight, Line, Node, OriginUse, Place, Registry,
    RegistryError, Reply, Severity, Shape, Simulated, Simulation, Span, Value,
};
use windlass_wire::{CallOrder, Ended, Mode};

use crate::bare::Bare;
use crate::beside::{Beside, Targets};
use crate::connect::Destination;
use crate::fleet::{Fleet, Link};
use crate::peer::{Cut, Found, Peer};

/// A plugin that is called where its node is.
pub struct Remote {
    plugin: Arc<dyn DynPlugin>,
    about: About,
    fleet: Fleet,
    is_here: IsHere,
}

/// Whether a node is this machine.
pub type IsHere = fn(&Node) -> bool;

/// The code of a call that cannot be made because no agent runs there.
pub(crate) const NEEDS_AGENT: &str = "agent";

/// How old an attempt may be of which an agent says that it never began. Agents keep what they know for longer, but a
/// node may clean up by itself.
const RELIABLY_KEPT: Duration = Duration::from_secs(24 * 3600);

/// How long is waited before a cut connection is made anew: at first, and at most.
const AGAIN_AFTER: Duration = Duration::from_millis(100);
const AGAIN_AT_MOST: Duration = Duration::from_secs(5);

/// The same registry, with every plugin that works on its node put behind a fleet.
///
/// # Errors
///
/// None, as long as the registry accepted its own plugins.
pub fn over(registry: &Registry, fleet: &Fleet, is_here: IsHere) -> Result<Registry, RegistryError> {
    // They were judged when they were registered, which takes milliseconds.
    let mut reaching = Registry::trusting();
    let targets = Arc::new(Targets::new(registry, fleet, is_here));
    for plugin in registry.iter() {
        reaching.register_dyn(match plugin.about().place {
            Place::Here => Arc::clone(plugin),
            Place::Target => Arc::new(Remote::new(Arc::clone(plugin), fleet.clone(), is_here)),
            Place::Beside => Arc::new(Beside::new(Arc::clone(plugin), Arc::clone(&targets), is_here)),
        })?;
    }
    Ok(reaching)
}

// === impl Remote ===

impl Remote {
    /// A plugin behind a fleet.
    pub fn new(plugin: Arc<dyn DynPlugin>, fleet: Fleet, is_here: IsHere) -> Self {
        // The agent goes on with what it was told to do, and keeps what became of it.
        let about = About { outlives: true, ..plugin.about().clone() };
        Self { plugin, about, fleet, is_here }
    }

    /// Where the work happens, if that is not here.
    fn away(&self, call: &Call) -> Option<Destination> {
        let node = call.node.as_ref().filter(|node| !(self.is_here)(node))?;
        Some(Destination { node: Arc::clone(node), run: call.run })
    }

    fn order(&self, mode: Mode, call: &Call, request: &Value) -> CallOrder {
        CallOrder {
            id: 0,
            mode,
            plugin: self.about.name.clone(),
            request: request.to_string().into_bytes(),
            run: call.run,
            plan: call.plan.clone(),
            address: call.address.clone(),
            attempt: call.attempt,
            key: call.key.clone(),
            node: call.node.as_ref().map(|node| node.name.clone()),
            for_node: call.for_node.as_ref().map(|node| node.name.clone()),
            within_ms: u64::try_from(call.deadline_in.as_millis()).unwrap_or(u64::MAX),
            keep: self.about.kind == PluginKind::Acting,
        }
    }

    /// Whether doing it again is safe, whatever became of it.
    fn is_safe(&self) -> bool {
        self.about.kind == PluginKind::Check || self.about.recovery == Recovery::Idempotent
    }

    fn needs_agent(&self, call: &Call, bare: &Bare) -> CallError {
        let message = format!(
            "`{}` needs an agent on `{}`, and there is none: {}",
            self.about.name,
            name(call),
            bare.why()
        );
        CallError::permanent(NEEDS_AGENT, message)
    }

    /// Where no agent runs: what can do without one is called here, with the bare node to work on.
    async fn conduct_bare(
        &self,
        mode: Mode,
        call: &Call,
        request: &Value,
        bare: Bare,
    ) -> Result<Ended, CallError> {
        if !self.about.bare {
            let error = self.needs_agent(call, &bare);
            // Without an agent nobody can look; what would become of it is said when it is meant.
            return if mode == Mode::Noop {
                Ok(Ended::foreseen(Ok(Foresight::unknown(error.message))))
            } else {
                Err(error)
            };
        }
        if call.attempt == 1 && mode == Mode::Act && self.about.kind == PluginKind::Acting {
            call.output
                .note(&format!("no agent runs there, so this could not be found again: {}", bare.why()));
        }
        let call = Call { bare: Some(Arc::new(bare)), ..call.clone() };
        let request = Arc::new(request.clone());
        Ok(match mode {
            Mode::Act => Ended::of(self.plugin.call(call, request).await),
            Mode::Noop => Ended::foreseen(self.plugin.noop(call, request).await),
            Mode::WasDone => Ended::Known(self.plugin.was_done(call, request).await),
        })
    }

    /// Sees a call through, over as many connections as it takes.
    async fn conduct(
        &self,
        mode: Mode,
        call: &Call,
        request: &Value,
        to: &Destination,
    ) -> Result<Ended, CallError> {
        let until = Instant::now() + call.deadline_in;
        let uses = self.plugin.origin_use(call, request);
        let peer = match unless_cancelled(call, self.fleet.link(to)).await? {
            Link::Agent(peer) => peer,
            Link::Bare(bare) => return self.conduct_bare(mode, call, request, bare).await,
        };
        let mut order = self.order(mode, call, request);
        let ordered_at = Instant::now();
        let mut cut = match ordered(&peer, &mut order, call, &uses).await {
            Ok(ended) => return Ok(ended),
            Err(cut) => cut,
        };
        drop(peer);
        if mode != Mode::Act {
            return Err(lost(call, &cut));
        }
        loop {
            if !order.keep && !self.is_safe() {
                let why = CallError::permanent("agent", "nothing could be kept there to find it again by");
                return Err(interrupted(call, &cut, &why));
            }
            call.output.note(&format!("the connection was lost ({cut}); looking for the work again"));
            // Whatever stands in the way now, and also when it is told to end: what was ordered may go on over there.
            let again = self.again(call, to, until, Severity::Term).await;
            let peer = again.map_err(|error| interrupted(call, &cut, &error))?;
            cut = match peer.attach(call, cut.lines).await {
                Ok(Found::Ended(ended)) => return Ok(ended),
                // It never began and never will, or doing it again is safe.
                Ok(Found::Gone { begun })
                    if self.is_safe() || (!begun && is_known_there(&peer, ordered_at.elapsed())) =>
                {
                    match ordered(&peer, &mut order, call, &uses).await {
                        Ok(ended) => return Ok(ended),
                        Err(cut) => cut,
                    }
                }
                Ok(Found::Gone { .. }) => return Err(unknown(call)),
                Err(cut) => cut,
            };
        }
    }

    /// Makes one attempt over one connection; when that is lost, so is the attempt.
    pub(crate) async fn once(
        &self,
        call: &Call,
        request: &Value,
        to: &Destination,
        line: Line,
    ) -> Result<Reply<Value>, CallError> {
        let until = Instant::now() + call.deadline_in;
        let late = |what: &str| {
            let message = format!("`{}` {what} within {}", name(call), Span(call.deadline_in));
            CallError::retryable("connection", message)
        };
        let reached = unless_cancelled(call, async {
            if line == Line::Fresh {
                self.fleet.renew(to).await;
            }
            self.fleet.link(to).await
        });
        let reached = tokio::time::timeout_at(until, reached).await;
        let peer = match reached.unwrap_or_else(|_| Err(late("was not reached")))? {
            Link::Agent(peer) => peer,
            Link::Bare(bare) => return Err(self.needs_agent(call, &bare)),
        };
        let order = CallOrder { keep: false, ..self.order(Mode::Act, call, request) };
        let attempt = peer.call(order, call, self.plugin.origin_use(call, request));
        match tokio::time::timeout_at(until, attempt).await {
            Ok(Ok(ended)) => ended.reply(),
            Ok(Err(cut)) => Err(lost(call, &cut)),
            Err(_) => Err(late("did not answer")),
        }
    }

    /// A new connection, tried until the attempt's time is over, or it is told to end so harshly.
    async fn again(
        &self,
        call: &Call,
        to: &Destination,
        until: Instant,
        heeds: Severity,
    ) -> Result<Peer, CallError> {
        let mut wait = AGAIN_AFTER;
        loop {
            match unless(call, heeds, self.fleet.link(to)).await {
                Ok(Link::Agent(peer)) => return Ok(peer),
                Ok(Link::Bare(bare)) => return Err(self.needs_agent(call, &bare)),
                Err(error) if error.permanent => return Err(error),
                Err(error) if Instant::now() + wait >= until => return Err(error),
                Err(_) => {}
            }
            unless(call, heeds, async {
                tokio::time::sleep(wait).await;
                Ok(())
            })
            .await?;
            wait = wait.saturating_mul(2).min(AGAIN_AT_MOST);
        }
    }
}

impl DynPlugin for Remote {
    fn about(&self) -> &About {
        &self.about
    }

    fn request(&self) -> &Shape {
        self.plugin.request()
    }

    fn response(&self) -> &Shape {
        self.plugin.response()
    }

    fn call(&self, call: Call, request: Arc<Value>) -> BoxFuture<'_, Result<Reply<Value>, CallError>> {
        let Some(to) = self.away(&call) else { return self.plugin.call(call, request) };
        Box::pin(async move { self.conduct(Mode::Act, &call, &request, &to).await?.reply() })
    }

    fn noop(&self, call: Call, request: Arc<Value>) -> BoxFuture<'_, Result<Foresight, CallError>> {
        let Some(to) = self.away(&call) else { return self.plugin.noop(call, request) };
        Box::pin(async move { self.conduct(Mode::Noop, &call, &request, &to).await?.foresight() })
    }

    fn origin_use(&self, call: &Call, request: &Value) -> OriginUse {
        self.plugin.origin_use(call, request)
    }

    fn validate(&self, request: &Value) -> Result<(), Vec<String>> {
        self.plugin.validate(request)
    }

    fn ready(&self) -> BoxFuture<'_, Result<(), String>> {
        self.plugin.ready()
    }

    fn was_done(&self, call: Call, request: Arc<Value>) -> BoxFuture<'_, Option<bool>> {
        let Some(to) = self.away(&call) else { return self.plugin.was_done(call, request) };
        Box::pin(async move {
            match self.conduct(Mode::WasDone, &call, &request, &to).await {
                Ok(Ended::Known(done)) => done,
                _ => None,
            }
        })
    }

    fn reattach(
        &self,
        call: Call,
        request: Arc<Value>,
    ) -> BoxFuture<'_, Option<Result<Reply<Value>, CallError>>> {
        let Some(to) = self.away(&call) else { return self.plugin.reattach(call, request) };
        Box::pin(async move {
            let begun_at = Instant::now();
            let until = begun_at + call.deadline_in;
            let mut cut = Cut { lines: 0, why: "Windlass was away".to_owned() };
            loop {
                // Its time may have passed while nobody was here, and it may have ended long before: that is looked for.
                let again = self.again(&call, &to, until, Severity::Kill).await;
                let peer = again
                    .inspect_err(|error| call.output.note(&format!("it cannot be looked for there: {error}")))
                    .ok()?;
                match peer.attach(&call, cut.lines).await {
                    Ok(Found::Ended(ended)) => return Some(ended.reply()),
                    Ok(Found::Gone { begun: false })
                        if is_known_there(&peer, call.age + begun_at.elapsed()) =>
                    {
                        return Some(Err(not_made()));
                    }
                    Ok(Found::Gone { .. }) => return None,
                    Err(now) => cut = now,
                }
            }
        })
    }

    fn simulate(&self, simulation: &Simulation<'_>, request: &Value) -> Simulated<Value> {
        self.plugin.simulate(simulation, request)
    }
}

impl fmt::Debug for Remote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Remote").field(&self.about.name).finish()
    }
}

/// Makes an attempt that can be found again; where that is impossible, one that cannot, which is said.
async fn ordered(peer: &Peer, order: &mut CallOrder, call: &Call, uses: &OriginUse) -> Result<Ended, Cut> {
    let ended = peer.call(order.clone(), call, uses.clone()).await?;
    if !(order.keep && ended.is_refusal(CallOrder::UNKEPT)) {
        return Ok(ended);
    }
    // It was not begun. Until here nobody knows that nothing is kept, so an order that was lost on its way was not begun either.
    call.output.note(
        "this attempt could not be found again if the connection broke: nothing can be kept on this node",
    );
    order.keep = false;
    peer.call(order.clone(), call, uses.clone()).await
}

/// Whether an agent that finds nothing of an attempt that is so old may say that it never began: what it knew could be
/// gone with the machine or the container that it was on, or because nobody asked for too long.
fn is_known_there(peer: &Peer, age: Duration) -> bool {
    age < RELIABLY_KEPT && peer.up().is_some_and(|up| up >= age)
}

/// Work that is given up when the attempt is told to end. Nothing of it runs on the node yet.
async fn unless_cancelled<T>(
    call: &Call,
    work: impl Future<Output = Result<T, CallError>>,
) -> Result<T, CallError> {
    unless(call, Severity::Term, work).await
}

/// The same when it is told so harshly.
async fn unless<T>(
    call: &Call,
    how: Severity,
    work: impl Future<Output = Result<T, CallError>>,
) -> Result<T, CallError> {
    tokio::select! {
        biased;
        _ = call.cancel.reached(how) => Err(CallError::cancelled()),
        done = work => done,
    }
}

fn name(call: &Call) -> &str {
    call.node.as_ref().map_or("", |node| node.name.as_str())
}

fn lost(call: &Call, cut: &Cut) -> CallError {
    CallError::retryable("connection", format!("the connection to `{}` was lost: {cut}", name(call)))
}

/// The connection did not come back. Whether the work goes on over there is not known, and another attempt
/// could do it twice.
fn interrupted(call: &Call, cut: &Cut, error: &CallError) -> CallError {
    let mut interrupted = CallError { permanent: true, ..lost(call, cut) };
    interrupted.code = "interrupted".to_owned();
    interrupted.causes.push(error.to_string());
    interrupted
}

/// What was written down here never arrived there, and what is still on its way is void.
fn not_made() -> CallError {
    CallError::retryable(Failure::NOT_MADE, "Windlass died before this was ordered; it was not made")
}

fn unknown(call: &Call) -> CallError {
    let message =
        format!("the agent on `{}` died while it was at it; nobody knows whether it was done", name(call));
    CallError::permanent("interrupted", message)
}
