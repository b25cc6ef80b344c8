//! One file on a node where no agent runs: a POSIX shell there looks at it, writes it beside its place and puts it there.
//!
//! ```text
//!   LOOK ─▶ Look (what is there) ─┐
//!   what is to be ────────────────┴─▶ Change ── diff ──▶ a foresight
//!                                       └── make ─▶ WRITE ─▶ judged ─▶ PLACE, if nobody touched it since
//! ```
//!
//! Contents travel over standard input, never on a command line. What is only kept by an agent, access lists and security
//! labels, is not kept here.

mod shell;

use std::path::PathBuf;
use std::sync::Arc;

use windlass_plugin::{BareNode, Call, CallError, Cancel, Diff, Output};

use self::shell::{Found, Kind};
use super::attributes::Ownership;
use super::change::{NEW_FILE, SHOWN};
use super::mode::{Mode, shown};
use super::trouble::{IN_THE_WAY, LINK, refuse};
use super::writing::Writing;

/// What the shell there cannot tell, so that only an agent could.
pub(crate) const NOT_TOLD: &str = "notTold";

/// How much content is compared, and written, without an agent.
const MOST: usize = 64 << 20;

/// What a file there is to be.
#[derive(Debug)]
pub(crate) struct Wanted<'a> {
    pub(crate) path: &'a PathBuf,
    /// The content; what is there where this is `None`, and nothing in a new file.
    pub(crate) content: Option<Vec<u8>>,
    pub(crate) ownership: &'a Ownership,
    pub(crate) writing: &'a Writing,
    pub(crate) force: bool,
}

/// What is to be done to it.
#[derive(Debug)]
pub(crate) struct Change<'a> {
    wanted: Wanted<'a>,
    path: String,
    found: Option<Found>,
    writes: bool,
    pub(crate) diff: Diff,
}

// === impl Change ===

impl<'a> Change<'a> {
    /// Looks, and compares.
    pub(crate) async fn of(node: &dyn BareNode, call: &Call, wanted: Wanted<'a>) -> Result<Self, CallError> {
        let shown_path = wanted.path.display().to_string();
        let looked = shell::look(node, call, &wanted).await?;
        let there = looked.found;
        let plain = match &there {
            None => None,
            Some(found) => match found.kind {
                Kind::File => Some(found),
                Kind::Link | Kind::Special if wanted.force => None,
                Kind::Link => {
                    let message = format!(
                        "`{shown_path}` is a symbolic link; say `follow: true` to work on what it leads to, or give that path"
                    );
                    return Err(CallError::permanent(LINK, message));
                }
                other => {
                    let message = format!("`{shown_path}` is {}", other.word());
                    return Err(CallError::permanent(IN_THE_WAY, message));
                }
            },
        };
        let new_len = wanted.content.as_ref().map_or(0, Vec::len);
        if new_len > MOST {
            return Err(refuse(format!("without an agent at most {} MiB are written", MOST >> 20)));
        }
        // What is as long as it is to be, or short enough to be shown, is read.
        let (mut old, mut writes) = (None, plain.is_none());
        if let (Some(found), Some(content)) = (plain, &wanted.content) {
            let is_as_long = found.size == content.len() as u64;
            if found.size <= SHOWN || (is_as_long && content.len() <= MOST) {
                old = Some(node.read(looked.path.as_ref(), MOST, call).await?);
            }
            writes = old.as_ref() != Some(content);
        }
        let mode =
            wanted.ownership.mode.map(Mode::bits).or(plain.map(|found| found.mode)).unwrap_or(NEW_FILE);
        let mut diff = Diff::default();
        if let Some(displaced) = there.as_ref().filter(|_| plain.is_none()) {
            diff = diff.line(format_args!("{shown_path}: {} -> a file", displaced.kind.word()));
        }
        if writes {
            let is_public = plain.is_none_or(|found| found.mode & 0o004 != 0) && mode & 0o004 != 0;
            let shows = wanted.writing.diff.unwrap_or(is_public) && (plain.is_none() || old.is_some());
            diff = diff.and(&content(
                &shown_path,
                plain,
                old.as_deref(),
                wanted.content.as_deref().unwrap_or_default(),
                shows,
            ));
        }
        let label = if writes { String::new() } else { format!("{shown_path}: ") };
        diff = attributes(diff, &wanted, plain, &label);
        Ok(Self { found: there, path: looked.path, writes, diff, wanted })
    }

