//! Which programs attempts run, so that what an agent left when it was killed can be found, waited for and ended.
//!
//! ```text
//!   <journal>.programs   1 LIFE AGENT SINCE SESSION    who wrote it, in which life of the machine
//!                        + N GROUP SINCE               attempt N began a program, which leads a group
//!                        - N GROUP                     that nobody waits for any more
//! ```
//!
//! It is a file of its own because agents of earlier versions take what they do not know in a journal for its end, and
//! would not find what stands behind that.
//!
//! An agent may be killed between the beginning of a program and the line about it. Its programs are in its session, so
//! what of that is in no line counts for every attempt that had not ended.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use rustix::process::{Pid, Signal, kill_process_group};
use windlass_model::event::Severity;

use crate::processes::{self, Process};

/// The version of the file.
const VERSION: &str = "1";

/// The programs of an agent that writes; none where they cannot be written down.
#[derive(Debug)]
pub(crate) struct Programs(Option<Mutex<File>>);

/// What an attempt whose agent is gone may have left running.
#[derive(Debug)]
pub(crate) struct Left {
    agent: i32,
    /// When it began.
    since: u64,
    session: i32,
    /// The groups that the attempt waited for, and when their leaders began.
    own: BTreeMap<i32, u64>,
    /// All groups that stand in the file.
    known: BTreeSet<i32>,
}

/// The file beside a journal.
pub(crate) fn beside(journal: &Path) -> PathBuf {
    let mut path = journal.as_os_str().to_owned();
    path.push(".programs");
    path.into()
}

/// The files beside other journals, of all runs.
fn others(journal: &Path) -> impl Iterator<Item = PathBuf> {
    let own = beside(journal);
    let work = journal.parent().and_then(Path::parent).map(Path::to_owned);
    let entries = |path: PathBuf| std::fs::read_dir(path).into_iter().flatten().flatten();
    let files = work.into_iter().flat_map(entries).flat_map(move |run| entries(run.path()));
    let files = files.map(|file| file.path());
    files.filter(move |path| path.extension().is_some_and(|ending| ending == "programs") && *path != own)
}

// === impl Programs ===

impl Programs {
    /// Before the first program begins: what is in no line is known by the first one.
    pub(crate) fn of(journal: &Path) -> Self {
        let file = head().and_then(|head| {
            let path = beside(journal);
            let mut file = OpenOptions::new().append(true).create(true).mode(0o600).open(path).ok()?;
            file.write_all(head.as_bytes()).ok()?;
            Some(Mutex::new(file))
        });
        Self(file)
    }

    /// An attempt began a program. What cannot be written down is not found should this process be killed.
    pub(crate) fn begun(&self, n: u32, group: u32) {
        let leader = i32::try_from(group).ok().and_then(processes::one);
        if let Some(Process { since, .. }) = leader {
            self.append(&format!("+ {n} {group} {since}\n"));
        }
    }

    /// Nobody waits for it any more.
    pub(crate) fn ended(&self, n: u32, group: u32) {
        self.append(&format!("- {n} {group}\n"));
    }

    fn append(&self, line: &str) {
        if let Some(file) = &self.0 {
            let _ = file.lock().unwrap_or_else(PoisonError::into_inner).write_all(line.as_bytes());
        }
    }
}

/// The first line of this process; none where the system does not tell.
fn head() -> Option<String> {
    let own = i32::try_from(std::process::id()).ok()?;
    // The session is 0 where its leader is outside of the container that this process was started into.
    let Process { session, since, .. } = processes::one(own)?;
    Some(format!("{VERSION} {} {own} {since} {session}\n", processes::life()?))
}

// === impl Left ===

impl Left {
    /// Of the attempt with this number in a journal; `None` where nothing of it can run any more, or where nobody knows.
    pub(crate) fn of(journal: &Path, n: u32) -> Option<Self> {
        let (text, life) = (std::fs::read_to_string(beside(journal)).ok()?, processes::life()?);
        let mut left = Self::read(&text, n, &life)?;
        // One agent may have served several sessions: what stands in the files of those is not this attempt's.
        let head = text.lines().next();
        for other in others(journal) {
            let Ok(text) = std::fs::read_to_string(other) else { continue };
            if text.lines().next() == head
                && let Some(other) = Self::read(&text, u32::MAX, &life)
            {
                left.known.extend(other.known);
            }
        }
        Some(left)
    }

