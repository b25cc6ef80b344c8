//! What an action costs in runs of a thousand to a million targets.

use std::path::Path;

use crate::setting::{open, play, wide};
use crate::table::row;

const ACTIVE: u32 = 1000;

pub(crate) async fn measure(directory: &Path) {
    let runtime = open(directory).await;
    let handle = runtime.handle();
    play(&handle, wide(10_000, 1, ACTIVE)).await;
    let (mut costs, mut text) = (Vec::new(), Vec::new());
    for targets in [1_000_u32, 10_000, 100_000, 1_000_000] {
        // As many actions for each size, and at least one whole run.
        let runs = (200_000 / targets).max(1);
        let mut cpu = 0.0;
        for _ in 0..runs {
            cpu += play(&handle, wide(targets, 1, ACTIVE)).await.cpu;
        }
        let each = cpu / f64::from(runs * targets) * 1e6;
        costs.push(each);
        text.push(format!("{targets}: {each:.2}"));
    }
    let ratio = costs[3] / costs[0];
    row(
        "an action of 1,000,000 : one of 1,000",
        format!("{ratio:.2}"),
        "1.25".into(),
        ratio <= 1.25,
        &format!("µs of processor an action: {}", text.join(", ")),
    );
    runtime.shutdown(std::time::Duration::ZERO).await.unwrap();
}
