//! A server with many runs that many ask at once: how long reads take, and how soon watchers are told.
//!
//! `cargo run --release -p windlass-server --example load [RUNS] [PER_SECOND] [SECONDS] [WATCHERS] [SOAK_MINUTES]`
//!
//! Whoever asks is a process of its own. A question counts from when it should have been asked, so that a server that stalls does not look
//! quick because nobody asks it meanwhile.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::indexing_slicing,
    reason = "a measurement that fails has nothing to say"
)]

use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::{Method, Request};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde_json::{Value, json};
use windlass_server::{Limits, Operating, Options, Retention, Server};

type Http = Client<HttpConnector, Full<Bytes>>;

/// How many runs are submitted at once.
const AT_ONCE: usize = 512;
/// How long runs are kept that have ended, while it goes on for long.
const KEPT: Duration = Duration::from_secs(60);
/// How many changes watchers are told of.
const CHANGES: usize = 50;

fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    match args.as_slice() {
        [word, address, token, run, rate, seconds] if word == "--reads" => {
            let (rate, seconds) = (rate.parse().unwrap(), seconds.parse().unwrap());
            runtime.block_on(reads(address, token, run, rate, seconds));
        }
        [word, address, token, count] if word == "--watchers" => {
            runtime.block_on(watchers(address, token, count.parse().unwrap()));
        }
        args => {
            let number = |at: usize, usual: usize| args.get(at).map_or(usual, |arg| arg.parse().unwrap());
            let [runs, rate, seconds, watching, soak] =
                [(0, 100_000), (1, 1_000), (2, 20), (3, 1_000), (4, 0)].map(|(at, usual)| number(at, usual));
            runtime.block_on(measure(runs, rate, seconds, watching, soak));
        }
    }
}

async fn measure(count: usize, rate: usize, seconds: usize, watching: usize, soak: usize) {
    let Place { directory: _directory, server, admin, address, http } =
        Place::open(Retention::default()).await;
    let empty = resident();
    let begun = Instant::now();
    let last = submit(&server, &http, &address, &admin, count).await;
    let took = begun.elapsed().as_secs_f64();
    println!("{count} runs");
    println!("  submitted over the API and ended in {took:>6.1} s   {:.0}/s", count as f64 / took);
    println!(
        "  memory beside an empty server   {:>9.1} MiB",
        resident().saturating_sub(empty) as f64 / 1048576.0
    );
    child(&["--reads", &address, &admin, &last, &rate.to_string(), &seconds.to_string()], Stdio::inherit());
    let before = resident();
    child(&["--watchers", &address, &admin, &watching.to_string()], Stdio::inherit());
    println!(
        "  memory after {watching} watchers     {:>9.1} MiB",
        resident().saturating_sub(before) as f64 / 1048576.0
    );
    server.close(Duration::from_secs(5)).await.unwrap();
    if soak > 0 {
        soaks(rate, Duration::from_secs(60 * soak as u64)).await;
    }
}

/// A server that goes on for long: runs come and go, people ask and watch. What it keeps must not grow.
async fn soaks(rate: usize, length: Duration) {
    let kept =
        Retention { runs: Some(KEPT), newest: 100, every: Duration::from_secs(5), ..Retention::default() };
    let Place { directory, server, admin, address, http } = Place::open(kept).await;
    println!(
        "again and again 4000 runs, each kept for {KEPT:?}; {rate} reads a second for 5 s; 200 watchers that come and go"
    );
    let (begun, mut seen) = (Instant::now(), Vec::new());
    while begun.elapsed() < length {
        let last = submit(&server, &http, &address, &admin, 4_000).await;
        child(&["--reads", &address, &admin, &last, &rate.to_string(), "5"], Stdio::null());
        child(&["--watchers", &address, &admin, "200"], Stdio::null());
        let minute = begun.elapsed().as_secs_f64() / 60.0;
        let (memory, disk) = (resident(), size(directory.path()));
        seen.push((minute, memory));
        println!(
            "  after {minute:>5.1} min    {:>7.1} MiB in memory   {:>8.1} MiB on disk",
            memory as f64 / 1048576.0,
            disk as f64 / 1048576.0
        );
    }
    let third = seen.len() / 3;
    let mean =
        |part: &[(f64, u64)]| part.iter().map(|(_, it)| *it as f64).sum::<f64>() / part.len().max(1) as f64;
    let (second, last) = (mean(&seen[third..2 * third]), mean(&seen[2 * third..]));
    println!("  the last third beside the second    {:.3} times as much memory   limit 1.05", last / second);
    server.close(Duration::from_secs(5)).await.unwrap();
}

