//! Random plans × random faults × random commands × random crashes: what must hold after every event.
//!
//! `PROPTEST_CASES=20000 cargo test -p windlass-rehearsal --test properties` looks harder; a
//! failure prints the case, and proptest keeps its seed.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test that cannot go on has failed"
)]
#![expect(dead_code, reason = "the stage is shared with the scenarios, which use more of it")]

mod cases;
mod invariants;
#[path = "../stage/stage.rs"]
mod stage;

use proptest::prelude::*;

use crate::cases::case;

/// Enough for every build, unless `PROPTEST_CASES` says otherwise.
fn config() -> ProptestConfig {
    let config = ProptestConfig::default();
    let cases = if config.cases == 256 { 4_000 } else { config.cases };
    ProptestConfig { cases, max_shrink_iters: 2_000, ..config }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn every_run_keeps_its_promises(case in case()) {
        let seen = case.scene().play();
        invariants::hold(&seen);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: config().cases / 4, ..config() })]

    /// Whatever the plan, whatever goes wrong, however often Windlass dies: who acts is only asked.
    #[test]
    fn a_noop_never_acts(case in case()) {
        let seen = case.scene().noop().play();
        invariants::looked_only(&seen);
    }
}
