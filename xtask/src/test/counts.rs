//! How many tests passed, failed and were skipped, read from what the runners say.

use std::fmt;

/// The sum over every runner of one `cargo xtask test`.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    passed: usize,
    failed: usize,
    skipped: usize,
}

impl Counts {
    /// Adds a line of `cargo test` if it is a summary (`test result: ok. 3 passed; 0 failed; …`).
    pub(super) fn add_libtest_line(&mut self, line: &str) {
        let Some(rest) = line.trim_start().strip_prefix("test result: ") else { return };
        for part in rest.split(['.', ';']) {
            let mut words = part.split_whitespace();
            let (Some(number), Some(kind)) =
                (words.next().and_then(|n| n.parse::<usize>().ok()), words.next())
            else {
                continue;
            };
            match kind {
                "passed" => self.passed += number,
                "failed" => self.failed += number,
                _ => {}
            }
        }
    }

    /// Adds the totals of the JUnit file that nextest writes.
    pub(super) fn add_junit(&mut self, xml: &str) {
        let Some(totals) = xml.split("<testsuites").nth(1).and_then(|rest| rest.split('>').next()) else {
            return;
        };
        let total = attribute(totals, "tests");
        let failed = attribute(totals, "failures") + attribute(totals, "errors");
        self.failed += failed;
        self.passed += total.saturating_sub(failed);
    }

    /// Tests that returned early count as passed with every runner; here they do not.
    pub(super) fn skip(&mut self, number: usize) {
        self.passed = self.passed.saturating_sub(number);
        self.skipped += number;
    }
}

impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} passed, {} failed", self.passed, self.failed)?;
        if self.skipped > 0 {
            write!(f, ", {} skipped", self.skipped)?;
        }
        Ok(())
    }
}

fn attribute(tag: &str, name: &str) -> usize {
    let start = format!(" {name}=\"");
    let value = tag.split(&start).nth(1).and_then(|rest| rest.split('"').next());
    value.and_then(|value| value.parse().ok()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn summaries_of_cargo_test_add_up() {
        let mut counts = Counts::default();
        counts.add_libtest_line("running 3 tests");
        counts.add_libtest_line("test result: ok. 3 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out");
        counts.add_libtest_line("test result: FAILED. 1 passed; 2 failed; 0 ignored; finished in 0.00s");
        assert_eq!(counts.to_string(), "4 passed, 2 failed");
    }

    #[test]
    fn totals_of_nextest_add_up() {
        let mut counts = Counts::default();
        counts.add_junit(
            r#"<?xml version="1.0"?><testsuites name="nextest-run" tests="7" failures="1" errors="1" time="0.1">
               <testsuite name="a" tests="7" failures="1">"#,
        );
        assert_eq!(counts.to_string(), "5 passed, 2 failed");
    }

    #[test]
    fn a_skipped_test_is_not_a_passed_one() {
        let mut counts = Counts::default();
        counts.add_libtest_line("test result: ok. 3 passed; 0 failed");
        counts.skip(1);
        assert_eq!(counts.to_string(), "2 passed, 0 failed, 1 skipped");
    }
}
