//! Frames as bytes: whole, in pieces, damaged, and from another version.

#![cfg(test)]

use std::collections::BTreeMap;
use std::path::PathBuf;

use proptest::prelude::*;
use windlass_model::event::Severity;
use windlass_model::id::RunId;
use windlass_model::log_level::LogLevel;
use windlass_model::time::Time;
use windlass_plugin::origin::{OriginEntry, OriginKind};
use windlass_plugin::{CallError, Foresight, Printed, Reply, Stream};
use windlass_wire::{
    AttachOrder, CallOrder, Decoder, Ended, FromAgent, Hello, Lines, MAGIC, MOST_NOISE, Message, Mode,
    Origins, OriginsAnswer, Received, ToAgent, Versions, WireError, encode, greet,
};

fn run() -> RunId {
    RunId(uuid::Uuid::from_u128(7))
}

fn hello() -> Hello {
    Hello {
        versions: Versions { oldest: 1, newest: 1 },
        build: "0.1.0 abc".into(),
        pid: 4711,
        clock_ms: 1_800_000_000_000,
        facts: BTreeMap::from([("arch".into(), "x86_64".into()), ("os".into(), "linux".into())]),
    }
}

fn said_to_agents() -> Vec<ToAgent> {
    let order = CallOrder {
        id: 1,
        mode: Mode::Act,
        plugin: "command".into(),
        request: br#"{"argv":["true"]}"#.to_vec(),
        run: run(),
        plan: "patch".into(),
        address: "patch/web01/reboot".into(),
        attempt: 2,
        key: "k".into(),
        node: Some("web01".into()),
        for_node: None,
        within_ms: 30_000,
        keep: true,
    };
    let entry = |path: &str, kind| OriginEntry {
        path: path.into(),
        kind,
        mode: 0o644,
        len: 3,
        sha256: Some([9; 32]),
    };
    let listed = vec![
        entry("", OriginKind::Directory),
        entry("a", OriginKind::File),
        entry("l", OriginKind::Link("a".into())),
    ];
    let answer = |answer| ToAgent::Origins { id: 1, question: 3, answer };
    vec![
        ToAgent::Hello(hello()),
        ToAgent::Call(Box::new(order)),
        ToAgent::Attach(AttachOrder { id: 2, run: run(), key: "k".into(), attempt: 2, from: 17 }),
        ToAgent::Cancel { id: 1, how: Severity::Kill },
        answer(OriginsAnswer::Listed(listed)),
        answer(OriginsAnswer::Part { file: 1, bytes: vec![0, 1, 255], last: true }),
        answer(OriginsAnswer::Done),
        answer(OriginsAnswer::Refused(CallError::permanent("origin", "no").into())),
        ToAgent::Forget(run()),
        ToAgent::Ping(u64::MAX),
        ToAgent::Bye,
    ]
}

fn said_by_agents() -> Vec<FromAgent> {
    let ended = |ended| FromAgent::Ended { id: 1, ended };
    let mut lines = Lines::default();
    lines.push(&Printed::new(Stream::Stdout, b"out"), 5);
    lines.push(&Printed::new(Stream::Stderr, &[255, 0]), 6);
    let ask = |ask| FromAgent::Origins { id: 1, question: 4, ask };
    let failed =
        CallError::retryable("exit", "exit code 1").with_response(serde_json::json!({"exitCode": 1}));
    vec![
        FromAgent::Hello(hello()),
        FromAgent::Output { id: 1, from: 0, lines },
        ended(Ended::of(Ok(Reply::changed(serde_json::json!({"stdout": "x"}))))),
        ended(Ended::of(Err(failed))),
        ended(Ended::foreseen(Ok(Foresight::unknown("who knows")))),
        ended(Ended::Known(Some(true))),
        FromAgent::Gone { id: 2, begun: true },
        ask(Origins::List("files".into())),
        ask(Origins::Read(vec!["files/a".into(), "files/b".into()])),
        ask(Origins::Write { path: PathBuf::from("back/x"), mode: 0o600 }),
        ask(Origins::Put(vec![1, 2])),
        ask(Origins::Finish),
        ask(Origins::Drop),
        FromAgent::Pong(3),
        FromAgent::Said("the disk is full".into()),
    ]
}

