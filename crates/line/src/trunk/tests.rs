//! Calls over trunks, whose bytes come in any pieces.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use futures_util::StreamExt as _;
use futures_util::stream;
use http::{HeaderMap, Request, Response};
use http_body::Frame as BodyFrame;
use http_body_util::{BodyExt as _, StreamBody};
use proptest::prelude::*;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream};
use tonic::body::Body;

use super::call::Answering;
use super::frame::{Kind, LONGEST, Reader, put};
use super::*;

const OPTIONS: TrunkOptions =
    TrunkOptions { ask_every: Duration::from_secs(10), answer_within: Duration::from_secs(5), calls: 8 };

fn body(pieces: impl futures_util::Stream<Item = Bytes> + Send + 'static) -> Body {
    Body::new(StreamBody::new(pieces.map(|piece| Ok::<_, Infallible>(BodyFrame::data(piece)))))
}

fn request(path: &str, body: Body) -> Request<Body> {
    Request::builder().uri(path).header("asked", "yes").body(body).unwrap()
}

/// Sends back what comes, and at the end how it was called.
fn echo(request: Request<Arriving>) -> Answering {
    let (parts, body) = request.into_parts();
    let mut fields = HeaderMap::new();
    fields.insert("called", parts.uri.path().parse().unwrap());
    fields.insert("asked", parts.headers["asked"].clone());
    let pieces = body.into_data_stream().map(|piece| piece.map(BodyFrame::data));
    let end = stream::iter([Ok(BodyFrame::trailers(fields))]);
    Box::pin(std::future::ready(Response::new(Body::new(StreamBody::new(pieces.chain(end))))))
}

/// A trunk to who answers so, over a way that takes so many bytes at a time.
fn pair(
    size: usize,
    answer: impl FnMut(Request<Arriving>) -> Answering + Send + 'static,
) -> (Calls, tokio::task::JoinHandle<Result<(), Ended>>) {
    let (here, there) = tokio::io::duplex(size);
    let (calls, trunk) = Trunk::asks(here, OPTIONS);
    tokio::spawn(Trunk::answers(there, OPTIONS, answer));
    (calls, tokio::spawn(trunk))
}

async fn all(body: Arriving) -> (Bytes, HeaderMap) {
    let collected = body.collect().await.unwrap();
    let fields = collected.trailers().cloned().unwrap_or_default();
    (collected.to_bytes(), fields)
}

/// The next frame that is no question whether this lives.
async fn next(io: &mut DuplexStream, reader: &mut Reader) -> Option<super::frame::Frame> {
    std::future::poll_fn(|cx| reader.poll(io, cx)).await.unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn what_is_sent_comes_back_whole_and_in_order(
        calls in prop::collection::vec(prop::collection::vec(0_usize..70_000, 0..6), 1..6),
        size in prop_oneof![1_usize..20, 500_usize..2_000, Just(100_000)],
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        runtime.block_on(async {
            let size = if calls.iter().flatten().sum::<usize>() > 30_000 { size.max(200) } else { size };
            let (trunk, ended) = pair(size, echo);
            let made = calls.iter().zip(0_u8..).map(|(pieces, n)| {
                let pieces: Vec<Bytes> =
                    pieces.iter().zip(0_u8..).map(|(len, at)| vec![n ^ at; *len].into()).collect();
                let expect = pieces.concat();
                let answer = trunk.make(request(&format!("/{n}"), body(stream::iter(pieces))));
                async move {
                    let (bytes, fields) = all(answer.await.unwrap().into_body()).await;
                    assert_eq!(bytes, expect);
                    let said = |name: &str| fields[name].to_str().unwrap().to_owned();
                    assert_eq!((said("called"), said("asked")), (format!("/{n}"), "yes".to_owned()));
                }
            });
            futures_util::future::join_all(made.collect::<Vec<_>>()).await;
            drop(trunk);
            ended.await.unwrap().unwrap();
        });
    }

    #[test]
    fn frames_are_read_as_they_were_written(
        frames in prop::collection::vec((1_u8..9, any::<u32>(), 0_usize..LONGEST), 0..5),
        size in 1_usize..50_000,
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let kinds = [Kind::Begin, Kind::Answer, Kind::Data, Kind::End, Kind::Stop, Kind::Room, Kind::Ping, Kind::Pong];
            let (mut here, mut there) = tokio::io::duplex(size);
            let mut out = BytesMut::new();
            for (kind, call, len) in &frames {
                put(&mut out, kinds[usize::from(kind - 1)], *call, &vec![*kind; *len]);
            }
            let writes = async move { here.write_all(&out).await.unwrap() };
            let reads = async {
                let mut reader = Reader::default();
                let mut found = Vec::new();
                while let Some(frame) = next(&mut there, &mut reader).await {
                    assert!(frame.payload.iter().all(|byte| *byte == frame.kind as u8));
                    found.push((frame.kind as u8, frame.call, frame.payload.len()));
                }
                found
            };
            let ((), found) = tokio::join!(writes, reads);
            assert_eq!(found, frames);
        });
    }

    #[test]
    fn any_bytes_end_a_trunk_or_wait_for_more(bytes in prop::collection::vec(any::<u8>(), 0..200), first in 0_u8..10) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        runtime.block_on(async {
            let (mut here, there) = tokio::io::duplex(100_000);
            let trunk = tokio::spawn(Trunk::answers(there, OPTIONS, echo));
            here.write_all(&[first]).await.unwrap();
            let _ = here.write_all(&bytes).await;
            drop(here);
            let _ = trunk.await.unwrap();
        });
    }
}

