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

    /// Whether any of it is left.
    pub(super) fn is_alive(&self) -> bool {
        self.leader.is_some_and(|leader| test_kill_process_group(leader).is_ok())
    }

    /// What is left of it is none of our business.
    pub(super) fn leave_alone(mut self) {
        self.leader = None;
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        self.signal(Severity::Kill);
    }
}
