//! Metrics: every one that there is, declared once, and what each is at the moment when somebody asks.
//!
//! ```text
//!   counters of the crates (additions only) ─┐
//!   what can be looked up now ───────────────┴─► samples ─► text, as Prometheus or OpenMetrics have it
//! ```
//!
//! Labels are words of ours and the paths of endpoints, never names that people give, so that there are only so many series.

mod collect;
mod declared;
mod text;

use windlass_meter::Taken;

pub use self::declared::metrics_reference;

pub(crate) use self::collect::{Watched, collect};
pub(crate) use self::text::write;

/// A metric.
#[derive(Clone, Copy, Debug)]
struct Declared {
    name: &'static str,
    sort: Sort,
    labels: &'static [&'static str],
    about: &'static str,
}

/// What a metric is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sort {
    /// It only grows, from the beginning of the process on.
    Counter,
    /// It is what it is now.
    Gauge,
    /// How long something took, counted by how long.
    Histogram,
}

/// What one series of a metric is now.
#[derive(Clone, Debug)]
pub(crate) struct Sample {
    name: &'static str,
    labels: Vec<String>,
    value: Measured,
}

#[derive(Clone, Debug)]
enum Measured {
    Number(f64),
    Times(Box<Taken>),
}
