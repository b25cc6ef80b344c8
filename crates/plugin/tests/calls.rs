//! W12 and the border between JSON and types.

#![cfg(test)]

use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Waker};
use std::time::Duration;

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;
use windlass_model::plan::Plan;
use windlass_model::schema::NoPatterns;
use windlass_plugin::testkit::Trial;
use windlass_plugin::*;

/// Answers what it is asked to, or fails with it.
struct Remote;

impl RawPlugin for Remote {
    fn about(&self) -> About {
        About::acting("remote", "answers")
    }

    fn request_schema(&self) -> Value {
        json!({"type": "object", "properties": {"answer": true, "fail": {"type": "boolean"}},
               "required": ["answer"], "additionalProperties": false})
    }

    fn response_schema(&self) -> Value {
        json!({"type": "object", "properties": {"count": {"type": "integer"}}, "required": ["count"]})
    }

    fn call(&self, _: Call, request: Arc<Value>) -> BoxFuture<'_, Result<Reply<Value>, CallError>> {
        Box::pin(async move {
            let answer = request.get("answer").cloned().unwrap_or_default();
            if request.get("fail") == Some(&Value::Bool(true)) {
                return Err(CallError::retryable("exit", "it failed").with_response(answer));
            }
            Ok(Reply::changed(answer))
        })
    }
}

#[tokio::test]
async fn w12_response_of_an_undeclared_type_is_a_permanent_failure_and_dropped() {
    for answer in [json!("text"), json!({}), json!({"count": "7"}), json!({"count": 1.5}), json!(null)] {
        let error = Trial::of_raw(Remote).call(json!({"answer": answer})).await.result.unwrap_err();
        assert_eq!((error.code.as_str(), error.permanent), ("response", true), "{answer}");
        assert!(error.message.starts_with("the response does not fit its schema: "), "{}", error.message);
        assert_eq!(error.response, None, "dropped");
    }
    let fits = Trial::of_raw(Remote).call(json!({"answer": {"count": 7}})).await.result.unwrap();
    assert_eq!(fits, Reply::changed(json!({"count": 7})));
}

#[tokio::test]
async fn w12_response_plus_error_is_a_failure_and_the_response_is_kept() {
    let error = Trial::of_raw(Remote).call(json!({"answer": {"count": 7}, "fail": true})).await.result;
    let (failure, response) = error.unwrap_err().into_failure();
    assert_eq!((failure.code.as_str(), failure.permanent), ("exit", false));
    assert_eq!(response, Some(json!({"count": 7})));
}

#[tokio::test]
async fn raw_requests_are_checked_before_the_call() {
    let error = Trial::of_raw(Remote).call(json!({"anwser": 1})).await.result.unwrap_err();
    assert_eq!((error.code.as_str(), error.permanent), ("request", true));
    assert_eq!(
        error.message,
        "`anwser`: unknown key `anwser` (did you mean `answer`? Known here: answer, fail); `answer`: `answer` is missing"
    );
}

#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Wanted {
    hosts: Vec<Host>,
    wait: Option<Span>,
}

#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Host {
    port: u16,
}

struct Looks(PluginKind);

impl Plugin for Looks {
    type Request = Wanted;
    type Response = usize;

    fn about(&self) -> About {
        match self.0 {
            PluginKind::Acting => About::acting("looks", "counts hosts"),
            PluginKind::Check => About::check("looks", "counts hosts"),
        }
    }

    fn validate(&self, request: &Wanted) -> Result<(), Vec<String>> {
        let low = request.hosts.iter().filter(|host| host.port < 10);
        let problems: Vec<String> = low.map(|host| format!("port {} is too low", host.port)).collect();
        if problems.is_empty() { Ok(()) } else { Err(problems) }
    }

    async fn call(&self, call: Call, request: Wanted) -> Result<Reply<usize>, CallError> {
        if let Some(Span(Duration::ZERO)) = request.wait {
            call.cancel.requested().await;
            return Err(CallError::cancelled());
        }
        call.output.note(&format!("{} attempt {} key {}", call.address, call.attempt, call.key));
        Ok(Reply::changed(request.hosts.len()))
    }
}

#[tokio::test]
async fn w13_plugins_see_whose_attempt_it_is() {
    let trial = Trial::of(Looks(PluginKind::Acting)).attempt(3);
    let tried = trial.call(json!({"hosts": [{"port": 80}]})).await;
    assert_eq!(tried.result.unwrap(), Reply::changed(json!(1)));
    assert_eq!(
        tried.lines[0].text(),
        "trial/action attempt 3 key 00000000-0000-0000-0000-000000000001/trial/action"
    );
}

#[tokio::test]
async fn a_request_that_does_not_fit_names_the_field() {
    let trial = Trial::of(Looks(PluginKind::Acting));
    let says = async |request| {
        let error = trial.call(request).await.result.unwrap_err();
        assert_eq!((error.code.as_str(), error.permanent), ("request", true));
        error.message
    };
    assert_eq!(
        says(json!({"hosts": [{"port": 80}, {"port": "x"}]})).await,
        "the request does not fit at `hosts[1].port`: invalid type: string \"x\", expected u16"
    );
    assert_eq!(says(json!({})).await, "the request does not fit: missing field `hosts`");
    assert_eq!(
        says(json!({"hosts": [{"port": 1}, {"port": 2}]})).await,
        "port 1 is too low; port 2 is too low"
    );
}

