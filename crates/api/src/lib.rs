//! The API of a server: objects, runs, people, over HTTP with JSON; objects and runs over gRPC, too.
//!
//! ```text
//!   request ─► who is it? (401) ─► may they? (403, or 404 where they may not know) ─► Objects · Handle ─► answer
//!                                          │
//!                                          └─► what changes something, or was denied, is noted in the Audit
//! ```
//!
//! Every endpoint stands in one table ([`endpoints`]), from which the routes, the OpenAPI document and the tests of rights
//! follow. Problems are answered as `application/problem+json` with a code, all of them at once.
//!
//! It decides nothing about runs and objects, listens on no port, and reads no configuration.

mod agents;
mod answer;
mod api;
mod asked;
mod audit;
mod budgets;
mod caller;
mod document;
mod endpoint;
mod gathered;
mod grpc;
mod health;
mod host;
mod inventory;
mod limit;
mod locks;
mod objects;
mod oidc;
mod operate;
mod people;
mod rates;
mod runs;
mod sessions;
mod socket;
mod state;
mod stream;
mod traced;

pub use self::answer::Problem;
pub use self::api::{Api, Parts};
pub use self::asked::{AskedTally, Tally};
pub use self::budgets::Budgets;
pub use self::caller::Remote;
pub use self::document::document;
pub use self::endpoint::{Endpoint, Needs, endpoints};
pub use self::gathered::Gathered;
pub use self::grpc::{CalledTally, look};
pub use self::host::{Host, HostFuture, MetricsForm, Pieces};
pub use self::limit::Limits;
pub use self::oidc::{CALLBACK, SignOn};
pub use self::rates::Rates;
pub use self::socket::Held;
pub use windlass_contract::NAMESPACE_LABEL;
