//! The messages of `proto/agent.proto`.

use bytes::Bytes;

/// Somebody wants to become the agent of a node.
#[derive(Clone, PartialEq, prost::Message)]
pub struct JoinRequest {
    /// What allows it.
    #[prost(string, tag = "1")]
    pub token: String,
    /// The node.
    #[prost(string, tag = "2")]
    pub node: String,
    /// An uncompressed point of P-256.
    #[prost(bytes = "bytes", tag = "3")]
    pub public_key: Bytes,
}

/// An agent wants its next certificate.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct RenewRequest {
    /// An uncompressed point of P-256.
    #[prost(bytes = "bytes", tag = "1")]
    pub public_key: Bytes,
}

/// A certificate.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct Issued {
    /// Of which node it is.
    #[prost(string, tag = "1")]
    pub node: String,
    /// It, as X.509 in DER.
    #[prost(bytes = "bytes", tag = "2")]
    pub certificate: Bytes,
    /// That of who signed it.
    #[prost(bytes = "bytes", tag = "3")]
    pub authority: Bytes,
    /// When it ends, in seconds since 1970.
    #[prost(uint64, tag = "4")]
    pub not_after: u64,
}

/// What an agent says on the stream that says that it is here.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct FromAgent {
    /// What.
    #[prost(oneof = "from_agent::What", tags = "1, 2, 3, 4, 5")]
    pub what: Option<from_agent::What>,
}

/// What an agent says.
pub mod from_agent {
    /// What.
    #[derive(Clone, PartialEq, Eq, prost::Oneof)]
    pub enum What {
        /// Who it is. The first message.
        #[prost(message, tag = "1")]
        Hello(super::Hello),
        /// What the node reports of itself, as JSON.
        #[prost(string, tag = "2")]
        Facts(String),
        /// It lives.
        #[prost(uint64, tag = "3")]
        Pong(u64),
        /// What came of knocking at an address.
        #[prost(message, tag = "4")]
        Probed(super::Probed),
        /// A session could not be opened.
        #[prost(message, tag = "5")]
        NotOpened(super::NotOpened),
    }
}

/// Who an agent is.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct Hello {
    /// Another one for each process.
    #[prost(string, tag = "1")]
    pub instance: String,
    /// The version of its program.
    #[prost(string, tag = "2")]
    pub version: String,
    /// Its operating system.
    #[prost(string, tag = "3")]
    pub os: String,
    /// Its machine, as `uname -m` calls it.
    #[prost(string, tag = "4")]
    pub arch: String,
    /// What its machine calls itself.
    #[prost(string, tag = "5")]
    pub host: String,
    /// The SHA-256 of its program, in hexadecimal; empty where it takes no other.
    #[prost(string, tag = "6")]
    pub program: String,
}

/// What a server says to an agent that is here.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct FromServer {
    /// What.
    #[prost(oneof = "from_server::What", tags = "1, 2, 3, 4, 5, 6, 7")]
    pub what: Option<from_server::What>,
}

/// What a server says.
pub mod from_server {
    /// What.
    #[derive(Clone, PartialEq, Eq, prost::Oneof)]
    pub enum What {
        /// It is taken for what it says it is. The first message.
        #[prost(message, tag = "1")]
        Welcome(super::Welcome),
        /// Open the session of this number.
        #[prost(uint64, tag = "2")]
        Open(u64),
        /// Say that you live.
        #[prost(uint64, tag = "3")]
        Ping(u64),
        /// There is another program for agents like this.
        #[prost(message, tag = "4")]
        Offer(super::Offer),
        /// Knock at an address.
        #[prost(message, tag = "5")]
        Probe(super::Probe),
        /// Something for the log.
        #[prost(string, tag = "6")]
        Said(String),
        /// Open a session as another user.
        #[prost(message, tag = "7")]
        OpenAs(super::OpenAs),
    }
}

/// A session is to be opened as another user of the node.
#[derive(Clone, PartialEq, Eq, prost::Message)]
#[prost(skip_debug)]
pub struct OpenAs {
    /// The session's number.
    #[prost(uint64, tag = "1")]
    pub number: u64,
    /// Whom.
    #[prost(string, tag = "2")]
    pub user: String,
    /// By what: `sudo`, `doas` or `su`.
    #[prost(string, tag = "3")]
    pub method: String,
    /// The password that it asks for; empty where it asks for none.
    #[prost(string, tag = "4")]
    pub password: String,
}

/// A session could not be opened.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct NotOpened {
    /// The session's number.
    #[prost(uint64, tag = "1")]
    pub number: u64,
    /// What is wrong, in one word.
    #[prost(string, tag = "2")]
    pub code: String,
    /// In a sentence.
    #[prost(string, tag = "3")]
    pub message: String,
    /// Whether it stays so until a person does something.
    #[prost(bool, tag = "4")]
    pub permanent: bool,
    /// What led to it.
    #[prost(string, repeated, tag = "5")]
    pub causes: Vec<String>,
}

/// An agent is welcome.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct Welcome {
    /// The version of the server.
    #[prost(string, tag = "1")]
    pub version: String,
}

/// A program.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct Offer {
    /// Its version.
    #[prost(string, tag = "1")]
    pub version: String,
    /// Its SHA-256, in hexadecimal.
    #[prost(string, tag = "2")]
    pub sha256: String,
    /// How many bytes it has.
    #[prost(uint64, tag = "3")]
    pub len: u64,
}

/// An address to knock at.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct Probe {
    /// The question's number.
    #[prost(uint64, tag = "1")]
    pub number: u64,
    /// The address and port.
    #[prost(string, tag = "2")]
    pub address: String,
}

/// What came of it.
#[derive(Clone, Copy, PartialEq, Eq, prost::Message)]
pub struct Probed {
    /// The question's number.
    #[prost(uint64, tag = "1")]
    pub number: u64,
    /// Whether anything answered, be it that nothing listens there.
    #[prost(bool, tag = "2")]
    pub answers: bool,
}

/// A program is asked for.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct ProgramRequest {
    /// Its SHA-256, in hexadecimal.
    #[prost(string, tag = "1")]
    pub sha256: String,
}

/// Some bytes.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct Piece {
    /// They.
    #[prost(bytes = "bytes", tag = "1")]
    pub bytes: Bytes,
}

// === impl OpenAs ===

impl std::fmt::Debug for OpenAs {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { number, user, method, password: _ } = self;
        f.debug_struct("OpenAs")
            .field("number", number)
            .field("user", user)
            .field("method", method)
            .finish_non_exhaustive()
    }
}

// === impl FromAgent ===

impl From<from_agent::What> for FromAgent {
    fn from(what: from_agent::What) -> Self {
        Self { what: Some(what) }
    }
}

// === impl FromServer ===

impl From<from_server::What> for FromServer {
    fn from(what: from_server::What) -> Self {
        Self { what: Some(what) }
    }
}

#[cfg(test)]
mod tests;
