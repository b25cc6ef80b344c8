//! Each fault does what its name says, and nothing else.

use std::task::{Context, Poll, Waker};

use super::*;
use crate::memory::MemoryStore;

fn commits(fault: Fault) -> (Vec<Option<Result<Revision, &'static str>>>, usize) {
    let store = FaultyStore::new(MemoryStore::new()).with(fault);
    let mut answers = Vec::new();
    for n in 1..=4 {
        let mut commit = store.commit(Txn::new().put(format!("k{n}"), "v"));
        let answer = commit.as_mut().poll(&mut Context::from_waker(Waker::noop()));
        answers.push(match answer {
            Poll::Ready(answer) => Some(answer.map_err(|error| error.code())),
            Poll::Pending => None,
        });
    }
    assert_eq!(store.commits(), 4);
    (answers, store.inner().revision() as usize)
}

#[test]
fn a_transient_fault_hits_once() {
    let (answers, stored) = commits(Fault::Transient(2));
    assert_eq!(answers, [Some(Ok(1)), Some(Err("WL-0407")), Some(Ok(2)), Some(Ok(3))]);
    assert_eq!(stored, 3);
}

#[test]
fn a_permanent_fault_stays() {
    let (answers, stored) = commits(Fault::Permanent(3));
    let failed = Some(Err("WL-0407"));
    assert_eq!(answers, [Some(Ok(1)), Some(Ok(2)), failed, failed]);
    assert_eq!(stored, 2);
}

#[test]
fn a_failed_flush_stops_the_store() {
    for (survives, stored_then) in [(Survives::Yes, 2), (Survives::No, 1)] {
        let (answers, stored) = commits(Fault::Flush { commit: 2, survives });
        let stopped = Some(Err("WL-0406"));
        assert_eq!(answers, [Some(Ok(1)), stopped, stopped, stopped]);
        assert_eq!(stored, stored_then);
    }
}

#[test]
fn a_crash_answers_nobody() {
    let (answers, stored) = commits(Fault::CrashAfter(2));
    assert_eq!(answers, [Some(Ok(1)), Some(Ok(2)), None, None]);
    assert_eq!(stored, 2);
    let (answers, stored) = commits(Fault::LostLastWrite(2));
    assert_eq!(answers, [Some(Ok(1)), None, None, None]);
    assert_eq!(stored, 1);
}
