//! The accounts of a machine, as its own files list them.
//!
//! Names that a directory service knows are not listed there, and are none of our business: the programs
//! that add accounts say so themselves.

use std::path::Path;

use windlass_plugin::{Call, CallError};

use super::conf;
use super::tool::{self, Tool};

/// A line of `/etc/passwd`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Account {
    pub(super) name: String,
    pub(super) uid: u32,
    pub(super) gid: u32,
    pub(super) comment: String,
    pub(super) home: String,
    pub(super) shell: String,
}

/// A line of `/etc/group`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Group {
    pub(super) name: String,
    pub(super) gid: u32,
    pub(super) members: Vec<String>,
}

pub(super) async fn account(name: &str) -> Result<Option<Account>, CallError> {
    let text = conf::read(Path::new("/etc/passwd")).await?.unwrap_or_default();
    Ok(text.lines().filter_map(read_account).find(|account| account.name == name))
}

pub(super) async fn groups() -> Result<Vec<Group>, CallError> {
    let text = conf::read(Path::new("/etc/group")).await?.unwrap_or_default();
    Ok(text.lines().filter_map(read_group).collect())
}

pub(super) async fn group(name: &str) -> Result<Option<Group>, CallError> {
    Ok(groups().await?.into_iter().find(|group| group.name == name))
}

/// What stands in the place of an account's password.
pub(super) async fn password(name: &str) -> Result<Option<String>, CallError> {
    let text = conf::read(Path::new("/etc/shadow")).await?.unwrap_or_default();
    let of = |line: &str| {
        let mut fields = line.split(':');
        (fields.next() == Some(name)).then(|| fields.next().unwrap_or_default().to_owned())
    };
    Ok(text.lines().find_map(of))
}

/// Runs a program that changes accounts, again while somebody else changes some.
pub(super) async fn change(call: &Call, tool: Tool) -> Result<(), CallError> {
    const TRIES: u32 = 30;
    const LOCKED: &str = "cannot lock /etc/";
    // Who may not lock says so in the same breath, and waiting does not help.
    const REFUSED: &str = "Permission denied";
    for _ in 1..TRIES {
        let ran = tool.clone().run(call).await?;
        if ran.code == 0 {
            return Ok(());
        }
        if !ran.says(LOCKED) || ran.says(REFUSED) {
            return Err(ran.failure());
        }
        let wait = tokio::time::sleep(std::time::Duration::from_millis(500));
        crate::look::unless_cancelled(call, wait).await?;
    }
    tool.done(call).await.map(drop)
}

/// Of a program and its smaller twin, the one that there is.
pub(super) fn either(large: &'static str, small: &'static str) -> Result<&'static str, CallError> {
    if tool::find(large).is_some() {
        Ok(large)
    } else if tool::find(small).is_some() {
        Ok(small)
    } else {
        Err(tool::missing(large, "it comes with the package `shadow` or `passwd`"))
    }
}

/// Why a text is no name of an account or a group.
pub(super) fn bad_name(field: &str, name: &str) -> Option<String> {
    let is_part = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
    let begins = name.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_');
    let stem = name.strip_suffix('$').unwrap_or(name);
    let is_good =
        begins && stem.chars().all(is_part) && name.len() <= 32 && !name.bytes().all(|c| c.is_ascii_digit());
    (!is_good).then(|| {
        format!("`{field}`: `{name}` is no name; up to 32 letters, digits, `.`, `_` and `-`, with a letter among them")
    })
}

/// Why a text cannot be a field of these files.
pub(super) fn bad_field(field: &str, text: &str) -> Option<String> {
    text.contains([':', '\n', '\r', '\0']).then(|| format!("`{field}`: it holds a colon or a line break"))
}

fn read_account(line: &str) -> Option<Account> {
    let mut fields = line.split(':');
    let mut next = || fields.next().map(str::to_owned);
    let name = next()?;
    next()?;
    Some(Account {
        name,
        uid: next()?.parse().ok()?,
        gid: next()?.parse().ok()?,
        comment: next()?,
        home: next()?,
        shell: next()?,
    })
}

fn read_group(line: &str) -> Option<Group> {
    let mut fields = line.split(':');
    let name = fields.next()?.to_owned();
    fields.next()?;
    let gid = fields.next()?.parse().ok()?;
    let members = fields.next().unwrap_or_default().split(',').filter(|member| !member.is_empty());
    Some(Group { name, gid, members: members.map(str::to_owned).collect() })
}
