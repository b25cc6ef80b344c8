//! The beginning of a connection, which says whether HTTP/1.1 or HTTP/2 is spoken on it, with and without TLS.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, ReadBuf};

/// What HTTP/2 begins with.
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// What is spoken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Spoken {
    Http1,
    Http2,
}

/// A connection of which the first bytes were looked at: they come once more.
#[derive(Debug)]
pub(crate) struct Begun<S> {
    first: [u8; PREFACE.len()],
    /// How many of them there are, and how many were given out.
    len: usize,
    taken: usize,
    stream: S,
}

// === impl Begun ===

impl<S: AsyncRead + Unpin> Begun<S> {
    /// Reads until it is clear what is spoken.
    pub(crate) async fn read(mut stream: S) -> io::Result<(Self, Spoken)> {
        let (mut first, mut len) = ([0; PREFACE.len()], 0_usize);
        let spoken = loop {
            let rest = first.get_mut(len..).unwrap_or_default();
            if rest.is_empty() {
                break Spoken::Http2;
            }
            let read = stream.read(rest).await?;
            len = len.saturating_add(read);
            let is_preface = first.get(..len).is_some_and(|come| PREFACE.starts_with(come));
            if read == 0 || !is_preface {
                break Spoken::Http1;
            }
        };
        Ok((Self { first, len, taken: 0, stream }, spoken))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Begun<S> {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let left = this.first.get(this.taken..this.len).unwrap_or_default();
        if left.is_empty() {
            return Pin::new(&mut this.stream).poll_read(cx, buf);
        }
        let given = left.len().min(buf.remaining());
        buf.put_slice(left.get(..given).unwrap_or_default());
        this.taken = this.taken.saturating_add(given);
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Begun<S> {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().stream).poll_write(cx, buf)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::AsyncWriteExt as _;

    use super::*;

    #[tokio::test]
    async fn the_first_bytes_tell_and_come_once_more_however_they_are_cut() {
        let long = [PREFACE, b"and more"].concat();
        for (sent, expect) in [
            (&long[..], Spoken::Http2),
            (PREFACE, Spoken::Http2),
            (b"GET / HTTP/1.1\r\n\r\n", Spoken::Http1),
            (b"PRI * HTTP/1.1\r\n\r\n and so on and on", Spoken::Http1),
            (b"PR", Spoken::Http1),
            (b"", Spoken::Http1),
        ] {
            for piece in [1, 3, 100] {
                let (mut there, here) = tokio::io::duplex(8);
                let bytes = sent.to_vec();
                let sends = tokio::spawn(async move {
                    for piece in bytes.chunks(piece) {
                        there.write_all(piece).await.unwrap();
                    }
                });
                let (mut begun, spoken) = Begun::read(here).await.unwrap();
                assert_eq!(spoken, expect, "{}", sent.escape_ascii());
                let mut all = Vec::new();
                begun.read_to_end(&mut all).await.unwrap();
                assert_eq!(all, sent);
                sends.await.unwrap();
            }
        }
    }
}