fn all<M: Message>(decoder: &mut Decoder) -> Result<Vec<M>, WireError> {
    let mut messages = Vec::new();
    while let Received::Message(message) = decoder.message()? {
        messages.push(message);
    }
    Ok(messages)
}

fn stream<M: Message>(messages: &[M]) -> Vec<u8> {
    let mut bytes = MAGIC.to_vec();
    messages.iter().for_each(|message| bytes.extend(encode(message).unwrap()));
    bytes
}

/// Feeds bytes in pieces that end at these places.
fn in_pieces<M: Message>(bytes: &[u8], cuts: &[usize]) -> Result<Vec<M>, WireError> {
    let mut decoder = Decoder::default();
    let mut cuts: Vec<usize> =
        cuts.iter().map(|cut| cut % (bytes.len() + 1)).chain([0, bytes.len()]).collect();
    cuts.sort_unstable();
    let mut messages = Vec::new();
    for (n, pair) in cuts.windows(2).enumerate() {
        let piece = &bytes[pair[0]..pair[1]];
        match n % 2 {
            0 => decoder.push(piece),
            _ => decoder.room(piece.len()).extend_from_slice(piece),
        }
        messages.extend(all::<M>(&mut decoder)?);
    }
    assert!(decoder.is_at_an_end());
    Ok(messages)
}

proptest! {
    #[test]
    fn what_is_said_is_understood_however_it_is_cut(cuts in prop::collection::vec(any::<usize>(), 0..40)) {
        prop_assert_eq!(in_pieces::<ToAgent>(&stream(&said_to_agents()), &cuts).unwrap(), said_to_agents());
        prop_assert_eq!(in_pieces::<FromAgent>(&stream(&said_by_agents()), &cuts).unwrap(), said_by_agents());
    }

    #[test]
    fn any_bytes_give_messages_or_an_error(bytes in prop::collection::vec(any::<u8>(), 0..400), greeted: bool) {
        let mut decoder = if greeted { Decoder::of_frames() } else { Decoder::default() };
        decoder.push(&bytes);
        let _ = all::<FromAgent>(&mut decoder);
    }

    #[test]
    fn a_damaged_byte_is_an_error_or_another_message(at in any::<usize>(), flip in 1_u8..=255) {
        let mut bytes = stream(&said_by_agents());
        let at = MAGIC.len() + at % (bytes.len() - MAGIC.len());
        bytes[at] ^= flip;
        let mut decoder = Decoder::default();
        decoder.push(&bytes);
        let _ = all::<FromAgent>(&mut decoder);
    }
}

#[test]
fn a_login_shell_may_talk_first() {
    let mut bytes = b"Welcome to web01!\r\nLast login: never\r\n".to_vec();
    bytes.extend(greet(&FromAgent::Hello(hello())).unwrap());
    let mut decoder = Decoder::default();
    decoder.push(&bytes);
    assert_eq!(all::<FromAgent>(&mut decoder).unwrap(), [FromAgent::Hello(hello())]);
    assert_eq!(decoder.noise(), b"Welcome to web01!\r\nLast login: never\r\n");
}

#[test]
fn talk_without_an_agent_is_told_as_what_it_was() {
    let mut decoder = Decoder::default();
    decoder.push(b"This account is currently not available.\n");
    assert_eq!(decoder.message::<FromAgent>(), Ok(Received::Wait));
    decoder.push(&vec![b'x'; MOST_NOISE]);
    let error = decoder.message::<FromAgent>().unwrap_err();
    assert!(error.to_string().starts_with("no agent answered; what did says: `This account is"), "{error}");
}

