//! A client of a Windlass server, with the types of its API.
//!
//! ```no_run
//! # async fn example() -> Result<(), windlass_client::Error> {
//! use windlass_client::{Client, Server};
//! use windlass_contract::NewRun;
//!
//! let client = Client::new(&Server { url: "http://127.0.0.1:8380".into(), token: None, ca: None })?;
//! let wanted = NewRun { plan: Some("patch".into()), ..NewRun::default() };
//! let run = client.submit("default", &wanted).await?.run;
//! let mut events = client.events("default", run, 1, true);
//! while let Some(event) = events.next().await {
//!     println!("{:?}", event?);
//! }
//! # Ok(())
//! # }
//! ```
//!
//! A request that is refused is an [`Error::Refused`] with the problem that the server answered. Streams that break are taken
//! up again where they were: nothing is missed, and nothing comes twice.

mod agents;
mod client;
mod connection;
mod error;
mod objects;
mod people;
mod runs;
mod sign_in;
mod stream;

pub use self::client::{Client, Server};
pub use self::error::Error;
pub use self::objects::{Listing, Place, Write};
pub use self::runs::{LogQuery, RunQuery};
pub use self::sign_in::{BrowserSignIn, browser_sign_in};
pub use self::stream::{Body, RunEvents, Watched};
