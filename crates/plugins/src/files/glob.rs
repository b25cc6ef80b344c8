//! Paths with `*`, `?` and `[…]` in them.

use std::ffi::OsString;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Component, Path, PathBuf};

use regex::bytes::Regex;
use rustix::fs::OFlags;
use rustix::io::Errno;
use windlass_plugin::CallError;

use super::tree::names;
use super::trouble::trouble;

/// A path in which parts are patterns. A name that begins with a dot is matched by a pattern that does, too.
#[derive(Debug)]
pub(crate) struct Glob {
    /// Where the first pattern is looked for.
    base: PathBuf,
    parts: Vec<Part>,
}

#[derive(Debug)]
enum Part {
    Name(OsString),
    Pattern { regex: Regex, hidden: bool },
}

/// The most paths that one pattern may stand for.
const MOST: usize = 100_000;

// === impl Glob ===

impl Glob {
    pub(crate) fn read(text: &str) -> Result<Self, String> {
        let path = Path::new(text);
        if !path.is_absolute() {
            return Err(format!("`{text}` is not absolute; begin it with `/`"));
        }
        let (mut base, mut parts) = (PathBuf::from("/"), Vec::new());
        for part in path.components().skip(1) {
            let Component::Normal(part) = part else { return Err(format!("`{text}` has a `..` in it")) };
            let words = part.to_string_lossy();
            if words.contains("**") {
                return Err("`**` is not known; a `*` stands for part of one name".to_owned());
            }
            match pattern(&words)? {
                Some(regex) => parts.push(Part::Pattern { regex, hidden: words.starts_with('.') }),
                None if parts.is_empty() => base.push(part),
                None => parts.push(Part::Name(part.to_owned())),
            }
        }
        if parts.is_empty() {
            return Err(format!("`{text}` has no pattern in it; give it as `path`"));
        }
        Ok(Self { base, parts })
    }

    /// What it stands for now, in order. From the first pattern on no link is followed.
    pub(crate) fn paths(&self) -> Result<Vec<PathBuf>, CallError> {
        let mut found = vec![self.base.clone()];
        for (depth, part) in self.parts.iter().enumerate() {
            let mut next = Vec::new();
            for dir in found {
                match part {
                    Part::Name(name) => next.push(dir.join(name)),
                    Part::Pattern { regex, hidden } => {
                        let listed = listed(&dir, depth == 0)?.into_iter();
                        let fits = |name: &OsString| {
                            regex.is_match(name.as_bytes()) && (*hidden || !name.as_bytes().starts_with(b"."))
                        };
                        next.extend(listed.filter(fits).map(|name| dir.join(name)));
                    }
                }
                if next.len() > MOST {
                    let message = format!("the pattern stands for more than {MOST} paths");
                    return Err(CallError::permanent("tooMany", message));
                }
            }
            found = next;
        }
        found.retain(|path| std::fs::symlink_metadata(path).is_ok() && self.is_plain_way(path));
        Ok(found)
    }

    /// Whether no link lies between where patterns begin and the last name.
    fn is_plain_way(&self, path: &Path) -> bool {
        let above = path.ancestors().skip(1).take_while(|above| *above != self.base);
        above.into_iter().all(|above| std::fs::symlink_metadata(above).is_ok_and(|found| found.is_dir()))
    }
}

/// The names in a directory; none where there is no directory.
fn listed(dir: &Path, follow: bool) -> Result<Vec<OsString>, CallError> {
    let mut flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    flags.set(OFlags::NOFOLLOW, !follow);
    match rustix::fs::open(dir, flags, rustix::fs::Mode::empty()) {
        Ok(held) => names(held, dir),
        Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP) => Ok(Vec::new()),
        Err(error) => Err(trouble("list", dir, error)),
    }
}

/// A name as a regular expression; `None` where it means itself.
fn pattern(name: &str) -> Result<Option<Regex>, String> {
    if !name.contains(['*', '?', '[']) {
        return Ok(None);
    }
    let mut regex = String::from("^(?s-u:");
    let mut letters = name.chars().peekable();
    while let Some(letter) = letters.next() {
        match letter {
            '*' => regex.push_str(".*"),
            '?' => regex.push_str("(?u:.)"),
            '[' => {
                let mut class = String::new();
                let negated = letters.next_if(|next| matches!(next, '!' | '^')).is_some();
                loop {
                    match letters.next() {
                        Some(']') if !class.is_empty() => break,
                        Some(next @ ('[' | ']' | '\\' | '^' | '&' | '~')) => class.extend(['\\', next]),
                        Some(next) => class.push(next),
                        None => return Err(format!("`{name}` has a `[` without its `]`")),
                    }
                }
                regex.push_str(&format!("(?u:[{}{class}])", if negated { "^" } else { "" }));
            }
            other => {
                let mut text = [0; 4];
                regex.push_str("(?u:");
                regex.push_str(&regex::escape(other.encode_utf8(&mut text)));
                regex.push(')');
            }
        }
    }
    regex.push_str(")$");
    Regex::new(&regex).map(Some).map_err(|_| format!("`{name}` is no pattern"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_of_names() {
        let check = |text: &str, name: &str| pattern(text).unwrap().unwrap().is_match(name.as_bytes());
        for (text, name, fits) in [
            ("*.log", "a.log", true),
            ("*.log", "a.log.1", false),
            ("a?c", "abc", true),
            ("a?c", "aéc", true),
            ("a?c", "ac", false),
            ("[a-c]x", "bx", true),
            ("[!a-c]x", "bx", false),
            ("[]]x", "]x", true),
            ("a+b*", "a+bcd", true),
            ("a+b*", "aab", false),
        ] {
            assert_eq!(check(text, name), fits, "{text} {name}");
        }
        assert!(pattern("plain").unwrap().is_none());
        assert!(pattern("[a").is_err());
    }

    #[test]
    fn what_is_no_glob() {
        for wrong in ["*.log", "/var/**/x", "/var/../*", "/var/log"] {
            assert!(Glob::read(wrong).is_err(), "{wrong}");
        }
    }
}
