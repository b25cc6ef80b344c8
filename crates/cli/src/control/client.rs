//! The other side: asks the owner of a data directory.

use std::path::{Path, PathBuf};

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::UnixStream;
use tokio::net::unix::OwnedReadHalf;
use windlass_model::code;
use windlass_model::event::Event;
use windlass_model::id::RunId;

use super::place;
use super::protocol::{Answer, Ask, Envelope, Line, MAX_ANSWER, VERSION};
use crate::exit::Exit;
use crate::failure::Failure;

/// Somebody drives the runs of a data directory, and listens here.
#[derive(Clone, Debug)]
pub(crate) struct Client {
    socket: PathBuf,
}

/// Events on their way.
#[derive(Debug)]
pub(crate) struct Followed {
    lines: Lines,
}

#[derive(Debug)]
struct Lines {
    reader: BufReader<OwnedReadHalf>,
}

// === impl Client ===

impl Client {
    /// The owner of a data directory, if there is one that listens. A socket that nobody listens on is stale.
    pub(crate) async fn connect(data_dir: &Path) -> Option<Self> {
        let socket = place::find(data_dir)?;
        UnixStream::connect(&socket).await.ok()?;
        Some(Self { socket })
    }

    /// Asks something.
    pub(crate) async fn ask(&self, ask: Ask) -> Result<Answer, Failure> {
        match self.send(ask).await?.next().await? {
            Some(Line::Answer(answer)) => Ok(answer),
            Some(Line::Error(wrong)) => Err(wrong.into_failure()),
            Some(Line::Event { .. }) => Err(gone("it answered with something else than was asked for")),
            None => Err(gone("it ended before it answered; look at `windlass runs show`")),
        }
    }

    /// Follows the events of a run from a number on.
    pub(crate) async fn follow(&self, run: RunId, from: u64, on: bool) -> Result<Followed, Failure> {
        Ok(Followed { lines: self.send(Ask::Follow { run, from, on }).await? })
    }

    async fn send(&self, ask: Ask) -> Result<Lines, Failure> {
        let lost = |error: std::io::Error| gone("it cannot be reached").because(&error);
        let stream = UnixStream::connect(&self.socket).await.map_err(lost)?;
        let (reader, mut writer) = stream.into_split();
        let mut line = serde_json::to_vec(&Envelope { v: VERSION, ask }).unwrap_or_default();
        line.push(b'\n');
        writer.write_all(&line).await.map_err(lost)?;
        // Closing our half would end the answer on some systems; it is dropped with the connection.
        writer.forget();
        Ok(Lines { reader: BufReader::new(reader) })
    }
}

// === impl Followed ===

impl Followed {
    /// The next event; `None` after the last.
    pub(crate) async fn next(&mut self) -> Option<Result<Event, Failure>> {
        match self.lines.next().await {
            Ok(Some(Line::Event { seq, at, what })) => Some(Ok(Event { seq, at, what })),
            Ok(Some(Line::Answer(_))) => None,
            Ok(Some(Line::Error(wrong))) => Some(Err(wrong.into_failure())),
            Ok(None) => Some(Err(gone("it ended; `windlass recover` goes on with its runs"))),
            Err(failure) => Some(Err(failure)),
        }
    }
}

// === impl Lines ===

impl Lines {
    async fn next(&mut self) -> Result<Option<Line>, Failure> {
        let mut line = Vec::new();
        let mut bounded = (&mut self.reader).take(MAX_ANSWER as u64);
        let read = bounded.read_until(b'\n', &mut line).await;
        let read = read.map_err(|error| gone("the connection broke").because(&error))?;
        if read == 0 || line.last() != Some(&b'\n') {
            return Ok(None);
        }
        serde_json::from_slice(&line).map(Some).map_err(|error| {
            gone("its answer is not understood")
                .because(&error)
                .help("use the same version of windlass for both processes")
        })
    }
}

fn gone(what: &str) -> Failure {
    Failure::new(Exit::Store, code::CONTROL, format!("the process that drives the runs here: {what}"))
        .help("try again; when it has ended, this command works without it")
}
