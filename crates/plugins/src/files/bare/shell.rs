//! The scripts that do it, what they are told and what they answer.

use windlass_plugin::bare::{BareEnd, BareNode, BareProgram, BareStreams};
use windlass_plugin::{BoxFuture, Call, CallError, Output, Stream};

use super::{NOT_TOLD, Wanted};
use crate::files::trouble::{NO_PARENT, UNKNOWN_GROUP, UNKNOWN_USER};

/// What is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Found {
    pub(super) kind: Kind,
    pub(super) mode: u32,
    pub(super) uid: u32,
    pub(super) gid: u32,
    pub(super) user: String,
    pub(super) group: String,
    pub(super) size: u64,
    /// Tells one thing from another, and a state of it from a later one.
    stamp: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    File,
    Directory,
    Link,
    /// A device, a pipe or a socket.
    Special,
}

/// What a look found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Looked {
    /// The path, after a link was followed, if that was wanted.
    pub(super) path: String,
    pub(super) found: Option<Found>,
}

/// Says in a line each: a word, the properties, the path.
const LOOK: &str = r#"
p=$1; d=${p%/*}; d=${d:-/}
[ -d "$d" ] || { [ -e "$d" ] && echo notADirectory || echo noParent; exit 0; }
[ -x "$d" ] || { echo notPermitted; exit 0; }
[ -z "$3" ] || id -u "$3" >/dev/null 2>&1 || { echo unknownUser; exit 0; }
[ -z "$4" ] || getent group "$4" >/dev/null 2>&1 || grep -q "^$4:" /etc/group || { echo unknownGroup; exit 0; }
if [ -L "$p" ] && [ "$2" = follow ]; then p=$(readlink -f "$p") || exit 1; fi
if [ -L "$p" ]; then echo link; elif [ -f "$p" ]; then echo file; elif [ -d "$p" ]; then echo directory
elif [ -e "$p" ]; then echo special; else echo absent; echo; echo "$p"; exit 0; fi
stat -c '%a %u %g %s %i:%s:%Y:%Z %U %G' "$p" || exit 1
echo "$p"
"#;

/// Writes what it reads beside the place, gives it its owner and mode, and says where it is.
const WRITE: &str = r#"
umask 077; t=$1.windlass.$$
fails() { rm -f "$t"; exit 1; }
(set -C; cat > "$t") || fails
[ "$(wc -c < "$t")" -eq "$4" ] || { echo "not all of it arrived" >&2; fails; }
[ -z "$3" ] || [ "$(stat -c %u:%g "$t")" = "$3" ] || chown "$3" "$t" || fails
chmod "$2" "$t" || fails
sync "$t" 2>/dev/null
echo "$t"
"#;

/// Puts it into its place, if what is there is what was there.
const PLACE: &str = r#"
now=; if [ -e "$1" ] || [ -L "$1" ]; then now=$(stat -c %i:%s:%Y:%Z "$1"); fi
fails() { rm -f "$2"; exit 1; }
[ "$now" = "$3" ] || { rm -f "$2"; echo changed; exit 0; }
b=; [ -z "$4" ] || { b=$1.$(date -u +%Y%m%dT%H%M%SZ).bak; ln "$1" "$b" 2>/dev/null || cp -p "$1" "$b" || fails; }
if [ -L "$1" ]; then rm -f "$1"; fi
mv -f "$2" "$1" || fails
echo "placed $b"
"#;

const GIVE: &str = r#"
[ -z "$3" ] || [ "$(stat -c %u:%g "$1")" = "$3" ] || chown "$3" "$1" || exit 1
[ -z "$2" ] || chmod "$2" "$1"
"#;

/// Collects what a script says.
#[derive(Default)]
struct Said {
    out: Vec<u8>,
    err: Vec<u8>,
}

impl BareStreams for Said {
    fn take(&mut self, stream: Stream, bytes: &[u8]) {
        match stream {
            Stream::Stderr => self.err.extend_from_slice(bytes),
            Stream::Stdout | Stream::Note => self.out.extend_from_slice(bytes),
        }
    }

    fn room(&mut self) -> BoxFuture<'_, ()> {
        Box::pin(std::future::ready(()))
    }
}

/// Looks at what is there.
pub(super) async fn look(node: &dyn BareNode, call: &Call, wanted: &Wanted<'_>) -> Result<Looked, CallError> {
    let path = wanted.path.to_string_lossy().into_owned();
    let named = |account: Option<&str>| {
        account.filter(|name| name.parse::<u32>().is_err()).unwrap_or_default().to_owned()
    };
    let (owner, group) = (&wanted.ownership.owner, &wanted.ownership.group);
    let (owner, group) = (owner.as_ref().map(|it| it.as_str()), group.as_ref().map(|it| it.as_str()));
    let follow = if wanted.writing.follow { "follow" } else { "" }.to_owned();
    let parent = wanted.path.parent().unwrap_or(wanted.path).display().to_string();
    let said = run(node, call, LOOK, &[&path, &follow, &named(owner), &named(group)], None).await;
    let said = said.map_err(|why| match why {
        Trouble::Call(error) => error,
        Trouble::Script(why) => {
            let message = format!("what is at `{path}` cannot be told without an agent: {why}");
            CallError::permanent(NOT_TOLD, message)
        }
    })?;
    let fails = |code: &str, message: String| Err(CallError::permanent(code, message));
    match said.lines().next().unwrap_or_default() {
        "noParent" => fails(NO_PARENT, format!("the directory `{parent}` does not exist")),
        "notADirectory" => fails("notADirectory", format!("`{parent}` is no directory")),
        "notPermitted" => fails("notPermitted", format!("who logs in may not look into `{parent}`")),
        "unknownUser" => fails(UNKNOWN_USER, format!("there is no user `{}`", owner.unwrap_or_default())),
        "unknownGroup" => fails(UNKNOWN_GROUP, format!("there is no group `{}`", group.unwrap_or_default())),
        _ => parsed(&said).ok_or_else(|| {
            let message = format!(
                "what is at `{path}` cannot be told without an agent: `stat` there speaks another language"
            );
            CallError::permanent(NOT_TOLD, message)
        }),
    }
}

fn parsed(said: &str) -> Option<Looked> {
    let (word, rest) = said.split_once('\n')?;
    let (properties, path) = rest.split_once('\n')?;
    let path = path.strip_suffix('\n')?.to_owned();
    let kind = match word {
        "absent" => return Some(Looked { path, found: None }),
        "file" => Kind::File,
        "directory" => Kind::Directory,
        "link" => Kind::Link,
        "special" => Kind::Special,
        _ => return None,
    };
    let mut words = properties.split(' ');
    let found = Found {
        kind,
        mode: u32::from_str_radix(words.next()?, 8).ok()?,
        uid: words.next()?.parse().ok()?,
        gid: words.next()?.parse().ok()?,
        size: words.next()?.parse().ok()?,
        stamp: words.next()?.to_owned(),
        user: words.next()?.to_owned(),
        group: words.next()?.to_owned(),
    };
    Some(Looked { path, found: Some(found) })
}

/// Writes content beside its place, and says where.
pub(super) async fn write(
    node: &dyn BareNode,
    call: &Call,
    path: &str,
    mode: &str,
    owner: &str,
    bytes: Vec<u8>,
) -> Result<String, CallError> {
    let len = bytes.len().to_string();
    let said = run(node, call, WRITE, &[path, mode, owner, &len], Some(bytes)).await;
    Ok(said.map_err(|why| why.about("write to", path))?.trim_end_matches('\n').to_owned())
}

/// Puts what was written into its place; says where what stood there is kept.
pub(super) async fn place(
    node: &dyn BareNode,
    call: &Call,
    path: &str,
    beside: &str,
    before: Option<&Found>,
    keeps: bool,
) -> Result<Option<String>, CallError> {
    let stamp = before.map(|found| found.stamp.as_str()).unwrap_or_default();
    let keeps = if keeps { "keep" } else { "" };
    let said = run(node, call, PLACE, &[path, beside, stamp, keeps], None).await;
    let said = said.map_err(|why| why.about("put into place", path))?;
    match said.trim_end_matches('\n').strip_prefix("placed ") {
        Some("") => Ok(None),
        Some(kept) => Ok(Some(kept.to_owned())),
        None => Err(CallError::retryable("changed", format!("somebody else changed `{path}` meanwhile"))),
    }
}

/// Gives what is there another owner and mode.
pub(super) async fn give(
    node: &dyn BareNode,
    call: &Call,
    path: &str,
    mode: &str,
    owner: &str,
) -> Result<(), CallError> {
    let given = run(node, call, GIVE, &[path, mode, owner], None).await;
    given.map(drop).map_err(|why| why.about("change the owner or mode of", path))
}

/// Removes what was written and is not wanted.
pub(super) async fn remove(node: &dyn BareNode, call: &Call, beside: &str) {
    if run(node, call, "rm -f \"$1\"", &[beside], None).await.is_err() {
        call.output.note(&format!("`{beside}` could not be removed there"));
    }
}

enum Trouble {
    /// The node was not reached.
    Call(CallError),
    /// The script did not get to its end, and said this.
    Script(String),
}

async fn run(
    node: &dyn BareNode,
    call: &Call,
    script: &str,
    args: &[&str],
    stdin: Option<Vec<u8>>,
) -> Result<String, Trouble> {
    let words = ["/bin/sh", "-c", script, "windlass"].into_iter().chain(args.iter().copied());
    let env = [("LC_ALL".to_owned(), Some("C".to_owned()))].into();
    let program = BareProgram { argv: words.map(str::to_owned).collect(), env, cwd: None, stdin };
    let quiet = Call { output: Output::default(), ..call.clone() };
    let mut said = Said::default();
    let end = node.run(&program, &quiet, &mut said).await.map_err(Trouble::Call)?;
    if call.cancel.level().is_some() {
        return Err(Trouble::Call(CallError::cancelled()));
    }
    if end == BareEnd::Code(0) {
        return Ok(String::from_utf8_lossy(&said.out).into_owned());
    }
    let err = String::from_utf8_lossy(&said.err).trim().to_owned();
    let last = err.lines().last().unwrap_or("it did not say why");
    Err(Trouble::Script(crate::program::shortened(last)))
}

// === impl Trouble ===

impl Trouble {
    /// What it means, in the words that an agent has for it.
    fn about(self, what: &str, path: &str) -> CallError {
        let why = match self {
            Self::Call(error) => return error,
            Self::Script(why) => why,
        };
        let is = |phrase: &str| why.to_lowercase().contains(phrase);
        let (code, permanent, told) = if is("no space left") {
            ("noSpace", false, "no space is left on its file system")
        } else if is("quota exceeded") {
            ("noSpace", false, "the quota is used up")
        } else if is("read-only file system") {
            ("readOnly", true, "its file system is read-only")
        } else if is("permission denied") || is("not permitted") {
            ("notPermitted", true, "who logs in may not")
        } else {
            ("io", false, "the shell there could not")
        };
        let mut error = CallError::retryable(code, format!("cannot {what} `{path}`: {told}"));
        error.permanent = permanent;
        error.causes.push(why);
        error
    }
}

// === impl Kind ===

impl Kind {
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::File => "a file",
            Self::Directory => "a directory",
            Self::Link => "a symbolic link",
            Self::Special => "a device, pipe or socket",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_look_says_is_read_or_refused() {
        let found = parsed("file\n640 0 33 7 12:1700:1701 root www-data\n/etc/a b\n").unwrap();
        let Looked { path, found } = found;
        let found = found.unwrap();
        assert_eq!((path.as_str(), found.mode, found.gid, found.size), ("/etc/a b", 0o640, 33, 7));
        assert_eq!(parsed("absent\n\n/etc/x\n").unwrap().found, None);
        for wrong in ["", "file\n", "file\n-rw-r--r-- 1 root\n/etc/x\n", "other\n640 0 0 7 s u g\n/x\n"] {
            assert_eq!(parsed(wrong), None, "{wrong:?}");
        }
    }
}
