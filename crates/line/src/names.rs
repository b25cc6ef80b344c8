//! Names that both sides use.

/// The name by which agents ask for the server, so that it can tell them from people on one port.
pub const SERVER_NAME: &str = "agents.windlass";
/// What is spoken inside of TLS: calls of gRPC over a trunk.
pub const ALPN: &[u8] = b"windlass-line/1";
/// The header of a session that says which it is.
pub const SESSION_HEADER: &str = "windlass-session";
/// The header of a refusal that says by which code it is explained.
pub const CODE_HEADER: &str = "windlass-code";
