//! Whoever sends garbage, stalls, floods or goes away harms nobody else.

use futures_util::FutureExt as _;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tonic::metadata::MetadataValue;
use windlass_line::from_agent::What;
use windlass_line::{FromAgent, Hello, Queue};

use super::*;

async fn works(camp: &Camp, node: &str) {
    let begun = std::time::Instant::now();
    let ended =
        camp.runs(json!([node]), json!([{"name": "a", "use": "command", "with": {"argv": ["true"]}}])).await;
    assert_eq!(ended["status"], "succeeded");
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
    assert_eq!(camp.place.ask("", "GET", "/healthz", None).await.text, "ok\n");
}

#[tokio::test]
async fn garbage_before_and_in_a_handshake() {
    let camp = Camp::new().await;
    let _agent = camp.agent("web01").await;
    let mut stalled = Vec::new();
    for bytes in [
        &b"\x16"[..],
        b"\x16\x03\x01\x00\x05hello",
        b"\x16\x03\x01\xff\xff",
        b"\x16\x03\x03\x00\x00",
        b"\x15\x03\x03\x00\x02\x01\x00",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"\0\xffwindlass-wire\n",
        b"GET / HTTP/1.1\r\n",
    ] {
        for _ in 0..20 {
            let mut stream = TcpStream::connect(camp.place.server.address()).await.unwrap();
            stream.write_all(bytes).await.unwrap();
            stalled.push(stream);
        }
    }
    works(&camp, "web01").await;
    drop(stalled);
    works(&camp, "web01").await;
}

#[tokio::test]
async fn without_a_certificate_nothing_but_joining_is_there() {
    let camp = Camp::new().await;
    let _agent = camp.agent("web01").await;
    let token = camp.token(json!({"nodes": "x"})).await;
    let authority = token.parse::<windlass_line::JoinToken>().unwrap().authority;
    let tls = Arc::new(windlass_dial::stranger(authority).unwrap());
    let channel = windlass_dial::connect(&camp.address(), tls).await.unwrap();
    let (queue, said) = Queue::new();
    let _ = queue.put(What::Hello(Hello { instance: "a".into(), ..Hello::default() }).into());
    let error = windlass_dial::serve(&channel, said).await.unwrap_err();
    assert!(error.to_string().contains("this needs the certificate of an agent"), "{error}");
    let renew = windlass_line::RenewRequest { public_key: vec![4; 65].into() };
    let renewed =
        windlass_dial::call::<_, windlass_line::Issued>(&channel, windlass_line::path::RENEW, renew);
    let error = renewed.await.unwrap_err();
    assert!(error.to_string().contains("this needs the certificate of an agent"), "{error}");
    let large = windlass_line::JoinRequest { token: "x".repeat(2 << 20), ..Default::default() };
    let joined = windlass_dial::call::<_, windlass_line::Issued>(&channel, windlass_line::path::JOIN, large);
    assert!(joined.await.is_err());
    works(&camp, "web01").await;
}

#[tokio::test]
async fn strangers_who_stay_are_so_many_and_no_more() {
    let camp = Camp::new().await;
    let agent = camp.agent("web01").await;
    let token = camp.token(json!({"nodes": "x"})).await;
    let authority = token.parse::<windlass_line::JoinToken>().unwrap().authority;
    let mut channels = Vec::new();
    for _ in 0..200 {
        let tls = Arc::new(windlass_dial::stranger(authority).unwrap());
        if let Ok(channel) = windlass_dial::connect(&camp.address(), tls).await {
            channels.push(channel);
        }
    }
    works(&camp, "web01").await;
    // One that has joined comes in whoever else is there.
    let home = agent.end().await;
    let agent = Agent::serve(home);
    agent.says("serves as `web01`").await;
}

#[tokio::test]
async fn an_agent_that_says_nonsense_is_cut_and_no_other_is() {
    let camp = Camp::new().await;
    let _agent = camp.agent("web01").await;
    let bad = camp.agent("bad").await;
    let identity = bad.identity();
    drop(bad.end().await);
    let tls = Arc::new(windlass_dial::identified(&identity).unwrap());
    let hello = || Hello { instance: "bad".into(), ..Hello::default() };
    let first: Vec<FromAgent> = vec![
        FromAgent { what: None },
        What::Facts("{}".into()).into(),
        What::Hello(Hello::default()).into(),
        What::Hello(Hello { host: "x".repeat(1000), ..hello() }).into(),
    ];
    for message in first {
        let channel = windlass_dial::connect(&camp.address(), Arc::clone(&tls)).await.unwrap();
        let (queue, said) = Queue::new();
        assert!(queue.put(message));
        let error = windlass_dial::serve(&channel, said).await.unwrap_err();
        assert!(error.to_string().contains("does not keep to the protocol"), "{error}");
    }
    let then: Vec<FromAgent> = vec![What::Hello(hello()).into(), What::Facts("no JSON".into()).into()];
    for message in then {
        let channel = windlass_dial::connect(&camp.address(), Arc::clone(&tls)).await.unwrap();
        let (queue, said) = Queue::new();
        assert!(queue.put(What::Hello(hello()).into()) && queue.put(message));
        let mut heard = windlass_dial::serve(&channel, said).await.unwrap();
        let error = loop {
            match heard.message().await {
                Ok(heard) => assert!(heard.is_some(), "it ended well"),
                Err(error) => break error,
            }
        };
        assert!(error.message().contains("does not keep to the protocol"), "{error}");
    }
    // A flood of what is understood, and sessions that nobody asked for.
    let channel = windlass_dial::connect(&camp.address(), tls).await.unwrap();
    let (queue, said) = Queue::new();
    assert!(queue.put(What::Hello(hello()).into()));
    let _heard = windlass_dial::serve(&channel, said).await.unwrap();
    let flood = tokio::spawn(async move {
        loop {
            if !queue.put(What::Facts(format!("{{\"x\": \"{}\"}}", "y".repeat(10_000))).into()) {
                tokio::task::yield_now().await;
            }
        }
    });
    for number in ["1", "18446744073709551615", "x", ""] {
        let mut request = tonic::Request::new(futures_util::stream::pending::<windlass_line::Piece>());
        request.metadata_mut().insert("windlass-session", MetadataValue::try_from(number).unwrap());
        assert!(windlass_dial::session(&channel, request).await.is_err(), "{number}");
    }
    works(&camp, "web01").await;
    flood.abort();
}

#[tokio::test]
async fn who_goes_away_in_the_middle_of_work_leaves_nothing_behind() {
    let camp = Camp::new().await;
    let agent = camp.agent("web01").await;
    for _ in 0..20 {
        let tls = Arc::new(windlass_dial::identified(&agent.identity()).unwrap());
        let channel = windlass_dial::connect(&camp.address(), tls).await.unwrap();
        drop(channel);
        let mut stream = TcpStream::connect(camp.place.server.address()).await.unwrap();
        stream.write_all(b"\x16\x03\x01").await.unwrap();
        let _ = stream.read(&mut [0]).now_or_never();
    }
    works(&camp, "web01").await;
    assert_eq!(camp.hub.count(), 1);
}
