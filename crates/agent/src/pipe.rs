//! Standard input and output as something that can be waited for.
//!
//! sshd gives pipes or sockets, containers give pipes: these are waited for without threads between.
//! Whatever else it is (a file, a terminal) is read and written by threads.

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream as StdStream;
use std::pin::Pin;

use rustix::fs::{FileType, OFlags, fcntl_getfl, fcntl_setfl, fstat};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::UnixStream;
use tokio::net::unix::pipe;

/// Something to read from.
pub(crate) type Reader = Pin<Box<dyn AsyncRead>>;
/// Something to write to.
pub(crate) type Writer = Pin<Box<dyn AsyncWrite>>;

/// Standard input.
pub(crate) fn stdin() -> io::Result<Reader> {
    let fd = io::stdin().as_fd().try_clone_to_owned()?;
    Ok(match kind(&fd)? {
        FileType::Fifo => Box::pin(pipe::Receiver::from_owned_fd(fd)?),
        FileType::Socket => Box::pin(socket(fd)?),
        _ => Box::pin(tokio::io::stdin()),
    })
}

/// Standard output.
pub(crate) fn stdout() -> io::Result<Writer> {
    let fd = io::stdout().as_fd().try_clone_to_owned()?;
    Ok(match kind(&fd)? {
        FileType::Fifo => Box::pin(pipe::Sender::from_owned_fd(fd)?),
        FileType::Socket => Box::pin(socket(fd)?),
        _ => Box::pin(tokio::io::stdout()),
    })
}

fn kind(fd: &OwnedFd) -> io::Result<FileType> {
    Ok(FileType::from_raw_mode(fstat(fd)?.st_mode))
}

fn socket(fd: OwnedFd) -> io::Result<UnixStream> {
    fcntl_setfl(&fd, fcntl_getfl(&fd)? | OFlags::NONBLOCK)?;
    UnixStream::from_std(StdStream::from(fd))
}