#[test]
fn validation_reports_everything_at_once() {
    let trial = Trial::of(Looks(PluginKind::Check));
    assert_eq!(
        trial.validate(&json!({"hosts": [{"port": 70000}, {}], "wait": "5 minutes", "hots": 1})).unwrap_err(),
        [
            "`hosts.0.port`: 70000 is too large; the most is 65535",
            "`hosts.1.port`: `port` is missing",
            "`wait`: expected a duration such as 90s, 5m or 1h30m, got `5 minutes`",
            "`hots`: unknown key `hots` (did you mean `hosts`? Known here: hosts, wait)",
        ]
    );
    assert_eq!(trial.validate(&json!({"hosts": [{"port": 1}]})).unwrap_err(), ["port 1 is too low"]);
}

#[tokio::test]
async fn a_check_never_reports_a_change() {
    let trial = Trial::of(Looks(PluginKind::Check));
    let request = json!({"hosts": [], "wait": null});
    assert!(!trial.call(request.clone()).await.result.unwrap().changed);
    assert!(!trial.simulate(&request, 7).result.unwrap().changed);
}

#[tokio::test]
async fn cancelling_reaches_the_plugin() {
    let underway = Trial::of(Looks(PluginKind::Acting)).start(json!({"hosts": [], "wait": "0"}));
    assert!(!underway.is_over());
    underway.cancel(Severity::Term);
    assert_eq!(underway.end().await.result.unwrap_err().code, "cancelled");
}

#[tokio::test]
async fn cancellation_has_two_levels_and_never_gets_milder() {
    let source = CancelSource::new();
    let cancel = source.cancel();
    assert_eq!(cancel.level(), None);
    let mut killed = pin!(cancel.reached(Severity::Kill));
    let mut context = Context::from_waker(Waker::noop());
    source.trigger(Severity::Term);
    assert_eq!(cancel.requested().await, Severity::Term);
    assert!(killed.as_mut().poll(&mut context).is_pending(), "it waits for the harsher one");
    source.trigger(Severity::Kill);
    source.trigger(Severity::Term);
    assert_eq!(killed.await, Severity::Kill);
    assert_eq!(cancel.level(), Some(Severity::Kill));
    assert_eq!(Cancel::never().level(), None);
}

#[test]
fn errors_keep_their_chain() {
    #[derive(Debug, thiserror::Error)]
    #[error("cannot read the config")]
    struct Outer(#[source] std::io::Error);

    fn fails() -> Result<(), CallError> {
        Err(Outer(std::io::Error::other("the disk is gone")))?;
        Ok(())
    }
    let error = fails().unwrap_err();
    assert_eq!((error.code.as_str(), error.permanent), ("error", false));
    assert_eq!(error.to_string(), "cannot read the config: the disk is gone");
    assert_eq!(error.causes, ["the disk is gone"]);
}

#[test]
fn a_plan_with_a_request_that_the_plugin_refuses_is_refused() {
    let mut registry = Registry::new();
    registry.register(Looks(PluginKind::Acting)).unwrap();
    registry.register_as("frightened", Frightened).unwrap();
    let plan = |uses: &str, port: serde_json::Value| -> Plan {
        let with = json!({"hosts": [{"port": 80}, {"port": port}]});
        let action = json!({"name": "a", "use": uses, "with": with});
        serde_json::from_value(json!({
            "apiVersion": "windlass.dev/v1", "kind": "Plan", "metadata": {"name": "p"},
            "spec": {"blocks": [{"name": "b", "sequences": [{"name": "s", "actions": [action]}]}]},
        }))
        .unwrap()
    };
    let said = |plan: &Plan| -> Vec<String> {
        let problems = windlass_model::validate::plan(plan, &registry.catalog(), &NoPatterns);
        problems.into_iter().map(|found| format!("{} at {}", found, found.pointer)).collect()
    };
    let at = "/spec/blocks/0/sequences/0/actions/0/with";
    assert_eq!(said(&plan("looks", json!(1))), [format!("WL-0206 b/s/a: port 1 is too low at {at}")]);
    assert_eq!(said(&plan("looks", json!("{{ 1 }}"))), [""; 0], "what a template gives is not known yet");
    assert_eq!(
        said(&plan("frightened", json!(1))),
        [
            format!("WL-0206 b/s/a: `hosts.1.port`: too low at {at}/hosts/1/port"),
            format!("WL-0206 b/s/a: `no.such`: field at {at}"),
        ]
    );
    assert_eq!(
        said(&plan("frightened", json!(2))),
        [format!("WL-0206 b/s/a: the plugin cannot judge this request: it panicked: boo at {at}")]
    );
}

/// Says which field is wrong, and panics at a two.
struct Frightened;

impl Plugin for Frightened {
    type Request = Wanted;
    type Response = usize;

    fn about(&self) -> About {
        About::acting("frightened", "refuses")
    }

    fn validate(&self, request: &Wanted) -> Result<(), Vec<String>> {
        if request.hosts.iter().any(|host| host.port == 2) {
            std::panic::panic_any("boo");
        }
        Err(vec!["`hosts.1.port`: too low".into(), "`no.such`: field".into()])
    }

    async fn call(&self, _: Call, _: Wanted) -> Result<Reply<usize>, CallError> {
        Ok(Reply::unchanged(0))
    }
}
