//! The rule: what becomes of a run that has ended.

use std::time::Duration;

use windlass_model::time::Time;
use windlass_objects::kinds::RetentionSpec;

/// How long runs that have ended are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retention {
    /// How long, with everything; for ever, where it does not say.
    pub runs: Option<Duration>,
    /// How long what they printed is kept; as long as they, where it does not say.
    pub output: Option<Duration>,
    /// How many of each plan are kept whatever their age: the newest.
    pub newest: u32,
    /// How often it is looked which have been kept long enough.
    pub every: Duration,
}

/// A run that has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Ended {
    /// When.
    pub(super) at: Time,
    /// How many of the same plan and namespace have been submitted since, and ended.
    pub(super) newer: u32,
}

/// What becomes of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Fate {
    /// It stays as it is.
    Stays,
    /// What it printed goes.
    LosesOutput,
    /// Everything of it goes.
    Goes,
}

impl Default for Retention {
    /// Everything is kept.
    fn default() -> Self {
        Self { runs: None, output: None, newest: 0, every: Duration::from_secs(3600) }
    }
}

// === impl Retention ===

impl Retention {
    /// What a namespace says, and this where it says nothing.
    pub(super) fn under(self, said: Option<&RetentionSpec>) -> Self {
        let Some(said) = said else { return self };
        Self {
            runs: said.runs.map(|span| span.0).or(self.runs),
            output: said.output.map(|span| span.0).or(self.output),
            newest: said.newest.unwrap_or(self.newest),
            ..self
        }
    }

    pub(super) fn fate(self, ended: Ended, now: Time) -> Fate {
        if ended.newer < self.newest {
            return Fate::Stays;
        }
        // A clock that was set back makes nothing older.
        let age = now.since(ended.at);
        let is_over = |kept: Option<Duration>| kept.is_some_and(|kept| age > kept);
        match (is_over(self.runs), is_over(self.output)) {
            (true, _) => Fate::Goes,
            (false, true) => Fate::LosesOutput,
            (false, false) => Fate::Stays,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn span() -> impl Strategy<Value = Option<Duration>> {
        proptest::option::of((0_u64..1000).prop_map(Duration::from_secs))
    }

    proptest! {
        #[test]
        fn nothing_goes_before_its_time_nor_stays_behind_it(
            runs in span(),
            output in span(),
            newest in 0_u32..5,
            newer in 0_u32..10,
            at in 0_u64..2000,
            now in 0_u64..4000,
        ) {
            let rule = Retention { runs, output, newest, ..Retention::default() };
            let time = |seconds: u64| Time::ZERO + Duration::from_secs(seconds);
            let fate = rule.fate(Ended { at: time(at), newer }, time(now));
            let age = Duration::from_secs(now.saturating_sub(at));
            prop_assert_eq!(fate == Fate::Goes, newer >= newest && runs.is_some_and(|runs| age > runs));
            prop_assert_eq!(
                fate >= Fate::LosesOutput,
                newer >= newest && [runs, output].into_iter().flatten().any(|kept| age > kept)
            );
            // As time goes by, nothing comes back; and what is newer is not worse off.
            let later = rule.fate(Ended { at: time(at), newer }, time(now + 1));
            prop_assert!(later >= fate);
            let younger = Ended { at: time(at + 1), newer: newer.saturating_sub(1) };
            prop_assert!(rule.fate(younger, time(now)) <= fate);
        }
    }

    #[test]
    fn who_says_nothing_keeps_everything_and_a_namespace_counts_for_more_than_the_server() {
        let ended = Ended { at: Time::ZERO, newer: u32::MAX };
        let late = Time::ZERO + Duration::from_secs(1 << 32);
        assert_eq!(Retention::default().fate(ended, late), Fate::Stays);
        let usual = Retention { runs: Some(Duration::from_secs(10)), newest: 3, ..Retention::default() };
        let said =
            RetentionSpec { output: Some(windlass_model::span::Span::secs(5)), newest: Some(0), runs: None };
        let both = Retention { output: Some(Duration::from_secs(5)), newest: 0, ..usual };
        assert_eq!((usual.under(None), usual.under(Some(&said))), (usual, both));
    }
}
