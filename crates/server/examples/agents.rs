//! Ten thousand agents of one server: what each costs while it is silent, and how long all of them take for `true`.
//!
//! `cargo run --release -p windlass-server --example agents [COUNT] [ROUNDS]`
//!
//! The agents are simulated, all in one process of their own: each has its own key, certificate, connection and stream, and answers
//! orders as the real one does, without starting a program. What is measured of memory is the server's process alone.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::indexing_slicing,
    reason = "a measurement that fails has nothing to say"
)]

use std::io::{BufRead as _, Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use futures_util::StreamExt as _;
use rcgen::{KeyPair, PublicKeyData as _};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tonic::metadata::MetadataValue;
use windlass_dial::{Channel, Identity, call, connect, identified, serve, session, stranger};
use windlass_enrol::Wanted;
use windlass_fleet::{Fleet, Gate, Ways, is_here, over};
use windlass_hub::Hub;
use windlass_line::from_agent::What as Said;
use windlass_line::from_server::What;
use windlass_line::{Incoming, Issued, JoinRequest, JoinToken, Queue, SESSION_HEADER, outgoing, path};
use windlass_runtime::Clock;
use windlass_server::{Options, Server};
use windlass_wire::{Decoder, Ended, FromAgent, Hello, Received, ToAgent, Versions, encode, greet};

/// How many join, or dial in, at once.
const AT_ONCE: usize = 64;
static ORDERS: AtomicU64 = AtomicU64::new(0);

fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    match args.as_slice() {
        [child, address, token, count] if child == "--agents" => {
            runtime.block_on(agents(address, token, count.parse().unwrap()));
        }
        args => {
            let number = |at: usize, usual: usize| args.get(at).map_or(usual, |arg| arg.parse().unwrap());
            runtime.block_on(server(number(0, 10_000), number(1, 5)));
        }
    }
}

