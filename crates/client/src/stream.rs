//! Answers that are read while they come. Streams of events that break are taken up again where they were.

use std::time::Duration;

use bytes::{Buf as _, Bytes, BytesMut};
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use windlass_contract::{Changed, Problem, RecordedEvent};
use windlass_model::event::Event;
use windlass_model::id::RunId;

use crate::client::Client;
use crate::error::Error;
use crate::objects::{Listing, Place};

/// How often a stream is begun again before whoever reads it hears of it.
const TRIES: u32 = 6;
/// How long it is waited before that, at first; then twice as long each time.
const PAUSE: Duration = Duration::from_millis(100);

/// An answer on its way.
pub struct Body {
    incoming: Incoming,
    client: Client,
    /// What came and was not read yet.
    rest: BytesMut,
}

/// A message of a stream of events.
struct Told {
    kind: String,
    data: String,
}

/// The changes of objects.
#[derive(Debug)]
pub struct Watched {
    client: Client,
    place: Place,
    listing: Listing,
    from: Option<u64>,
    again: Again,
}

/// The events of a run.
#[derive(Debug)]
pub struct RunEvents {
    client: Client,
    namespace: String,
    run: RunId,
    /// The number of the next.
    next: u64,
    follow: bool,
    again: Again,
}

/// A stream that may have to be begun again.
#[derive(Debug, Default)]
struct Again {
    body: Option<Body>,
    tries: u32,
    is_over: bool,
}

// === impl Body ===

impl Body {
    pub(crate) fn new(incoming: Incoming, client: Client) -> Self {
        Self { incoming, client, rest: BytesMut::new() }
    }

    /// Some of it; nothing behind its end.
    pub async fn chunk(&mut self) -> Result<Option<Bytes>, Error> {
        if !self.rest.is_empty() {
            return Ok(Some(self.rest.split().freeze()));
        }
        self.more().await
    }

    /// The next line, without its end; nothing behind the last.
    pub async fn line(&mut self) -> Result<Option<Bytes>, Error> {
        let mut searched = 0;
        loop {
            let fresh = self.rest.get(searched..).unwrap_or_default();
            if let Some(at) = fresh.iter().position(|byte| *byte == b'\n') {
                let line = self.rest.split_to(searched.saturating_add(at)).freeze();
                self.rest.advance(1);
                return Ok(Some(line));
            }
            searched = self.rest.len();
            match self.more().await? {
                Some(more) => self.rest.extend_from_slice(&more),
                None if self.rest.is_empty() => return Ok(None),
                None => return Ok(Some(self.rest.split().freeze())),
            }
        }
    }

    /// Whether a whole line is there already.
    #[must_use]
    pub fn has_line(&self) -> bool {
        self.rest.contains(&b'\n')
    }

    async fn more(&mut self) -> Result<Option<Bytes>, Error> {
        loop {
            match self.incoming.frame().await {
                None => return Ok(None),
                Some(Err(error)) => return Err(self.client.cut_short(error)),
                Some(Ok(frame)) => {
                    if let Ok(data) = frame.into_data()
                        && !data.is_empty()
                    {
                        return Ok(Some(data));
                    }
                }
            }
        }
    }

    /// The next message; nothing behind the last.
    async fn told(&mut self) -> Result<Option<Told>, Error> {
        let mut told = Told { kind: String::new(), data: String::new() };
        while let Some(line) = self.line().await? {
            let line = String::from_utf8_lossy(&line);
            let line = line.trim_end_matches('\r');
            if line.is_empty() && !told.data.is_empty() {
                return Ok(Some(told));
            }
            let (key, value) = line.split_once(':').unwrap_or((line, ""));
            let value = value.strip_prefix(' ').unwrap_or(value);
            match key {
                "event" => value.clone_into(&mut told.kind),
                "data" => told.data.push_str(value),
                // Numbers stand in the data; what begins with a colon only keeps the connection alive.
                _ => {}
            }
        }
        Ok(None)
    }
}

impl std::fmt::Debug for Body {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Body").field("rest", &self.rest.len()).finish_non_exhaustive()
    }
}

