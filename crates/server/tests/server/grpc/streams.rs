//! What goes on, over reconnects and restarts of the server.

use std::collections::BTreeMap;

use serde_json::json;
use tonic::Code;
use windlass_rpc::v1;

use super::super::client::Place;
use super::{Services, problem};

/// What somebody who watches nodes knows of them: the round that each was changed in last.
#[derive(Default)]
struct Known {
    rounds: BTreeMap<String, u64>,
    from: u64,
}

impl Known {
    fn take(&mut self, object: v1::Object) {
        let spec: serde_json::Value = serde_json::from_str(&object.spec_json).unwrap();
        let name = object.metadata.unwrap().name;
        self.rounds.insert(name, spec["vars"]["round"].as_u64().unwrap());
    }

    /// Goes on where it was; where that much history is not kept any more, with a list.
    async fn watch(&mut self, place: &Place) -> tonic::Streaming<v1::ObjectChange> {
        let mut objects = Services::new(place, &place.admin).await.objects;
        let (kind, labels) = ("Node".to_owned(), "role=web".to_owned());
        loop {
            let from = Some(self.from);
            let watch =
                v1::WatchRequest { kind: kind.clone(), labels: labels.clone(), from, ..Default::default() };
            match objects.watch(watch).await {
                Ok(stream) => return stream.into_inner(),
                Err(status) => assert_eq!(status.code(), Code::OutOfRange, "{status:?}"),
            }
            let list = v1::ListRequest { kind: kind.clone(), labels: labels.clone(), ..Default::default() };
            let page = objects.list(list).await.unwrap().into_inner();
            self.from = page.version;
            page.items.into_iter().for_each(|object| self.take(object));
        }
    }
}

#[tokio::test]
async fn c49_a_watch_goes_on_without_gap_or_repeat_when_the_server_comes_back() {
    let mut place = Place::new().await;
    let list = v1::ListRequest { kind: "Node".into(), ..Default::default() };
    let mut objects = Services::new(&place, &place.admin).await.objects;
    let from = objects.list(list).await.unwrap().into_inner().version;
    let mut known = Known { from, ..Known::default() };
    for round in 1..=3_u64 {
        let web = json!({"metadata": {"labels": {"role": "web"}}, "spec": {"vars": {"round": round}}});
        // Some while nobody watches.
        for name in ["a", "b"] {
            place.does("PATCH", &format!("/api/v1/nodes/{name}"), web.clone()).await;
        }
        let mut stream = known.watch(&place).await;
        place.does("PATCH", "/api/v1/nodes/other", json!({"spec": {"vars": {"round": round}}})).await;
        place.does("PATCH", "/api/v1/nodes/c", web).await;
        while known.rounds.get("c") != Some(&round) {
            let change = stream.message().await.unwrap().unwrap();
            assert!(change.version > known.from, "each once, in order");
            known.from = change.version;
            known.take(change.object.unwrap());
        }
        let all = ["a", "b", "c"].map(|name| (name.to_owned(), round));
        assert_eq!(known.rounds, BTreeMap::from(all));
        let closing = tokio::spawn(place.again());
        let last = stream.message().await.unwrap_err();
        assert_eq!(
            (last.code(), last.message()),
            (Code::Unavailable, "the server ends"),
            "the last word says why"
        );
        assert_eq!(problem(&last).status, 503);
        place = closing.await.unwrap();
    }
}

#[tokio::test]
async fn a_watch_that_was_cut_goes_on_behind_what_was_received() {
    let place = Place::new().await;
    let list = v1::ListRequest { kind: "Node".into(), ..Default::default() };
    let mut objects = Services::new(&place, &place.admin).await.objects;
    let mut from = objects.list(list).await.unwrap().into_inner().version;
    for name in ["a", "b", "c", "d"] {
        place.does("PATCH", &format!("/api/v1/nodes/{name}"), json!({})).await;
    }
    for name in ["a", "b", "c", "d"] {
        let watch = v1::WatchRequest { kind: "Node".into(), from: Some(from), ..Default::default() };
        let change = objects.watch(watch).await.unwrap().into_inner().message().await.unwrap().unwrap();
        assert_eq!(change.what(), v1::object_change::What::Created);
        assert_eq!(change.object.unwrap().metadata.unwrap().name, name);
        from = change.version;
    }
}

