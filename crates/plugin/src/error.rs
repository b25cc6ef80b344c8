//! Why an attempt failed, and whether another one may help.

use std::error::Error;
use std::fmt;

use serde::Serialize;
use windlass_model::Value;
use windlass_model::outcome::Failure;
use windlass_model::span::Span;

/// Why an attempt failed.
///
/// Any [`std::error::Error`] turns into one with `?`: retryable, with its chain of sources kept.
/// It is no `Error` itself, because that blanket conversion would then be ambiguous.
#[derive(Clone, Debug, PartialEq)]
pub struct CallError {
    /// What sort of failure, in a word that does not change between versions.
    pub code: String,
    /// What went wrong, in one lower-case fragment.
    pub message: String,
    /// Whether another attempt is pointless.
    pub permanent: bool,
    /// How long the other side asked to be left alone.
    pub retry_after: Option<Span>,
    /// What lay behind it, nearest first.
    pub causes: Vec<String>,
    /// What there is to say in spite of the failure: the output of a program that failed.
    pub response: Option<Box<Value>>,
}

// === impl CallError ===

impl CallError {
    /// The code of errors that were not given one.
    pub const ERROR: &'static str = "error";
    /// The request does not fit.
    pub const REQUEST: &'static str = "request";

    /// A failure after which another attempt may help.
    pub fn retryable(code: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            code: code.into(),
            message: message.into(),
            permanent: false,
            retry_after: None,
            causes: Vec::new(),
            response: None,
        }
    }

    /// A failure after which another attempt is pointless.
    pub fn permanent(code: impl Into<String>, message: impl Into<String>) -> Self {
        Self { permanent: true, ..Self::retryable(code, message) }
    }

    /// A person or the clock ended the attempt.
    #[must_use]
    pub fn cancelled() -> Self {
        Self::retryable(Failure::CANCELLED, "the attempt was told to end")
    }

    /// The same, no sooner than after this long.
    #[must_use]
    pub fn retry_after(self, wait: Span) -> Self {
        Self { retry_after: Some(wait), ..self }
    }

    /// The same, with what there is to say in spite of it.
    ///
    /// A response that cannot be put into JSON is left out: the failure is what counts.
    #[must_use]
    pub fn with_response(self, response: impl Serialize) -> Self {
        Self { response: serde_json::to_value(response).ok().map(Box::new), ..self }
    }

    /// The same, with the chain of an error that lay behind it.
    #[must_use]
    pub fn because(mut self, error: &(dyn Error + 'static)) -> Self {
        self.causes.push(error.to_string());
        self.causes.extend(sources(error));
        self
    }

    /// What is recorded of it, and the response that was kept.
    #[must_use]
    pub fn into_failure(self) -> (Failure, Option<Value>) {
        let Self { code, message, permanent, causes, response, retry_after: _ } = self;
        (Failure { code, message, permanent, causes }, response.map(|response| *response))
    }
}

impl<E: Error + 'static> From<E> for CallError {
    fn from(error: E) -> Self {
        let causes = sources(&error).collect();
        Self { causes, ..Self::retryable(Self::ERROR, error.to_string()) }
    }
}

impl fmt::Display for CallError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        for cause in &self.causes {
            write!(f, ": {cause}")?;
        }
        Ok(())
    }
}

fn sources(error: &(dyn Error + 'static)) -> impl Iterator<Item = String> {
    std::iter::successors(error.source(), |&error| error.source()).map(ToString::to_string)
}
