//! What is left to chance: jitter and canaries, drawn from the run's seed.

use std::time::Duration;

use windlass_model::chance::{draw, unit};
use windlass_model::element::ElementId;
use windlass_model::limit::Backoff;

/// The wait before attempt `n + 1`, after `n` failed ones.
pub(crate) fn backoff(policy: &Backoff, n: u32, draw: u64) -> Duration {
    let exponent = i32::try_from(n.saturating_sub(1)).unwrap_or(i32::MAX);
    let most = policy.max.0.as_secs_f64();
    let base = (policy.initial.0.as_secs_f64() * policy.factor.powi(exponent)).min(most);
    let wait = base * (1.0 + policy.jitter * (2.0 * unit(draw) - 1.0));
    // Whole microseconds: that is what the log can say.
    let wait = Duration::try_from_secs_f64(wait.clamp(0.0, most)).unwrap_or(policy.max.0);
    Duration::from_micros(u64::try_from(wait.as_micros()).unwrap_or(u64::MAX))
}

/// `count` different numbers below `total`, each set as likely as any other, in order.
pub(crate) fn choose(seed: u64, element: ElementId, candidates: &[u32], count: usize) -> Vec<u32> {
    let mut pool = candidates.to_vec();
    let count = count.min(pool.len());
    for place in 0..count {
        let left = (pool.len() - place) as u64;
        let n = u32::try_from(place).unwrap_or(u32::MAX);
        // The bias of the remainder is below 2^-40 for any list that fits in memory.
        let pick = place + usize::try_from(draw(seed, (element, n)) % left).unwrap_or(0);
        pool.swap(place, pick);
    }
    pool.truncate(count);
    pool.sort_unstable();
    pool
}

#[cfg(test)]
mod tests {
    use super::*;
    use windlass_model::limit::BackoffChoice;

    #[test]
    fn backoff_stays_within_its_bounds() {
        for (choice, least, most) in [
            (BackoffChoice::Fast, 50, 150),
            (BackoffChoice::Seconds, 500, 1500),
            (BackoffChoice::ThirtySeconds, 24_000, 36_000),
        ] {
            let policy = choice.numbers();
            for draw in [0, u64::MAX / 2, u64::MAX] {
                let wait = backoff(&policy, 1, draw).as_millis();
                assert!((least..=most).contains(&wait), "{choice:?}: {wait}");
                assert!(backoff(&policy, 500, draw) <= policy.max.0);
            }
        }
    }

    #[test]
    fn any_node_can_be_a_canary() {
        let all: Vec<u32> = (0..10).collect();
        let mut seen = [0_u32; 10];
        for seed in 0..2_000 {
            for chosen in choose(seed, ElementId::Block(0), &all, 2) {
                seen[chosen as usize] += 1;
            }
        }
        assert!(seen.iter().all(|count| (250..550).contains(count)), "{seen:?}");
    }
}