/// What the files in a directory take.
fn size(path: &Path) -> u64 {
    let mut sum = 0;
    for entry in std::fs::read_dir(path).into_iter().flatten().flatten() {
        // What goes meanwhile takes nothing.
        let Ok(about) = entry.metadata() else { continue };
        sum += if about.is_dir() { size(&entry.path()) } else { about.blocks() * 512 };
    }
    sum
}

/// A server, and somebody who asks it.
struct Place {
    directory: tempfile::TempDir,
    server: Server,
    admin: String,
    address: String,
    http: Http,
}

impl Place {
    async fn open(retention: Retention) -> Self {
        let directory = tempfile::Builder::new().prefix("windlass-bench-").tempdir_in(".").unwrap();
        let options = Options {
            data_dir: directory.path().to_owned(),
            listen: "127.0.0.1:0".parse().unwrap(),
            tls: None,
            without_tls: false,
            name: "a measurement".to_owned(),
            version: "0.0.0",
            agents: windlass_hub::Hub::default(),
            enrol: windlass_enrol::Options::default(),
            agent_program: None,
            oidc: None,
            traces: None,
            // One user asks here for all.
            operating: Operating {
                limits: Limits { per_second: None, ..Limits::default() },
                retention,
                ..Operating::default()
            },
        };
        let server = Server::open(options, windlass_plugins::standard().unwrap()).await.unwrap();
        let admin = server.first().unwrap().issued.token.clone();
        let address = server.address().to_string();
        let http: Http = Client::builder(TokioExecutor::new()).build_http();
        let spec = json!({"spec": {"blocks": [{"name": "b", "sequences": [{"name": "s", "actions": [{"name": "a", "use": "noop"}]}]}]}});
        ask(&http, &address, &admin, Method::PATCH, "/api/v1/namespaces/default/plans/work", Some(&spec))
            .await;
        Self { directory, server, admin, address, http }
    }
}

/// Submits runs, many at once, and waits until they have ended; the id of one of them.
async fn submit(server: &Server, http: &Http, address: &str, token: &str, count: usize) -> String {
    let left = Arc::new(AtomicUsize::new(count));
    let workers: Vec<_> = (0..AT_ONCE.min(count))
        .map(|_| {
            let (left, http, address, token, runs) =
                (Arc::clone(&left), http.clone(), address.to_owned(), token.to_owned(), server.runs());
            tokio::spawn(async move {
                let mut last = String::new();
                while left
                    .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1))
                    .is_ok()
                {
                    let path = "/api/v1/namespaces/default/runs";
                    let made =
                        ask(&http, &address, &token, Method::POST, path, Some(&json!({"plan": "work"})))
                            .await;
                    last = made["run"].as_str().unwrap().to_owned();
                    runs.wait(last.parse().unwrap()).await.unwrap();
                }
                last
            })
        })
        .collect();
    let mut last = String::new();
    for worker in workers {
        let its = worker.await.unwrap();
        last = if its.is_empty() { last } else { its };
    }
    last
}

/// Asks so often a second, whatever comes of it, and says how long the answers took.
async fn reads(address: &str, token: &str, run: &str, rate: usize, seconds: usize) {
    let http: Http = Client::builder(TokioExecutor::new()).build_http();
    let runs = "/api/v1/namespaces/default/runs";
    let paths: Arc<Vec<String>> = Arc::new(vec![
        format!("{runs}/{run}"),
        format!("{runs}?limit=100"),
        format!("{runs}/{run}/events?follow=false"),
        format!("{runs}?plan=work&status=succeeded&limit=20"),
        format!("{runs}/{run}/report"),
        "/api/v1/namespaces/default/plans".to_owned(),
        "/api/v1/namespaces/default/plans/work".to_owned(),
        "/api/v1/me".to_owned(),
    ]);
    let begun = Instant::now();
    let mut asked = Vec::with_capacity(rate * seconds);
    for n in 0..rate * seconds {
        let due = begun + Duration::from_secs_f64(n as f64 / rate as f64);
        tokio::time::sleep_until(due.into()).await;
        let (http, address, token, paths) =
            (http.clone(), address.to_owned(), token.to_owned(), Arc::clone(&paths));
        asked.push(tokio::spawn(async move {
            let which = n % paths.len();
            read(&http, &address, &token, &paths[which]).await;
            (which, due.elapsed())
        }));
    }
    let mut took: Vec<(usize, Duration)> = Vec::with_capacity(asked.len());
    for one in asked {
        took.push(one.await.unwrap());
    }
    let all: Vec<Duration> = took.iter().map(|(_, took)| *took).collect();
    let line = |name: &str, mut all: Vec<Duration>| {
        all.sort_unstable();
        let at = |share: f64| all[((all.len() - 1) as f64 * share) as usize].as_secs_f64() * 1e3;
        println!(
            "  {name:<50} p50 {:>6.2} ms   p99 {:>6.2} ms   most {:>7.2} ms",
            at(0.5),
            at(0.99),
            at(1.0)
        );
    };
    println!("  {rate} reads a second for {seconds} s                        limit p99 10 ms");
    line("all of them", all);
    for (which, path) in paths.iter().enumerate() {
        let name = path.replace(run, "RUN").replace("/api/v1/namespaces/default", "");
        line(&name, took.iter().filter(|(of, _)| *of == which).map(|(_, took)| *took).collect());
    }
}

