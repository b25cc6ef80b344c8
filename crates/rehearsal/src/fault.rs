//! Faults: what goes wrong in a rehearsal, where, when and how often.
//!
//! `ADDRESS-GLOB[@ATTEMPTS][%PERCENT][+FROM..TO]=fail|permanent|hang|stubborn|slow:DURATION`, as in
//! `patch/web0*/reboot@1=fail`, `patch/*/drain%10=hang` and `checks.continuous/*+5m..6m=fail`.

use std::str::FromStr;
use std::time::Duration;

use windlass_model::span::Span;
use windlass_model::time::Time;

/// One thing that goes wrong.
#[derive(Clone, Debug, PartialEq)]
pub struct Fault {
    /// Whose attempts.
    pub address: Pattern,
    /// Which of them, first and last; `None`: all.
    pub attempts: Option<(u32, u32)>,
    /// How many of a hundred.
    pub percent: Option<f64>,
    /// Only those that begin in this span of time, from and before.
    pub between: Option<(Duration, Duration)>,
    /// What happens to them.
    pub kind: FaultKind,
}

/// What happens to an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FaultKind {
    /// It fails, and another may succeed.
    Fail,
    /// It fails for good.
    Permanent,
    /// It does not end before it is told to.
    Hang,
    /// It does not end before it is killed.
    Stubborn,
    /// It takes this long.
    Slow(Duration),
}

/// A glob over addresses: `*` stands for anything, `?` for one character, `[a-c]` for one of some.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pattern(String);

/// Why a text is no fault.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not a fault: {why}")]
pub struct FaultError {
    text: String,
    why: String,
}

// === impl Fault ===

impl Fault {
    /// Whether it strikes an attempt. `chance` is uniform in 0..1.
    #[must_use]
    pub fn strikes(&self, address: &str, attempt: u32, at: Time, chance: f64) -> bool {
        self.attempts.is_none_or(|(first, last)| (first..=last).contains(&attempt))
            && self.between.is_none_or(|(from, to)| {
                let at = at.since(Time::ZERO);
                from <= at && at < to
            })
            && self.percent.is_none_or(|percent| chance * 100.0 < percent)
            && self.address.matches(address)
    }
}

impl FromStr for Fault {
    type Err = FaultError;

    fn from_str(text: &str) -> Result<Self, FaultError> {
        let err = |why: String| FaultError { text: text.to_owned(), why };
        let (place, kind) = text
            .rsplit_once('=')
            .ok_or_else(|| err("write ADDRESS=KIND, such as patch/*/reboot@1=fail".into()))?;
        let kind = match kind.split_once(':') {
            None => match kind {
                "fail" => FaultKind::Fail,
                "permanent" => FaultKind::Permanent,
                "hang" => FaultKind::Hang,
                "stubborn" => FaultKind::Stubborn,
                "slow" => return Err(err("say how slow, such as slow:30s".into())),
                other => {
                    return Err(err(format!(
                        "`{other}` is not one of fail, permanent, hang, stubborn, slow:DURATION"
                    )));
                }
            },
            Some(("slow", span)) => {
                FaultKind::Slow(span.parse::<Span>().map_err(|why| err(why.to_string()))?.0)
            }
            Some((other, _)) => return Err(err(format!("`{other}` takes no `:`; only slow:DURATION does"))),
        };
        let (place, between) = match place.rsplit_once('+') {
            Some((place, span)) => {
                let (from, to) =
                    span.split_once("..").ok_or_else(|| err("write a span of time as +5m..10m".into()))?;
                let read = |text: &str, open: Duration| match text {
                    "" => Ok(open),
                    text => text.parse::<Span>().map(|span| span.0).map_err(|why| err(why.to_string())),
                };
                (place, Some((read(from, Duration::ZERO)?, read(to, Duration::MAX)?)))
            }
            None => (place, None),
        };
        let (place, percent) = match place.rsplit_once('%') {
            Some((place, percent)) => {
                let percent = percent.parse::<f64>().ok().filter(|percent| (0.0..=100.0).contains(percent));
                let percent =
                    percent.ok_or_else(|| err("write a percentage from 0 to 100 behind %".into()))?;
                (place, Some(percent))
            }
            None => (place, None),
        };
        let (place, attempts) = match place.rsplit_once('@') {
            Some((place, attempts)) => {
                let (first, last) = attempts.split_once('-').unwrap_or((attempts, attempts));
                let number = |text: &str| text.parse::<u32>().ok().filter(|n| *n > 0);
                let range = number(first).zip(number(last)).filter(|(first, last)| first <= last);
                let range =
                    range.ok_or_else(|| err("write an attempt behind @, such as @1 or @2-3".into()))?;
                (place, Some(range))
            }
            None => (place, None),
        };
        if place.is_empty() {
            return Err(err("the address is missing; `*` is all of them".into()));
        }
        Ok(Self { address: Pattern(place.to_owned()), attempts, percent, between, kind })
    }
}

