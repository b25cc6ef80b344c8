//! Attempts, and what every module must do in several of them.

use windlass_plugin::testkit::{Trial, Tried};
use windlass_plugin::{CallError, Foresight, Reply, Value, Would};

/// One attempt that works.
pub(crate) async fn done(trial: &Trial, request: &Value) -> Reply<Value> {
    let tried = trial.call(request.clone()).await;
    let said = text(&tried);
    tried.result.unwrap_or_else(|error| panic!("{request}: {error}\n{said}"))
}

/// One attempt that fails.
pub(crate) async fn failed(trial: &Trial, request: &Value) -> CallError {
    trial.call(request.clone()).await.result.expect_err("it worked")
}

pub(crate) async fn would(trial: &Trial, request: &Value) -> Foresight {
    trial.noop(request.clone()).await.unwrap()
}

pub(crate) fn diff(reply: &Reply<Value>) -> &str {
    reply.response["diff"].as_str().unwrap_or_default()
}

/// What every module must do: foresee what it does, do it, and find nothing to do a second time.
/// Gives back the answer of the time that did something.
pub(crate) async fn foreseen_done_and_then_nothing(trial: &Trial, request: &Value) -> Reply<Value> {
    let foresight = would(trial, request).await;
    assert_eq!(foresight.would, Would::Change, "{request}: {foresight:?}");
    let reply = done(trial, request).await;
    assert!(reply.changed, "{request}: {:?}", reply.response);
    assert_eq!(foresight.diff.as_ref().map(ToString::to_string).as_deref(), Some(diff(&reply)), "{request}");
    nothing_to_do(trial, request).await;
    reply
}

pub(crate) async fn nothing_to_do(trial: &Trial, request: &Value) {
    let foresight = would(trial, request).await;
    assert_eq!((foresight.would, foresight.diff), (Would::Nothing, None), "{request}: {:?}", foresight.why);
    let again = done(trial, request).await;
    assert!(!again.changed && again.response["diff"].is_null(), "{request}: {:?}", again.response);
}

pub(crate) fn text(tried: &Tried) -> String {
    tried.lines.iter().map(|line| format!("{}\n", line.text())).collect()
}
