//! What can go wrong for a user of the command: a stable code, what, where, why, what to do, and how to exit.

use std::error::Error;
use std::fmt;
use std::path::Path;

use serde_json::json;
use windlass_lang::Findings;
pub(crate) use windlass_model::causes::with_causes;
use windlass_model::code::{self, Code};
use windlass_model::problem::Problem;

use crate::exit::Exit;
use crate::printer::{BAD, FAINT, GOOD, Printer, Styled};

/// Why a command did not do what was asked.
#[derive(Debug)]
pub(crate) enum Failure {
    /// One thing.
    One(Box<One>),
    /// Things in a plan and in what was given with it, each with its places.
    Found(Box<Findings>),
    /// Things in several texts of an inventory.
    Several(Vec<Findings>),
    /// Things about a plan of which nobody has the text.
    Problems(Vec<Problem>),
}

/// One thing that went wrong.
#[derive(Debug)]
pub(crate) struct One {
    pub(crate) code: Code,
    pub(crate) message: String,
    pub(crate) causes: Vec<String>,
    pub(crate) help: Option<String>,
    pub(crate) exit: Exit,
}

/// What a command comes to.
pub(crate) type Outcome = Result<Exit, Failure>;

// === impl Failure ===

impl Failure {
    /// Something went wrong.
    pub(crate) fn new(exit: Exit, code: Code, message: impl Into<String>) -> Self {
        Self::One(Box::new(One { code, message: message.into(), causes: Vec::new(), help: None, exit }))
    }

    /// The command line makes no sense.
    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self::new(Exit::Invalid, code::USAGE, message)
    }

    /// A file of the user's cannot be read or written.
    pub(crate) fn file(what: &str, path: &Path, error: &std::io::Error) -> Self {
        let help = match error.kind() {
            std::io::ErrorKind::NotFound => "check the path; it is relative to the current directory",
            std::io::ErrorKind::PermissionDenied => "check the permissions of the file and its directory",
            std::io::ErrorKind::IsADirectory => "give a file, not a directory",
            _ => "check the disk, then try again",
        };
        Self::new(Exit::Invalid, code::FILE_UNREADABLE, format!("cannot {what} {}", path.display()))
            .because(error)
            .help(help)
    }

    /// With what lay behind it, the sources of the error included.
    pub(crate) fn because(self, error: &dyn Error) -> Self {
        self.map(|one| {
            let mut next = Some(error);
            while let Some(error) = next {
                one.causes.push(error.to_string());
                next = error.source();
            }
        })
    }

    /// With what to do.
    pub(crate) fn help(self, help: impl Into<String>) -> Self {
        self.map(|one| one.help = Some(help.into()))
    }

    fn map(mut self, change: impl FnOnce(&mut One)) -> Self {
        if let Self::One(one) = &mut self {
            change(one);
        }
        self
    }

    /// Whether it is one of this code.
    pub(crate) fn is(&self, code: &Code) -> bool {
        matches!(self, Self::One(one) if one.code == *code)
    }

    /// What went wrong in one line, for where it is only a part of what is said.
    pub(crate) fn in_words(&self) -> String {
        match self {
            Self::One(one) => [std::slice::from_ref(&one.message), &one.causes].concat().join(": "),
            Self::Found(findings) => findings.to_string(),
            Self::Several(all) => all.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "),
            Self::Problems(problems) => {
                problems.iter().map(|problem| problem.message.clone()).collect::<Vec<_>>().join("; ")
            }
        }
    }

    /// How to exit.
    pub(crate) fn exit(&self) -> Exit {
        match self {
            Self::One(one) => one.exit,
            Self::Found(_) | Self::Several(_) | Self::Problems(_) => Exit::Invalid,
        }
    }

    /// Says it to a person, on standard error.
    pub(crate) fn print(&self, printer: &mut Printer) {
        match self {
            Self::One(one) => printer.note(one),
            Self::Found(findings) => crate::drawing::show(findings, printer),
            Self::Several(all) => all.iter().for_each(|findings| crate::drawing::show(findings, printer)),
            Self::Problems(problems) => {
                for problem in problems {
                    printer.note(Shown(problem));
                }
            }
        }
        self.point_to_explanation(printer);
    }

    /// The same as JSON, for `--output json` and `events`.
    pub(crate) fn to_json(&self) -> serde_json::Value {
        let problems = match self {
            Self::One(one) => {
                let mut problem = json!({"code": one.code, "message": one.message});
                if let Some(map) = problem.as_object_mut() {
                    if !one.causes.is_empty() {
                        map.insert("causes".into(), one.causes.clone().into());
                    }
                    if let Some(help) = &one.help {
                        map.insert("help".into(), help.clone().into());
                    }
                }
                json!([problem])
            }
            Self::Found(findings) => return json!({"error": findings.to_json()}),
            Self::Several(all) => all.iter().flat_map(of_source).collect(),
            Self::Problems(problems) => json!(problems),
        };
        json!({"error": {"problems": problems}})
    }

    fn point_to_explanation(&self, printer: &mut Printer) {
        let code = match self {
            Self::One(one) => &one.code,
            Self::Found(findings) => match findings.found().first() {
                Some(found) => &found.problem.code,
                None => return,
            },
            Self::Several(all) => match all.iter().find_map(|findings| findings.found().first()) {
                Some(found) => &found.problem.code,
                None => return,
            },
            Self::Problems(problems) => match problems.first() {
                Some(problem) => &problem.code,
                None => return,
            },
        };
        if crate::pages::page(code.as_str()).is_some() {
            printer.note(Styled(FAINT, format_args!("`windlass explain {code}` says more")));
        }
    }
}

