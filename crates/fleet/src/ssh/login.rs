//! Logging in: one credential after the other, until one is accepted.

use std::path::Path;
use std::sync::Arc;

use russh::client::{AuthResult, Handle, KeyboardInteractiveAuthResponse};
use russh::keys::agent::AgentIdentity;
use russh::keys::agent::client::AgentClient;
use russh::keys::{Algorithm, Certificate, PrivateKey, PrivateKeyWithHashAlg};
use windlass_plugin::CallError;

use super::kept::Kept;
use super::session::Judge;
use super::settings::{Login, Settings};

type Ssh = Handle<Judge>;

/// How often a server may ask keyboard-interactive questions before it counts as a refusal.
const MOST_QUESTIONS: usize = 8;

/// Logs in.
///
/// # Errors
///
/// Nothing was accepted: which credentials were tried, and what became of each.
pub(super) async fn log_in(ssh: &mut Ssh, settings: &Settings, kept: &Kept) -> Result<(), CallError> {
    let user = settings.user.as_str();
    let mut tried = Vec::new();
    for login in &settings.logins {
        let outcome = match login {
            Login::Agent { socket } => with_agent(ssh, user, socket.as_deref()).await,
            Login::Key { key, certificate, passphrase } => match kept.key(key, passphrase.as_deref()).await {
                Ok(key) => with_key(ssh, user, key, certificate.as_deref()).await,
                Err(error) => Err(unreadable(&error)),
            },
            Login::Password(password) => with_password(ssh, user, password).await,
        };
        match outcome {
            Ok(true) => return Ok(()),
            Ok(false) => tried.push(format!("{login}: refused")),
            Err(why) if ssh.is_closed() => {
                tried.push(format!("{login}: {why}, and the server closed the connection"));
                break;
            }
            Err(why) => tried.push(format!("{login}: {why}")),
        }
    }
    let tried = if tried.is_empty() {
        "there was nothing to log in with: no key, no ssh-agent, no password".to_owned()
    } else {
        format!("tried {}", tried.join("; "))
    };
    Err(CallError::permanent("auth", format!("`{}` does not let `{user}` log in; {tried}", settings.name)))
}

async fn with_key(
    ssh: &mut Ssh,
    user: &str,
    key: Arc<PrivateKey>,
    certificate: Option<&Path>,
) -> Result<bool, String> {
    if let Some(path) = certificate {
        let certificate = russh::keys::load_openssh_certificate(path)
            .map_err(|error| format!("its certificate: {error}"))?;
        return with_certificate(ssh, user, key, certificate).await;
    }
    // Keys of other kinds go by one name, and asking waits a second for servers that do not say what they know.
    let hash = match key.algorithm() {
        Algorithm::Rsa { .. } => {
            ssh.best_supported_rsa_hash().await.map_err(|error| error.to_string())?.flatten()
        }
        _ => None,
    };
    accepted(ssh.authenticate_publickey(user, PrivateKeyWithHashAlg::new(key, hash)).await)
}

async fn with_certificate(
    ssh: &mut Ssh,
    user: &str,
    key: Arc<PrivateKey>,
    certificate: Certificate,
) -> Result<bool, String> {
    accepted(ssh.authenticate_openssh_cert(user, key, certificate).await)
}

async fn with_agent(ssh: &mut Ssh, user: &str, socket: Option<&Path>) -> Result<bool, String> {
    let agent = match socket {
        Some(socket) => AgentClient::connect_uds(socket).await,
        None => AgentClient::connect_env().await,
    };
    let mut agent = agent.map_err(|error| format!("it cannot be reached: {error}"))?;
    let identities = agent.request_identities().await.map_err(|error| error.to_string())?;
    let hash = ssh.best_supported_rsa_hash().await.map_err(|error| error.to_string())?.flatten();
    for identity in identities {
        let outcome = match identity {
            AgentIdentity::PublicKey { key, .. } => {
                ssh.authenticate_publickey_with(user, key, hash, &mut agent).await
            }
            AgentIdentity::Certificate { certificate, .. } => {
                ssh.authenticate_certificate_with(user, certificate, hash, &mut agent).await
            }
        };
        match outcome {
            Ok(AuthResult::Success) => return Ok(true),
            Ok(AuthResult::Failure { .. }) => {}
            Err(error) if ssh.is_closed() => return Err(error.to_string()),
            // A key that the agent will not use now; there may be others.
            Err(_) => {}
        }
    }
    Ok(false)
}

async fn with_password(ssh: &mut Ssh, user: &str, password: &str) -> Result<bool, String> {
    if accepted(ssh.authenticate_password(user, password).await)? {
        return Ok(true);
    }
    let failed = |error: russh::Error| error.to_string();
    let mut answer = ssh.authenticate_keyboard_interactive_start(user, None).await.map_err(failed)?;
    for _ in 0..MOST_QUESTIONS {
        let prompts = match answer {
            KeyboardInteractiveAuthResponse::Success => return Ok(true),
            KeyboardInteractiveAuthResponse::Failure { .. } => return Ok(false),
            KeyboardInteractiveAuthResponse::InfoRequest { prompts, .. } => prompts,
        };
        // What is shown while it is typed is no password.
        let answers =
            prompts.iter().map(|prompt| if prompt.echo { String::new() } else { password.to_owned() });
        answer = ssh.authenticate_keyboard_interactive_respond(answers.collect()).await.map_err(failed)?;
    }
    Ok(false)
}

fn accepted(outcome: Result<AuthResult, russh::Error>) -> Result<bool, String> {
    outcome.map(|outcome| outcome.success()).map_err(|error| error.to_string())
}

fn unreadable(error: &russh::keys::Error) -> String {
    match error {
        russh::keys::Error::KeyIsEncrypted => "it is encrypted, and no passphrase is given".to_owned(),
        other => format!("it cannot be read: {other}"),
    }
}
