//! How much may still be written before the disk gets too full for comfort. It asks the system only
//! now and then: a commit of some hundred bytes costs little more than the question.

use std::time::Duration;

/// For how long an answer is good. The disk may belong to others too, and the reserve is there for
/// what they write in such a while.
const GOOD_FOR: Duration = Duration::from_millis(10);

/// What is known of the free space.
#[derive(Debug)]
pub(crate) struct Room {
    /// What is left untouched; zero: everything may be used.
    reserve: u64,
    /// Until when the last answer is good, and how much of it has not been used.
    known: Option<(Duration, u64)>,
}

// === impl Room ===

impl Room {
    pub(crate) fn new(reserve: u64) -> Self {
        Self { reserve, known: None }
    }

    /// Whether so many bytes may be written now. A disk that was found too full, or that cannot be
    /// asked, is asked again the next time.
    pub(crate) fn take(&mut self, bytes: u64, now: Duration, free: impl FnOnce() -> Option<u64>) -> bool {
        if self.reserve == 0 {
            return true;
        }
        if let Some((until, left)) = &mut self.known
            && now < *until
            && let Some(rest) = left.checked_sub(bytes)
        {
            *left = rest;
            return true;
        }
        self.known = None;
        let Some(free) = free() else { return true };
        let Some(left) = free.checked_sub(self.reserve.saturating_add(bytes)) else { return false };
        self.known = Some((now.saturating_add(GOOD_FOR), left));
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Takes bytes at some millisecond of a disk with so much free space: whether it was asked, and the answer.
    #[track_caller]
    fn check(room: &mut Room, (at, bytes): (u64, u64), free: Option<u64>, expect: (bool, bool)) {
        let mut asked = false;
        let taken = room.take(bytes, Duration::from_millis(at), || {
            asked = true;
            free
        });
        assert_eq!((asked, taken), expect, "{bytes} bytes at {at} ms: {room:?}");
    }

    #[test]
    fn it_asks_now_and_then() {
        let mut room = Room::new(100);
        check(&mut room, (0, 10), Some(1000), (true, true));
        check(&mut room, (0, 10), Some(0), (false, true));
        check(&mut room, (9, 10), Some(0), (false, true));
        check(&mut room, (10, 10), Some(1000), (true, true));
    }

    #[test]
    fn it_asks_before_it_takes_more_than_there_was() {
        let mut room = Room::new(100);
        check(&mut room, (0, 10), Some(200), (true, true));
        check(&mut room, (1, 90), Some(0), (false, true));
        check(&mut room, (1, 1), Some(101), (true, true));
        check(&mut room, (1, 1), Some(100), (true, false));
    }

    #[test]
    fn a_full_disk_is_asked_every_time() {
        let mut room = Room::new(100);
        check(&mut room, (0, 1), Some(100), (true, false));
        check(&mut room, (0, 1), Some(100), (true, false));
        check(&mut room, (0, 1), Some(101), (true, true));
    }

    #[test]
    fn a_disk_that_does_not_say_is_used() {
        let mut room = Room::new(100);
        check(&mut room, (0, 1), None, (true, true));
        check(&mut room, (0, 1), None, (true, true));
    }

    #[test]
    fn without_a_reserve_it_never_asks() {
        check(&mut Room::new(0), (0, u64::MAX), Some(0), (false, true));
    }
}
