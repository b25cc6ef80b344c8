//! The last lines of what an attempt printed: mostly they say why it failed.

use crate::legible;
use crate::view::AttemptView;

/// How many of the last lines are shown with a failure.
const MOST: usize = 3;
/// How long one may be.
const LONGEST: usize = 300;

/// The last lines of what an attempt wrote, of its errors if it wrote any.
fn last_lines(attempt: Option<&AttemptView>) -> Vec<String> {
    let response = attempt.and_then(|attempt| attempt.response.as_ref()).map(|payload| payload.value());
    let output = response.as_ref().and_then(|response| {
        ["stderr", "stdout"]
            .iter()
            .find_map(|key| response.get(key)?.as_str().filter(|text| !text.trim().is_empty()))
    });
    let lines: Vec<&str> = output.unwrap_or_default().trim_end().lines().collect();
    let skipped = lines.len().saturating_sub(MOST);
    lines.into_iter().skip(skipped).map(|line| legible::line(line, LONGEST)).collect()
}

/// Those of them that the message of the failure does not hold already: a program that says one thing says it there.
#[must_use]
pub fn beside_message(attempt: Option<&AttemptView>, message: &str) -> Vec<String> {
    let lines = last_lines(attempt);
    match lines.as_slice() {
        [only] if message.contains(only.as_str()) => Vec::new(),
        _ => lines,
    }
}