    fn read(text: &str, n: u32, life: &str) -> Option<Self> {
        // What was torn when the agent was killed is no line.
        let mut lines = text.split_inclusive('\n').filter_map(|line| line.strip_suffix('\n'));
        let mut head = lines.next()?.split(' ');
        if head.next()? != VERSION || head.next()? != life {
            return None;
        }
        let mut number = || head.next()?.parse::<i64>().ok();
        let (agent, since, session) = (number()?, number()?, number()?);
        let mut left = Self {
            agent: i32::try_from(agent).ok()?,
            since: u64::try_from(since).ok()?,
            session: i32::try_from(session).ok()?,
            own: BTreeMap::new(),
            known: BTreeSet::new(),
        };
        for line in lines {
            let mut words = line.split(' ');
            let (Some(what), Some(of), Some(group)) = (words.next(), words.next(), words.next()) else {
                continue;
            };
            let (Ok(of), Ok(group)) = (of.parse::<u32>(), group.parse::<i32>()) else { continue };
            left.known.insert(group);
            match (what, words.next().and_then(|since| since.parse().ok())) {
                ("+", Some(since)) if of == n => drop(left.own.insert(group, since)),
                ("-", _) if of == n => drop(left.own.remove(&group)),
                _ => {}
            }
        }
        Some(left)
    }

    /// Whether a program that the attempt waited for still runs. What that left in the background is nobody's business, as
    /// it would not have been the agent's.
    pub(crate) fn is_running(&self) -> bool {
        !self.led(&processes::all()).is_empty()
    }

    /// Whether anything of it is alive, also what was left in the background: what is told to end has ended when nothing is.
    pub(crate) fn is_alive(&self) -> bool {
        !self.groups(&processes::all()).is_empty()
    }

    /// Sends all of it the signal of this severity.
    pub(crate) fn signal(&self, how: Severity) {
        let signal = match how {
            Severity::Term => Signal::TERM,
            Severity::Kill => Signal::KILL,
        };
        for group in self.groups(&processes::all()).into_iter().filter_map(Pid::from_raw) {
            // It fails where the group is gone by now, which is what is wanted.
            let _ = kill_process_group(group, signal);
        }
    }

    /// The groups of it that are more than dead processes.
    fn groups(&self, all: &BTreeMap<i32, Process>) -> BTreeSet<i32> {
        let alive = all.values().filter(|process| !process.is_dead && process.session == self.session);
        alive.filter(|process| self.is_ours(process, all)).map(|process| process.group).collect()
    }

    /// Those whose leader, which is the program itself, has not ended.
    fn led(&self, all: &BTreeMap<i32, Process>) -> BTreeSet<i32> {
        let leads = |group: &i32| {
            all.get(group).is_some_and(|leader| {
                !leader.is_dead && leader.group == *group && leader.session == self.session
            })
        };
        self.groups(all).into_iter().filter(leads).collect()
    }

