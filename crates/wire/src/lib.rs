//! What Windlass and its agents say to each other: frames, their messages, their versions.
//!
//! ```text
//!   noise of a login shell │ MAGIC │ Hello │ frame │ frame │ …      in each direction
//!
//!   frame:  length u32 │ kind u8 │ flags u8 │ body (postcard)
//! ```
//!
//! It is the same over a channel of ssh, the pipes of a container and the socket of a daemon. This
//! crate is bytes in, messages out: it reads and writes nothing itself, and trusts nothing that it is
//! given: whatever the bytes are, there is a message, a wish for more bytes, or an error.
//!
//! Reading order: [`Hello`], [`ToAgent`], [`FromAgent`]; then [`Decoder`] and [`encode`].

mod frame;
mod hello;
mod lines;
mod message;

pub use self::frame::{Decoder, MAGIC, MOST_NOISE, Message, Received, WireError, encode, greet};
pub use self::hello::{Hello, VERSION, Versions};
pub use self::lines::Lines;
pub use self::message::{
    AttachOrder, CallOrder, Ended, FromAgent, Mode, Origins, OriginsAnswer, ToAgent, Trouble,
};
