//! The paths of the calls.

/// See `proto/agent.proto`.
pub const JOIN: &str = "/windlass.agent.v1.Agents/Join";
/// See `proto/agent.proto`.
pub const RENEW: &str = "/windlass.agent.v1.Agents/Renew";
/// See `proto/agent.proto`.
pub const SERVE: &str = "/windlass.agent.v1.Agents/Serve";
/// See `proto/agent.proto`.
pub const SESSION: &str = "/windlass.agent.v1.Agents/Session";
/// See `proto/agent.proto`.
pub const PROGRAM: &str = "/windlass.agent.v1.Agents/Program";
