//! Frames: what is written at once and read whole.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{BufMut as _, Bytes, BytesMut};
use http::{HeaderMap, HeaderName, HeaderValue};
use prost::Message as _;
use tokio::io::{AsyncRead, ReadBuf};

/// What a call begins with, is answered with, or ends with.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct Head {
    /// Which call; of what begins one alone.
    #[prost(string, tag = "1")]
    pub path: String,
    /// What is said beside the messages.
    #[prost(message, repeated, tag = "2")]
    pub fields: Vec<Field>,
}

/// A header or trailer of gRPC.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct Field {
    /// Its name.
    #[prost(string, tag = "1")]
    pub name: String,
    /// Its value.
    #[prost(bytes = "bytes", tag = "2")]
    pub value: Bytes,
}

/// What a frame is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Begin = 1,
    Answer = 2,
    Data = 3,
    End = 4,
    Stop = 5,
    Room = 6,
    Ping = 7,
    Pong = 8,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Frame {
    pub(super) kind: Kind,
    pub(super) call: u32,
    pub(super) payload: Bytes,
}

/// Reads frames, and keeps nothing between them.
#[derive(Debug, Default)]
pub(super) struct Reader {
    head: [u8; HEAD],
    /// How much of what is read now has come.
    come: usize,
    payload: Option<Vec<u8>>,
}

pub(super) const HEAD: usize = 8;
/// The longest payload.
pub(super) const LONGEST: usize = 32 << 10;
/// The longest piece of data that is sent: a record of TLS holds one with its head.
pub(super) const PIECE: usize = (16 << 10) - HEAD;

/// Writes a frame. What is longer than a payload may be is a mistake of this side, and is not written.
pub(super) fn put(out: &mut BytesMut, kind: Kind, call: u32, payload: &[u8]) {
    debug_assert!(payload.len() <= LONGEST, "a payload is too long");
    let Some(len) = u32::try_from(payload.len()).ok().filter(|len| *len as usize <= LONGEST) else { return };
    out.reserve(HEAD + payload.len());
    out.put_u8(kind as u8);
    out.put_u32(call);
    out.put_uint(u64::from(len), 3);
    out.put_slice(payload);
}

// === impl Head ===

impl Head {
    pub(super) fn new(path: &str, fields: &HeaderMap) -> Self {
        let field = |(name, value): (&HeaderName, &HeaderValue)| Field {
            name: name.as_str().to_owned(),
            value: Bytes::copy_from_slice(value.as_bytes()),
        };
        Self { path: path.to_owned(), fields: fields.iter().map(field).collect() }
    }

    /// What is said of a call; that it cannot be, where it is too long.
    pub(super) fn bytes(&self) -> Vec<u8> {
        let bytes = self.encode_to_vec();
        if bytes.len() <= LONGEST {
            return bytes;
        }
        let mut fields = HeaderMap::new();
        let too_long = tonic::Status::internal("what there was to say is too long");
        // It is short, and plain.
        let _ = too_long.add_header(&mut fields);
        Self::new("", &fields).encode_to_vec()
    }

    pub(super) fn read(payload: &[u8]) -> Option<(String, HeaderMap)> {
        let head = Self::decode(payload).ok()?;
        let mut fields = HeaderMap::new();
        for field in head.fields {
            let name = HeaderName::from_bytes(field.name.as_bytes()).ok()?;
            fields.append(name, HeaderValue::from_maybe_shared(field.value).ok()?);
        }
        Some((head.path, fields))
    }
}

// === impl Kind ===

impl Kind {
    fn read(byte: u8) -> Option<Self> {
        let all = [
            Self::Begin,
            Self::Answer,
            Self::Data,
            Self::End,
            Self::Stop,
            Self::Room,
            Self::Ping,
            Self::Pong,
        ];
        all.into_iter().find(|kind| *kind as u8 == byte)
    }
}

// === impl Reader ===

impl Reader {
    /// The next frame; none at the end.
    pub(super) fn poll(
        &mut self,
        io: &mut (impl AsyncRead + Unpin),
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<Option<Frame>>> {
        loop {
            let (head, is_head) = (self.head, self.payload.is_none());
            let wanted = self.payload.as_deref_mut().unwrap_or(self.head.as_mut_slice());
            let missing = wanted.get_mut(self.come..).unwrap_or_default();
            if !missing.is_empty() {
                let mut into = ReadBuf::new(missing);
                ready!(Pin::new(&mut *io).poll_read(cx, &mut into))?;
                match into.filled().len() {
                    0 if is_head && self.come == 0 => return Poll::Ready(Ok(None)),
                    0 => return Poll::Ready(Err(io::ErrorKind::UnexpectedEof.into())),
                    read => self.come = self.come.saturating_add(read),
                }
                continue;
            }
            self.come = 0;
            let (kind, call, len) = measure(head).map_err(wrong)?;
            match self.payload.take() {
                Some(payload) => {
                    return Poll::Ready(Ok(Some(Frame { kind, call, payload: payload.into() })));
                }
                None if len == 0 => {
                    return Poll::Ready(Ok(Some(Frame { kind, call, payload: Bytes::new() })));
                }
                None => self.payload = Some(vec![0; len]),
            }
        }
    }
}

/// What the head of a frame says.
fn measure(head: [u8; HEAD]) -> Result<(Kind, u32, usize), &'static str> {
    let [kind, a, b, c, d, x, y, z] = head;
    let kind = Kind::read(kind).ok_or("there is no such frame")?;
    let len = u32::from_be_bytes([0, x, y, z]) as usize;
    if len > LONGEST {
        return Err("a frame is too long");
    }
    Ok((kind, u32::from_be_bytes([a, b, c, d]), len))
}

fn wrong(why: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, why)
}