#[test]
fn what_may_be_skipped_is_skipped_and_nothing_else() {
    let frame = |kind: u8, flags: u8| vec![5, 0, 0, 0, kind, flags, 1, 2, 3];
    let mut decoder = Decoder::of_frames();
    decoder.push(&frame(200, 1));
    decoder.push(&encode(&FromAgent::Pong(1)).unwrap());
    assert_eq!(all::<FromAgent>(&mut decoder).unwrap(), [FromAgent::Pong(1)]);
    decoder.push(&frame(200, 0));
    assert_eq!(decoder.message::<FromAgent>(), Err(WireError::Unknown { kind: 200 }));
}

#[test]
fn a_frame_of_any_claimed_size_reserves_nothing() {
    let mut decoder = Decoder::of_frames();
    decoder.push(&[255, 255, 255, 255, 66, 0]);
    assert_eq!(decoder.message::<FromAgent>(), Err(WireError::TooLarge { len: u32::MAX as usize }));
    let too_much = FromAgent::Said("x".repeat(33 << 20));
    assert!(matches!(encode(&too_much), Err(WireError::TooLarge { .. })));
}

#[test]
fn memory_of_a_burst_is_given_back_once_less_comes() {
    let mut decoder = Decoder::of_frames();
    let much = FromAgent::Said("x".repeat(100_000));
    decoder.room(1).extend(encode(&much).unwrap());
    assert!(decoder.room(512).capacity() > 100_000);
    assert_eq!(all::<FromAgent>(&mut decoder).unwrap(), [much]);
    assert!(decoder.room(512).capacity() < 1024);
    assert!(decoder.is_at_an_end());
}

/// Bytes of version 1, kept for good: whoever changes what they mean breaks agents that are out there.
#[test]
fn version_1_is_still_read() {
    assert_eq!(include_bytes!("samples/to_agent.v1")[..], stream(&said_to_agents()), "written otherwise now");
    assert_eq!(
        include_bytes!("samples/from_agent.v1")[..],
        stream(&said_by_agents()),
        "written otherwise now"
    );
    assert_eq!(in_pieces::<ToAgent>(include_bytes!("samples/to_agent.v1"), &[]).unwrap(), said_to_agents());
    assert_eq!(
        in_pieces::<FromAgent>(include_bytes!("samples/from_agent.v1"), &[]).unwrap(),
        said_by_agents()
    );
}

#[test]
fn lines_keep_all_that_is_known_of_them() {
    let (mut lines, mut expect) = (Lines::default(), Vec::new());
    for level in
        [None, Some(LogLevel::Debug), Some(LogLevel::Info), Some(LogLevel::Warn), Some(LogLevel::Error)]
    {
        for stream in [Stream::Stdout, Stream::Stderr, Stream::Note] {
            for (goes_on, bytes) in [(false, &b"x"[..]), (true, b""), (false, b"\xff\n")] {
                let printed =
                    Printed { level, goes_on, at: Some(Time(7_000)), ..Printed::new(stream, bytes) };
                lines.push(&printed, 7);
                expect.push(printed);
            }
        }
    }
    assert_eq!(lines.iter().collect::<Vec<_>>(), expect);
    assert_eq!(lines.behind(40).iter().collect::<Vec<_>>(), expect[40..]);
    assert!(lines.behind(expect.len()).is_empty());
}

#[test]
fn the_number_of_lines_makes_no_room_before_they_are_there() {
    // Kind 66, one call, no lines before, and many more lines than there are bytes.
    let body = [1, 0, 0xff, 0xff, 0xff, 0xff, 0x0f];
    let mut bytes = MAGIC.to_vec();
    bytes.extend_from_slice(&(body.len() as u32 + 2).to_le_bytes());
    bytes.extend_from_slice(&[66, 0]);
    bytes.extend_from_slice(&body);
    assert!(matches!(in_pieces::<FromAgent>(&bytes, &[]), Err(WireError::Damaged { kind: 66, .. })));
}
