//! A session of work, over a stream of its own.

use tonic::metadata::MetadataValue;
use windlass_agent::{Cache, Session};
use windlass_line::{Incoming, SESSION_HEADER, outgoing};

use crate::channel::{self, Channel};
use crate::error::Error;

/// Opens the session of this number and serves it to its end, and its work to the end of that.
pub(crate) async fn session(channel: Channel, number: u64, node: String, cache: Cache) -> Result<(), Error> {
    let (writer, pieces) = outgoing();
    let mut request = tonic::Request::new(pieces);
    request.metadata_mut().insert(SESSION_HEADER, MetadataValue::from(number));
    let heard = channel::session(&channel, request).await?;
    // The stream lives by itself; a connection that is not needed any more ends with the last of its streams.
    drop(channel);
    Session::standard(cache).only_for(node).serve(Incoming::new(heard), writer).await;
    Ok(())
}