    /// Numbers are used again: what is like it in all but its beginning is somebody else's.
    fn is_ours(&self, process: &Process, all: &BTreeMap<i32, Process>) -> bool {
        let is_other = |number: i32, since: u64| all.get(&number).is_some_and(|found| found.since != since);
        match self.own.get(&process.group) {
            Some(since) => !is_other(process.group, *since) && process.since >= *since,
            // Nothing tells programs of the agent from others in a session that it shared.
            None => {
                self.session == self.agent
                    && process.group != self.agent
                    && !self.known.contains(&process.group)
                    && !is_other(self.agent, self.since)
                    && process.since >= self.since
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::process::CommandExt as _;

    use super::*;

    const LIFE: &str = "boot/1";
    const TEXT: &str =
        "1 boot/1 100 50 100\n+ 0 110 60\n- 0 110\n+ 0 120 61\n+ 1 130 62\n- 1 130\n+ 1 140 63\n+ 0 150 6";

    fn process(group: i32, session: i32, since: u64) -> Process {
        Process { group, session, since, is_dead: false }
    }

    fn groups(n: u32, all: &[(i32, Process)]) -> Vec<i32> {
        let left = Left::read(TEXT, n, LIFE).unwrap();
        left.groups(&all.iter().cloned().collect()).into_iter().collect()
    }

    fn led(n: u32, all: &[(i32, Process)]) -> Vec<i32> {
        let left = Left::read(TEXT, n, LIFE).unwrap();
        left.led(&all.iter().cloned().collect()).into_iter().collect()
    }

    #[test]
    fn what_an_attempt_waited_for_is_its_own_and_what_stands_nowhere_is_everybodys() {
        let all = [
            (110, process(110, 100, 60)),
            (120, process(120, 100, 61)),
            (121, process(120, 100, 64)),
            (140, process(140, 100, 63)),
            // Begun, and its line torn.
            (150, process(150, 100, 65)),
            // The agent itself, a session of its own, somebody else.
            (100, Process { is_dead: true, ..process(100, 100, 50) }),
            (160, process(160, 160, 70)),
            (1, process(1, 1, 1)),
        ];
        assert_eq!(groups(0, &all), [120, 150]);
        assert_eq!(groups(1, &all), [140, 150]);
        // The leader is gone, and what it started goes on in the background.
        let background = [(121, process(120, 100, 64))];
        assert_eq!((groups(0, &background), led(0, &background)), (vec![120], vec![]));
        let collected_by_nobody =
            [(120, Process { is_dead: true, ..process(120, 100, 61) }), (121, process(120, 100, 64))];
        assert_eq!((groups(0, &collected_by_nobody), led(0, &collected_by_nobody)), (vec![120], vec![]));
        assert_eq!(led(0, &all), [120, 150]);
        let dead = Process { is_dead: true, ..process(120, 100, 61) };
        assert_eq!(groups(0, &[(120, dead)]), [0; 0]);
    }

    #[test]
    fn a_session_that_began_outside_of_the_container_is_none_of_ours() {
        const NAME: &str =
            "journal::programs::tests::a_session_that_began_outside_of_the_container_is_none_of_ours";
        const INSIDE: &str = "WINDLASS_TEST_INSIDE";
        let directory = tempfile::tempdir().unwrap();
        let journal = directory.path().join("journal");
        if std::env::var_os(INSIDE).is_some() {
            assert_eq!(processes::one(i32::try_from(std::process::id()).unwrap()).unwrap().session, 0);
            let programs = Programs::of(&journal);
            let mut child = std::process::Command::new("sleep").arg("600").process_group(0).spawn().unwrap();
            programs.begun(0, child.id());
            let left = Left::of(&journal, 0).unwrap();
            assert_eq!(left.groups(&processes::all()), BTreeSet::from([child.id().cast_signed()]));
            assert!(!Left::of(&journal, 1).unwrap().is_alive(), "what shares the session counts");
            left.signal(Severity::Kill);
            child.wait().unwrap();
            assert!(!left.is_alive());
            return;
        }
        const CONTAINER: [&str; 6] =
            ["--user", "--map-root-user", "--pid", "--fork", "--mount-proc", "--kill-child"];
        let unshare = || {
            let mut command = std::process::Command::new("unshare");
            command.args(CONTAINER);
            command
        };
        if !unshare().arg("true").status().is_ok_and(|status| status.success()) {
            println!("SKIPPED: {NAME}: no namespaces can be made");
            if let Some(log) = std::env::var_os("WINDLASS_SKIP_LOG") {
                let mut log = OpenOptions::new().append(true).create(true).open(log).unwrap();
                writeln!(log, "{NAME}: no namespaces can be made").unwrap();
            }
            return;
        }
        let mut inside = unshare();
        inside.arg(std::env::current_exe().unwrap()).args(["--exact", NAME]).env(INSIDE, "1");
        let output = inside.output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
        assert!(String::from_utf8_lossy(&output.stdout).contains("1 passed"), "it did not run");
    }

    #[test]
    fn numbers_that_are_used_again_are_not_taken_for_it() {
        assert_eq!(groups(0, &[(120, process(120, 100, 90)), (121, process(120, 100, 91))]), [0; 0]);
        assert_eq!(groups(0, &[(120, process(120, 7, 61))]), [0; 0]);
        assert_eq!(groups(0, &[(100, process(100, 100, 90)), (170, process(170, 100, 91))]), [0; 0]);
        assert!(Left::read(TEXT, 0, "boot/2").is_none());
        assert!(Left::read(&TEXT.replacen('1', "2", 1), 0, LIFE).is_none());
    }
}
