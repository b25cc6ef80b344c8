//! The keys that may log in by SSH: a file in a directory that somebody else owns.
//!
//! We may be root here, and the account's owner may have put a link where we expect a directory. So
//! everything below the home directory is reached from it, one step after the other, and no link is followed.

use std::fs::File;
use std::io::{self, Read as _, Write as _};
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;

use rustix::fs::{AtFlags, Gid, Mode, OFlags, Uid};
use rustix::io::Errno;
use windlass_plugin::{CallError, Diff};

use crate::system::accounts::Account;
use crate::system::conf;

const DIRECTORY: &str = ".ssh";
const FILE: &str = "authorized_keys";
const BESIDE: &str = ".authorized_keys.windlass";
/// More than that is no file of keys.
const LONGEST: u64 = 4 << 20;

/// What is wrong with a line of keys.
pub(super) fn bad(line: &str) -> Option<&'static str> {
    if line.contains(['\n', '\r', '\0']) {
        return Some("it holds a line break; give each key by itself");
    }
    body(line).is_none().then_some("this is no public key, such as `ssh-ed25519 AAAA… name`")
}

/// What the file would become.
pub(super) fn diff(home: Option<&Path>, wanted: &[String], only: bool) -> Result<Diff, CallError> {
    if wanted.is_empty() && !only {
        return Ok(Diff::default());
    }
    let before = match home {
        Some(home) => read(home).map_err(|error| conf::cannot("read the keys below", home, &error))?,
        None => None,
    };
    let after = merged(before.as_deref().unwrap_or_default(), wanted, only);
    if before.as_deref().unwrap_or_default() == after {
        return Ok(Diff::default());
    }
    Ok(Diff::of_texts(&format!("{DIRECTORY}/{FILE}"), before.as_deref(), Some(&after)))
}

/// Makes it so.
pub(super) fn apply(account: &Account, wanted: &[String], only: bool) -> Result<(), CallError> {
    let home = Path::new(&account.home);
    let failed = |error: io::Error| conf::cannot("write the keys below", home, &error);
    let before = read(home).map_err(failed)?.unwrap_or_default();
    let after = merged(&before, wanted, only);
    if before == after { Ok(()) } else { write(account, home, &after).map_err(failed) }
}

fn merged(text: &str, wanted: &[String], only: bool) -> String {
    let bodies: Vec<_> = wanted.iter().map(|line| body(line)).collect();
    let mut lines: Vec<&str> = Vec::new();
    for line in text.lines() {
        match body(line) {
            // Its line in the wanted form takes its place.
            Some(found) if bodies.contains(&Some(found)) => {
                let same = wanted.iter().find(|line| body(line) == Some(found));
                lines.extend(same.map(|line| line.trim()).filter(|line| !lines.contains(line)));
            }
            Some(_) if only => {}
            _ => lines.push(line),
        }
    }
    for line in wanted {
        if !lines.iter().any(|there| body(there) == body(line)) {
            lines.push(line.trim());
        }
    }
    lines.iter().flat_map(|line| [line, "\n"]).collect()
}

/// The part of a line that is the key itself. In front of it there may be options, with spaces in quotes.
fn body(line: &str) -> Option<&str> {
    let line = line.trim();
    if line.starts_with('#') {
        return None;
    }
    let mut is_quoted = false;
    let words = line.split(|c: char| {
        is_quoted ^= c == '"';
        !is_quoted && c.is_whitespace()
    });
    let words: Vec<&str> = words.filter(|word| !word.is_empty()).collect();
    let is_kind = |word: &str| {
        ["ssh-", "ecdsa-sha2-", "sk-ssh-", "sk-ecdsa-"].iter().any(|kind| word.starts_with(kind))
            && !word.contains('"')
    };
    let at = words.iter().take(2).position(|word| is_kind(word))?;
    let key = words.get(at + 1)?;
    let is_base64 = |c: char| c.is_ascii_alphanumeric() || "+/=".contains(c);
    (key.len() >= 16 && key.starts_with("AAAA") && key.chars().all(is_base64)).then_some(*key)
}

