//! What Ansible's variables say of how a host is reached, as settings of ours.
//!
//! | Variable | Becomes |
//! |---|---|
//! | `ansible_host` | an address |
//! | `ansible_port`, `ansible_user`, `ansible_timeout` | port, user, time to connect |
//! | `ansible_ssh_private_key_file`, `ansible_password` | credentials |
//! | `ansible_connection` | ssh, local or container |
//! | `ansible_become…` | the user to act as |
//! | `ansible_ssh_common_args`, `…_extra_args` | jump hosts, known hosts, what to do about host keys |
//!
//! A host that could only be reached in another way than it says is taken in as out of service: nothing runs on it by
//! accident. A password in clear is never taken over.

use std::time::Duration;

use windlass_model::Value;
use windlass_model::span::Span;
use windlass_model::transport::{
    Become, BecomeMethod, Container, Credential, KeyCredential, PasswordCredential, SecretRef, TextOrSecret,
    Transport, Way,
};

use super::ssh_args;

/// Variables that become settings, or mean nothing here.
pub(super) const CONNECTION: &[&str] = &[
    "ansible_host",
    "ansible_ssh_host",
    "ansible_port",
    "ansible_ssh_port",
    "ansible_user",
    "ansible_ssh_user",
    "ansible_connection",
    "ansible_ssh_private_key_file",
    "ansible_private_key_file",
    "ansible_ssh_common_args",
    "ansible_ssh_extra_args",
    "ansible_ssh_timeout",
    "ansible_timeout",
    "ansible_become",
    "ansible_become_user",
    "ansible_become_method",
    "ansible_docker_host",
];

/// Variables that hold secrets: they become references, or nothing.
pub(in crate::read) const PASSWORDS: &[&str] = &[
    "ansible_password",
    "ansible_ssh_pass",
    "ansible_ssh_password",
    "ansible_become_password",
    "ansible_become_pass",
    "ansible_sudo_pass",
    "ansible_su_pass",
    "ansible_ssh_private_key_passphrase",
];

/// How a host is reached.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Settings {
    pub(super) addresses: Vec<String>,
    pub(super) transport: Transport,
    /// Why it cannot be reached as it says.
    pub(super) unsupported: Option<String>,
    /// What is not taken over.
    pub(super) warnings: Vec<String>,
}

/// How a variable is looked up.
type Get<'a> = &'a dyn Fn(&str) -> Option<&'a Value>;

struct Reader<'a> {
    name: &'a str,
    get: Get<'a>,
    out: Settings,
}

// === impl Settings ===

impl Settings {
    /// The settings of a host by its variables and those of its groups.
    pub(super) fn of<'a>(name: &'a str, get: Get<'a>) -> Self {
        let mut reader = Reader { name, get, out: Self::default() };
        reader.way();
        if let Some(address) = reader.text(&["ansible_host", "ansible_ssh_host"])
            && address != name
        {
            reader.out.addresses.push(address);
        }
        let port = reader.text(&["ansible_port", "ansible_ssh_port"]);
        reader.out.transport.port = port.and_then(|port| reader.number("ansible_port", &port));
        reader.out.transport.user = reader.text(&["ansible_user", "ansible_ssh_user"]);
        let timeout = reader.text(&["ansible_ssh_timeout", "ansible_timeout"]);
        let timeout = timeout.and_then(|time| reader.number::<u32>("ansible_timeout", &time));
        reader.out.transport.connect_timeout =
            timeout.map(|seconds| Span::from(Duration::from_secs(seconds.into())));
        reader.credentials();
        reader.become_other();
        reader.arguments();
        reader.out
    }
}

// === impl Reader ===