impl From<Findings> for Failure {
    fn from(findings: Findings) -> Self {
        Self::Found(Box::new(findings))
    }
}

impl From<Vec<Findings>> for Failure {
    fn from(all: Vec<Findings>) -> Self {
        Self::Several(all)
    }
}

/// The problems of a text, each with the name of the text.
fn of_source(findings: &Findings) -> Vec<serde_json::Value> {
    let serde_json::Value::Array(mut problems) = findings.to_json_list() else { return Vec::new() };
    for problem in problems.iter_mut().filter_map(serde_json::Value::as_object_mut) {
        problem.insert("source".into(), findings.source_text().name().into());
    }
    problems
}

impl From<windlass_store::StoreError> for Failure {
    fn from(error: windlass_store::StoreError) -> Self {
        windlass_runtime::Error::Store(error).into()
    }
}

impl From<windlass_runtime::Error> for Failure {
    fn from(error: windlass_runtime::Error) -> Self {
        use windlass_runtime::Error;
        let (code, help) = (error.code(), error.help());
        let (exit, message) = match &error {
            Error::Invalid(problems) => return Self::Problems(problems.0.clone()),
            // The store says what is wrong; that it is the store is to be seen from what it says.
            Error::Store(store) => (Exit::Store, store.to_string()),
            Error::Parked { .. } | Error::Sealed { .. } | Error::Damaged { .. } | Error::Ended => {
                (Exit::Store, error.to_string())
            }
            Error::Refused { refused, .. } => (Exit::Invalid, refused.to_string()),
            _ => (Exit::Invalid, error.to_string()),
        };
        let failure = Self::new(exit, code, message).help(help);
        let source = match &error {
            Error::Store(store) => store.source(),
            _ => None,
        };
        match source {
            Some(source) => failure.because(source),
            None => failure,
        }
    }
}

impl fmt::Display for One {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}: {}", Styled(BAD, "error"), Styled(FAINT, &self.code), self.message)?;
        for cause in &self.causes {
            write!(f, "\n  because: {cause}")?;
        }
        if let Some(help) = &self.help {
            write!(f, "\n  {}: {}", Styled(GOOD, "help"), help.replace('\n', "\n        "))?;
        }
        Ok(())
    }
}

struct Shown<'a>(&'a Problem);

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Problem { code, address, message, help, .. } = self.0;
        write!(f, "{} {}: ", Styled(BAD, "error"), Styled(FAINT, code))?;
        if !address.is_empty() {
            write!(f, "{address}: ")?;
        }
        write!(f, "{message}")?;
        if let Some(help) = help {
            write!(f, "\n  {}: {}", Styled(GOOD, "help"), help.replace('\n', "\n        "))?;
        }
        Ok(())
    }
}
