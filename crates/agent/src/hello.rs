//! What an agent says of itself first.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use windlass_wire::{Hello, Versions};

use crate::cache::Cache;
use crate::processes;

/// The greeting of this process.
pub(crate) fn hello(cache: &Cache) -> Hello {
    let system = rustix::system::uname();
    let text = |name: &std::ffi::CStr| name.to_string_lossy().into_owned();
    let mut facts = BTreeMap::from([
        ("os".to_owned(), text(system.sysname()).to_lowercase()),
        ("arch".to_owned(), text(system.machine())),
        ("kernel".to_owned(), text(system.release())),
        ("host".to_owned(), text(system.nodename())),
        ("uid".to_owned(), rustix::process::geteuid().as_raw().to_string()),
    ]);
    if let Some(up) = processes::up() {
        facts.insert(Hello::UP_MS.to_owned(), up.as_millis().to_string());
    }
    if let Some(path) = cache.path() {
        facts.insert("cache".to_owned(), path.display().to_string());
    }
    Hello {
        versions: Versions::OURS,
        build: env!("CARGO_PKG_VERSION").to_owned(),
        pid: std::process::id(),
        clock_ms: now_ms(),
        facts,
    }
}

/// A name that nobody else on this machine uses, and that sorts behind those that were made before it.
pub(crate) fn own_name() -> String {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let next = NEXT.fetch_add(1, Ordering::Relaxed);
    format!("{}-{}-{next:06}", now_ms(), std::process::id())
}

/// The time by this machine's clock, in milliseconds since 1970.
pub(crate) fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}
