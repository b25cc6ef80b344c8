//! Telling traces, from its beginning to its end.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use http::{HeaderMap, HeaderName, HeaderValue, Uri};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use windlass_outbound::{Bounds, Outbound, is_safe};
use windlass_runtime::Handle;
use zeroize::Zeroizing;

use crate::export::{Exporter, Telling};
use crate::follow::Follower;
use crate::place::Told;
use crate::tally::Tallied;
use crate::tracer::{Begun, Share, Tracer};

/// Where traces are told, and how.
#[derive(Clone)]
pub struct Options {
    /// The address that takes them in, whole, such as `http://127.0.0.1:4318/v1/traces`.
    pub url: String,
    /// What is sent along, such as the key of a provider.
    pub headers: Vec<(String, Zeroizing<String>)>,
    /// How many traces of 100 are told. Requests of those who keep their own trace, and say so, always are.
    pub percent: u8,
    /// Certificates to trust, in PEM; those of this machine unless given.
    pub ca: Option<PathBuf>,
    /// What the server is called in traces.
    pub service: String,
}

/// Telling goes on.
#[derive(Debug)]
pub struct Traces {
    to: mpsc::Sender<Telling>,
    behind: Option<u64>,
    share: Share,
    begun: Arc<Begun>,
    counts: Tallied,
    exporter: JoinHandle<()>,
    follower: Option<JoinHandle<()>>,
}

/// Why no traces can be told.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It is no address.
    #[error("`{0}` is no address of http or https; one is `http://127.0.0.1:4318/v1/traces`")]
    Address(String),
    /// It is no header.
    #[error("`{0}` is no header that can be sent")]
    Header(String),
    /// Whoever listens on the way would read the headers.
    #[error("headers are sent over https, or to an address of this machine")]
    Open,
    /// The certificates cannot be read.
    #[error(transparent)]
    Certificates(#[from] windlass_outbound::Error),
}

/// How many batches are on their way to the exporter.
const QUEUE: usize = 256;
/// How long a collector has to answer, and how much it may say.
const BOUNDS: Bounds = Bounds { within: Duration::from_secs(30), most: 1 << 16 };
/// The file that says how far was told.
const FILE: &str = "traces-told";

// === impl Options ===

impl Options {
    /// Whether they can be used, as far as that can be told without asking anybody.
    pub fn check(&self) -> Result<(), Error> {
        self.read().map(drop)
    }

    fn read(&self) -> Result<(Uri, HeaderMap), Error> {
        let url = self.url.parse::<Uri>().ok().filter(|url| {
            matches!(url.scheme_str(), Some("http" | "https"))
                && url.authority().is_some_and(|at| !at.as_str().contains('@') && !at.host().is_empty())
        });
        let url = url.ok_or_else(|| Error::Address(self.url.clone()))?;
        if !self.headers.is_empty() && !is_safe(&self.url) {
            return Err(Error::Open);
        }
        let mut headers = HeaderMap::new();
        for (name, value) in &self.headers {
            let read =
                HeaderName::try_from(name.as_str()).ok().zip(HeaderValue::try_from(value.as_str()).ok());
            let (name, mut value) = read.ok_or_else(|| Error::Header(name.clone()))?;
            value.set_sensitive(true);
            headers.append(name, value);
        }
        Ok((url, headers))
    }
}

// === impl Traces ===

impl Traces {
    /// Begins to send what there is to tell: nothing, until runs are followed or requests answered. What is not told yet when the
    /// server ends is told after the next start; how far it came is kept in `directory`.
    pub fn open(
        options: Options,
        directory: &Path,
        instance: &str,
        version: &'static str,
    ) -> Result<Self, Error> {
        let (url, headers) = options.read()?;
        let place = Told::open(directory.join(FILE));
        let behind = place.version();
        let counts = Tallied::default();
        let exporter = Exporter {
            outbound: Outbound::new(options.ca.as_deref(), BOUNDS)?,
            url,
            headers,
            server: vec![
                ("service.name", options.service.into()),
                ("service.version", version.into()),
                ("service.instance.id", instance.into()),
            ],
            version,
            place,
            counts: counts.clone(),
        };
        let (to, from) = mpsc::channel(QUEUE);
        let exporter = tokio::spawn(exporter.export(from));
        let share = Share(options.percent.min(100));
        Ok(Self { to, behind, share, begun: Arc::default(), counts, exporter, follower: None })
    }

    /// Tells the traces of runs from now on: behind where it came to before; a first time, what happens from here on.
    pub fn follow(&mut self, runs: Handle, namespace: &'static str) {
        let now = runs.version();
        let behind = self.behind.filter(|behind| *behind <= now).unwrap_or(now);
        let follower = Follower {
            runs,
            to: self.to.clone(),
            share: self.share,
            namespace,
            begun: Arc::clone(&self.begun),
            open: HashMap::new(),
        };
        self.follower = Some(tokio::spawn(follower.follow(behind)));
    }

    /// What makes spans of requests.
    #[must_use]
    pub fn tracer(&self) -> Tracer {
        Tracer::new(self.to.downgrade(), self.share, self.counts.clone(), Arc::clone(&self.begun))
    }

    /// Tells what is left when runs and store have ended, for so long at most.
    pub async fn close(self, grace: Duration) {
        let Self { to, mut exporter, follower, .. } = self;
        let told = async {
            if let Some(mut follower) = follower
                && timeout(grace / 2, &mut follower).await.is_err()
            {
                follower.abort();
            }
            drop(to);
            let _ = (&mut exporter).await;
        };
        if timeout(grace, told).await.is_err() {
            exporter.abort();
        }
    }
}

impl std::fmt::Debug for Options {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Options")
            .field("url", &self.url)
            .field("percent", &self.percent)
            .finish_non_exhaustive()
    }
}
