//! What keeping snapshots costs a long run.

use std::path::Path;

use windlass_runtime::Options;

use crate::setting::{Cost, open_with, play, wide};
use crate::table::{median, row};

const TARGETS: u32 = 100_000;
const ACTIONS: usize = 5;
const SLICES: usize = 7;

pub(crate) async fn measure(directory: &Path) {
    let choices = [None, Options::default().snapshot_every];
    let mut costs = [const { Vec::<Cost>::new() }; 2];
    for _ in 0..=SLICES {
        for (every, costs) in choices.into_iter().zip(&mut costs) {
            let place = directory.join(format!("{}-{}", every.unwrap_or_default(), costs.len()));
            let options = Options { recovery_limit: None, snapshot_every: every, ..Options::default() };
            let runtime = open_with(&place, options).await;
            costs.push(play(&runtime.handle(), wide(TARGETS, ACTIONS, 4096)).await);
            runtime.shutdown(std::time::Duration::ZERO).await.unwrap();
            std::fs::remove_dir_all(place).unwrap();
        }
    }
    let middle = |which: usize, of: fn(&Cost) -> f64| {
        // The first slice grows buffers and warms caches.
        median(&mut costs[which].iter().skip(1).map(of).collect::<Vec<_>>())
    };
    let ratio = |of: fn(&Cost) -> f64| middle(1, of) / middle(0, of);
    let wall = ratio(|cost| cost.wall);
    row(
        "a long run with snapshots : without",
        format!("{wall:.3}"),
        "1.05".into(),
        wall <= 1.05,
        &format!(
            "{:.3} of the processor, {:.3} of the bytes, {:.3} of the flushes; {:.2} s without",
            ratio(|cost| cost.cpu),
            ratio(|cost| cost.bytes),
            ratio(|cost| cost.flushes),
            middle(0, |cost| cost.wall),
        ),
    );
}