#[tokio::test]
async fn one_that_is_not_read_holds_up_no_other_and_takes_no_more_than_its_room() {
    let made = Arc::new(AtomicUsize::new(0));
    let counts = Arc::clone(&made);
    let (trunk, _) = pair(64 << 10, move |request| {
        if request.uri().path() != "/endless" {
            return echo(request);
        }
        let counts = Arc::clone(&counts);
        let endless = stream::repeat_with(move || {
            counts.fetch_add(1000, Ordering::Relaxed);
            Bytes::from_static(&[7; 1000])
        });
        Box::pin(std::future::ready(Response::new(body(endless))))
    });
    let stalled = trunk.make(request("/endless", Body::empty())).await.unwrap();
    for _ in 0..20 {
        let pieces = stream::iter(vec![Bytes::from_static(&[1; 50_000]); 20]);
        let answer = trunk.make(request("/", body(pieces))).await.unwrap();
        assert_eq!(all(answer.into_body()).await.0.len(), 1_000_000);
    }
    let waits = made.load(Ordering::Relaxed);
    assert!((WINDOW as usize..WINDOW as usize + 2_000).contains(&waits), "{waits}");
    // Read at last, it goes on.
    let mut stalled = stalled.into_body().into_data_stream();
    let mut read = 0;
    while read < 3 * WINDOW as usize {
        read += stalled.next().await.unwrap().unwrap().len();
    }
}

#[tokio::test]
async fn what_nobody_waits_for_is_given_up_on_both_sides() {
    struct Gone(Arc<AtomicUsize>);
    impl Drop for Gone {
        fn drop(&mut self) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }
    let gone = Arc::new(AtomicUsize::new(0));
    let counts = Arc::clone(&gone);
    let (trunk, ended) = pair(1_000, move |request| {
        let gone = Gone(Arc::clone(&counts));
        match request.uri().path() {
            // It is never answered.
            "/answer" => Box::pin(async move {
                let _kept = (gone, request);
                std::future::pending().await
            }),
            // It is answered, and never ends.
            _ => Box::pin(async move {
                let endless = stream::pending().map(move |()| {
                    let _kept = (&gone, &request);
                    Bytes::new()
                });
                Response::new(body(endless))
            }),
        }
    });
    let is_gone = async |count| {
        let within = tokio::time::Instant::now() + Duration::from_secs(10);
        while gone.load(Ordering::Relaxed) < count {
            assert!(tokio::time::Instant::now() < within);
            tokio::task::yield_now().await;
        }
    };
    let answer = trunk.make(request("/answer", body(stream::pending())));
    assert!(tokio::time::timeout(Duration::from_millis(20), answer).await.is_err());
    is_gone(1).await;
    let arriving = trunk.make(request("/body", body(stream::pending()))).await.unwrap();
    drop(arriving);
    is_gone(2).await;
    // One whose connection goes is broken off, and says why.
    let arriving = trunk.make(request("/body", Body::empty())).await.unwrap();
    ended.abort();
    let error = arriving.into_body().collect().await.unwrap_err();
    assert_eq!(error.message(), "the connection is gone");
    let error = trunk.make(request("/body", Body::empty())).await.unwrap_err();
    assert_eq!(error.message(), "the connection is gone");
    is_gone(3).await;
}

