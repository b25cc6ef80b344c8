//! Joining: once, with a token.

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use rcgen::{KeyPair, PublicKeyData as _};
use windlass_line::{Issued, JoinRequest, JoinToken, ProgramRequest, path};

use crate::channel::{call, connect, program};
use crate::error::Error;
use crate::home::{Home, Identity};
use crate::tls::{identified, stranger};

/// Who wants to join what.
#[derive(Clone, Debug)]
pub struct Joining {
    /// Where the server is.
    pub server: String,
    /// What allows it.
    pub token: String,
    /// The node to be the agent of; what the machine calls itself, unless given.
    pub node: Option<String>,
}

/// Makes a key and lets the server sign it; who the agent is lies in its directory when this returns.
///
/// # Errors
///
/// The server cannot be reached or trusted, or refuses.
pub async fn join(home: &Home, joining: &Joining) -> Result<Identity, Error> {
    let token: JoinToken = joining.token.parse()?;
    let address = address(&joining.server)?;
    // Before the token is spent: nobody may serve from there meanwhile.
    let _lock = home.lock()?;
    let key = KeyPair::generate().map_err(Error::certificate)?;
    let channel = connect(&address, Arc::new(stranger(token.authority)?)).await?;
    let request = JoinRequest {
        token: token.text(),
        node: joining.node.clone().unwrap_or_else(own_name),
        public_key: key.der_bytes().to_vec().into(),
    };
    let issued: Issued = call(&channel, path::JOIN, request).await?;
    let identity = Identity::new(address, key.serialize_der(), issued, now());
    home.keep(&identity)?;
    Ok(identity)
}

/// Whether the agent would come up: it knows who it is, and the server takes it for that.
///
/// # Errors
///
/// It would not.
pub async fn check(home: &Home) -> Result<(), Error> {
    let identity = home.identity()?;
    let channel = connect(&identity.server, Arc::new(identified(&identity)?)).await?;
    // The server knows no program of this name, and says so to those alone whom it takes for agents.
    match program(&channel, ProgramRequest::default()).await {
        Err(Error::Refused(status)) if status.code() == tonic::Code::NotFound => Ok(()),
        Err(error) => Err(error),
        Ok(_) => Err(Error::Ended("the server does not keep to the protocol".to_owned())),
    }
}

/// What the machine calls itself, without its domain.
fn own_name() -> String {
    let name = rustix::system::uname().nodename().to_string_lossy().into_owned();
    name.split('.').next().unwrap_or_default().to_owned()
}

/// `HOST:PORT` of what somebody wrote.
fn address(text: &str) -> Result<String, Error> {
    let wrong = || Error::Address(text.to_owned());
    let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://")).unwrap_or(text);
    let rest = rest.trim_end_matches('/');
    let (host, port) = rest.rsplit_once(':').ok_or_else(wrong)?;
    let is_port = port.parse::<u16>().is_ok_and(|port| port > 0);
    let is_host = !host.is_empty() && !host.contains(['/', '@', ' ', '?']);
    if is_port && is_host { Ok(rest.to_owned()) } else { Err(wrong()) }
}

/// The time by this machine's clock, in seconds since 1970.
pub(crate) fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_a_host_and_a_port() {
        for (text, expect) in [
            ("https://windlass.example.org:8443", Some("windlass.example.org:8443")),
            ("http://127.0.0.1:8380/", Some("127.0.0.1:8380")),
            ("[::1]:8380", Some("[::1]:8380")),
            ("windlass.example.org", None),
            ("windlass.example.org:0", None),
            ("windlass.example.org:99999", None),
            ("https://:8443", None),
            ("https://a/b:8443", None),
            ("", None),
        ] {
            assert_eq!(address(text).ok().as_deref(), expect, "{text}");
        }
    }
}
