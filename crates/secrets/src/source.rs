//! One place that a secret comes from.

use std::fmt;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Deserialize;
use windlass_model::span::Span;

use crate::program::Program;

/// How long a program may take where the file does not say.
const WITHIN: Duration = Duration::from_secs(30);
/// The longest secret.
pub(crate) const LONGEST: usize = 1 << 20;
/// Where the identity for age-encrypted files is, where the file does not say.
const IDENTITY: &str = "WINDLASS_AGE_IDENTITY";

/// A secret as the file declares it: exactly one of the first four.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Entry {
    env: Option<String>,
    file: Option<PathBuf>,
    program: Option<Words>,
    age: Option<PathBuf>,
    /// The file with the identity that opens an age-encrypted file.
    identity: Option<PathBuf>,
    /// How long a program may take.
    timeout: Option<Span>,
    /// Variables of the environment that a program gets beside those that it always has.
    #[serde(default)]
    pass: Vec<String>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Words {
    List(Vec<String>),
    Text(String),
}

/// Where a secret comes from.
#[derive(Clone, Debug)]
pub(crate) enum Source {
    Env(String),
    File(PathBuf),
    Program(Program),
    Age { file: PathBuf, program: Program },
}

// === impl Entry ===

impl Entry {
    pub(crate) fn source(self, directory: &Path) -> Result<Source, String> {
        let Self { env, file, program, age, identity, timeout, pass } = self;
        let (is_program, is_age) = (program.is_some(), age.is_some());
        if identity.is_some() && !is_age {
            return Err("`identity` belongs to `age`".into());
        }
        if (timeout.is_some() && !is_program && !is_age) || (!pass.is_empty() && !is_program) {
            return Err("`timeout` and `pass` belong to `program`".into());
        }
        let within = timeout.map_or(WITHIN, |timeout| timeout.0);
        match (env, file, program, age) {
            (Some(name), None, None, None) => Ok(Source::Env(name)),
            (None, Some(file), None, None) => Ok(Source::File(placed(directory, &file))),
            (None, None, Some(words), None) => {
                let argv = words.argv()?;
                Ok(Source::Program(Program { argv, directory: directory.to_owned(), within, pass }))
            }
            (None, None, None, Some(file)) => {
                let file = placed(directory, &file);
                let identity = identity
                    .map(|identity| placed(directory, &identity))
                    .or_else(|| std::env::var_os(IDENTITY).map(PathBuf::from));
                let Some(identity) = identity else {
                    return Err(format!("`identity` is missing: the file that opens it; or set {IDENTITY}"));
                };
                let words =
                    ["age".into(), "--decrypt".into(), "--identity".into(), text(&identity)?, text(&file)?];
                let (argv, pass) = (words.to_vec(), Vec::new());
                let program = Program { argv, directory: directory.to_owned(), within, pass };
                Ok(Source::Age { file, program })
            }
            _ => Err("say exactly one of `env`, `file`, `program` and `age`".into()),
        }
    }
}

fn text(path: &Path) -> Result<String, String> {
    path.to_str().map(str::to_owned).ok_or_else(|| format!("{} is not UTF-8", path.display()))
}

fn placed(directory: &Path, path: &Path) -> PathBuf {
    match (path.strip_prefix("~"), std::env::var_os("HOME")) {
        (Ok(rest), Some(home)) => PathBuf::from(home).join(rest),
        _ => directory.join(path),
    }
}

// === impl Words ===

impl Words {
    /// The words of a text are divided at spaces; there is no shell that could know quotes.
    fn argv(self) -> Result<Vec<String>, String> {
        let argv = match self {
            Self::List(words) => words,
            Self::Text(text) if text.contains(['\'', '"', '\\', '$', '`', '|', ';', '&', '<', '>']) => {
                return Err(
                    "`program` is run without a shell: write a list, [\"pass\", \"show\", \"db\"]".into()
                );
            }
            Self::Text(text) => text.split_whitespace().map(str::to_owned).collect(),
        };
        if argv.first().is_none_or(String::is_empty) {
            return Err("`program` is empty".into());
        }
        Ok(argv)
    }
}

// === impl Source ===

impl Source {
    /// The secret; else why it cannot be had.
    pub(crate) async fn read(&self) -> Result<String, String> {
        let bytes = match self {
            Self::Env(name) => {
                return match std::env::var(name) {
                    Ok(text) => Ok(text),
                    Err(std::env::VarError::NotPresent) => Err(format!("the variable {name} is not set")),
                    Err(std::env::VarError::NotUnicode(_)) => {
                        Err(format!("the variable {name} is not UTF-8"))
                    }
                };
            }
            Self::File(path) => {
                let path = path.clone();
                let read = tokio::task::spawn_blocking(move || bounded(&path)).await;
                read.unwrap_or_else(|_| Err(std::io::Error::other("reading it was given up")))
                    .map_err(|error| error.to_string())?
            }
            Self::Program(program) => program.run().await?,
            Self::Age { program, .. } => program.run().await.map_err(|why| match why.as_str() {
                missing
                    if missing.contains("No such file or directory")
                        && missing.contains("cannot be started") =>
                {
                    format!("{why}; install the program `age`")
                }
                _ => why,
            })?,
        };
        if bytes.len() > LONGEST {
            return Err(format!("it is longer than {LONGEST} bytes"));
        }
        let text = String::from_utf8(bytes).map_err(|_| "it is not UTF-8".to_owned())?;
        // Editors and `echo` end a file with a line break that is not part of the secret.
        let text =
            text.strip_suffix('\n').map_or(text.as_str(), |text| text.strip_suffix('\r').unwrap_or(text));
        Ok(text.to_owned())
    }
}

fn bounded(path: &Path) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    std::fs::File::open(path)?.take(LONGEST as u64 + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Env(name) => write!(f, "the variable {name}"),
            Self::File(path) => write!(f, "the file {}", path.display()),
            Self::Program(program) => write!(f, "the program {}", program.name()),
            Self::Age { file, .. } => write!(f, "the encrypted file {}", file.display()),
        }
    }
}