/// So many watch; then something changes again and again, and each must be told of each change.
async fn watchers(address: &str, token: &str, count: usize) {
    let http: Http = Client::builder(TokioExecutor::new()).build_http();
    let told = Arc::new(AtomicUsize::new(0));
    let path = "/api/v1/namespaces/default/variables";
    for _ in 0..count {
        let mut answer = send(&http, address, token, Method::GET, &format!("{path}?watch=true"), None).await;
        let told = Arc::clone(&told);
        tokio::spawn(async move {
            while let Some(Ok(frame)) = answer.body_mut().frame().await {
                let text = frame.into_data().unwrap_or_default();
                told.fetch_add(
                    text.windows(4).filter(|window| window == b"\nid:" || *window == b"id: ").count(),
                    Ordering::Relaxed,
                );
            }
        });
    }
    let mut took = Vec::new();
    for n in 0..CHANGES {
        let spec = json!({"spec": {"vars": {"n": n}}});
        let begun = Instant::now();
        ask(&http, address, token, Method::PATCH, &format!("{path}/watched"), Some(&spec)).await;
        while told.load(Ordering::Relaxed) < count * (n + 1) {
            assert!(
                begun.elapsed() < Duration::from_secs(30),
                "{} of {}",
                told.load(Ordering::Relaxed),
                count * (n + 1)
            );
            tokio::time::sleep(Duration::from_micros(200)).await;
        }
        took.push(begun.elapsed());
    }
    took.sort_unstable();
    println!(
        "  {count} watchers all told of a change             p50 {:>6.2} ms   most {:>7.2} ms",
        took[took.len() / 2].as_secs_f64() * 1e3,
        took[took.len() - 1].as_secs_f64() * 1e3
    );
}

async fn send(
    http: &Http,
    address: &str,
    token: &str,
    method: Method,
    path: &str,
    body: Option<&Value>,
) -> hyper::Response<hyper::body::Incoming> {
    let media = if method == Method::PATCH { "application/apply+json" } else { "application/json" };
    let request = Request::builder()
        .method(method)
        .uri(format!("http://{address}{path}"))
        .header("authorization", format!("Bearer {token}"))
        .header("content-type", media)
        .body(Full::new(body.map(Value::to_string).unwrap_or_default().into()))
        .unwrap();
    let answer = http.request(request).await.unwrap();
    assert!(answer.status().is_success(), "{path}: {}", answer.status());
    answer
}

async fn read(http: &Http, address: &str, token: &str, path: &str) -> Bytes {
    let answer = send(http, address, token, Method::GET, path, None).await;
    answer.into_body().collect().await.unwrap().to_bytes()
}

async fn ask(
    http: &Http,
    address: &str,
    token: &str,
    method: Method,
    path: &str,
    body: Option<&Value>,
) -> Value {
    let answer = send(http, address, token, method, path, body).await;
    let bytes = answer.into_body().collect().await.unwrap().to_bytes();
    serde_json::from_slice(&bytes).unwrap()
}

fn child(args: &[&str], told: Stdio) {
    let mut command = Command::new(std::env::current_exe().unwrap());
    let ended = tokio::task::block_in_place(|| command.args(args).stdout(told).status());
    assert!(ended.unwrap().success());
}

/// What of this process is in memory.
fn resident() -> u64 {
    let pages = std::fs::read_to_string("/proc/self/statm").unwrap();
    pages.split(' ').nth(1).unwrap().parse::<u64>().unwrap() * 4096
}