async fn server(count: usize, rounds: usize) {
    let directory = tempfile::Builder::new().prefix("windlass-bench-").tempdir_in(".").unwrap();
    let hub = Hub::default();
    let fleet = Fleet::new(Ways::of_this_process().dialled(hub.clone()), Gate::default());
    let registry = over(&windlass_plugins::standard().unwrap(), &fleet, is_here).unwrap();
    let options = Options {
        data_dir: directory.path().to_owned(),
        listen: "127.0.0.1:0".parse().unwrap(),
        tls: None,
        without_tls: false,
        name: "a measurement".to_owned(),
        version: "0.0.0",
        agents: hub.clone(),
        enrol: windlass_enrol::Options::default(),
        agent_program: None,
        oidc: None,
        traces: None,
        operating: windlass_server::Operating::default(),
    };
    let server = Server::open(options, registry).await.unwrap();
    let admin = server.first().unwrap().issued.token.clone();
    let (address, now) = (server.address().to_string(), Clock::system().now());
    let wanted = Wanted {
        nodes: "n*".into(),
        uses: u32::try_from(count).unwrap(),
        expires_at: now + Duration::from_secs(3600),
        replaces: false,
        by: "a measurement".into(),
    };
    let token = hub.enrol().unwrap().make(wanted, now).await.unwrap().token.text();
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--agents", &address, &token, &count.to_string()])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let (mut tell, mut lines) =
        (child.stdin.take().unwrap(), std::io::BufReader::new(child.stdout.take().unwrap()).lines());
    let mut said = move || lines.next().unwrap().unwrap();
    println!("{count} agents");
    println!("  joined in                       {:>9}", tokio::task::block_in_place(&mut said));
    let before = resident();
    writeln!(tell, "serve").unwrap();
    println!("  dialled in, in                  {:>9}", tokio::task::block_in_place(&mut said));
    while hub.count() < count {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    // Until the status of each node is written.
    tokio::time::sleep(Duration::from_secs(8)).await;
    let each = resident().saturating_sub(before) as f64 / count as f64 / 1024.0;
    println!("  memory of each, silent          {each:>6.1} KiB   limit 16 KiB");
    let spec = json!({"spec": {"blocks": [{"name": "b", "targets": {"nodes": ["n*"]}, "concurrency": count, "sequence": [
        {"name": "true", "use": "command", "with": {"argv": ["true"]}}]}]}});
    ask(&address, &admin, "PATCH", "/api/v1/namespaces/default/plans/work", &spec);
    for round in 0..rounds {
        let begun = Instant::now();
        let body = json!({"plan": "work"});
        let made = tokio::task::block_in_place(|| {
            ask(&address, &admin, "POST", "/api/v1/namespaces/default/runs", &body)
        });
        let submitted = begun.elapsed();
        let run = made["run"].as_str().unwrap().parse().unwrap();
        server.runs().wait(run).await.unwrap();
        let status = server.runs().status(run).await.unwrap();
        let all = begun.elapsed();
        println!(
            "  `true` on all, round {round}          {:>6.2} s     limit 1 s   ({:.2} s to submit, {:?})",
            (all - submitted).as_secs_f64(),
            submitted.as_secs_f64(),
            status.status
        );
    }
    println!("  memory of the server afterwards {:>6.1} MiB", resident() as f64 / 1048576.0);
    writeln!(tell, "end").unwrap();
    let orders: u64 = tokio::task::block_in_place(&mut said).parse().unwrap();
    println!("  orders carried out              {orders:>9}   of {}", count * rounds);
    assert_eq!(orders, u64::try_from(count * rounds).unwrap(), "a reply was lost, or an order was doubled");
    child.wait().unwrap();
    server.close(Duration::from_secs(5)).await.unwrap();
}

async fn agents(address: &str, token: &str, count: usize) {
    let begun = Instant::now();
    let authority = token.parse::<JoinToken>().unwrap().authority;
    let tls = Arc::new(stranger(authority).unwrap());
    let identities: Vec<Identity> = futures_util::stream::iter(0..count)
        .map(|n| {
            let tls = Arc::clone(&tls);
            async move {
                let key = KeyPair::generate().unwrap();
                let channel = connect(address, tls).await.unwrap();
                let public_key = key.der_bytes().to_vec().into();
                let request = JoinRequest { token: token.to_owned(), node: format!("n{n}"), public_key };
                let issued: Issued = call(&channel, path::JOIN, request).await.unwrap();
                Identity::new(address.to_owned(), key.serialize_der(), issued, 0)
            }
        })
        .buffer_unordered(AT_ONCE)
        .collect()
        .await;
    println!("{:.2} s", begun.elapsed().as_secs_f64());
    let mut lines = std::io::stdin().lines();
    let mut told = || tokio::task::block_in_place(|| lines.next().unwrap().unwrap());
    told();
    let begun = Instant::now();
    futures_util::stream::iter(identities)
        .for_each_concurrent(AT_ONCE, |identity| async move {
            let tls = Arc::new(identified(&identity).unwrap());
            let channel = connect(address, tls).await.unwrap();
            let (queue, said) = Queue::new();
            let hello = windlass_line::Hello {
                instance: identity.node.clone(),
                version: "0.1.0".into(),
                os: "linux".into(),
                arch: "x86_64".into(),
                host: identity.node.clone(),
                program: String::new(),
            };
            assert!(queue.put(Said::Hello(hello).into()));
            let mut heard = serve(&channel, said).await.unwrap();
            tokio::spawn(async move {
                while let Some(Ok(heard)) = heard.next().await {
                    match heard.what {
                        Some(What::Open(number)) => drop(tokio::spawn(works(channel.clone(), number))),
                        Some(What::Ping(number)) => assert!(queue.put(Said::Pong(number).into())),
                        _ => {}
                    }
                }
            });
        })
        .await;
    println!("{:.2} s", begun.elapsed().as_secs_f64());
    told();
    println!("{}", ORDERS.load(Ordering::Relaxed));
}

/// Answers orders over a session, as an agent does.
async fn works(channel: Channel, number: u64) {
    let (mut writer, pieces) = outgoing();
    let mut request = tonic::Request::new(pieces);
    request.metadata_mut().insert(SESSION_HEADER, MetadataValue::from(number));
    let hello = Hello {
        versions: Versions::OURS,
        build: "0.1.0".into(),
        pid: 1,
        clock_ms: 0,
        facts: [("upMs".to_owned(), "100000000".to_owned())].into(),
    };
    writer.write_all(&greet(&FromAgent::Hello(hello)).unwrap()).await.unwrap();
    let mut reader = Incoming::new(session(&channel, request).await.unwrap());
    let (mut decoder, mut bytes) = (Decoder::default(), vec![0; 2048]);
    loop {
        match decoder.message::<ToAgent>().unwrap() {
            Received::Message(ToAgent::Call(order)) => {
                ORDERS.fetch_add(1, Ordering::Relaxed);
                let response = br#"{"exitCode": 0, "stdout": "", "stderr": "", "truncated": false}"#.to_vec();
                let ended = Ended::Replied { response, changed: true };
                writer.write_all(&encode(&FromAgent::Ended { id: order.id, ended }).unwrap()).await.unwrap();
            }
            Received::Message(ToAgent::Ping(n)) => {
                writer.write_all(&encode(&FromAgent::Pong(n)).unwrap()).await.unwrap();
            }
            Received::Message(ToAgent::Bye) => return,
            Received::Message(_) => {}
            Received::Wait => match reader.read(&mut bytes).await {
                Ok(0) | Err(_) => return,
                Ok(count) => decoder.push(&bytes[..count]),
            },
        }
    }
}

/// The memory of this process that is there, in bytes.
fn resident() -> usize {
    let text = std::fs::read_to_string("/proc/self/statm").unwrap();
    text.split(' ').nth(1).unwrap().parse::<usize>().unwrap() * 4096
}

fn ask(address: &str, token: &str, method: &str, path: &str, body: &Value) -> Value {
    let (body, mut stream) = (body.to_string(), TcpStream::connect(address).unwrap());
    let media = if method == "PATCH" { "application/apply+json" } else { "application/json" };
    write!(
        stream,
        "{method} {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\nContent-Type: {media}\r\nContent-Length: {}\r\n\
         Connection: close\r\n\r\n{body}",
        body.len()
    )
    .unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    let (head, body) = text.split_once("\r\n\r\n").unwrap();
    assert!(head.split(' ').nth(1).unwrap().starts_with('2'), "{text}");
    serde_json::from_str(body).unwrap()
}
