//! How the figures are printed.

use std::path::Path;

pub(crate) fn head(place: &Path) {
    println!("\nin {}", place.display());
    println!("{:44} {:>14} {:>14} {:>6}  beside it", "figure", "measured", "goal", "");
}

/// One figure; whether it is good enough stands behind it.
pub(crate) fn row(figure: &str, measured: String, goal: String, good: bool, beside: &str) {
    println!("{figure:44} {measured:>14} {goal:>14} {:>6}  {beside}", if good { "ok" } else { "MISSED" });
}

/// The value in the middle.
pub(crate) fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

pub(crate) fn millis(seconds: f64) -> String {
    format!("{:.3} ms", seconds * 1e3)
}
