//! What is wrong, as it is answered: `application/problem+json` with a code, a place and advice.

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use serde_json::json;
use windlass_contract::{OneProblem, Problem as Said};
use windlass_model::Value;
use windlass_model::causes::with_causes;
use windlass_model::code::{self, Code};
use windlass_model::problem::Problem as Wrong;
use windlass_objects::Error as ObjectError;
use windlass_runtime::Error as RunError;
use windlass_store::{Class, StoreError};

/// What is wrong with a request. It is small to pass on: hardly any request has one.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Problem(Box<Said>, #[serde(skip)] Option<u32>);

const PROBLEM: HeaderValue = HeaderValue::from_static(windlass_contract::PROBLEM);

// === impl Problem ===

impl std::ops::Deref for Problem {
    type Target = Said;

    fn deref(&self) -> &Said {
        &self.0
    }
}

impl std::ops::DerefMut for Problem {
    fn deref_mut(&mut self) -> &mut Said {
        &mut self.0
    }
}

impl Problem {
    pub(crate) fn new(status: StatusCode, code: &Code, detail: impl Into<String>) -> Self {
        let title = code::ALL.iter().find(|(known, _)| known == code).map_or("", |(_, title)| *title);
        Self(
            Box::new(Said {
                kind: format!("https://windlass.dev/errors/{code}"),
                title: title.to_owned(),
                status: status.as_u16(),
                code: code.to_string(),
                detail: detail.into(),
                hint: None,
                problems: Vec::new(),
                changed: Value::Null,
            }),
            None,
        )
    }

    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.0.hint = Some(hint.into());
        self
    }

    /// Asking again before then is of no use.
    pub(crate) fn again_in(mut self, wait: std::time::Duration) -> Self {
        self.1 = Some(wait.as_secs_f64().ceil().max(1.0) as u32);
        self
    }

    /// Who are you?
    pub(crate) fn unauthenticated() -> Self {
        Self::new(
            StatusCode::UNAUTHORIZED,
            &code::UNAUTHENTICATED,
            "this needs a token, and there is none that is good",
        )
        .hint("send `Authorization: Bearer TOKEN`; POST /api/v1/tokens makes one, and so does `windlass server token` beside the server")
    }

    /// You may not.
    pub(crate) fn forbidden(user: &str, verb: impl std::fmt::Display, what: impl std::fmt::Display) -> Self {
        Self::new(StatusCode::FORBIDDEN, &code::FORBIDDEN, format!("{user} may not {verb} {what}"))
            .hint("somebody who is admin can bind a role to you: a RoleBinding")
    }

    /// What was at work on it is gone.
    pub(crate) fn lost(why: tokio::task::JoinError) -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, &code::SERVER, format!("it cannot be answered: {why}"))
    }

    /// Not so often.
    pub(crate) fn too_often(wait: std::time::Duration) -> Self {
        Self::new(
            StatusCode::TOO_MANY_REQUESTS,
            &code::TOO_OFTEN,
            "this is asked more often than one user may ask",
        )
        .hint("ask again after the seconds of `Retry-After`; streams tell what changes without being asked")
        .again_in(wait)
    }

    /// When it is worth asking again, in seconds.
    pub(crate) fn retry_after(&self) -> Option<u32> {
        self.1
    }

    /// It cannot take work now.
    pub fn unavailable(why: impl Into<String>) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, &code::SERVER, why)
    }

    /// What goes on ends with the server.
    pub(crate) fn ending() -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, &code::SERVER, "the server ends")
            .hint("begin again where this stopped, when the server is back")
    }

    /// The log cannot be read.
    pub(crate) fn unreadable(error: &std::io::Error) -> Self {
        let detail = format!("the log cannot be read: {error}");
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, &code::SERVER, detail)
    }

    /// What was sent did not come.
    pub(crate) fn too_slow() -> Self {
        Self::new(
            StatusCode::REQUEST_TIMEOUT,
            &code::TOO_SLOW,
            "what is sent with the request did not come in time",
        )
    }

    /// There is none, or none that you may know of.
    pub(crate) fn not_found(what: impl std::fmt::Display) -> Self {
        Self::new(StatusCode::NOT_FOUND, &code::UNKNOWN_OBJECT, format!("there is no {what}"))
    }

    /// What was sent is not understood.
    pub(crate) fn bad(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, &code::BAD_QUERY, detail)
    }

    /// Everything that is wrong with what was sent.
    pub(crate) fn invalid(problems: &[Wrong]) -> Self {
        let first = problems.first();
        let code = first.map_or(code::WRONG_TYPE, |first| first.code.clone());
        let detail = match problems {
            [one] => one.message.clone(),
            many => format!("{} things are wrong", many.len()),
        };
        let hint = match problems {
            [one] => one.help.clone(),
            _ => None,
        };
        let problems = problems.iter().map(|problem| OneProblem {
            code: problem.code.to_string(),
            address: problem.address.clone(),
            pointer: problem.pointer.clone(),
            message: problem.message.clone(),
            hint: problem.help.clone(),
        });
        let mut problem = Self::new(StatusCode::UNPROCESSABLE_ENTITY, &code, detail);
        (problem.0.problems, problem.0.hint) = (problems.collect(), hint);
        problem
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = (status, Json(&self)).into_response();
        response.headers_mut().insert(header::CONTENT_TYPE, PROBLEM);
        if let Some(seconds) = self.1 {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        if status == StatusCode::UNAUTHORIZED {
            response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}

impl From<ObjectError> for Problem {
    fn from(error: ObjectError) -> Self {
        let status = match &error {
            ObjectError::UnknownKind(_) | ObjectError::NotFound { .. } => StatusCode::NOT_FOUND,
            ObjectError::Exists { .. } | ObjectError::Conflict { .. } | ObjectError::Referenced { .. } => {
                StatusCode::CONFLICT
            }
            ObjectError::Invalid(problems) => return Self::invalid(problems),
            ObjectError::BadQuery(_) | ObjectError::BadPatch(_) => StatusCode::BAD_REQUEST,
            ObjectError::Expired { .. } => StatusCode::GONE,
            ObjectError::Sealed(_) | ObjectError::Damaged(_) => StatusCode::INTERNAL_SERVER_ERROR,
            ObjectError::Store(error) => of_store(error),
        };
        let changed = match &error {
            ObjectError::Conflict { changed, .. } => json!(changed),
            _ => Value::Null,
        };
        let mut problem = Self::new(status, &error.code(), with_causes(&error));
        (problem.0.changed, problem.0.hint) = (changed, error.help());
        problem
    }
}

impl From<RunError> for Problem {
    fn from(error: RunError) -> Self {
        let code = error.code();
        let status = match &error {
            RunError::Invalid(problems) => return Self::invalid(&problems.0),
            RunError::Store(error) => of_store(error),
            _ if code == code::UNKNOWN_RUN => StatusCode::NOT_FOUND,
            _ if error.is_retryable() => StatusCode::SERVICE_UNAVAILABLE,
            _ => StatusCode::CONFLICT,
        };
        Self::new(status, &code, with_causes(&error)).hint(error.help())
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        ObjectError::from(error).into()
    }
}

fn of_store(error: &StoreError) -> StatusCode {
    match error {
        StoreError::Full { .. } => StatusCode::INSUFFICIENT_STORAGE,
        StoreError::TooLarge { .. } => StatusCode::PAYLOAD_TOO_LARGE,
        StoreError::Closed | StoreError::Stopped { .. } => StatusCode::SERVICE_UNAVAILABLE,
        error if error.class() == Class::Retryable => StatusCode::SERVICE_UNAVAILABLE,
        _ => StatusCode::INTERNAL_SERVER_ERROR,
    }
}
