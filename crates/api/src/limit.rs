//! How often somebody may ask: so often a second, and a number of times at once when they have not asked for a while.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// What is asked of clients, so that no one of them keeps the others from being answered.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Limits {
    /// How many requests of one user are answered in a second, for as long as they ask; none: as many as come.
    pub per_second: Option<u32>,
    /// How many may come at once.
    pub burst: u32,
    /// How long what is sent with a request may take to come.
    pub body_within: Duration,
}

/// How often everybody has asked.
#[derive(Debug)]
pub(crate) struct Turns {
    limits: Limits,
    all: Mutex<HashMap<String, Bucket>>,
}

#[derive(Clone, Copy, Debug)]
struct Bucket {
    /// How many more may come now.
    left: f64,
    at: Instant,
}

/// How many people are remembered. Those who have not asked for a while are as good as new.
const MOST: usize = 10_000;

impl Default for Limits {
    fn default() -> Self {
        Self { per_second: Some(1000), burst: 2000, body_within: Duration::from_secs(60) }
    }
}

// === impl Turns ===

impl Turns {
    pub(crate) fn new(limits: Limits) -> Self {
        Self { limits, all: Mutex::default() }
    }

    /// Whether somebody may ask now; when it is worth asking again, else.
    pub(crate) fn take(&self, user: &str, now: Instant) -> Result<(), Duration> {
        let Some(rate) = self.limits.per_second else { return Ok(()) };
        let (rate, burst) = (f64::from(rate.max(1)), f64::from(self.limits.burst.max(1)));
        let filled = |bucket: &Bucket| {
            let since = now.saturating_duration_since(bucket.at).as_secs_f64();
            (bucket.left + since * rate).min(burst)
        };
        let mut all = self.all.lock().unwrap_or_else(PoisonError::into_inner);
        if all.len() >= MOST && !all.contains_key(user) {
            all.retain(|_, bucket| filled(bucket) < burst);
        }
        let bucket = all.entry(user.to_owned()).or_insert(Bucket { left: burst, at: now });
        let left = filled(bucket);
        if left < 1.0 {
            return Err(Duration::from_secs_f64((1.0 - left) / rate));
        }
        *bucket = Bucket { left: left - 1.0, at: now };
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn turns(per_second: u32, burst: u32) -> Turns {
        Turns::new(Limits { per_second: Some(per_second), burst, ..Limits::default() })
    }

    #[test]
    fn one_who_floods_keeps_nobody_else_from_asking() {
        let (turns, now) = (turns(2, 3), Instant::now());
        let taken: Vec<bool> = (0..5).map(|_| turns.take("ann", now).is_ok()).collect();
        assert_eq!(taken, [true, true, true, false, false]);
        assert!(turns.take("bob", now).is_ok());
        let wait = turns.take("ann", now).unwrap_err();
        assert_eq!(wait, Duration::from_millis(500));
        assert!(turns.take("ann", now + wait).is_ok());
    }

    proptest! {
        /// However they come, in any span no more are answered than the burst and what the rate gives in it.
        #[test]
        fn never_more_than_the_burst_and_the_rate(
            gaps in proptest::collection::vec(0_u64..500, 1..200),
            rate in 1_u32..50,
            burst in 1_u32..20,
        ) {
            let (turns, begun) = (turns(rate, burst), Instant::now());
            let (mut at, mut times) = (Duration::ZERO, Vec::new());
            for gap in gaps {
                at += Duration::from_millis(gap);
                if turns.take("ann", begun + at).is_ok() {
                    times.push(at);
                }
            }
            for (index, first) in times.iter().enumerate() {
                for (more, last) in times.iter().skip(index).enumerate() {
                    let may = f64::from(burst) + (*last - *first).as_secs_f64() * f64::from(rate) + 1e-6;
                    prop_assert!((more + 1) as f64 <= may, "{} in {:?}", more + 1, *last - *first);
                }
            }
        }
    }
}
