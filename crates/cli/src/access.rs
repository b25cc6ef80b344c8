//! One way to look at and command runs, whoever owns the data directory: through the owner's socket if there is one,
//! else by opening the directory for a moment.

use std::sync::Arc;

use windlass_client::{Body, LogQuery, RunEvents};
use windlass_model::event::Event;
use windlass_model::id::RunId;
use windlass_model::layout::Layout;
use windlass_model::submission::Submission;
use windlass_model::{code, fact::Catalog};
use windlass_report::Fold;
use windlass_runtime::{Clock, EventStream, TakeOver};

use crate::args::PlaceArgs;
use crate::context::Context;
use crate::control::{self, Answer, Ask, Client, Followed, Logs, Row};
use crate::data_dir::DataDir;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::plan_file;
use crate::remote::Remote;
use crate::session::Session;
use crate::typed::Typed;

/// The runs of a data directory.
#[derive(Debug)]
pub(crate) struct Access {
    way: Way,
    typed: Typed,
}

/// How to get at them.
#[derive(Debug)]
enum Way {
    /// Another process has it.
    Owner { client: Client, catalog: Arc<Catalog> },
    /// Nobody has; it is opened, and no run goes on.
    Here(Box<Session>),
    /// They are a server's.
    Server(Box<Remote>),
}

/// Events, from wherever they come.
#[derive(Debug)]
pub(crate) enum Events {
    Owner(Followed),
    Here(Box<EventStream>),
    Server(Box<RunEvents>),
}

// === impl Access ===

impl Access {
    pub(crate) async fn open(args: &PlaceArgs) -> Result<Self, Failure> {
        if let Some(context) = args.server()? {
            return Self::server(context);
        }
        let data_dir = args.data_dir.choose()?;
        let way = Way::find(&data_dir).await?;
        Ok(Self { way, typed: data_dir.typed().clone() })
    }

    /// The runs of a server.
    pub(crate) fn server(context: Context) -> Result<Self, Failure> {
        let typed = context.typed().clone();
        let catalog = Arc::new(plan_file::registry()?.catalog());
        Ok(Self { way: Way::Server(Box::new(Remote { context, catalog })), typed })
    }

    /// How commands to type say where the runs are.
    pub(crate) fn typed(&self) -> &Typed {
        &self.typed
    }

    /// What is printed in a run of a server, from its beginning on until it ends.
    pub(crate) async fn printed(&self, run: RunId) -> Result<Option<Body>, Failure> {
        let Some(remote) = self.remote() else { return Ok(None) };
        let query = LogQuery { follow: true, ..LogQuery::default() };
        Ok(Some(remote.logs(run, &query).await?))
    }

    /// Whether another process drives the runs.
    pub(crate) fn has_owner(&self) -> bool {
        matches!(self.way, Way::Owner { .. } | Way::Server(_))
    }

    /// The server, where the runs are one's.
    pub(crate) fn remote(&self) -> Option<&Remote> {
        match &self.way {
            Way::Server(remote) => Some(remote),
            _ => None,
        }
    }

    pub(crate) async fn ask(&self, ask: Ask) -> Result<Answer, Failure> {
        match &self.way {
            Way::Owner { client, .. } => client.ask(ask).await,
            Way::Here(session) => control::answer(&session.handle(), ask).await,
            Way::Server(remote) => remote.ask(ask).await,
        }
    }

    pub(crate) async fn find(&self, text: &str) -> Result<RunId, Failure> {
        match self.ask(Ask::Find { text: text.to_owned() }).await? {
            Answer::Run(run) => Ok(run),
            _ => Err(unexpected()),
        }
    }

    pub(crate) async fn row(&self, run: RunId) -> Result<Row, Failure> {
        match self.ask(Ask::Status { run }).await? {
            Answer::Row(row) => Ok(*row),
            _ => Err(unexpected()),
        }
    }

