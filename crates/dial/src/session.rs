//! A session of work, over a stream of its own.
//!
//! ```text
//!   Open(number) ─────▶ served here
//!   OpenAs(user, …) ──▶ an agent is started as that user ──▶ what it and the server say to each other is passed on
//!                                  └── it cannot be ──▶ NotOpened(why)
//! ```

use std::pin::Pin;

use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt as _};
use tonic::metadata::MetadataValue;
use windlass_agent::{Cache, Session};
use windlass_line::{Incoming, NotOpened, OpenAs, SESSION_HEADER, outgoing};
use windlass_plugin::{BoxFuture, CallError};

use crate::channel::{self, Channel};
use crate::error::Error;

/// What starts agents on this machine as other users.
pub trait Others: Send + Sync + 'static {
    /// Starts one on this node as a user, whom one becomes by `sudo`, `doas` or `su`.
    fn start<'a>(
        &'a self,
        node: &'a str,
        user: &'a str,
        method: &'a str,
        password: Option<String>,
    ) -> BoxFuture<'a, Result<Other, CallError>>;
}

/// An agent that runs as another user.
pub struct Other {
    /// What it says.
    pub reader: Pin<Box<dyn AsyncRead + Send>>,
    /// What it is told.
    pub writer: Pin<Box<dyn AsyncWrite + Send>>,
    /// Dropped when it is not needed any more.
    pub keep: Box<dyn Send>,
}

/// Opens the session of this number and serves it to its end, and its work to the end of that.
pub(crate) async fn session(channel: Channel, number: u64, node: String, cache: Cache) -> Result<(), Error> {
    let (heard, writer) = opened(channel, number).await?;
    Session::standard(cache).only_for(node).serve(heard, writer).await;
    Ok(())
}

/// The same by an agent that runs as another user; why there is none, where there is none.
pub(crate) async fn session_as(
    channel: Channel,
    open: OpenAs,
    node: &str,
    others: &dyn Others,
) -> Result<Option<NotOpened>, Error> {
    let OpenAs { number, user, method, password } = open;
    let password = Some(password).filter(|password| !password.is_empty());
    let Other { mut reader, mut writer, keep: _keep } =
        match others.start(node, &user, &method, password).await {
            Ok(other) => other,
            Err(CallError { code, message, permanent, causes, .. }) => {
                return Ok(Some(NotOpened { number, code, message, permanent, causes }));
            }
        };
    let (mut heard, mut said) = opened(channel, number).await?;
    let tells = async {
        // A server that goes away is the end of it, as is its last word: what is at work goes on, and is found again.
        let _ = tokio::io::copy(&mut heard, &mut writer).await;
        let _ = writer.shutdown().await;
    };
    let says = async {
        let _ = tokio::io::copy(&mut reader, &mut said).await;
        let _ = said.shutdown().await;
    };
    tokio::join!(tells, says);
    Ok(None)
}

async fn opened(
    channel: Channel,
    number: u64,
) -> Result<(impl AsyncRead + Send + Unpin + 'static, impl AsyncWrite + Send + Unpin + 'static), Error> {
    let (writer, pieces) = outgoing();
    let mut request = tonic::Request::new(pieces);
    request.metadata_mut().insert(SESSION_HEADER, MetadataValue::from(number));
    let heard = channel::session(&channel, request).await?;
    // The stream lives by itself; a connection that is not needed any more ends with the last of its streams.
    drop(channel);
    Ok((Incoming::new(heard), writer))
}

impl std::fmt::Debug for Other {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Other").finish_non_exhaustive()
    }
}
