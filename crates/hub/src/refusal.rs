//! Refusals as they are said to an agent.

use tonic::metadata::{MetadataMap, MetadataValue};
use tonic::{Code, Status};
use windlass_enrol::{Error, Refused};
use windlass_line::CODE_HEADER;
use windlass_model::code::{self, Code as Explained};

/// What is said to who is refused.
pub(crate) fn refusal(error: Error) -> Status {
    match error {
        Error::Refused(refused) => {
            let kind = match &refused {
                Refused::Taken { .. } => Code::AlreadyExists,
                Refused::BadName(_) | Refused::BadKey => Code::InvalidArgument,
                Refused::OtherNode { .. } | Refused::Revoked { .. } | Refused::Superseded { .. } => {
                    Code::PermissionDenied
                }
                _ => Code::Unauthenticated,
            };
            coded(kind, &refused.code(), refused.to_string())
        }
        error => {
            tracing::error!(error = &error as &dyn std::error::Error, "an agent cannot be enrolled");
            Status::unavailable(
                "the server cannot read or write what it needs for that now; its log says why",
            )
        }
    }
}

/// A refusal with the code that explains it.
pub(crate) fn coded(kind: Code, code: &Explained, message: impl Into<String>) -> Status {
    let mut metadata = MetadataMap::new();
    if let Ok(value) = MetadataValue::try_from(code.as_str()) {
        metadata.insert(CODE_HEADER, value);
    }
    Status::with_metadata(kind, message, metadata)
}

/// The agent does something that none of ours does.
pub(crate) fn off(why: &str) -> Status {
    coded(Code::InvalidArgument, &code::NO_AGENT, format!("the agent does not keep to the protocol: {why}"))
}