    /// Where the log of a run is. What was printed up to now is there.
    pub(crate) async fn logs(&self, run: RunId) -> Result<Logs, Failure> {
        match self.ask(Ask::Logs { run }).await? {
            Answer::Logs(logs) => Ok(logs),
            _ => Err(unexpected()),
        }
    }

    pub(crate) async fn submission(&self, run: RunId) -> Result<Arc<Submission>, Failure> {
        match self.ask(Ask::Submission { run }).await? {
            Answer::Submission(submission) => Ok(Arc::new(*submission)),
            _ => Err(unexpected()),
        }
    }

    pub(crate) async fn layout(&self, run: RunId) -> Result<Arc<Layout>, Failure> {
        let submission = self.submission(run).await?;
        let catalog = match &self.way {
            Way::Owner { catalog, .. } => Arc::clone(catalog),
            Way::Here(session) => Arc::clone(session.handle().catalog()),
            Way::Server(remote) => Arc::clone(&remote.catalog),
        };
        Ok(Arc::new(Layout::new(submission, &catalog)))
    }

    /// The events of a run from a number on; until its end, or those that there are now.
    pub(crate) async fn events(&self, run: RunId, from: u64, on: bool) -> Result<Events, Failure> {
        Ok(match &self.way {
            Way::Owner { client, .. } => Events::Owner(client.follow(run, from, on).await?),
            Way::Here(session) => Events::Here(Box::new(session.handle().events(run, from).await?)),
            Way::Server(remote) => {
                let Context { client, namespace, .. } = &remote.context;
                Events::Server(Box::new(client.events(namespace, run, from, on)))
            }
        })
    }

    /// Everything that is known of a run now.
    pub(crate) async fn fold(&self, run: RunId) -> Result<Fold, Failure> {
        let mut fold = Fold::new(self.layout(run).await?);
        let mut events = self.events(run, 1, false).await?;
        while let Some(event) = events.next().await {
            apply(&mut fold, &event?)?;
        }
        // A run that nobody drives stands still.
        if self.has_owner() && self.row(run).await?.is_driven {
            fold.as_of(Clock::system().now());
        }
        Ok(fold)
    }

    pub(crate) async fn close(self) -> Result<(), Failure> {
        match self.way {
            Way::Owner { .. } | Way::Server(_) => Ok(()),
            Way::Here(session) => session.close().await,
        }
    }
}

// === impl Way ===

impl Way {
    async fn find(data_dir: &DataDir) -> Result<Self, Failure> {
        let registry = plan_file::registry()?;
        if let Some(client) = Client::connect(data_dir.path()).await {
            return Ok(Self::Owner { client, catalog: Arc::new(registry.catalog()) });
        }
        data_dir.must_hold_runs()?;
        match Session::open(data_dir, registry, TakeOver::Only(Vec::new())).await {
            Ok(session) => Ok(Self::Here(Box::new(session))),
            // It may have begun to drive runs just now.
            Err(failure) => match Client::connect(data_dir.path()).await {
                Some(client) => {
                    Ok(Self::Owner { client, catalog: Arc::new(plan_file::registry()?.catalog()) })
                }
                None => Err(failure),
            },
        }
    }
}

// === impl Events ===

impl Events {
    pub(crate) async fn next(&mut self) -> Option<Result<Event, Failure>> {
        match self {
            Self::Owner(followed) => followed.next().await,
            Self::Here(stream) => {
                let event = stream.next().await?;
                Some(event.map(|event| (*event).clone()).map_err(Failure::from))
            }
            Self::Server(events) => Some(events.next().await?.map_err(Failure::from)),
        }
    }
}

/// Applies an event that came in order.
pub(crate) fn apply(fold: &mut Fold, event: &Event) -> Result<(), Failure> {
    let applied = fold.apply(event);
    applied.map(|_| ()).map_err(|gap| {
        Failure::new(Exit::Store, code::LOG_DAMAGED, "the run's log cannot be followed").because(&gap)
    })
}

fn unexpected() -> Failure {
    Failure::new(Exit::Store, code::CONTROL, "the process that drives the runs answered with something else")
        .help("use the same version of windlass for both processes")
}
