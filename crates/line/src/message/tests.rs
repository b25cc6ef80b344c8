//! The messages here and those of the `.proto` are the same.

use std::collections::BTreeMap;

use prost::Message;

use super::*;
use crate::{Field, Head};

const PROTO: &str = include_str!("../../proto/agent.proto");

/// The fields of each message of the file: number and type.
fn declared() -> BTreeMap<String, BTreeMap<u32, String>> {
    let (mut messages, mut current) = (BTreeMap::new(), String::new());
    for line in PROTO.lines().map(str::trim).filter(|line| !line.starts_with("//")) {
        if let Some(name) = line.strip_prefix("message ") {
            current = name.trim_end_matches(" {").to_owned();
            messages.insert(current.clone(), BTreeMap::new());
        } else if let Some((left, number)) = line.split_once(" = ")
            && let Ok(number) = number.trim_end_matches(';').parse()
        {
            let kind = left.split(' ').next().unwrap().to_owned();
            messages.get_mut(&current).unwrap().insert(number, kind);
        }
    }
    messages
}

/// The numbers and wire types of what is encoded.
fn encoded(message: &impl Message) -> Vec<(u32, u8)> {
    let bytes = message.encode_to_vec();
    let mut rest = bytes.as_slice();
    let mut fields = Vec::new();
    while !rest.is_empty() {
        let key = prost::encoding::decode_varint(&mut rest).unwrap();
        let (number, kind) = (u32::try_from(key >> 3).unwrap(), (key & 7) as u8);
        let len = prost::encoding::decode_varint(&mut rest).unwrap();
        if kind == 2 {
            rest = &rest[usize::try_from(len).unwrap()..];
        }
        fields.push((number, kind));
    }
    fields
}

fn text() -> String {
    "x".to_owned()
}

fn bytes() -> Bytes {
    Bytes::from_static(b"x")
}

#[test]
fn they_are_those_of_the_file() {
    let hello =
        Hello { instance: text(), version: text(), os: text(), arch: text(), host: text(), program: text() };
    let offer = Offer { version: text(), sha256: text(), len: 1 };
    let (probe, probed) = (Probe { number: 1, address: text() }, Probed { number: 1, answers: true });
    let welcome = Welcome { version: text() };
    let open_as = OpenAs { number: 1, user: text(), method: text(), password: text() };
    assert!(!format!("{open_as:?}").contains("password"), "no secret in what is written down");
    let not_opened =
        NotOpened { number: 1, code: text(), message: text(), permanent: true, causes: vec![text()] };
    let field = Field { name: text(), value: bytes() };
    let agent = |what| encoded(&FromAgent::from(what));
    let server = |what| encoded(&FromServer::from(what));
    let ours = BTreeMap::from([
        ("JoinRequest", encoded(&JoinRequest { token: text(), node: text(), public_key: bytes() })),
        ("RenewRequest", encoded(&RenewRequest { public_key: bytes() })),
        ("Issued", encoded(&Issued { node: text(), certificate: bytes(), authority: bytes(), not_after: 1 })),
        (
            "FromAgent",
            [
                agent(from_agent::What::Hello(hello.clone())),
                agent(from_agent::What::Facts(text())),
                agent(from_agent::What::Pong(1)),
                agent(from_agent::What::Probed(probed)),
                agent(from_agent::What::NotOpened(not_opened.clone())),
            ]
            .concat(),
        ),
        ("Hello", encoded(&hello)),
        (
            "FromServer",
            [
                server(from_server::What::Welcome(welcome.clone())),
                server(from_server::What::Open(1)),
                server(from_server::What::Ping(1)),
                server(from_server::What::Offer(offer.clone())),
                server(from_server::What::Probe(probe.clone())),
                server(from_server::What::Said(text())),
                server(from_server::What::OpenAs(open_as.clone())),
            ]
            .concat(),
        ),
        ("Welcome", encoded(&welcome)),
        ("Offer", encoded(&offer)),
        ("OpenAs", encoded(&open_as)),
        ("NotOpened", encoded(&not_opened)),
        ("Probe", encoded(&probe)),
        ("Probed", encoded(&probed)),
        ("ProgramRequest", encoded(&ProgramRequest { sha256: text() })),
        ("Piece", encoded(&Piece { bytes: bytes() })),
        ("Head", encoded(&Head { path: text(), fields: vec![field.clone()] })),
        ("Field", encoded(&field)),
    ]);
    let declared = declared();
    assert_eq!(
        declared.keys().map(String::as_str).collect::<Vec<_>>(),
        ours.keys().copied().collect::<Vec<_>>()
    );
    for (name, fields) in ours {
        let expect: Vec<(u32, u8)> = declared[name]
            .iter()
            .map(|(number, kind)| (*number, u8::from(!["uint64", "bool"].contains(&kind.as_str())) * 2))
            .collect();
        assert_eq!(fields, expect, "{name}");
    }
}

#[test]
fn the_paths_are_those_of_the_file() {
    let calls: Vec<&str> = PROTO
        .lines()
        .filter_map(|line| line.trim().strip_prefix("rpc "))
        .filter_map(|line| line.split('(').next())
        .collect();
    let paths = [
        crate::path::JOIN,
        crate::path::RENEW,
        crate::path::SERVE,
        crate::path::SESSION,
        crate::path::PROGRAM,
    ];
    assert!(PROTO.contains("package windlass.agent.v1;") && PROTO.contains("service Agents {"));
    assert_eq!(calls.len(), paths.len());
    for (call, path) in calls.iter().zip(paths) {
        assert_eq!(path, format!("/windlass.agent.v1.Agents/{call}"));
    }
}
