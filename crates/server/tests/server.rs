//! A server on a port of its own, spoken to over HTTP.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

mod server {
    mod agents;
    mod backups;
    mod budgets;
    mod client;
    mod facts;
    mod grpc;
    mod lives;
    mod locks;
    mod objects;
    mod oidc;
    mod operating;
    mod policies;
    mod retention;
    mod rights;
    mod runs;
    mod sessions;
    mod sockets;
    mod traces;
}
