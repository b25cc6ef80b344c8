//! Problems as statuses of gRPC: the code that fits, the words, and all of the problem as a detail.

use prost::Message as _;
use prost_types::{Any, Duration};
use tonic::metadata::{MetadataMap, MetadataValue};
use tonic::{Code, Status};
use tonic_types::pb::{ErrorInfo, RetryInfo, Status as Detailed};
use windlass_model::code;
use windlass_rpc::v1;

use crate::answer::Problem;

/// The header with the code alone.
const CODE: &str = "windlass-code";
const DOMAIN: &str = "windlass.dev";
/// How much of a problem goes into a status: clients take 8 KiB of headers, and a third is added on the way.
const MOST: usize = 4 << 10;
/// The longest of its texts.
const LONGEST: usize = 1 << 10;

impl From<Problem> for Status {
    fn from(problem: Problem) -> Self {
        let kind = kind(&problem);
        let message = cut(&problem.detail, LONGEST);
        let mut details = vec![packed(
            "google.rpc.ErrorInfo",
            &ErrorInfo {
                reason: problem.code.clone(),
                domain: DOMAIN.to_owned(),
                metadata: Default::default(),
            },
        )];
        if let Some(seconds) = problem.retry_after() {
            let retry_delay = Some(Duration { seconds: i64::from(seconds), nanos: 0 });
            details.push(packed("google.rpc.RetryInfo", &RetryInfo { retry_delay }));
        }
        details.push(packed("windlass.v1.Problem", &told(&problem)));
        let detailed = Detailed { code: kind as i32, message: message.clone(), details };
        let mut metadata = MetadataMap::new();
        if let Ok(value) = MetadataValue::try_from(problem.code.as_str()) {
            metadata.insert(CODE, value);
        }
        Self::with_details_and_metadata(kind, message, detailed.encode_to_vec().into(), metadata)
    }
}

fn packed(name: &str, message: &impl prost::Message) -> Any {
    Any { type_url: format!("type.googleapis.com/{name}"), value: message.encode_to_vec() }
}

/// What gRPC calls it.
fn kind(problem: &Problem) -> Code {
    let is = |code: &code::Code| problem.code == code.as_str();
    match problem.status {
        400 | 415 | 422 => Code::InvalidArgument,
        401 => Code::Unauthenticated,
        403 => Code::PermissionDenied,
        404 => Code::NotFound,
        405 => Code::Unimplemented,
        408 => Code::DeadlineExceeded,
        409 if is(&code::OBJECT_EXISTS) || is(&code::RUN_EXISTS) => Code::AlreadyExists,
        409 if is(&code::OBJECT_CHANGED) || is(&code::STORE_PRECONDITION) => Code::Aborted,
        409 => Code::FailedPrecondition,
        410 => Code::OutOfRange,
        413 | 429 | 507 => Code::ResourceExhausted,
        503 => Code::Unavailable,
        _ => Code::Internal,
    }
}

/// As much of a problem as a status may hold.
fn told(problem: &Problem) -> v1::Problem {
    let text = |text: &Option<String>| cut(text.as_deref().unwrap_or_default(), LONGEST);
    let mut told = v1::Problem {
        r#type: problem.kind.clone(),
        title: problem.title.clone(),
        status: problem.status.into(),
        code: problem.code.clone(),
        detail: cut(&problem.detail, LONGEST),
        hint: text(&problem.hint),
        problems: Vec::new(),
        left_out: 0,
        changed_json: String::new(),
    };
    let mut size = told.encoded_len();
    for one in &problem.problems {
        let one = v1::OneProblem {
            code: one.code.clone(),
            address: cut(&one.address, LONGEST),
            pointer: cut(&one.pointer, LONGEST),
            message: cut(&one.message, LONGEST),
            hint: text(&one.hint),
        };
        size = size.saturating_add(one.encoded_len()).saturating_add(4);
        if size > MOST {
            break;
        }
        told.problems.push(one);
    }
    let left_out = problem.problems.len().saturating_sub(told.problems.len());
    told.left_out = u32::try_from(left_out).unwrap_or(u32::MAX);
    if !problem.changed.is_null() {
        let changed = problem.changed.to_string();
        if size.saturating_add(changed.len()) <= MOST {
            told.changed_json = changed;
        }
    }
    told
}

/// A text that is not longer than that.
fn cut(text: &str, most: usize) -> String {
    if text.len() <= most {
        return text.to_owned();
    }
    let end = text.floor_char_boundary(most.saturating_sub('…'.len_utf8()));
    format!("{}…", text.get(..end).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use axum::http::StatusCode;
    use windlass_contract::OneProblem;

    use super::*;

    fn problem_of(status: &Status) -> v1::Problem {
        let detailed = Detailed::decode(status.details()).unwrap();
        let last = detailed.details.last().unwrap();
        assert_eq!(last.type_url, "type.googleapis.com/windlass.v1.Problem");
        v1::Problem::decode(last.value.as_slice()).unwrap()
    }

    #[test]
    fn a_problem_is_all_there_where_it_fits() {
        let mut problem = Problem::bad("what").hint("do this");
        problem.problems = vec![OneProblem {
            code: "WL-0103".to_owned(),
            address: "a".to_owned(),
            pointer: "/b".to_owned(),
            message: "c".to_owned(),
            hint: None,
        }];
        let status = Status::from(problem);
        assert_eq!((status.code(), status.message()), (Code::InvalidArgument, "what"));
        assert_eq!(status.metadata().get(CODE).unwrap(), "WL-0906");
        let told = problem_of(&status);
        assert_eq!(
            (told.status, &*told.code, &*told.hint, told.problems.len()),
            (400, "WL-0906", "do this", 1)
        );
    }

    #[test]
    fn of_very_many_as_many_are_told_as_clients_take() {
        let mut problem = Problem::bad("ä".repeat(10_000)).hint("h".repeat(10_000));
        let one = OneProblem {
            code: "WL-0103".to_owned(),
            address: "a".repeat(3000),
            pointer: String::new(),
            message: "m".repeat(100),
            hint: None,
        };
        problem.problems = vec![one; 500];
        let status = Status::from(problem);
        assert!(status.details().len() < 6 << 10 && status.message().len() <= LONGEST);
        let told = problem_of(&status);
        assert_eq!(told.problems.len() + told.left_out as usize, 500);
    }

    #[test]
    fn each_status_of_rest_has_a_code() {
        for (status, code, expect) in [
            (401, &code::UNAUTHENTICATED, Code::Unauthenticated),
            (403, &code::POLICY, Code::PermissionDenied),
            (409, &code::OBJECT_EXISTS, Code::AlreadyExists),
            (409, &code::OBJECT_CHANGED, Code::Aborted),
            (409, &code::FROZEN, Code::FailedPrecondition),
            (410, &code::STORE_COMPACTED, Code::OutOfRange),
            (500, &code::SERVER, Code::Internal),
        ] {
            let problem = Problem::new(StatusCode::from_u16(status).unwrap(), code, "");
            assert_eq!(Status::from(problem).code(), expect, "{status}");
        }
    }
}