impl Reader<'_> {
    /// The first of these that is set, as text; the name of the host is put in where a template asks for it.
    fn text(&mut self, keys: &[&str]) -> Option<String> {
        let (key, value) = keys.iter().find_map(|key| Some((*key, (self.get)(key)?)))?;
        let text = match value {
            Value::Null => return None,
            Value::String(text) if text.is_empty() => return None,
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        match self.filled(&text) {
            Some(text) => Some(text),
            None => {
                let why = format!("`{key}` is a template of Ansible");
                // Without the right address or user, it would be somebody else.
                self.out.unsupported.get_or_insert(why);
                None
            }
        }
    }

    fn filled(&self, text: &str) -> Option<String> {
        let short = self.name.split('.').next().unwrap_or(self.name);
        let mut out = String::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once("{{") {
            let (inner, after) = after.split_once("}}")?;
            out.push_str(before);
            out.push_str(match inner.trim() {
                "inventory_hostname" => self.name,
                "inventory_hostname_short" => short,
                _ => return None,
            });
            rest = after;
        }
        out.push_str(rest);
        (!out.contains("{%")).then_some(out)
    }

    fn number<T: std::str::FromStr>(&mut self, key: &str, text: &str) -> Option<T> {
        let number = text.parse().ok();
        if number.is_none() {
            self.out.unsupported.get_or_insert(format!("`{key}` is no number: `{text}`"));
        }
        number
    }

    /// Whether something is set and true, as Ansible reads it.
    fn flag(&self, key: &str) -> Option<bool> {
        match (self.get)(key)? {
            Value::Bool(flag) => Some(*flag),
            Value::Number(number) => Some(number.as_f64() != Some(0.0)),
            Value::String(text) => {
                Some(["yes", "true", "on", "1", "y", "t"].contains(&text.to_ascii_lowercase().as_str()))
            }
            _ => None,
        }
    }

    fn way(&mut self) {
        let Some(connection) = self.text(&["ansible_connection"]) else { return };
        let plain = connection.rsplit('.').next().unwrap_or(&connection);
        let container = |runtime: Option<&str>| Container { name: None, runtime: runtime.map(str::to_owned) };
        match plain {
            "ssh" | "smart" | "paramiko" | "paramiko_ssh" | "libssh" => {
                self.out.transport.uses = Some(Way::Ssh);
            }
            "local" => self.out.transport.uses = Some(Way::Local),
            "docker" | "docker_api" => {
                self.out.transport.uses = Some(Way::Container);
                self.out.transport.container = Some(container(None));
                self.container_name();
            }
            "podman" => {
                self.out.transport.uses = Some(Way::Container);
                self.out.transport.container = Some(container(Some("podman")));
                self.container_name();
            }
            _ => {
                self.out.unsupported.get_or_insert(format!("there is no connection `{connection}` here"));
            }
        }
    }

    /// The host of a connection to a container is the container's name.
    fn container_name(&mut self) {
        let name = self.text(&["ansible_host"]).filter(|name| name != self.name);
        if let Some(container) = &mut self.out.transport.container {
            container.name = name;
        }
    }

    /// A secret that is referred to. One in clear is not taken over.
    fn secret(&mut self, keys: &[&str]) -> Option<SecretRef> {
        let (key, value) = keys.iter().find_map(|key| Some((*key, (self.get)(key)?)))?;
        let secret = value.as_str().and_then(SecretRef::parse);
        if secret.is_none() {
            let said =
                format!("`{key}` is not taken over: give the password as a secret, {{{{ secret('NAME') }}}}");
            self.out.warnings.push(said);
        }
        secret
    }

    fn credentials(&mut self) {
        let mut credentials = Vec::new();
        let passphrase = self.secret(&["ansible_ssh_private_key_passphrase"]);
        if let Some(path) = self.text(&["ansible_ssh_private_key_file", "ansible_private_key_file"]) {
            let key = TextOrSecret::Text(path);
            credentials.push(Credential::Key(KeyCredential { key, certificate: None, passphrase }));
        }
        if let Some(password) = self.secret(&["ansible_password", "ansible_ssh_pass", "ansible_ssh_password"])
        {
            credentials.push(Credential::Password(PasswordCredential { password }));
        }
        self.out.transport.credentials = Some(credentials).filter(|all| !all.is_empty());
    }

    fn become_other(&mut self) {
        if self.flag("ansible_become") != Some(true) {
            return;
        }
        let user = self.text(&["ansible_become_user"]).unwrap_or_else(|| "root".to_owned());
        let method = self.text(&["ansible_become_method"]);
        let method = match method.as_deref().map(|method| method.rsplit('.').next().unwrap_or(method)) {
            None | Some("sudo") => BecomeMethod::Sudo,
            Some("doas") => BecomeMethod::Doas,
            Some("su") => BecomeMethod::Su,
            Some(other) => {
                self.out
                    .unsupported
                    .get_or_insert(format!("there is no way to become another user by `{other}` here"));
                return;
            }
        };
        let password = self.secret(&[
            "ansible_become_password",
            "ansible_become_pass",
            "ansible_sudo_pass",
            "ansible_su_pass",
        ]);
        self.out.transport.r#become = Some(Become { user, method, password });
    }

    fn arguments(&mut self) {
        for key in ["ansible_ssh_common_args", "ansible_ssh_extra_args"] {
            let Some(Value::String(text)) = (self.get)(key) else { continue };
            let Some(text) = self.filled(text) else {
                self.out.unsupported.get_or_insert(format!("`{key}` is a template of Ansible"));
                continue;
            };
            let Settings { transport, warnings, .. } = &mut self.out;
            for left in ssh_args::take(&text, transport) {
                warnings
                    .push(format!("`{left}` of `{key}` is not taken over; write it into your ssh_config"));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// The settings of the host `web1.example.org` as JSON, with what is said about them.
    fn shown(vars: Value) -> String {
        let settings = Settings::of("web1.example.org", &|key| vars.get(key));
        let mut parts = vec![serde_json::to_string(&settings.transport).unwrap()];
        parts.extend(settings.addresses.into_iter().map(|address| format!("at {address}")));
        parts.extend(settings.unsupported.map(|why| format!("unsupported: {why}")));
        parts.extend(settings.warnings);
        parts.join(" | ")
    }

    #[test]
    fn variables_become_settings() {
        let cases = [
            json!({}),
            json!({"ansible_host": "10.0.0.1", "ansible_port": 2222, "ansible_user": "deploy", "ansible_timeout": "5"}),
            json!({"ansible_ssh_private_key_file": "~/.ssh/id", "ansible_password": "{{ secret('pw') }}"}),
            json!({"ansible_password": "hunter22"}),
            json!({"ansible_become": "yes", "ansible_become_user": "app", "ansible_become_method": "doas"}),
            json!({"ansible_become": false, "ansible_become_user": "app"}),
            json!({"ansible_become": true, "ansible_become_method": "runas"}),
            json!({"ansible_connection": "local"}),
            json!({"ansible_connection": "community.docker.docker", "ansible_host": "app-1"}),
            json!({"ansible_connection": "podman"}),
            json!({"ansible_connection": "winrm"}),
            json!({"ansible_host": "{{ inventory_hostname_short }}.lan"}),
            json!({"ansible_host": "{{ lookup('x') }}"}),
            json!({"ansible_port": "many"}),
            json!({"ansible_ssh_common_args": "-o ProxyJump=ops@gate:2200 -o StrictHostKeyChecking=accept-new -o ForwardAgent=yes"}),
            json!({"ansible_ssh_common_args": "-o ProxyCommand=\"ssh -W %h:%p -q -p 2200 ops@gate\" -J other"}),
            json!({"ansible_ssh_extra_args": "-oUserKnownHostsFile=/etc/known -o StrictHostKeyChecking=no -v"}),
        ];
        let all: Vec<String> =
            cases.into_iter().map(|vars| format!("> {vars}\n{}", shown(vars.clone()))).collect();
        insta::assert_snapshot!(all.join("\n"));
    }
}
