//! Whether somebody has set the clock of the machine. What goes on here is measured by one that nobody sets, so no timeout comes
//! too soon or never; but then the times that are told and the machine's differ until the server is begun again, and somebody
//! should know.

use std::time::Duration;

use tokio::sync::watch;
use windlass_model::span::Span;
use windlass_runtime::Clock;

/// How often both are looked at.
const LOOK_EVERY: Duration = Duration::from_secs(5);
/// How far apart they may be: what a clock is corrected by in passing is less.
const MOST: u64 = 60_000;

/// Says so, once for each time that it is set, until there is nobody to say it for.
pub(crate) async fn compare(own: Clock, wall: Clock, mut until: watch::Receiver<()>, say: impl Fn(&str)) {
    let (mut looks, mut told) = (tokio::time::interval(LOOK_EVERY), 0_i128);
    loop {
        tokio::select! {
            _ = looks.tick() => {}
            _ = until.changed() => return,
        }
        let off = i128::from(wall.now().as_millis()) - i128::from(own.now().as_millis());
        if off.abs_diff(told) >= u128::from(MOST) {
            told = off;
            say(&words(off));
        }
    }
}

fn words(off: i128) -> String {
    // To the minute: the two clocks are never quite as fast as each other, and nobody set one by 1d23h59m59s.
    let minutes = u64::try_from((off.unsigned_abs() + 30_000) / 60_000).unwrap_or(u64::MAX);
    let apart = Span(Duration::from_secs(minutes.saturating_mul(60)));
    let way = if off < 0 { "back" } else { "ahead" };
    match off.unsigned_abs() < u128::from(MOST) {
        true => "the clock of this machine was set, and tells the time of this server again".to_owned(),
        false => format!(
            "the clock of this machine was set {way} by {apart}: what goes on is not disturbed, and times go on from the old one \
             until the server is begun again"
        ),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicI64, Ordering};
    use std::sync::{Arc, Mutex};

    use windlass_model::time::Time;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn each_time_is_told_once_and_small_corrections_are_not() {
        let (begun, off) = (tokio::time::Instant::now(), Arc::new(AtomicI64::new(0)));
        let at = move |off: i64| {
            let passed = i64::try_from(begun.elapsed().as_millis()).unwrap();
            Time::ZERO + Duration::from_millis(u64::try_from(1_000_000_000 + passed + off).unwrap())
        };
        let (own, set) = (Clock::new(move || at(0)), Arc::clone(&off));
        let wall = Clock::new(move || at(set.load(Ordering::Relaxed)));
        let (ends, until) = watch::channel(());
        let said = Arc::new(Mutex::new(Vec::new()));
        let says = Arc::clone(&said);
        let compares = tokio::spawn(compare(own, wall, until, move |text| {
            says.lock().unwrap().push(text.to_owned());
        }));
        for to in [0, 59_000, -59_000, 86_399_999, 86_410_000, -3_600_500, 0] {
            off.store(to, Ordering::Relaxed);
            tokio::time::advance(LOOK_EVERY * 3).await;
            tokio::task::yield_now().await;
            tokio::task::yield_now().await;
        }
        drop(ends);
        compares.await.unwrap();
        let said = said.lock().unwrap();
        let begins: Vec<&str> = said.iter().map(|text| text.split(':').next().unwrap()).collect();
        assert_eq!(
            begins,
            [
                "the clock of this machine was set ahead by 1d",
                "the clock of this machine was set back by 1h",
                "the clock of this machine was set, and tells the time of this server again",
            ]
        );
    }
}
