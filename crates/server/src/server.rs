//! The server from its beginning to its end.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::sync::{Semaphore, watch};
use tokio::task::JoinHandle;
use uuid::Uuid;
use windlass_access::{Audit, Passwords, Rights, Sessions, Tokens};
use windlass_api::{Api, Budgets, Gathered, Parts, Rates};
use windlass_contract::NAMESPACE_LABEL;
use windlass_enrol::{Enrol, Options as EnrolOptions};
use windlass_hub::{Hub, Parts as HubParts};
use windlass_objects::{Objects, Options as ObjectOptions};
use windlass_plugin::{Place, Registry};
use windlass_runtime::{Clock, Handle, KeyPlace, Logs, Options as RunOptions, Runtime, TakenOver};
use windlass_store::Store;
use windlass_store_fjall::FjallStore;
use windlass_traces::{Options as TraceOptions, Traces};

use crate::agents::{AgentToken, make};
use crate::clocks;
use crate::entrance::Entrance;
use crate::error::Error;
use crate::first::{self, First};
use crate::granted::{self, Grants};
use crate::host::{Around, BACKUPS};
use crate::late::Later;
use crate::listen::{Port, Tls};
use crate::metrics::Watched;
use crate::noted::{self, Notes};
use crate::oidc::Oidc;
use crate::operating::{self, Operating};
use crate::retention::Keeper;
use crate::seal::Key;
use crate::serve::serve;

/// How to open a server.
#[derive(Clone, Debug)]
pub struct Options {
    /// Where everything is kept.
    pub data_dir: PathBuf,
    /// Where it listens.
    pub listen: SocketAddr,
    /// Its certificate; without one, it listens on addresses of this machine alone.
    pub tls: Option<Tls>,
    /// Whether it listens without a certificate where other machines can reach it, because something in front of it speaks
    /// TLS.
    pub without_tls: bool,
    /// What it calls itself in the logs of runs.
    pub name: String,
    /// What it answers to who asks for its version.
    pub version: &'static str,
    /// The agents that dial in: those that its plugins reach nodes by.
    pub agents: Hub,
    /// How agents are enrolled.
    pub enrol: EnrolOptions,
    /// The program that is offered to agents on machines like this one; none: each keeps its own.
    pub agent_program: Option<PathBuf>,
    /// How people sign in by a provider of identities, where there is one.
    pub oidc: Option<Oidc>,
    /// Where traces of its work are told, where somebody wants them.
    pub traces: Option<TraceOptions>,
    /// How it is watched over and protected.
    pub operating: Operating,
}

/// A server that is open.
#[derive(Debug)]
pub struct Server {
    address: SocketAddr,
    first: Option<First>,
    runtime: Runtime,
    store: Arc<dyn Store>,
    /// Ends whoever follows something.
    ended: watch::Sender<()>,
    serving: JoinHandle<std::io::Result<()>>,
    agents: Hub,
    clock: Clock,
    drain: watch::Sender<bool>,
    /// Says on every address that no more work is taken.
    drains: Arc<AtomicBool>,
    telling: Option<JoinHandle<()>>,
    /// Lets go what was kept long enough.
    keeping: JoinHandle<()>,
    /// Tells what went on.
    traces: Option<Traces>,
}

/// How long it has to answer whether it is well.
const ANSWERS_WITHIN: Duration = Duration::from_secs(5);
/// How long requests that are under way have to be answered at the end; streams are cut.
const DRAIN: Duration = Duration::from_secs(5);
/// How long the last traces have to be told; what is left is told after the next start.
const TOLD_WITHIN: Duration = Duration::from_secs(5);

// === impl Server ===