#[tokio::test]
async fn too_many_calls_are_refused_and_no_other_is() {
    let (trunk, _) = pair(1_000, |request| match request.uri().path() {
        "/stays" => Box::pin(async { Response::new(body(stream::pending())) }),
        _ => echo(request),
    });
    let mut stays = Vec::new();
    for _ in 0..OPTIONS.calls {
        let answer = trunk.make(request("/stays", Body::empty())).await.unwrap();
        assert!(answer.headers().is_empty());
        stays.push(answer);
    }
    let refused = trunk.make(request("/", Body::empty())).await.unwrap();
    let status = tonic::Status::from_header_map(refused.headers()).unwrap();
    assert_eq!(status.code(), tonic::Code::ResourceExhausted);
    drop(stays.pop());
    loop {
        let answer = trunk.make(request("/", Body::empty())).await.unwrap();
        if tonic::Status::from_header_map(answer.headers()).is_none() {
            assert_eq!(all(answer.into_body()).await.1["called"], "/");
            return;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn who_is_silent_is_asked_and_who_does_not_answer_is_gone() {
    // Both live, and say so for as long as it takes.
    let (trunk, mut ended) = pair(1_000, |_| Box::pin(async { Response::new(body(stream::pending())) }));
    let answer = trunk.make(request("/", Body::empty())).await.unwrap();
    assert!(tokio::time::timeout(Duration::from_secs(1_000), &mut ended).await.is_err());
    drop(answer);
    // The other side is there, and says nothing.
    let (here, mut there) = tokio::io::duplex(1_000);
    let begun = tokio::time::Instant::now();
    let ended = Trunk::answers(here, OPTIONS, echo).await.unwrap_err();
    assert!(matches!(ended, Ended::Silent), "{ended}");
    assert_eq!(begun.elapsed(), OPTIONS.ask_every + OPTIONS.answer_within);
    let frame = next(&mut there, &mut Reader::default()).await.unwrap();
    assert_eq!(frame.kind, Kind::Ping);
}

#[tokio::test]
async fn who_does_not_keep_to_it_is_cut() {
    let begin = Head { path: "/".into(), fields: Vec::new() }.bytes();
    let long = vec![0; LONGEST];
    let room = u32::MAX.to_be_bytes();
    type Frames<'a> = Vec<(Kind, u32, &'a [u8])>;
    let cases: Vec<(&str, Frames<'_>)> = vec![
        ("a call that there is not", vec![(Kind::Data, 1, b"x")]),
        ("a call that there is not", vec![(Kind::Begin, 1, &begin), (Kind::Data, 2, b"x")]),
        ("makes a call twice", vec![(Kind::Begin, 2, &begin), (Kind::Begin, 2, &begin)]),
        ("makes a call twice", vec![(Kind::Begin, 0, &begin)]),
        ("cannot be read", vec![(Kind::Begin, 1, b"\xff")]),
        ("without a name", vec![(Kind::Begin, 1, b"")]),
        ("what was not asked", vec![(Kind::Begin, 1, &begin), (Kind::Answer, 1, b"")]),
        ("no number", vec![(Kind::Begin, 1, &begin), (Kind::Room, 1, b"x")]),
        // All the room in the world is no harm.
        ("", vec![(Kind::Begin, 1, &begin), (Kind::Room, 1, &room), (Kind::Room, 1, &room)]),
        (
            "more than there is room for",
            [vec![(Kind::Begin, 1, &begin[..])], vec![(Kind::Data, 1, &long[..]); 9]].concat(),
        ),
    ];
    for (expect, frames) in cases {
        let (mut here, there) = tokio::io::duplex(1 << 20);
        // Nobody reads what arrives.
        let trunk = Trunk::answers(there, OPTIONS, |request| {
            Box::pin(async move {
                let _kept = request;
                std::future::pending().await
            })
        });
        let trunk = tokio::spawn(trunk);
        let mut out = BytesMut::new();
        frames.iter().for_each(|(kind, call, payload)| put(&mut out, *kind, *call, payload));
        here.write_all(&out).await.unwrap();
        here.shutdown().await.unwrap();
        let ended = trunk.await.unwrap().err().map(|ended| ended.to_string()).unwrap_or_default();
        assert!(ended.contains(expect) && expect.is_empty() == ended.is_empty(), "{ended} – {expect}");
        drop(here);
    }
    // Who only answers may not call; who asks for very much and takes nothing is cut.
    let (mut here, there) = tokio::io::duplex(1 << 10);
    let (_calls, trunk) = Trunk::asks(there, OPTIONS);
    let mut out = BytesMut::new();
    put(&mut out, Kind::Begin, 1, &begin);
    here.write_all(&out).await.unwrap();
    assert!(trunk.await.unwrap_err().to_string().contains("calls who makes the calls"));
    let (here, there) = tokio::io::duplex(1 << 10);
    let trunk = tokio::spawn(Trunk::answers(there, OPTIONS, echo));
    let (_reads_nothing, mut here) = tokio::io::split(here);
    let mut pings = BytesMut::new();
    for _ in 0..200_000 {
        put(&mut pings, Kind::Ping, 0, &[]);
    }
    let _ = here.write_all(&pings).await;
    assert!(trunk.await.unwrap().unwrap_err().to_string().contains("does not take what it asks for"));
}

#[tokio::test]
async fn a_flood_of_calls_or_of_pieces_is_kept_in_no_more_than_its_room() {
    // Calls that nobody hears the refusal of.
    let begin = Head { path: "/".into(), fields: Vec::new() }.bytes();
    let (here, there) = tokio::io::duplex(1 << 10);
    let trunk = tokio::spawn(Trunk::answers(there, OPTIONS, |_| {
        Box::pin(async { Response::new(body(stream::repeat(Bytes::from_static(&[1; 1000])))) })
    }));
    let (_reads_nothing, mut here) = tokio::io::split(here);
    let mut out = BytesMut::new();
    for number in 1..2_000 {
        put(&mut out, Kind::Begin, number, &begin);
    }
    let _ = here.write_all(&out).await;
    assert!(trunk.await.unwrap().unwrap_err().to_string().contains("calls without end"));
    // Pieces that nobody reads: empty ones are not kept, and small ones are kept together.
    let (inbox, arriving) = arriving::Inbox::new();
    let waker = std::task::Waker::noop();
    for at in 0..WINDOW {
        inbox.put(Bytes::copy_from_slice(&[at.to_be_bytes()[3]]), waker);
    }
    inbox.end(Ok(HeaderMap::new()), waker);
    let pieces: Vec<Bytes> = arriving.into_data_stream().map(Result::unwrap).collect().await;
    assert_eq!(pieces.len(), WINDOW as usize / 4096);
    assert!(pieces.concat().iter().zip(0_u32..).all(|(byte, at)| *byte == at.to_be_bytes()[3]));
    let (mut here, there) = tokio::io::duplex(1 << 20);
    let (found, mut finds) = tokio::sync::mpsc::unbounded_channel();
    let trunk = tokio::spawn(Trunk::answers(there, OPTIONS, move |request| {
        let found = found.clone();
        Box::pin(async move {
            let mut pieces = request.into_body().into_data_stream();
            while let Some(Ok(piece)) = pieces.next().await {
                found.send(piece).unwrap();
            }
            Response::new(Body::empty())
        })
    }));
    let mut out = BytesMut::new();
    put(&mut out, Kind::Begin, 1, &begin);
    for _ in 0..10_000 {
        put(&mut out, Kind::Data, 1, b"");
    }
    put(&mut out, Kind::Data, 1, b"x");
    here.write_all(&out).await.unwrap();
    assert_eq!(finds.recv().await.unwrap(), "x", "the first that is found is the only one");
    drop(here);
    trunk.await.unwrap().unwrap();
}

#[tokio::test]
async fn both_may_send_all_that_they_have_at_once() {
    let (trunk, _) = pair(100, |request| {
        let (_, arriving) = request.into_parts();
        tokio::spawn(arriving.collect());
        Box::pin(async { Response::new(body(stream::iter(vec![Bytes::from_static(&[1; 40_000]); 20]))) })
    });
    let calls = (0..4).map(|_| {
        let pieces = stream::iter(vec![Bytes::from_static(&[2; 40_000]); 20]);
        let answer = trunk.make(request("/", body(pieces)));
        async { all(answer.await.unwrap().into_body()).await.0.len() }
    });
    let lens = futures_util::future::join_all(calls.collect::<Vec<_>>()).await;
    assert_eq!(lens, [800_000; 4]);
}

#[tokio::test]
async fn a_connection_that_ends_in_a_frame_is_broken() {
    let (mut here, there) = tokio::io::duplex(100);
    here.write_all(&[Kind::Ping as u8, 0, 0]).await.unwrap();
    drop(here);
    let ended = Trunk::answers(there, OPTIONS, echo).await.unwrap_err();
    assert!(
        matches!(&ended, Ended::Io(error) if error.kind() == std::io::ErrorKind::UnexpectedEof),
        "{ended}"
    );
    // At the end of one it has ended well, and what was said before was heard.
    let (mut here, there) = tokio::io::duplex(100);
    let mut out = BytesMut::new();
    put(&mut out, Kind::Ping, 0, &[]);
    here.write_all(&out).await.unwrap();
    here.shutdown().await.unwrap();
    Trunk::answers(there, OPTIONS, echo).await.unwrap();
    let mut left = Vec::new();
    here.read_to_end(&mut left).await.unwrap();
}
