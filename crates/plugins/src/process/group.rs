//! A process group: how a program is reached together with everything that it started.

use rustix::process::{Pid, Signal, kill_process_group, test_kill_process_group};
use tokio::process::Child;
use windlass_plugin::Severity;

/// The group that a program leads. Dropped before its end, it is killed: nothing stays behind when
/// an attempt is given up.
#[derive(Debug)]
pub(super) struct Group {
    leader: Option<Pid>,
}

// === impl Group ===

impl Group {
    /// The group of a program that was started as the leader of one.
    pub(super) fn of(child: &Child) -> Self {
        let id = child.id().and_then(|id| i32::try_from(id).ok());
        Self { leader: id.and_then(Pid::from_raw) }
    }

    /// Sends the signal for this severity to all of it.
    pub(super) fn signal(&self, how: Severity) {
        let signal = match how {
            Severity::Term => Signal::TERM,
            Severity::Kill => Signal::KILL,
        };
        if let Some(leader) = self.leader {
            // It fails where the group is gone, which is what is wanted.
            let _ = kill_process_group(leader, signal);
        }
    }

    /// Whether anything of it still runs. The dead that nobody collects, as in a container without an init,
    /// do nothing any more and count as gone.
    pub(super) fn is_alive(&self) -> bool {
        self.leader.is_some_and(|leader| {
            test_kill_process_group(leader).is_ok() && runs(leader.as_raw_nonzero().get()) != Some(false)
        })
    }

    /// What is left of it is none of our business.
    pub(super) fn leave_alone(mut self) {
        self.leader = None;
    }
}

/// Whether a process of a group is more than a dead one; `None` where the system does not say.
fn runs(group: i32) -> Option<bool> {
    let mut any = false;
    for entry in std::fs::read_dir("/proc").ok()?.flatten() {
        let name = entry.file_name();
        if !name.to_str().is_some_and(|name| name.bytes().all(|byte| byte.is_ascii_digit())) {
            continue;
        }
        // One that cannot be read has ended since.
        let Ok(stat) = std::fs::read_to_string(entry.path().join("stat")) else { continue };
        any = true;
        if let Some((state, of)) = state_and_group(&stat)
            && of == group
            && !matches!(state, "Z" | "X" | "x")
        {
            return Some(true);
        }
    }
    // A /proc that shows no process at all tells nothing.
    any.then_some(false)
}

/// The state of a process and its group: `pid (name) state parent group …`, where a name may hold anything.
fn state_and_group(stat: &str) -> Option<(&str, i32)> {
    let mut fields = stat.get(stat.rfind(')')?.saturating_add(1)..)?.split_ascii_whitespace();
    let state = fields.next()?;
    Some((state, fields.nth(1)?.parse().ok()?))
}

impl Drop for Group {
    fn drop(&mut self) {
        self.signal(Severity::Kill);
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read;
    use std::os::unix::process::CommandExt;
    use std::process::{Command, Stdio};

    use super::*;

    fn group_of(child: &std::process::Child) -> Group {
        Group { leader: Pid::from_raw(i32::try_from(child.id()).unwrap()) }
    }

    #[test]
    fn a_group_of_which_only_the_dead_are_left_is_gone() {
        let mut child = Command::new("cat")
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let group = group_of(&child);
        assert!(group.is_alive());
        drop(child.stdin.take());
        // Its output ends when it does, and right behind that it is dead; nobody collects it.
        child.stdout.take().unwrap().read_to_end(&mut Vec::new()).unwrap();
        while group.is_alive() {
            std::thread::yield_now();
        }
        assert!(test_kill_process_group(group.leader.unwrap()).is_ok(), "it was collected");
        child.wait().unwrap();
        assert!(!group.is_alive());
        group.leave_alone();
    }

    #[test]
    fn a_name_can_hold_anything() {
        assert_eq!(state_and_group("7 (a) Z 9 (b)) S 1 42 42 0 -1"), Some(("S", 42)));
        assert_eq!(state_and_group("7 (sh) Z 1 42"), Some(("Z", 42)));
        assert_eq!(state_and_group("nothing"), None);
    }
}
