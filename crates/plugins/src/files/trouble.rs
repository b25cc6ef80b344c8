//! What can go wrong with files, as failures that say what to do.

use std::io;
use std::path::Path;

use rustix::io::Errno;
use windlass_plugin::CallError;

/// The directory that something lies in is not there.
pub(crate) const NO_PARENT: &str = "noParent";
/// What is to be changed or read is not there.
pub(crate) const NOT_FOUND: &str = "notFound";
/// Something else is there.
pub(crate) const IN_THE_WAY: &str = "inTheWay";
/// A user or group that nobody knows.
pub(crate) const UNKNOWN_USER: &str = "unknownUser";
pub(crate) const UNKNOWN_GROUP: &str = "unknownGroup";
/// A link where a file is wanted.
pub(crate) const LINK: &str = "link";
/// Somebody else is at it.
pub(crate) const BUSY: &str = "busy";

/// What the system refused, in words: `what` is "read", "write to", "remove".
pub(crate) fn trouble(what: &str, path: &Path, error: impl Into<io::Error>) -> CallError {
    let error = error.into();
    let shown = path.display();
    let says = |code: &str, why: String| {
        CallError::permanent(code, format!("cannot {what} `{shown}`: {why}")).because(&error)
    };
    let again = |code: &str, why: String| CallError { permanent: false, ..says(code, why) };
    match error.raw_os_error().map(Errno::from_raw_os_error) {
        Some(Errno::NOENT) => says(NOT_FOUND, "it does not exist".into()),
        Some(Errno::NOSPC) => again("noSpace", "no space is left on its file system".into()),
        Some(Errno::DQUOT) => again("noSpace", "the quota is used up".into()),
        Some(Errno::ROFS) => says("readOnly", "its file system is read-only".into()),
        Some(Errno::ACCESS) => says("notPermitted", format!("{} may not", who())),
        Some(Errno::PERM) => {
            says("notPermitted", format!("{} may not; it may also be immutable (see lsattr)", who()))
        }
        Some(Errno::ISDIR) => says("isADirectory", "it is a directory".into()),
        Some(Errno::NOTDIR) => says("notADirectory", "something on the way to it is no directory".into()),
        Some(Errno::LOOP) => says(LINK, "a symbolic link is in the way".into()),
        Some(Errno::NAMETOOLONG) => says("tooLong", "the name is too long".into()),
        Some(Errno::NOTEMPTY | Errno::EXIST) => says(IN_THE_WAY, "something is there".into()),
        Some(Errno::BUSY | Errno::TXTBSY) => again(BUSY, "it is in use".into()),
        Some(Errno::FBIG) => says("tooLarge", "it is too large for its file system".into()),
        _ => again("io", "the system refuses".into()),
    }
}

/// A refusal of a request.
pub(crate) fn refuse(message: impl Into<String>) -> CallError {
    CallError::permanent(CallError::REQUEST, message)
}

fn who() -> String {
    let id = rustix::process::geteuid().as_raw();
    format!("the user `{}`", super::owner::Database::Users.name_of(id))
}
