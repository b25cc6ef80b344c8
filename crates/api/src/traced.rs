//! A span for each request, where somebody wants traces.

use axum::extract::{MatchedPath, Request, State};
use axum::http::HeaderValue;
use axum::middleware::Next;
use axum::response::Response;
use windlass_model::id::RunId;
use windlass_traces::Answered;

use crate::api::Api;

/// On an answer: the run that its request began.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Began(pub(crate) RunId);

/// What asks all the time whether the server is well.
const UNTOLD: [&str; 3] = ["/healthz", "/readyz", "/metrics"];

/// Tells of a request when its answer begins; streams go on after that.
pub(crate) async fn trace(State(api): State<Api>, request: Request, next: Next) -> Response {
    let path = request.uri().path();
    let Some(tracer) = api.parts().tracer.as_ref().filter(|_| !UNTOLD.contains(&path)) else {
        return next.run(request).await;
    };
    let caller = request.headers().get("traceparent").and_then(|caller| caller.to_str().ok());
    let Some(asking) = tracer.ask(caller, api.now()) else { return next.run(request).await };
    let method = request.method().to_string();
    let endpoint = request.extensions().get::<MatchedPath>().map(|path| path.as_str().to_owned());
    // The endpoints of gRPC are the calls themselves.
    let is_call = endpoint.as_deref().is_some_and(|endpoint| endpoint.contains("{*"));
    let endpoint = if is_call { Some(path.to_owned()) } else { endpoint };
    let mut answer = next.run(request).await;
    let answered = Answered {
        method,
        endpoint: endpoint.filter(|_| answer.status().as_u16() != 405),
        status: answer.status(),
        code: answer.headers().get("grpc-status").and_then(|code| code.to_str().ok()).map(str::to_owned),
        run: answer.extensions_mut().remove::<Began>().map(|Began(run)| run),
        at: api.now(),
    };
    tracer.answered(&asking, answered);
    if let Ok(context) = HeaderValue::try_from(asking.context().to_string()) {
        answer.headers_mut().insert("traceresponse", context);
    }
    answer
}
