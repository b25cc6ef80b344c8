//! The floor under `cargo xtask bench fleet`: a client of SSH that does nothing but what it must. It connects to every
//! host, logs in, runs `true` so many times, and ends.
//!
//! `null_client KEY AT_ONCE TIMES FILE`: the file has an address with its port on each line. With `hold` for TIMES it runs
//! `cat` everywhere and says how many kilobytes of memory that takes, when all of them run.

use std::process::ExitCode;
use std::sync::Arc;

use russh::client::{self, Handle};
use russh::keys::{PrivateKey, PrivateKeyWithHashAlg, PublicKeyOrCertificate};
use russh::{Channel, ChannelMsg};
use tokio::net::TcpStream;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

type Failure = Box<dyn std::error::Error + Send + Sync>;

struct Trusting;

impl client::Handler for Trusting {
    type Error = russh::Error;

    async fn check_server_key(&mut self, _: &PublicKeyOrCertificate) -> Result<bool, Self::Error> {
        Ok(true)
    }
}

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = std::io::Write::write_all(&mut std::io::stderr(), format!("{error}\n").as_bytes());
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<(), Failure> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [key, at_once, times, file] = args.as_slice() else {
        return Err("null_client KEY AT_ONCE TIMES FILE".into());
    };
    let at_once = at_once.parse()?;
    let times = if times == "hold" { None } else { Some(times.parse::<usize>()?) };
    let key = Arc::new(russh::keys::load_secret_key(key, None)?);
    let hosts = std::fs::read_to_string(file)?;
    tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(async {
        let (gate, mut work) = (Arc::new(Semaphore::new(at_once)), JoinSet::new());
        let mut held = Vec::new();
        for host in hosts.lines().map(str::to_owned) {
            let (gate, key) = (Arc::clone(&gate), Arc::clone(&key));
            work.spawn(async move {
                let _turn = gate.acquire_owned().await?;
                let visited = match times {
                    Some(times) => visit(&host, key, times).await.map(|()| None),
                    None => hold(&host, key).await.map(Some),
                };
                visited.map_err(|error| format!("{host}: {error}").into())
            });
        }
        while let Some(done) = work.join_next().await {
            held.extend(done?.map_err(|error: Failure| error)?);
        }
        if times.is_none() {
            let status = std::fs::read_to_string("/proc/self/status")?;
            let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap_or_default();
            std::io::Write::write_all(&mut std::io::stdout(), line.trim().as_bytes())?;
        }
        Ok(())
    })
}

/// A connection on which a program runs.
type Held = (Handle<Trusting>, Channel<client::Msg>);

async fn hold(host: &str, key: Arc<PrivateKey>) -> Result<Held, Failure> {
    let ssh = log_in(host, key).await?;
    let channel = ssh.channel_open_session().await?;
    channel.exec(true, "cat").await?;
    Ok((ssh, channel))
}

async fn visit(host: &str, key: Arc<PrivateKey>, times: usize) -> Result<(), Failure> {
    let ssh = log_in(host, key).await?;
    for _ in 0..times {
        command(&ssh).await?;
    }
    Ok(())
}

async fn log_in(host: &str, key: Arc<PrivateKey>) -> Result<Handle<Trusting>, Failure> {
    let stream = TcpStream::connect(host).await?;
    stream.set_nodelay(true)?;
    let config = Arc::new(client::Config { nodelay: true, ..client::Config::default() });
    let mut ssh = client::connect_stream(config, stream, Trusting).await?;
    let login = ssh.authenticate_publickey("root", PrivateKeyWithHashAlg::new(key, None)).await?;
    if !login.success() {
        return Err("the key is refused".into());
    }
    Ok(ssh)
}

async fn command(ssh: &Handle<Trusting>) -> Result<(), Failure> {
    let mut channel = ssh.channel_open_session().await?;
    channel.exec(true, "true").await?;
    while let Some(message) = channel.wait().await {
        match message {
            ChannelMsg::ExitStatus { exit_status: 0 } => return Ok(()),
            ChannelMsg::ExitStatus { exit_status } => return Err(format!("exit code {exit_status}").into()),
            _ => {}
        }
    }
    Err("the channel was closed".into())
}
