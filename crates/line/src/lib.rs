//! The line between a server and an agent that dialled in: gRPC, whose messages stand in `proto/agent.proto`, over a trunk
//! of our own in the place of HTTP/2.
//!
//! ```text
//!   agent ── Serve ═══════ who is here, what to open ═════════▶ server      one trunk, in mutual TLS
//!         ── Session 1 ═══ Piece, Piece, … ◀══▶ Piece, … ═════▶             as many as there is work for
//!
//!   AsyncWrite ──▶ outgoing ──▶ pieces … pieces ──▶ Incoming ──▶ AsyncRead
//! ```
//!
//! A session is a stream of bytes in each direction, so that those who speak frames over it know nothing of gRPC; each has
//! a flow of its own, so that one that stalls holds up no other.
//!
//! The messages are written by hand after the `.proto`, and a test holds both together: generating them would cost every build more
//! than they are long. This crate decides nothing, and connects to nothing but what it is to knock at.
//!
//! Reading order: [`FromAgent`], [`FromServer`]; [`JoinToken`]; [`outgoing`] and [`Incoming`]; [`Trunk`].

mod bytes;
mod codec;
mod fingerprint;
mod knock;
mod message;
mod names;
pub mod path;
mod queue;
mod token;
mod trunk;

pub use self::bytes::{Incoming, Pieces, Writer, outgoing};
pub use self::codec::Compact;
pub use self::fingerprint::Fingerprint;
pub use self::knock::{ANSWERS_WITHIN as KNOCK_WITHIN, knock};
pub use self::message::{
    FromAgent, FromServer, Hello, Issued, JoinRequest, NotOpened, Offer, OpenAs, Piece, Probe, Probed,
    ProgramRequest, RenewRequest, Welcome, from_agent, from_server,
};
pub use self::names::{ALPN, CODE_HEADER, SERVER_NAME, SESSION_HEADER};
pub use self::queue::{Queue, Queued};
pub use self::token::{JoinToken, NotAToken};
pub use self::trunk::{Arriving, Calls, Ended, Field, Head, Trunk, TrunkOptions};