fn directory(home: &Path) -> io::Result<Option<OwnedFd>> {
    let home = match rustix::fs::open(home, OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty()) {
        Ok(home) => home,
        Err(Errno::NOENT) => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    opened(home.as_fd())
}

fn opened(home: impl AsFd) -> io::Result<Option<OwnedFd>> {
    let flags = OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    match rustix::fs::openat(home, DIRECTORY, flags, Mode::empty()) {
        Ok(directory) => Ok(Some(directory)),
        Err(Errno::NOENT) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

fn read(home: &Path) -> io::Result<Option<String>> {
    let Some(directory) = directory(home)? else { return Ok(None) };
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let file = match rustix::fs::openat(&directory, FILE, flags, Mode::empty()) {
        Ok(file) => File::from(file),
        Err(Errno::NOENT) => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    let mut text = String::new();
    file.take(LONGEST).read_to_string(&mut text)?;
    Ok(Some(text))
}

fn write(account: &Account, home: &Path, text: &str) -> io::Result<()> {
    let home = rustix::fs::open(home, OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())?;
    let (uid, gid) = (Some(Uid::from_raw(account.uid)), Some(Gid::from_raw(account.gid)));
    match rustix::fs::mkdirat(&home, DIRECTORY, Mode::from_raw_mode(0o700)) {
        Ok(()) => rustix::fs::chownat(&home, DIRECTORY, uid, gid, AtFlags::SYMLINK_NOFOLLOW)?,
        Err(Errno::EXIST) => {}
        Err(error) => return Err(error.into()),
    }
    let directory = opened(&home)?.ok_or(io::ErrorKind::NotFound)?;
    // What an attempt left that was cut off.
    match rustix::fs::unlinkat(&directory, BESIDE, AtFlags::empty()) {
        Ok(()) | Err(Errno::NOENT) => {}
        Err(error) => return Err(error.into()),
    }
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let beside = rustix::fs::openat(&directory, BESIDE, flags, Mode::from_raw_mode(0o600))?;
    rustix::fs::fchown(&beside, uid, gid)?;
    let mut beside = File::from(beside);
    beside.write_all(text.as_bytes())?;
    beside.sync_all()?;
    rustix::fs::renameat(&directory, BESIDE, &directory, FILE)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIone one@desk";
    const TWO: &str = "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABtwo two";

    fn wanted(lines: &[&str]) -> Vec<String> {
        lines.iter().map(|line| (*line).to_owned()).collect()
    }

    #[test]
    fn a_key_is_known_by_its_body() {
        let with_options = format!("from=\"10.0.0.0/8\",command=\"echo a b\" {ONE}");
        assert_eq!(body(&with_options), body(ONE));
        assert_eq!(body("# ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIone"), None);
        for line in [
            "",
            "AAAAC3NzaC1lZDI1NTE5AAAAIone",
            "ssh-ed25519",
            "ssh-ed25519 short",
            "ssh-ed25519 AAAA$(id)aaaaaaaaaaa",
        ] {
            assert!(bad(line).is_some(), "{line}");
        }
        assert!(bad(ONE).is_none() && bad(&format!("{ONE}\n{TWO}")).is_some());
    }

    #[test]
    fn keys_are_added_replaced_and_taken_out() {
        let file = format!("# mine\n{TWO}\n");
        assert_eq!(merged(&file, &wanted(&[ONE]), false), format!("# mine\n{TWO}\n{ONE}\n"));
        assert_eq!(merged(&file, &wanted(&[ONE]), true), format!("# mine\n{ONE}\n"));
        let renamed = TWO.replace("two", "AAAA").replace("AAAA AAAA", "AAAA other");
        let changed = format!("no-pty {TWO}");
        assert_eq!(merged(&file, &wanted(&[&changed]), false), format!("# mine\n{changed}\n"));
        assert!(body(&renamed).is_some());
        assert_eq!(merged(&file, &wanted(&[TWO]), true), file, "twice is as good as once");
    }
}