impl Server {
    /// Opens a server: it listens and says that it begins, everything that is unfinished goes on, and then it answers.
    pub async fn open(options: Options, registry: Registry) -> Result<Self, Error> {
        if !options.listen.ip().is_loopback() && options.tls.is_none() && !options.without_tls {
            return Err(Error::Open(options.listen));
        }
        // Whatever else cannot be had is said before anything goes on.
        let sign_on = options.oidc.map(Oidc::open).transpose()?;
        let traces = options
            .traces
            .map(|traces| Traces::open(traces, &options.data_dir, &options.name, options.version));
        let mut traces = traces.transpose()?;
        let port = Port::open(options.listen, options.tls.as_ref()).await?;
        let (address, agents_at) = (port.address(), port.agents());
        // From here on it says that it begins, to whoever asks.
        let (opens, entrance) = Entrance::new();
        let (tells, told) = Entrance::new();
        let (drain, draining) = watch::channel(false);
        let serving = tokio::spawn(serve(port, entrance, options.operating.connections, draining));
        let telling = match options.operating.metrics {
            Some(address) => Some(operating::tell(address, told).await?),
            None => None,
        };
        let directory = options.data_dir.clone();
        let opened =
            tokio::task::spawn_blocking(move || FjallStore::open(&directory, Default::default())).await;
        let files = Arc::new(
            opened
                .map_err(|error| Error::file("open", &options.data_dir, std::io::Error::other(error)))??,
        );
        let store: Arc<dyn Store> = Arc::clone(&files) as _;
        let key = Key::of_file(&options.data_dir.join("keys/objects.key"))?;
        let clock = Clock::system();
        let here = registry.iter().map(|plugin| plugin.about()).filter(|about| about.place == Place::Target);
        let here = here.map(|about| about.name.clone()).collect();
        let objects = Objects::new(
            Arc::clone(&store),
            ObjectOptions {
                catalog: Arc::new(registry.catalog()),
                seal: Arc::new(key),
                ids: Arc::new(Uuid::now_v7),
                policies: windlass_access::admission::problems,
            },
        );
        let tokens = Tokens::new(Arc::clone(&store));
        let audit = Audit::open(Arc::clone(&store)).await?;
        let agents = options.agents.clone();
        // Before the runs go on: they may work on nodes that agents are on.
        let enrol =
            Enrol::open(Arc::clone(&store), &options.data_dir.join("keys"), options.enrol, clock.now())?;
        let parts = HubParts {
            enrol,
            audit: audit.clone(),
            objects: objects.clone(),
            clock: clock.clone(),
            version: options.version,
            program: options.agent_program.clone(),
        };
        agents.open(parts).await?;
        agents_at.open(&agents)?;
        let first = first::start(&objects, &tokens, clock.now()).await?;
        let later = Later::default();
        let (gathered, grants) = (Gathered::new(objects.clone()), Grants::default());
        later.set(gathered.clone());
        let simulated = registry.clone();
        let notes = Notes { objects: objects.clone(), clock: clock.clone() };
        let registry = granted::over(&noted::over(&registry, &notes)?, &grants)?;
        let budgets_at = gathered.budget_changes();
        let budgets = gathered.budgets().await.map_err(|problem| Error::Budgets(problem.detail.clone()))?;
        let runtime = Runtime::open(
            Arc::clone(&store),
            registry,
            RunOptions {
                name: options.name.clone(),
                logs: Logs::Files(options.data_dir.join("logs")),
                keys: KeyPlace::Directory(options.data_dir.join("keys/runs")),
                inventories: Some(Arc::new(later)),
                budgets,
                clock: clock.clone(),
                ..RunOptions::default()
            },
        );
        let runtime = runtime.await.map_err(Error::Runs)?;
        grants.set(gathered.clone(), runtime.handle());
        let tracer = traces.as_ref().map(Traces::tracer);
        if let Some(traces) = &mut traces {
            traces.follow(runtime.handle(), NAMESPACE_LABEL);
        }
        let (ended, until) = watch::channel(());
        let budgets = Budgets::new(gathered.clone(), runtime.handle(), budgets_at);
        tokio::spawn(budgets.clone().follow(objects.changed(), until.clone()));
        let say = |text: &str| tracing::warn!("{text}");
        tokio::spawn(clocks::compare(clock.clone(), Clock::wall(), until.clone(), say));
        let drains = Arc::new(AtomicBool::new(false));
        let keeper = Keeper {
            runs: runtime.handle(),
            objects: objects.clone(),
            audit: audit.clone(),
            clock: clock.clone(),
            usual: options.operating.retention,
            turn: Arc::default(),
        };
        let around = Around {
            watched: Watched {
                store: files,
                directory: options.data_dir.clone(),
                runs: runtime.handle(),
                agents: agents.clone(),
                audit: audit.clone(),
                tracer: tracer.clone(),
                version: options.version,
            },
            keeper: keeper.clone(),
            clock: clock.clone(),
            drains: Arc::clone(&drains),
            backups: Arc::new(Semaphore::new(BACKUPS)),
        };
        let changed = objects.changed();
        let api = Api::new(Parts {
            host: Arc::new(around.clone()),
            limits: options.operating.limits,
            rights: Rights::follow(&objects, until.clone()).await?,
            until: until.clone(),
            audit,
            agents: agents.clone(),
            runs: runtime.handle(),
            budgets,
            rates: Rates::new(gathered.clone(), runtime.handle(), clock.clone()),
            objects,
            gathered,
            tokens,
            passwords: Passwords::new(Arc::clone(&store)),
            sessions: Sessions::new(Arc::clone(&store)),
            sign_on,
            is_secure: options.tls.is_some() || options.without_tls,
            registry: simulated,
            tracer,
            clock: clock.clone(),
            here,
            version: options.version,
        });
        tokio::spawn(Rates::follow(api.clone(), changed, until));
        let keeping = tokio::spawn(keeper.keep(options.operating.retention.every));
        tells.send_replace(Some(operating::told(around, api.clone())));
        opens.send_replace(Some(api.router().merge(windlass_console::router())));
        Ok(Self {
            address,
            first,
            runtime,
            store,
            ended,
            serving,
            agents,
            clock,
            drain,
            drains,
            telling,
            keeping,
            traces,
        })
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The token of the first start of its store, if this is that.
    #[must_use]
    pub fn first(&self) -> Option<&First> {
        self.first.as_ref()
    }

    /// What it found and went on with.
    #[must_use]
    pub fn taken_over(&self) -> &TakenOver {
        self.runtime.taken_over()
    }

    /// Its runs.
    #[must_use]
    pub fn runs(&self) -> Handle {
        self.runtime.handle()
    }

    /// Makes a token by which agents may join: for whoever runs this process, and needs no right.
    pub async fn agent_token(&self, wanted: AgentToken) -> Result<String, Error> {
        let enrol = self.agents.enrol().ok_or(windlass_store::StoreError::Closed)?;
        make(enrol, wanted, self.clock.now()).await
    }

    /// Whether it answers: its store can be read, and what decides about runs is not stuck.
    pub async fn is_well(&self) -> bool {
        let looked = async { self.store.get(b"\x01").await.is_ok() && self.runs().tally().await.is_ok() };
        tokio::time::timeout(ANSWERS_WITHIN, looked).await.unwrap_or(false)
    }

    /// Waits until it cannot go on: its store has stopped, or it no longer listens.
    pub async fn failed(&mut self) -> Error {
        let mut ticks = tokio::time::interval(Duration::from_secs(1));
        loop {
            tokio::select! {
                served = &mut self.serving => {
                    let error = match served {
                        Ok(Ok(())) => std::io::Error::other("it ended"),
                        Ok(Err(error)) => error,
                        Err(error) => std::io::Error::other(error),
                    };
                    return Error::Listen { address: self.address, source: error };
                }
                _ = ticks.tick() => {
                    if let Err(error) = self.store.get(b"\x01").await {
                        return error.into();
                    }
                }
            }
        }
    }

    /// Ends it in good order: no more requests, then the runs, then the store. What has not ended goes on when it is opened
    /// again.
    pub async fn close(self, grace: Duration) -> Result<(), Error> {
        let Self { runtime, ended, mut serving, agents, drain, drains, telling, keeping, traces, .. } = self;
        keeping.abort();
        drains.store(true, Ordering::Relaxed);
        drop(ended);
        let _ = drain.send(true);
        if tokio::time::timeout(DRAIN, &mut serving).await.is_err() {
            serving.abort();
        }
        let closed = runtime.shutdown(grace).await.map_err(Error::Runs);
        agents.close();
        if let Some(traces) = traces {
            traces.close(TOLD_WITHIN).await;
        }
        // Until now it was told that it drains.
        telling.iter().for_each(JoinHandle::abort);
        closed
    }
}
