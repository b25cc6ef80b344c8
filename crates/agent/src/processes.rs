//! The processes of this machine, as /proc shows them.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read as _;
use std::path::Path;
use std::sync::OnceLock;
use std::time::Duration;

/// What the system tells of a process is shorter: some fifty numbers, and a name of 64 bytes at most.
const MOST_OF_A_STAT: usize = 2048;

/// A process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Process {
    /// The group that it is in.
    pub(crate) group: i32,
    /// The session that it is in.
    pub(crate) session: i32,
    /// When it began, in ticks since the machine did. With its number it is like no other of this life.
    pub(crate) since: u64,
    /// Whether it has ended, and nobody has collected it.
    pub(crate) is_dead: bool,
}

/// Those that can be seen, by number; none where the system does not show them.
pub(crate) fn all() -> BTreeMap<i32, Process> {
    let entries = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    let numbers = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    // One that cannot be read has ended since.
    numbers.filter_map(|number| Some((number, one(number)?))).collect()
}

/// One of them.
pub(crate) fn one(number: i32) -> Option<Process> {
    let path = Path::new("/proc").join(number.to_string()).join("stat");
    // At once: the system makes the text anew for each piece.
    let mut bytes = [0; MOST_OF_A_STAT];
    let len = File::open(path).and_then(|mut file| file.read(&mut bytes)).ok()?;
    parse(&String::from_utf8_lossy(bytes.get(..len)?))
}

/// When the first process of this life began.
fn first() -> Option<u64> {
    static SINCE: OnceLock<Option<u64>> = OnceLock::new();
    *SINCE.get_or_init(|| one(1).map(|first| first.since))
}

/// What tells this life of the machine from others, and this life of a container from its others: within one, no
/// two processes have both number and beginning in common.
pub(crate) fn life() -> Option<String> {
    let boot = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
    let first = first().map_or("-".to_owned(), |since| since.to_string());
    Some(format!("{}/{first}", boot.trim()))
}

/// How long this life has lasted.
pub(crate) fn up() -> Option<Duration> {
    let text = std::fs::read_to_string("/proc/uptime").ok()?;
    let up = Duration::try_from_secs_f64(text.split_ascii_whitespace().next()?.parse().ok()?).ok()?;
    let ticks = rustix::param::clock_ticks_per_second().max(1);
    let first = first().map_or(0, |since| since.saturating_mul(1000) / ticks);
    // Where a container is shown a time of its own, that is it, and its first process began by another clock.
    Some(up.checked_sub(Duration::from_millis(first)).unwrap_or(up))
}

/// `pid (name) state parent group session …`, where a name may hold anything; the beginning is the 22nd field.
fn parse(stat: &str) -> Option<Process> {
    let mut fields = stat.get(stat.rfind(')')?.saturating_add(1)..)?.split_ascii_whitespace();
    let is_dead = matches!(fields.next()?, "Z" | "X" | "x");
    let group = fields.nth(1)?.parse().ok()?;
    let session = fields.next()?.parse().ok()?;
    let since = fields.nth(15)?.parse().ok()?;
    Some(Process { group, session, since, is_dead })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_can_hold_anything() {
        let stat = "7 (a) Z 9 (b)) S 1 42 41 0 -1 4194304 1 2 3 4 5 6 7 8 20 0 1 0 4711 99 0";
        let process = Process { group: 42, session: 41, since: 4711, is_dead: false };
        assert_eq!(parse(stat), Some(process.clone()));
        assert_eq!(parse(&stat.replace(") S", ") Z")), Some(Process { is_dead: true, ..process }));
        assert_eq!(parse("7 (sh) Z 1 42"), None);
        assert_eq!(parse("nothing"), None);
    }

    #[test]
    fn this_process_is_among_them() {
        let own = i32::try_from(std::process::id()).unwrap();
        let seen = all().remove(&own).unwrap();
        assert_eq!(Some(&seen), one(own).as_ref());
        assert!(!seen.is_dead && seen.since > 0);
        assert_eq!(life(), life());
        assert!(up().unwrap() > Duration::ZERO);
    }
}
