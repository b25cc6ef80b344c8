//! Whether it lives, whether it can take work, and what it is.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use windlass_contract::Version;
use windlass_model::Value;

use crate::answer::Problem;
use crate::api::Api;

pub(crate) async fn lives() -> &'static str {
    "ok\n"
}

/// It can take work while its store can.
pub(crate) async fn ready(State(api): State<Api>) -> Result<&'static str, Problem> {
    if let Some(why) = api.parts().host.trouble() {
        return Err(Problem::unavailable(why));
    }
    if let Err(error) = api.parts().runs.list(1, None).await {
        let mut problem = Problem::from(error);
        problem.status = StatusCode::SERVICE_UNAVAILABLE.as_u16();
        return Err(problem);
    }
    Ok("ok\n")
}

pub(crate) async fn version(State(api): State<Api>) -> Json<Version> {
    Json(Version { version: api.parts().version.to_owned() })
}

pub(crate) async fn openapi() -> Json<&'static Value> {
    Json(crate::document::document())
}
