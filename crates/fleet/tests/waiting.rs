//! What is printed faster than it is kept waits where it is printed.

#![cfg(test)]

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream};
use tokio::sync::Semaphore;
use windlass_fleet::{Connect, Connection, Destination, Fleet, Gate, Reached, over};
use windlass_model::id::RunId;
use windlass_plugin::{
    AtNode, BoxFuture, Call, CallError, CancelSource, Node, Origin, Output, OutputSink, Printed, Programs,
    Registry, Stream,
};
use windlass_wire::{
    Decoder, Ended, FromAgent, Hello, Lines, Origins, Received, ToAgent, Versions, encode, greet,
};

/// What each message holds, and how many there are.
const LINE: usize = 1000;
const LINES: usize = 60;
const MESSAGES: usize = 100;

/// An agent that asks so many questions and then prints as much as it can, whatever it is told to do, and hears nothing meanwhile.
#[derive(Clone, Default)]
struct Printing {
    asks: usize,
    sent: Arc<AtomicUsize>,
}

/// Keeps lines, as long as there is room.
struct Kept {
    lines: Mutex<Vec<Vec<u8>>>,
    room: Semaphore,
}

impl Connect for Printing {
    fn connect<'a>(&'a self, _: &'a Destination) -> BoxFuture<'a, Result<Reached, CallError>> {
        Box::pin(async move {
            let (ours, theirs) = tokio::io::duplex(1 << 14);
            tokio::spawn(print(theirs, self.clone()));
            let (reader, writer) = tokio::io::split(ours);
            let (reader, writer) = (Box::pin(reader), Box::pin(writer));
            Ok(Reached::Agent(Connection { reader, writer, keep: Box::new(()) }))
        })
    }
}

async fn print(mut line: DuplexStream, Printing { asks, sent }: Printing) {
    let hello = Hello {
        versions: Versions::OURS,
        build: String::new(),
        pid: 1,
        clock_ms: 0,
        facts: std::collections::BTreeMap::new(),
    };
    line.write_all(&greet(&FromAgent::Hello(hello)).unwrap()).await.unwrap();
    let mut decoder = Decoder::default();
    let id = loop {
        match decoder.message::<ToAgent>().unwrap() {
            Received::Message(ToAgent::Call(order)) => break order.id,
            Received::Message(_) => {}
            Received::Wait => {
                line.read_buf(decoder.room(4096)).await.unwrap();
            }
        }
    };
    for question in 0..asks {
        let ask = Origins::List("/not/ours".into());
        let frame = encode(&FromAgent::Origins { id, question: question as u64, ask }).unwrap();
        line.write_all(&frame).await.unwrap();
    }
    for n in 0..MESSAGES {
        let mut lines = Lines::default();
        (0..LINES).for_each(|m| lines.push(&Printed::new(Stream::Stdout, &text(n * LINES + m)), 0));
        let frame = encode(&FromAgent::Output { id, from: (n * LINES) as u64, lines }).unwrap();
        for piece in frame.chunks(1 << 10) {
            line.write_all(piece).await.unwrap();
            sent.fetch_add(piece.len(), Ordering::Relaxed);
        }
    }
    let ended = Ended::Replied { response: b"{}".to_vec(), changed: true };
    line.write_all(&encode(&FromAgent::Ended { id, ended }).unwrap()).await.unwrap();
    // It is there until nobody listens any more.
    while let Ok(1..) = line.read_buf(decoder.room(4096)).await {}
}

fn text(n: usize) -> Vec<u8> {
    let mut text = format!("{n} ").into_bytes();
    text.resize(LINE, b'x');
    text
}

impl OutputSink for Kept {
    fn line(&self, _: Stream, bytes: &[u8]) {
        self.lines.lock().unwrap().push(bytes.to_vec());
    }

    fn room(&self) -> Option<BoxFuture<'_, ()>> {
        Some(Box::pin(async { self.room.acquire().await.unwrap().forget() }))
    }
}

fn registry(agent: &Printing) -> Registry {
    let fleet = Fleet::new(agent.clone(), Gate::default());
    over(&windlass_plugins::standard().unwrap(), &fleet, |_| false).unwrap()
}

fn call(kept: &Arc<Kept>) -> Call {
    Call {
        run: RunId(uuid::Uuid::from_u128(1)),
        plan: "trial".into(),
        address: "patch/web01/do".into(),
        attempt: 1,
        key: "key".into(),
        node: Some(Arc::new(Node { name: "web01".into(), ..Node::default() })),
        for_node: None,
        deadline_in: Duration::from_secs(60),
        cancel: CancelSource::new().cancel(),
        output: Output::to(Arc::clone(kept) as Arc<dyn OutputSink>),
        origin: Origin::default(),
        bare: None,
        age: Duration::ZERO,
        programs: Programs::default(),
        at_node: AtNode::default(),
        sensitive: false,
    }
}

#[tokio::test]
async fn what_nobody_keeps_waits_where_it_is_printed_and_comes_when_there_is_room() {
    let agent = Printing::default();
    let kept = Arc::new(Kept { lines: Mutex::default(), room: Semaphore::new(0) });
    let shell = registry(&agent).get("shell").unwrap();
    let (call, request) = (call(&kept), Arc::new(json!({"script": "true"})));
    let work = tokio::spawn(async move { shell.call(call, request).await });
    // Until nothing more moves: one thread does everything, in turn.
    let (mut waits, mut rests) = (0, 0);
    while waits == 0 || rests < 1000 {
        tokio::task::yield_now().await;
        let sent = agent.sent.load(Ordering::Relaxed);
        rests = if sent == waits { rests + 1 } else { 0 };
        waits = sent;
    }
    assert!((LINE * LINES..400_000).contains(&waits), "{waits} bytes were taken that nobody keeps");
    assert_eq!(kept.lines.lock().unwrap().len(), LINES);
    kept.room.add_permits(MESSAGES);
    work.await.unwrap().unwrap();
    let lines = kept.lines.lock().unwrap();
    assert_eq!(lines.len(), LINES * MESSAGES);
    assert!(lines.iter().enumerate().all(|(n, line)| *line == text(n)));
}

#[tokio::test]
async fn answers_that_are_not_heard_hold_up_nothing_that_is_printed() {
    // More than a queue and the connection hold.
    let agent = Printing { asks: 1000, ..Printing::default() };
    let kept = Arc::new(Kept { lines: Mutex::default(), room: Semaphore::new(MESSAGES) });
    let shell = registry(&agent).get("shell").unwrap();
    let work = shell.call(call(&kept), Arc::new(json!({"script": "true"})));
    tokio::time::timeout(Duration::from_secs(60), work).await.unwrap().unwrap();
    assert_eq!(kept.lines.lock().unwrap().len(), LINES * MESSAGES);
}