    /// Makes it so, and says where what stood there before is kept.
    pub(crate) async fn make(
        self,
        node: &Arc<dyn BareNode>,
        call: &Call,
    ) -> Result<Option<String>, CallError> {
        let Self { wanted, path, found, writes, .. } = self;
        if call.cancel.level().is_some() {
            return Err(CallError::cancelled());
        }
        let plain = found.as_ref().filter(|found| found.kind == Kind::File);
        let side =
            |asked: Option<&str>, now: Option<u32>| asked.map(str::to_owned).or(now.map(|id| id.to_string()));
        let owner = side(wanted.ownership.owner.as_ref().map(|it| it.as_str()), plain.map(|found| found.uid));
        let group = side(wanted.ownership.group.as_ref().map(|it| it.as_str()), plain.map(|found| found.gid));
        let owner = match (owner, group) {
            (None, None) => String::new(),
            (owner, group) => format!("{}:{}", owner.unwrap_or_default(), group.unwrap_or_default()),
        };
        if !writes {
            let mode = wanted.ownership.mode.map(|mode| shown(mode.bits())).unwrap_or_default();
            shell::give(&**node, call, &path, &mode, &owner).await?;
            return Ok(None);
        }
        let mode =
            wanted.ownership.mode.map(Mode::bits).or(plain.map(|found| found.mode)).unwrap_or(NEW_FILE);
        let bytes = wanted.content.unwrap_or_default();
        let beside = shell::write(&**node, call, &path, &shown(mode), &owner, bytes).await?;
        let judged = wanted.writing.judge(call, beside.as_ref()).await;
        let judged =
            judged.and_then(|()| call.cancel.level().map_or(Ok(()), |_| Err(CallError::cancelled())));
        let quiet = Call { cancel: Cancel::never(), output: Output::default(), ..call.clone() };
        if let Err(error) = judged {
            shell::remove(&**node, &quiet, &beside).await;
            return Err(error);
        }
        let keeps = wanted.writing.backup && plain.is_some();
        shell::place(&**node, &quiet, &path, &beside, found.as_ref(), keeps).await
    }
}

/// What of the content would be another.
fn content(path: &str, before: Option<&Found>, old: Option<&[u8]>, new: &[u8], shows: bool) -> Diff {
    if shows {
        return Diff::of_bytes(path, old, Some(new));
    }
    let before = before.map_or_else(|| "absent".to_owned(), |found| format!("{} bytes", found.size));
    Diff::default().line(format_args!("{path}: content {before} -> {} bytes (not shown)", new.len()))
}

fn attributes(mut diff: Diff, wanted: &Wanted<'_>, before: Option<&Found>, label: &str) -> Diff {
    let mut add = |name: &str, before: Option<String>, after: Option<String>| {
        let Some(after) = after else { return };
        let so_far = std::mem::take(&mut diff);
        diff = match before {
            Some(before) => so_far.property(format_args!("{label}{name}"), before, after),
            None => so_far.line(format_args!("{label}{name}: {after}")),
        };
    };
    let Ownership { owner, group, mode } = wanted.ownership;
    // A number is compared with a number, and a name with a name.
    let side = |asked: &str, id: u32, name: &str| {
        if asked.parse::<u32>().is_ok() { id.to_string() } else { name.to_owned() }
    };
    if let Some(owner) = owner {
        let now = before.map(|found| side(owner.as_str(), found.uid, &found.user));
        add("owner", now, Some(owner.as_str().to_owned()));
    }
    if let Some(group) = group {
        let now = before.map(|found| side(group.as_str(), found.gid, &found.group));
        add("group", now, Some(group.as_str().to_owned()));
    }
    add("mode", before.map(|found| shown(found.mode)), mode.map(|mode| shown(mode.bits())));
    diff
}
