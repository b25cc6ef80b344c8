//! W17: waiting for the end of runs.

use std::future::Future as _;
use std::task::{Context, Poll, Waker};

use windlass_model::event::What;
use windlass_model::id::RunId;
use windlass_model::outcome::RunStatus;
use windlass_runtime::Error;

use crate::stage::{Play, World, ann, chain, end, request};

#[tokio::test]
async fn w17_a_wait_ends_with_the_run_whenever_it_began() {
    let world = World::default();
    world.plays("b/s/a", [Play::Gate("go")]);
    let (_runtime, handle) = world.alone().await;
    let unknown = RunId("00000000-0000-7000-8000-000000000000".parse().unwrap());
    assert!(matches!(handle.wait(unknown).await, Err(Error::UnknownRun(run)) if run == unknown));
    assert!(matches!(handle.events(unknown, 1).await, Err(Error::UnknownRun(_))));
    assert!(matches!(handle.status(unknown).await, Err(Error::UnknownRun(_))));

    let run = handle.submit(request(chain("act", &["a"]))).await.unwrap();
    let waiting = |handle: &windlass_runtime::Handle| {
        let handle = handle.clone();
        tokio::spawn(async move { handle.wait(run).await })
    };
    let before_it_began = waiting(&handle);
    handle.start(run, ann()).await.unwrap();
    world.begun("b/s/a", 1).await;
    let while_it_runs = waiting(&handle);
    // Somebody gives up.
    {
        let mut given_up = Box::pin(handle.wait(run));
        let polled = given_up.as_mut().poll(&mut Context::from_waker(Waker::noop()));
        assert!(matches!(polled, Poll::Pending));
    }
    let cancelled = waiting(&handle);
    cancelled.abort();
    assert!(!before_it_began.is_finished() && !while_it_runs.is_finished());
    world.open("go");
    for wait in [before_it_began, while_it_runs] {
        let view = wait.await.unwrap().unwrap();
        assert_eq!((view.status, view.id), (RunStatus::Succeeded, run));
        assert!(view.started_at.is_some() && view.ended_at.is_some());
    }
    // And when it is over, there is nothing to wait for.
    assert_eq!(handle.wait(run).await.unwrap().status, RunStatus::Succeeded);
    let _ = cancelled.await;
    end(&handle, run).await;
}

#[tokio::test]
async fn w17_a_stream_ends_behind_the_terminal_event() {
    let world = World::default();
    world.plays("b/s/a", [Play::Gate("go")]);
    let (_runtime, handle) = world.alone().await;
    let run = handle.submit(request(chain("act", &["a"])).starting()).await.unwrap();
    world.begun("b/s/a", 1).await;
    let mut stream = handle.events(run, 1).await.unwrap();
    world.open("go");
    let mut last = None;
    while let Some(event) = stream.next().await {
        last = Some(event.unwrap());
    }
    assert!(matches!(last.unwrap().what, What::Finished { status: RunStatus::Succeeded }));
    assert!(stream.next().await.is_none());
    // The same for a stream that begins when all is over.
    let mut stream = handle.events(run, 1).await.unwrap();
    let mut count = 0;
    while let Some(event) = stream.next().await {
        count += 1;
        assert_eq!(event.unwrap().seq, count);
    }
    assert!(count > 10);
}
