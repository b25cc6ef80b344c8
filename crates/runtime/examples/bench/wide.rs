//! Durable throughput: no-op actions, 4,096 sequences active.

use std::path::Path;

use crate::disk::Disk;
use crate::setting::{Cost, open, play, seconds, wide};
use crate::table::row;

const ACTIVE: u32 = 4096;
const TARGETS: u32 = 20_000;
const ACTIONS: usize = 5;
const SLICES: usize = 12;

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "bytes of a flush")]
pub(crate) async fn measure(directory: &Path) {
    let runtime = open(directory).await;
    let handle = runtime.handle();
    let mut disk = Disk::create(directory);
    let count = f64::from(TARGETS) * ACTIONS as f64;
    // The first one grows buffers and warms caches.
    play(&handle, wide(TARGETS, ACTIONS, ACTIVE)).await;
    let (mut ours, mut raw, mut kept) = (Cost::default(), 0.0, 0.0);
    for _ in 0..SLICES {
        let before = disk.probe();
        let cost = play(&handle, wide(TARGETS, ACTIONS, ACTIVE)).await;
        let per_flush = (cost.bytes / cost.flushes) as usize;
        let limit: f64 = (0..cost.flushes as usize).map(|_| seconds(disk.append(per_flush))).sum();
        if !disk.probe().is_near(before) {
            continue;
        }
        kept += 1.0;
        raw += limit;
        ours.wall += cost.wall;
        ours.cpu += cost.cpu;
        ours.flushes += cost.flushes;
        ours.bytes += cost.bytes;
    }
    let done = count * kept;
    let (rate, limit) = (done / ours.wall, done / raw);
    let goal = 100_000_f64.min(0.4 * limit);
    row(
        "durable no-op actions, 4,096 active",
        format!("{rate:.0}/s"),
        format!("{goal:.0}/s"),
        rate >= goal,
        &format!(
            "{:.2} of the disk ({limit:.0}/s), {:.5} flushes and {:.1} bytes an action, {:.2} µs of processor, {kept} of {SLICES} slices",
            rate / limit,
            ours.flushes / done,
            ours.bytes / done,
            ours.cpu / done * 1e6,
        ),
    );
    runtime.shutdown(std::time::Duration::ZERO).await.unwrap();
}
