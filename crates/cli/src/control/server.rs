//! The owner's side: listens, and answers one question a connection.

use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use windlass_model::code;
use windlass_model::id::RunId;
use windlass_runtime::Handle;

use super::place;
use super::protocol::{Ask, Envelope, Line, MAX_ASK, VERSION, Wrong, answer};
use crate::exit::Exit;
use crate::failure::Failure;

/// How many talk to us at once; more wait.
const CONNECTIONS: usize = 32;
/// How long somebody who has connected may take to ask.
const ASK_WITHIN: Duration = Duration::from_secs(10);
/// How long somebody may take to read what was written.
const READ_WITHIN: Duration = Duration::from_secs(30);

/// Answers as long as it lives.
#[derive(Debug)]
pub(crate) struct Server {
    data_dir: PathBuf,
    socket: PathBuf,
    accepting: JoinHandle<()>,
}

// === impl Server ===

impl Server {
    /// Listens for whoever wants to look at or command the runs of a data directory, which is ours.
    pub(crate) fn start(data_dir: &Path, handle: Handle) -> io::Result<Self> {
        let socket = place::make(data_dir)?;
        let listener = UnixListener::bind(&socket)?;
        std::fs::set_permissions(&socket, std::fs::Permissions::from_mode(0o600))?;
        let accepting = tokio::spawn(accept(listener, handle));
        Ok(Self { data_dir: data_dir.to_owned(), socket, accepting })
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.accepting.abort();
        place::clear(&self.data_dir, &self.socket);
    }
}

async fn accept(listener: UnixListener, handle: Handle) {
    let room = Arc::new(Semaphore::new(CONNECTIONS));
    loop {
        let Ok(permit) = Arc::clone(&room).acquire_owned().await else { return };
        match listener.accept().await {
            Ok((stream, _)) => {
                let handle = handle.clone();
                tokio::spawn(async move {
                    // Whoever goes away in the middle has lost nothing but an answer.
                    let _ = talk(stream, &handle).await;
                    drop(permit);
                });
            }
            // Too many open files, for a while; there is nobody to tell.
            Err(_) => tokio::time::sleep(Duration::from_millis(100)).await,
        }
    }
}

async fn talk(mut stream: UnixStream, handle: &Handle) -> io::Result<()> {
    let own = rustix::process::getuid().as_raw();
    if !matches!(stream.peer_cred()?.uid(), uid if uid == own || uid == 0) {
        return Ok(());
    }
    let (reader, mut writer) = stream.split();
    let mut line = Vec::new();
    let mut reader = BufReader::new(reader.take(MAX_ASK as u64 + 1));
    let read = timeout(ASK_WITHIN, reader.read_until(b'\n', &mut line)).await;
    if !matches!(read, Ok(Ok(1..))) {
        return Ok(());
    }
    let result = match understand(&line) {
        Ok(Ask::Follow { run, from, on }) => follow(handle, run, from, on, &mut writer).await?,
        Ok(ask) => answer(handle, ask).await.map(Line::Answer),
        Err(failure) => Err(failure),
    };
    let line = result.unwrap_or_else(|failure| Line::Error(Wrong::of(&failure)));
    write(&mut writer, &line.bytes()).await
}

fn understand(line: &[u8]) -> Result<Ask, Failure> {
    let wrong = |message: String| {
        Failure::new(Exit::Store, code::CONTROL, message)
            .help("use the same version of windlass for both processes")
    };
    if line.len() > MAX_ASK {
        return Err(wrong("the question is too long".into()));
    }
    let value: serde_json::Value = serde_json::from_slice(line)
        .map_err(|error| wrong(format!("the question is not understood: {error}")))?;
    match value.get("v").and_then(serde_json::Value::as_u64) {
        Some(v) if v == u64::from(VERSION) => {}
        found => {
            let found = found.map_or_else(|| "none".to_owned(), |v| v.to_string());
            return Err(wrong(format!(
                "the question has version {found}; the process that drives the runs speaks {VERSION}"
            )));
        }
    }
    let envelope: Envelope = serde_json::from_value(value)
        .map_err(|error| wrong(format!("the question is not understood: {error}")))?;
    Ok(envelope.ask)
}

/// Writes events as they come; gives back the last line.
async fn follow(
    handle: &Handle,
    run: RunId,
    from: u64,
    on: bool,
    writer: &mut (impl AsyncWriteExt + Unpin),
) -> io::Result<Result<Line, Failure>> {
    let mut events = match handle.events(run, from).await {
        Ok(events) => events,
        Err(error) => return Ok(Err(error.into())),
    };
    let last = if on { u64::MAX } else { newest(handle, run).await };
    if from > last {
        return Ok(Ok(Line::Answer(super::Answer::Done)));
    }
    while let Some(event) = events.next().await {
        match event {
            Ok(event) => {
                write(writer, &Line::event(&event).bytes()).await?;
                if event.seq >= last {
                    break;
                }
            }
            Err(error) => return Ok(Err(error.into())),
        }
    }
    Ok(Ok(Line::Answer(super::Answer::Done)))
}

/// The number of the newest event of a run that goes on; of one that has ended there is no need to know.
async fn newest(handle: &Handle, run: RunId) -> u64 {
    match handle.status(run).await.map(|view| view.condition) {
        Ok(windlass_runtime::Condition::Driven { seq, .. }) => seq,
        _ => u64::MAX,
    }
}

async fn write(writer: &mut (impl AsyncWriteExt + Unpin), bytes: &[u8]) -> io::Result<()> {
    match timeout(READ_WITHIN, writer.write_all(bytes)).await {
        Ok(written) => written,
        Err(_) => Err(io::ErrorKind::TimedOut.into()),
    }
}
