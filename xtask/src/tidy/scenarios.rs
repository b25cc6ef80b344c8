//! Every numbered scenario of the engine is proved by a test whose name starts with its number.

use std::collections::BTreeSet;

use super::Finding;
use super::rust_source::RustSource;

const LAST: usize = 36;

/// Whether a missing scenario fails tidy. To be set when the list is complete, and never to be unset again.
const REQUIRED: bool = true;

pub(super) fn check(sources: &[RustSource]) -> Vec<Finding> {
    let missing = if REQUIRED { missing(sources) } else { Vec::new() };
    let message = |number| format!("no test is named w{number}_...");
    missing.into_iter().map(|number| Finding::new("crates", 0, "scenarios", message(number))).collect()
}

/// The numbers that no test carries.
pub(super) fn missing(sources: &[RustSource]) -> Vec<usize> {
    let proved: BTreeSet<usize> = sources.iter().flat_map(proved_by).collect();
    (1..=LAST).filter(|number| !proved.contains(number)).collect()
}

/// Test modules count too: a scenario with many tests is a module `w12` full of them.
fn proved_by(source: &RustSource) -> Vec<usize> {
    let in_tests = source.code.iter().enumerate().filter(|(index, _)| source.is_test(*index));
    in_tests.filter_map(|(_, line)| numbered(line)).collect()
}

fn numbered(line: &str) -> Option<usize> {
    let name = line.split_once("fn w").or_else(|| line.split_once("mod w"))?.1;
    let number = name.split(|c: char| !c.is_ascii_digit()).next()?;
    name.get(number.len()..)?.starts_with(['_', ' ', '{']).then(|| number.parse().ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scenario_is_proved_by_a_test_with_its_number() {
        let source = RustSource::new(
            "crates/a/tests/b.rs",
            "#[test]\nfn w1_plan_bypass() {}\nasync fn w12_x() {}\nmod w3_pre_fails {\n}\nfn w5() {}",
        );
        let missing = missing(&[source]);
        assert!([1, 3, 12].iter().all(|number| !missing.contains(number)), "{missing:?}");
        assert!([2, 5, 36].iter().all(|number| missing.contains(number)), "{missing:?}");
    }

    #[test]
    fn a_function_that_is_no_test_proves_nothing() {
        assert!(missing(&[RustSource::new("crates/a/src/b.rs", "fn w1_x() {}")]).contains(&1));
    }
}
