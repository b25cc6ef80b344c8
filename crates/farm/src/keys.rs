//! Keys and ports.

use std::io;
use std::net::{Ipv4Addr, TcpListener};
use std::path::Path;
use std::process::{Command, Stdio};

/// A port of an address that nobody listens on now.
///
/// # Errors
///
/// The address is not one of this machine.
pub fn free_port(address: Ipv4Addr) -> io::Result<u16> {
    Ok(TcpListener::bind((address, 0))?.local_addr()?.port())
}

/// Makes a key, unless it is there.
pub(crate) fn keygen(path: &Path) -> io::Result<()> {
    if path.exists() {
        return Ok(());
    }
    let mut command = Command::new("ssh-keygen");
    command.args(["-q", "-t", "ed25519", "-N", "", "-C", "", "-f"]).arg(path).stdin(Stdio::null());
    run(&mut command)
}

/// Runs a program to its end, which has to be good.
pub(crate) fn run(command: &mut Command) -> io::Result<()> {
    let program = command.get_program().to_owned();
    let output = command.output().map_err(|error| told(&program.to_string_lossy(), &error))?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
    Err(io::Error::other(format!("{} ended with {}: {said}", program.to_string_lossy(), output.status)))
}

pub(crate) fn told(what: &str, error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("{what}: {error}"))
}
