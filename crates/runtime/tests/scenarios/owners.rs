//! W30: one store has one owner at a time. What needs a server comes with it.

use std::sync::Arc;

use windlass_model::outcome::RunStatus;
use windlass_store::StoreError;
use windlass_store_fjall::{FjallStore, Options};

use crate::stage::{Play, World, chain, end, fjall, request};

#[tokio::test]
async fn w30_a_second_owner_is_refused_and_told_who_has_the_store() {
    let world = World::default();
    world.plays("b/s/a", [Play::Gate("go")]);
    let directory = tempfile::tempdir().unwrap();
    let runtime = world.runtime(Arc::new(fjall(directory.path()))).await;
    let handle = runtime.handle();
    let run = handle.submit(request(chain("act", &["a"])).starting()).await.unwrap();
    world.begun("b/s/a", 1).await;
    let refused = FjallStore::open(directory.path(), Options::default()).unwrap_err();
    assert_eq!(refused.code(), "WL-0401");
    let StoreError::Locked { holder, .. } = &refused else { panic!("{refused}") };
    assert!(holder.contains(&std::process::id().to_string()), "{holder}");
    // The first one does not notice.
    world.open("go");
    assert_eq!(end(&handle, run).await.status, RunStatus::Succeeded);
    runtime.shutdown(std::time::Duration::ZERO).await.unwrap();
    // And when it is gone, the next one may.
    let handle = world.runtime(Arc::new(fjall(directory.path()))).await.handle();
    assert_eq!(end(&handle, run).await.status, RunStatus::Succeeded);
    assert_eq!(world.made(), ["b/s/a"]);
}
