//! How a node is reached, in words.

use windlass_model::target::Node;
use windlass_model::transport::{
    AgentUse, BecomeMethod, Credential, Hop, HostKeys, TextOrSecret, Transport, Way,
};

/// Over what.
pub(super) fn way(node: &Node) -> &'static str {
    match node.transport.as_deref().and_then(|transport| transport.uses) {
        None | Some(Way::Ssh) => "ssh",
        Some(Way::Local) => "local",
        Some(Way::Container) => "container",
        Some(Way::Agent) => "agent",
    }
}

/// Where it is: its addresses, or its name.
pub(super) fn addresses(node: &Node) -> String {
    if node.addresses.is_empty() { node.name.clone() } else { node.addresses.join(", ") }
}

/// Everything that is set, one part each. Passwords and keys are named, never shown.
pub(super) fn settings(transport: &Transport) -> Vec<String> {
    let Transport {
        uses: _,
        user,
        port,
        credentials,
        jump,
        host_keys,
        known_hosts,
        connect_timeout,
        keepalive,
        r#become: other,
        container,
        agent,
    } = transport;
    let mut parts = Vec::new();
    parts.extend(user.as_ref().map(|user| format!("user {user}")));
    parts.extend(port.map(|port| format!("port {port}")));
    parts.extend(credentials.as_ref().map(|all| match all.as_slice() {
        [] => "nothing to log in with".to_owned(),
        all => format!("with {}", all.iter().map(credential).collect::<Vec<_>>().join(", then ")),
    }));
    parts.extend(jump.as_ref().map(|hops| match hops.as_slice() {
        [] => "straight".to_owned(),
        hops => format!("through {}", hops.iter().map(hop).collect::<Vec<_>>().join(" → ")),
    }));
    parts.extend(host_keys.map(|keys| match keys {
        HostKeys::Check => "host keys are checked".to_owned(),
        HostKeys::AcceptNew => "new host keys are trusted".to_owned(),
    }));
    parts.extend(known_hosts.as_ref().map(|files| format!("known hosts in {}", files.join(", "))));
    parts.extend(connect_timeout.map(|time| format!("{time} to connect")));
    parts.extend(keepalive.map(|time| format!("asked after {time} of silence")));
    parts.extend(other.as_ref().map(|other| {
        let method = match other.method {
            BecomeMethod::Sudo => "sudo",
            BecomeMethod::Doas => "doas",
            BecomeMethod::Su => "su",
        };
        let password = other
            .password
            .as_ref()
            .map(|secret| format!(" with the secret {}", secret.0))
            .unwrap_or_default();
        format!("acts as {} by {method}{password}", other.user)
    }));
    parts.extend(container.as_ref().map(|container| {
        let name = container.name.as_deref().unwrap_or("of its name");
        format!("container {name} of {}", container.runtime.as_deref().unwrap_or("docker"))
    }));
    parts.extend(agent.map(|agent| match agent {
        AgentUse::Auto => "the agent may be placed".to_owned(),
        AgentUse::Never => "without the agent".to_owned(),
    }));
    parts
}

fn credential(credential: &Credential) -> String {
    match credential {
        Credential::Agent(_) => "the ssh-agent".to_owned(),
        Credential::Key(key) => match &key.key {
            TextOrSecret::Text(path) => format!("the key {path}"),
            TextOrSecret::Secret(secret) => format!("the key in the secret {}", secret.0),
        },
        Credential::Password(password) => format!("the password in the secret {}", password.password.0),
    }
}

fn hop(hop: &Hop) -> String {
    match hop {
        Hop::Name(name) => name.clone(),
        Hop::Host(host) => {
            let user = host.user.as_ref().map(|user| format!("{user}@")).unwrap_or_default();
            let port = host.port.map(|port| format!(":{port}")).unwrap_or_default();
            format!("{user}{}{port}", host.name)
        }
    }
}
