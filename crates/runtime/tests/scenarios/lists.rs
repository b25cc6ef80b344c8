//! W20: ids, lists and searches.

use std::sync::Arc;

use windlass_model::id::RunId;
use windlass_model::outcome::RunStatus;
use windlass_runtime::{Cursor, Error, Filter, Request};
use windlass_store::memory::MemoryStore;

use crate::stage::{Play, World, ann, chain, end, play, request};

#[tokio::test]
async fn w20_an_existing_id_is_refused() {
    let world = World::default();
    let (_runtime, handle) = world.alone().await;
    let first = play(&handle, chain("act", &["a"])).await;
    let stats = handle.store_stats();
    let again = Request { run_id: Some(first.id), ..request(chain("act", &["b"])).starting() };
    let refused = handle.submit(again.clone()).await.unwrap_err();
    assert_eq!(refused.code().as_str(), "WL-0308");
    assert_eq!(handle.store_stats().transactions, stats.transactions);
    assert_eq!(handle.status(first.id).await.unwrap().seq, first.seq);
    assert_eq!(world.made(), ["b/s/a"]);
    // An id of one's own is fine while it is new, and taken once.
    let own = RunId("00000000-0000-4000-8000-00000000000a".parse().unwrap());
    let mine = Request { run_id: Some(own), ..again };
    let (one, two) = tokio::join!(handle.submit(mine.clone()), handle.submit(mine));
    assert_eq!([one.is_ok(), two.is_ok()].iter().filter(|ok| **ok).count(), 1);
    assert!(one.err().or(two.err()).is_some_and(|error| matches!(error, Error::Exists(run) if run == own)));
    end(&handle, own).await;
    assert_eq!(world.made(), ["b/s/a", "b/s/b"]);
}

#[tokio::test]
async fn w20_lists_are_newest_first_and_go_on_where_they_ended() {
    let world = World::default();
    let store = Arc::new(MemoryStore::new());
    let handle = world.runtime(store).await.handle();
    let mut runs = Vec::new();
    for n in 0..10_u32 {
        // Ids in any order: what counts is when a run was submitted.
        let id = RunId(format!("{:08x}-0000-4000-8000-000000000000", 1000 - n).parse().unwrap());
        runs.push(
            handle.submit(Request { run_id: Some(id), ..request(chain("act", &["a"])) }).await.unwrap(),
        );
    }
    runs.reverse();
    let ids = |views: &[windlass_runtime::RunView]| views.iter().map(|view| view.id).collect::<Vec<_>>();
    let first = handle.list(4, None).await.unwrap();
    assert_eq!(ids(&first), runs[..4]);
    let second = handle.list(4, Some(Cursor::after(&first[3]))).await.unwrap();
    assert_eq!(ids(&second), runs[4..8]);
    let third = handle.list(4, Some(Cursor::after(&second[3]))).await.unwrap();
    assert_eq!(ids(&third), runs[8..]);
    assert!(handle.list(4, Some(Cursor::after(&third[1]))).await.unwrap().is_empty());
}

#[tokio::test]
async fn w20_a_search_needs_all_kinds_and_one_value_of_each() {
    let world = World::default();
    world.plays("b/s/bad", [Play::Says("disk on fire".into())]).plays("b/s/held", [Play::Gate("go")]);
    let (_runtime, handle) = world.alone().await;
    let good = play(&handle, chain("act", &["good"])).await.id;
    let bad = play(&handle, chain("act", &["bad"])).await.id;
    let held = handle.submit(request(chain("act", &["held"])).starting()).await.unwrap();
    let mut other = chain("act", &["other"]);
    other.metadata.name = "other".into();
    let other = handle.submit(request(other)).await.unwrap();

    let search = async |filter: Filter| {
        let mut found: Vec<RunId> =
            handle.search(&filter, 100, None).await.unwrap().into_iter().map(|view| view.id).collect();
        found.reverse();
        found
    };
    let statuses = vec![RunStatus::Succeeded, RunStatus::Failed];
    assert_eq!(search(Filter { statuses: statuses.clone(), ..Filter::default() }).await, [good, bad]);
    // Two statuses and an id.
    let ids = vec![bad, held];
    assert_eq!(search(Filter { statuses, ids, ..Filter::default() }).await, [bad]);
    assert_eq!(search(Filter { plans: vec!["other".into()], ..Filter::default() }).await, [other]);
    assert_eq!(search(Filter { text: Some("On FIRE".into()), ..Filter::default() }).await, [bad]);
    let labelled = |name: &str, values: &[&str]| Filter {
        labels: [(name.to_owned(), values.iter().map(|value| (*value).to_owned()).collect())].into(),
        ..Filter::default()
    };
    assert_eq!(search(labelled("team", &["web"])).await, [good, bad, held, other]);
    assert_eq!(search(labelled("team", &["db", "web"])).await, [good, bad, held, other]);
    assert_eq!(search(labelled("team", &[])).await, [good, bad, held, other]);
    assert_eq!(search(labelled("team", &["db"])).await, []);
    assert_eq!(search(labelled("tier", &[])).await, []);
    let mut both = labelled("team", &["web"]);
    both.labels.insert("tier".into(), Vec::new());
    assert_eq!(search(both).await, []);
    let user = handle.status(held).await.unwrap().user;
    assert_eq!(search(Filter { users: vec![user], ..Filter::default() }).await.len(), 4);
    assert_eq!(search(Filter { users: vec!["nobody".into()], ..Filter::default() }).await, []);
    let group = handle.status(held).await.unwrap().group;
    assert_eq!(search(Filter { groups: vec![group], ..Filter::default() }).await, [held]);
    let since = Some(handle.status(held).await.unwrap().submitted_at);
    assert_eq!(search(Filter { since, ..Filter::default() }).await, [held, other]);
    assert_eq!(search(Filter { until: since, ..Filter::default() }).await, [good, bad]);
    assert!(matches!(handle.search(&Filter::default(), 1, None).await, Err(Error::EmptyFilter)));
}

#[tokio::test]
async fn only_a_run_that_has_ended_can_be_deleted() {
    let world = World::default();
    world.plays("b/s/held", [Play::Gate("go")]);
    let (_runtime, handle) = world.alone().await;
    let run = handle.submit(request(chain("act", &["held"])).starting()).await.unwrap();
    assert!(matches!(handle.delete(run).await, Err(Error::NotEnded { .. })));
    handle.cancel(run, ann()).await.unwrap();
    end(&handle, run).await;
    handle.delete(run).await.unwrap();
    assert!(matches!(handle.status(run).await, Err(Error::UnknownRun(_))));
    assert!(handle.list(10, None).await.unwrap().is_empty());
}
