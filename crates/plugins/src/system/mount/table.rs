//! The table of file systems, and what the kernel says is mounted.

use std::fmt;
use std::path::Path;

use windlass_plugin::CallError;

use crate::system::conf;

/// A line of the table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) source: String,
    pub(super) path: String,
    pub(super) fstype: String,
    pub(super) options: String,
    pub(super) dump: u8,
    pub(super) pass: u8,
}

/// Something that is mounted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Mounted {
    source: String,
    fstype: String,
}

const MOUNTS: &str = "/proc/self/mountinfo";

// === impl Entry ===

impl fmt::Display for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [source, path, fstype, options] =
            [&self.source, &self.path, &self.fstype, &self.options].map(|text| escaped(text));
        write!(f, "{source} {path} {fstype} {options} {} {}", self.dump, self.pass)
    }
}

// === impl Mounted ===

impl Mounted {
    /// Whether it is certainly something else than what the table names. Labels and links lead to devices
    /// whose names cannot be compared, and those are taken for what they should be.
    pub(super) fn is_other(&self, source: &str, fstype: &str) -> bool {
        let real = |name: &str| std::fs::canonicalize(name).ok();
        if fstype != "auto"
            && fstype != "none"
            && fstype != self.fstype
            && !self.fstype.starts_with("fuse")
            && !fstype.starts_with("nfs")
        {
            return true;
        }
        let is_device = source.starts_with("/dev/") && self.source.starts_with("/dev/");
        let is_remote = source.contains(":/") && self.source.contains(":/");
        if is_device {
            return source != self.source && real(source) != real(&self.source);
        }
        is_remote && source.trim_end_matches('/') != self.source.trim_end_matches('/')
    }
}

impl fmt::Display for Mounted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.source, self.fstype)
    }
}

/// What the table says of a path.
pub(super) fn find(text: &str, path: &str) -> Option<Entry> {
    text.lines().filter_map(read).find(|entry| entry.path == path)
}

/// The table with this line for a path, or with none.
pub(super) fn merged(text: &str, path: &str, entry: Option<&Entry>) -> String {
    let line = entry.map(ToString::to_string);
    let mut is_said = false;
    let mut lines: Vec<&str> = Vec::new();
    for there in text.lines() {
        match read(there) {
            Some(found) if found.path == path => {
                let Some((line, entry)) = line.as_deref().zip(entry).filter(|_| !is_said) else { continue };
                is_said = true;
                // A line that says the same may keep its spaces.
                lines.push(if found == *entry { there } else { line });
            }
            _ => lines.push(there),
        }
    }
    lines.extend(line.as_deref().filter(|_| !is_said));
    lines.iter().flat_map(|line| [line, "\n"]).collect()
}

/// What is mounted at a path, the uppermost where there are several.
pub(super) async fn mounted(path: &str) -> Result<Option<Mounted>, CallError> {
    let text = conf::read(Path::new(MOUNTS)).await?.unwrap_or_default();
    let real = tokio::fs::canonicalize(path).await.ok();
    let path = real.as_deref().and_then(Path::to_str).unwrap_or(path);
    Ok(mounted_in(&text, path))
}

/// `36 35 98:0 /root /path rw,noatime shared:1 - ext4 /dev/sda rw`
fn mounted_in(text: &str, path: &str) -> Option<Mounted> {
    let of = |line: &str| {
        let (place, kind) = line.split_once(" - ")?;
        (unescaped(place.split(' ').nth(4)?) == path).then_some(())?;
        let mut words = kind.split(' ');
        let fstype = words.next()?.to_owned();
        Some(Mounted { source: unescaped(words.next()?), fstype })
    };
    text.lines().rev().find_map(of)
}

fn read(line: &str) -> Option<Entry> {
    let line = line.trim();
    if line.starts_with('#') {
        return None;
    }
    let mut words = line.split_whitespace();
    Some(Entry {
        source: unescaped(words.next()?),
        path: unescaped(words.next()?),
        fstype: words.next()?.to_owned(),
        options: unescaped(words.next().unwrap_or("defaults")),
        dump: words.next().unwrap_or("0").parse().ok()?,
        pass: words.next().unwrap_or("0").parse().ok()?,
    })
}

/// Spaces and their kind are written as three octal digits, in the table and by the kernel.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            ' ' => escaped.push_str("\\040"),
            '\t' => escaped.push_str("\\011"),
            '\\' => escaped.push_str("\\134"),
            '#' if escaped.is_empty() => escaped.push_str("\\043"),
            c => escaped.push(c),
        }
    }
    escaped
}

fn unescaped(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let digits = after.get(..3).filter(|digits| digits.iter().all(|digit| (b'0'..=b'7').contains(digit)));
        let value = digits
            .map(|digits| digits.iter().fold(0_u32, |value, digit| value * 8 + u32::from(digit - b'0')));
        match value.and_then(|value| u8::try_from(value).ok()).filter(|_| *first == b'\\') {
            Some(byte) => {
                bytes.push(byte);
                rest = after.get(3..).unwrap_or_default();
            }
            None => {
                bytes.push(*first);
                rest = after;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(path: &str) -> Entry {
        Entry {
            source: "/dev/sdb1".into(),
            path: path.into(),
            fstype: "ext4".into(),
            options: "noatime".into(),
            dump: 0,
            pass: 2,
        }
    }

    #[test]
    fn a_line_is_replaced_where_it_stands() {
        let text = "# comment\nUUID=x / ext4 errors=remount-ro 0 1\n/dev/sdc1\t/srv/my\\040data  xfs  defaults\nproc /proc proc defaults\n";
        let wanted = entry("/srv/my data");
        let after = merged(text, "/srv/my data", Some(&wanted));
        assert_eq!(after.lines().nth(2), Some("/dev/sdb1 /srv/my\\040data ext4 noatime 0 2"));
        assert_eq!(merged(&after, "/srv/my data", Some(&wanted)), after);
        assert_eq!(merged(&after, "/srv/my data", None).lines().count(), 3);
        assert_eq!(merged("", "/x", Some(&entry("/x"))), "/dev/sdb1 /x ext4 noatime 0 2\n");
        let spaced = "/dev/sdb1   /x   ext4   noatime   0 2\n";
        assert_eq!(merged(spaced, "/x", Some(&entry("/x"))), spaced);
    }

    #[test]
    fn the_uppermost_mount_counts() {
        let text = "22 1 8:1 / / rw - ext4 /dev/sda1 rw\n30 22 0:2 / /srv/my\\040data rw shared:1 - tmpfs one rw\n31 30 0:3 / /srv/my\\040data rw - tmpfs two rw\n";
        assert_eq!(mounted_in(text, "/srv/my data").unwrap().source, "two");
        assert_eq!(mounted_in(text, "/srv"), None);
    }
}