// === impl Again ===

impl Again {
    /// The stream was broken: waits a little before it is begun again, if it may be.
    async fn after(&mut self, error: Error) -> Result<(), Error> {
        self.body = None;
        if !error.is_retryable() || self.tries >= TRIES {
            self.is_over = true;
            return Err(error);
        }
        tokio::time::sleep(PAUSE.saturating_mul(1 << self.tries)).await;
        self.tries = self.tries.saturating_add(1);
        Ok(())
    }

    /// What was told, read; a problem is the last of it.
    fn read<T: serde::de::DeserializeOwned>(&mut self, told: &Told, client: &Client) -> Result<T, Error> {
        self.tries = 0;
        if told.kind == "problem" {
            self.is_over = true;
            let problem =
                serde_json::from_str::<Problem>(&told.data).map_err(|error| client.strange(error))?;
            return Err(Error::Refused(Box::new(problem)));
        }
        serde_json::from_str(&told.data).map_err(|error| client.strange(error))
    }
}

// === impl Watched ===

impl Watched {
    pub(crate) fn new(client: Client, place: Place, listing: Listing, from: Option<u64>) -> Self {
        Self { client, place, listing, from, again: Again::default() }
    }

    /// The next change. It ends only with an error: what was missed must be listed again then.
    pub async fn next(&mut self) -> Option<Result<Changed, Error>> {
        while !self.again.is_over {
            match self.step().await {
                Ok(Some(changed)) => return Some(Ok(changed)),
                Ok(None) => {}
                Err(error) => {
                    if let Err(error) = self.again.after(error).await {
                        return Some(Err(error));
                    }
                }
            }
        }
        None
    }

    async fn step(&mut self) -> Result<Option<Changed>, Error> {
        let body = match &mut self.again.body {
            Some(body) => body,
            none => {
                if self.from.is_none() {
                    // What happens between two connections must not be missed either.
                    let first = Listing { limit: Some(1), ..self.listing.clone() };
                    self.from = Some(self.client.list(&self.place, &first).await?.version);
                }
                let ask = Client::watching(&self.place, &self.listing, self.from);
                none.insert(self.client.stream(ask).await?)
            }
        };
        let Some(told) = body.told().await? else {
            // The server ended it in good order, as it does when it ends itself.
            self.again.body = None;
            tokio::time::sleep(PAUSE).await;
            return Ok(None);
        };
        let changed: Changed = self.again.read(&told, &self.client)?;
        self.from = Some(changed.version);
        Ok(Some(changed))
    }
}

// === impl RunEvents ===

impl RunEvents {
    pub(crate) fn new(client: Client, namespace: String, run: RunId, from: u64, follow: bool) -> Self {
        Self { client, namespace, run, next: from.max(1), follow, again: Again::default() }
    }

    /// The next event; nothing behind the last.
    pub async fn next(&mut self) -> Option<Result<Event, Error>> {
        while !self.again.is_over {
            match self.step().await {
                Ok(Some(event)) => return Some(Ok(event)),
                Ok(None) => {}
                Err(error) => {
                    if let Err(error) = self.again.after(error).await {
                        return Some(Err(error));
                    }
                }
            }
        }
        None
    }

    async fn step(&mut self) -> Result<Option<Event>, Error> {
        let body = match &mut self.again.body {
            Some(body) => body,
            none => {
                let ask = Client::following(&self.namespace, self.run, self.next, self.follow);
                none.insert(self.client.stream(ask).await?)
            }
        };
        let Some(told) = body.told().await? else {
            self.again.body = None;
            // It ends with the run; or with the server, and then the run goes on with the next one.
            let run = self.client.run(&self.namespace, self.run).await?;
            self.again.is_over = !self.follow || run.status.is_terminal() && self.next > run.seq;
            if !self.again.is_over {
                tokio::time::sleep(PAUSE).await;
            }
            return Ok(None);
        };
        let RecordedEvent { seq, at, what } = self.again.read(&told, &self.client)?;
        self.next = seq.saturating_add(1);
        Ok(Some(Event { seq, at, what }))
    }
}