#[tokio::test]
async fn what_happens_in_the_runs_of_a_plan_is_told_once_over_reconnects() {
    let place = Place::new().await;
    let plan = json!({"spec": {"blocks": [{"name": "b", "sequences": [{"name": "s", "actions": [
        {"name": "a", "use": "noop"}, {"name": "c", "use": "shell", "with": {"script": "true"}}]}]}]}});
    place.does("PATCH", "/api/v1/namespaces/default/plans/work", plan).await;
    let mut runs = Services::new(&place, &place.admin).await.runs;
    let state = v1::StateRequest { namespace: "default".into(), plan: "work".into() };
    let version = runs.state(state).await.unwrap().into_inner().version;
    let mut submitted = Vec::new();
    for _ in 0..3 {
        let made = place.does("POST", "/api/v1/namespaces/default/runs", json!({"plan": "work"})).await;
        submitted.push(made["run"].as_str().unwrap().to_owned());
        place.ended(submitted.last().unwrap()).await;
    }
    let mut since = Some(v1::watch_state_request::Since::From(version));
    let mut told: BTreeMap<String, Vec<u64>> = BTreeMap::new();
    let is_done = |told: &BTreeMap<String, Vec<u64>>, ends: usize| told.len() == 3 && ends == 3;
    let mut ends = 0;
    while !is_done(&told, ends) {
        // Over a new stream each time, behind the last that was received.
        let asked = v1::WatchStateRequest { namespace: "default".into(), plan: "work".into(), since };
        let mut stream = runs.watch_state(asked).await.unwrap().into_inner();
        let happened = stream.message().await.unwrap().unwrap();
        since = Some(v1::watch_state_request::Since::After(happened.id));
        for event in happened.events {
            ends += usize::from(event.kind == "finished");
            told.entry(happened.run.clone()).or_default().push(event.seq);
        }
    }
    for run in &submitted {
        let seqs = &told[run];
        assert!(seqs.iter().copied().eq(1..=seqs.len() as u64), "{seqs:?}");
    }
    let since = Some(v1::watch_state_request::Since::After("nonsense".into()));
    let asked = v1::WatchStateRequest { namespace: "default".into(), plan: "work".into(), since };
    assert_eq!(runs.watch_state(asked).await.unwrap_err().code(), Code::InvalidArgument);
}

#[tokio::test]
async fn events_go_on_from_a_number_while_the_server_is_begun_again() {
    let place = Place::new().await;
    let plan = json!({"spec": {"blocks": [{"name": "b", "sequences": [{"name": "s", "actions": [
        {"name": "a", "use": "sleep", "with": {"duration": "300ms"}}, {"name": "c", "use": "noop"}]}]}]}});
    place.does("PATCH", "/api/v1/namespaces/default/plans/work", plan).await;
    let made = place.does("POST", "/api/v1/namespaces/default/runs", json!({"plan": "work"})).await;
    let run = made["run"].as_str().unwrap().to_owned();
    let asked = |from: u64| v1::EventsRequest {
        namespace: "default".into(),
        run: run.clone(),
        from,
        ..Default::default()
    };
    let mut runs = Services::new(&place, &place.admin).await.runs;
    let mut stream = runs.events(asked(0)).await.unwrap().into_inner();
    let mut seqs = vec![stream.message().await.unwrap().unwrap().seq];
    let place = place.again().await;
    // What was on its way still comes, and then why it ends.
    loop {
        match stream.message().await {
            Ok(Some(event)) => seqs.push(event.seq),
            Ok(None) => panic!("it does not end as if the run had"),
            Err(status) => {
                assert_eq!(status.code(), Code::Unavailable, "{status:?}");
                break;
            }
        }
    }
    let mut runs = Services::new(&place, &place.admin).await.runs;
    let mut stream = runs.events(asked(seqs.last().unwrap() + 1)).await.unwrap().into_inner();
    while let Some(event) = stream.message().await.unwrap() {
        seqs.push(event.seq);
    }
    assert!(seqs.iter().copied().eq(1..=seqs.len() as u64), "{seqs:?}");
    assert_eq!(place.ended(&run).await["status"], "succeeded");
}
