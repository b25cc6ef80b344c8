//! The keys that may log in by SSH: a file in a directory that somebody else owns.
//!
//! We may be root here, and the account's owner may have put a link where we expect a directory. So
//! everything below the home directory is reached from it, one step after the other, and no link is followed.

use std::io::Read as _;
use std::path::Path;

use windlass_plugin::{CallError, Diff};

use crate::files::attributes::Attributes;
use crate::files::fresh::Fresh;
use crate::files::tree::Tree;
use crate::files::trouble::trouble;
use crate::system::accounts::Account;

const DIRECTORY: &str = ".ssh";
const FILE: &str = ".ssh/authorized_keys";
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
        Some(home) => read(home)?,
        None => None,
    };
    let after = merged(before.as_deref().unwrap_or_default(), wanted, only);
    if before.as_deref().unwrap_or_default() == after {
        return Ok(Diff::default());
    }
    Ok(Diff::of_texts(FILE, before.as_deref(), Some(&after)))
}

/// Makes it so.
pub(super) fn apply(account: &Account, wanted: &[String], only: bool) -> Result<(), CallError> {
    let home = Path::new(&account.home);
    let before = read(home)?.unwrap_or_default();
    let after = merged(&before, wanted, only);
    if before == after { Ok(()) } else { write(account, home, &after) }
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

fn read(home: &Path) -> Result<Option<String>, CallError> {
    let Some(tree) = Tree::open(home)? else { return Ok(None) };
    let Some(entry) = tree.entry(Path::new(FILE))? else { return Ok(None) };
    let Some(found) = entry.found()? else { return Ok(None) };
    if found.size > LONGEST {
        let message =
            format!("`{}` is longer than {LONGEST} bytes, and is left as it is", entry.path().display());
        return Err(CallError::permanent("content", message));
    }
    let mut text = String::new();
    let read = entry.read()?.take(LONGEST).read_to_string(&mut text);
    read.map_err(|error| trouble("read", entry.path(), error))?;
    Ok(Some(text))
}

fn write(account: &Account, home: &Path, text: &str) -> Result<(), CallError> {
    let tree = Tree::open(home)?.ok_or_else(|| trouble("open", home, rustix::io::Errno::NOENT))?;
    let theirs = Attributes { uid: Some(account.uid), gid: Some(account.gid), mode: None };
    let directory = tree.place(Path::new(DIRECTORY))?;
    if directory.found()?.is_none() {
        directory.make_directory(0o700)?;
        if let Some(made) = directory.found()? {
            theirs.give_entry(&directory, &made)?;
        }
    }
    let place = tree.place(Path::new(FILE))?;
    Fresh::beside(place)?.settle(text.as_bytes(), Attributes { mode: Some(0o600), ..theirs })
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