// === impl Pattern ===

impl Pattern {
    /// A pattern from its text.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// Whether an address fits.
    #[must_use]
    pub fn matches(&self, address: &str) -> bool {
        fits(self.0.as_bytes(), address.as_bytes())
    }
}

/// Matches with one place to go back to, so that no pattern takes more than pattern × text steps.
fn fits(pattern: &[u8], text: &[u8]) -> bool {
    let (mut p, mut t) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while let Some(byte) = text.get(t) {
        let step = match pattern.get(p) {
            Some(b'*') => {
                star = Some((p, t));
                p += 1;
                continue;
            }
            Some(b'[') => class(pattern, p, *byte),
            Some(b'?') => Some(p + 1),
            Some(literal) if literal == byte => Some(p + 1),
            _ => None,
        };
        match (step, star) {
            (Some(next), _) => {
                p = next;
                t += 1;
            }
            (None, Some((at, from))) => {
                p = at + 1;
                t = from + 1;
                star = Some((at, t));
            }
            (None, None) => return false,
        }
    }
    pattern.get(p..).unwrap_or_default().iter().all(|byte| *byte == b'*')
}

/// Where a class ends if it holds the byte; a bracket without an end is itself.
fn class(pattern: &[u8], open: usize, byte: u8) -> Option<usize> {
    let rest = pattern.get(open + 1..)?;
    let Some(length) = rest.iter().position(|c| *c == b']') else {
        return (byte == b'[').then_some(open + 1);
    };
    let inside = rest.get(..length)?;
    let (inside, negated) = match inside.split_first() {
        Some((b'!' | b'^', tail)) => (tail, true),
        _ => (inside, false),
    };
    let mut found = false;
    let mut at = 0;
    while let Some(first) = inside.get(at) {
        match (inside.get(at + 1), inside.get(at + 2)) {
            (Some(b'-'), Some(last)) => {
                found |= (*first..=*last).contains(&byte);
                at += 3;
            }
            _ => {
                found |= *first == byte;
                at += 1;
            }
        }
    }
    (found != negated).then_some(open + length + 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_faults() {
        let fault: Fault = "patch/web0*/reboot@2-3%50+5m..10m=slow:30s".parse().unwrap();
        assert_eq!(fault.attempts, Some((2, 3)));
        assert_eq!(fault.percent, Some(50.0));
        assert_eq!(fault.between, Some((Duration::from_secs(300), Duration::from_secs(600))));
        assert_eq!(fault.kind, FaultKind::Slow(Duration::from_secs(30)));
        for bad in ["x", "=fail", "x=explode", "x@0=fail", "x%200=fail", "x+5=fail", "x=slow", "x=fail:3"] {
            assert!(bad.parse::<Fault>().is_err(), "{bad}");
        }
    }

    #[test]
    fn matches_addresses() {
        let check = |pattern: &str, address: &str, fits: bool| {
            assert_eq!(Pattern::new(pattern).matches(address), fits, "{pattern} {address}");
        };
        check("patch/*/reboot", "patch/web03/reboot", true);
        check("patch/*", "patch/web03/reboot", true);
        check("patch/web0[1-3]/*", "patch/web03/reboot", true);
        check("patch/web0[!1-3]/*", "patch/web03/reboot", false);
        check("*!undo", "patch/web03/reboot!undo", true);
        check("patch", "patch/web03", false);
        check("*a*a*a*b", &"a".repeat(200), false);
    }
}
