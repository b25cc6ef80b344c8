//! The servers that are known here: where they are, and what one is known by there.

use std::collections::BTreeMap;
use std::fs::{self, DirBuilder, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use windlass_client::{Client, Error, Server};
use windlass_model::code;
use windlass_model::name::nearest;
use windlass_model::problem::Problem;

use crate::args::{
    CA_VARIABLE, CONTEXT_VARIABLE, ContextArgs, NAMESPACE_VARIABLE, PlaceArgs, SERVER_VARIABLE,
    TOKEN_VARIABLE,
};
use crate::data_dir::quoted;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::typed::Typed;

/// A server that was chosen, and the namespace that is meant there.
#[derive(Clone, Debug)]
pub(crate) struct Context {
    pub(crate) client: Client,
    pub(crate) namespace: String,
    typed: Typed,
}

/// What is known here of a server.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Known {
    pub(crate) server: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) token: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) ca: Option<PathBuf>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) namespace: Option<String>,
}

/// The file of all of them.
#[derive(Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Contexts {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) current: Option<String>,
    #[serde(default)]
    pub(crate) contexts: BTreeMap<String, Known>,
}

const DEFAULT: &str = "default";

fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

fn unknown(message: impl Into<String>) -> Failure {
    Failure::new(Exit::Invalid, code::NO_CONTEXT, message)
}

// === impl PlaceArgs ===

impl PlaceArgs {
    /// The server, if one is meant: by a flag, or by a variable where no directory is named.
    pub(crate) fn server(&self) -> Result<Option<Context>, Failure> {
        match (&self.context.context, &self.data_dir.data_dir) {
            (Some(_), Some(_)) => {
                Err(Failure::usage("--context and --data-dir are given, and runs are in one place")
                    .help("leave one of them out"))
            }
            (None, Some(_)) => match &self.context.namespace {
                Some(_) => {
                    Err(Failure::usage("--namespace is for runs on a server, and --data-dir is given"))
                }
                None => Ok(None),
            },
            (Some(_), None) => self.context.choose().map(Some),
            (None, None) if variable(CONTEXT_VARIABLE).is_some() || variable(SERVER_VARIABLE).is_some() => {
                self.context.choose().map(Some)
            }
            (None, None) => match &self.context.namespace {
                Some(_) => Err(Failure::usage("--namespace is for runs on a server, and none is named")
                    .help("give --context NAME; `windlass contexts` lists them")),
                None => Ok(None),
            },
        }
    }
}

// === impl ContextArgs ===

impl ContextArgs {
    /// The server that is meant, or the current one.
    pub(crate) fn choose(&self) -> Result<Context, Failure> {
        let name = self.context.clone().or_else(|| variable(CONTEXT_VARIABLE));
        let (known, flag) = match (&name, variable(SERVER_VARIABLE)) {
            (None, Some(server)) => {
                let ca = variable(CA_VARIABLE).map(PathBuf::from);
                (Known { server, token: variable(TOKEN_VARIABLE), ca, namespace: None }, String::new())
            }
            (name, _) => Contexts::read()?.known(name.as_deref())?,
        };
        let flag = if self.context.is_some() { flag } else { String::new() };
        let namespace = self.namespace.clone().or_else(|| variable(NAMESPACE_VARIABLE));
        let own = known.namespace.clone();
        let named = namespace.clone().filter(|named| Some(named) != own.as_ref());
        let flag = match (named, flag.is_empty()) {
            (None, _) => flag,
            (Some(named), true) => format!("--namespace {}", quoted(&named)),
            (Some(named), false) => format!("{flag} --namespace {}", quoted(&named)),
        };
        let namespace = namespace.or(own).unwrap_or_else(|| DEFAULT.to_owned());
        Context::new(&known, namespace, Typed::server(flag))
    }
}

// === impl Context ===

impl Context {
    fn new(known: &Known, namespace: String, typed: Typed) -> Result<Self, Failure> {
        Ok(Self { client: known.client()?, namespace, typed })
    }

    /// How commands to type say that it is meant.
    pub(crate) fn typed(&self) -> &Typed {
        &self.typed
    }
}

// === impl Known ===

impl Known {
    pub(crate) fn client(&self) -> Result<Client, Failure> {
        let server = Server { url: self.server.clone(), token: self.token.clone(), ca: self.ca.clone() };
        let client = Client::new(&server)?;
        // Pipelines say so which of their steps it is.
        Ok(match std::env::var("TRACEPARENT") {
            Ok(step) => client.in_trace(&step),
            Err(_) => client,
        })
    }
}

// === impl Contexts ===

impl Contexts {
    /// Where they are kept.
    pub(crate) fn path() -> Result<PathBuf, Failure> {
        let config = variable("XDG_CONFIG_HOME").map(PathBuf::from).filter(|dir| dir.is_absolute());
        let config = config.or_else(|| variable("HOME").map(|home| Path::new(&home).join(".config")));
        config.map(|config| config.join("windlass/contexts.toml")).ok_or_else(|| {
            unknown("there is no place for what is known of servers: HOME is not set")
                .help("set HOME, or WINDLASS_SERVER and WINDLASS_TOKEN")
        })
    }

    pub(crate) fn read() -> Result<Self, Failure> {
        let path = Self::path()?;
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Self::default()),
            Err(error) => return Err(Failure::file("read", &path, &error)),
        };
        toml::from_str(&text).map_err(|error| {
            unknown(format!("{} cannot be understood", path.display()))
                .because(&error)
                .help("mend it, or remove it and sign in again with `windlass login`")
        })
    }

    /// Keeps them, for their owner's eyes only. Whoever reads meanwhile finds the old or the new.
    pub(crate) fn write(&self) -> Result<(), Failure> {
        let path = Self::path()?;
        let failed = |error: std::io::Error| Failure::file("write", &path, &error);
        let text = toml::to_string_pretty(self).map_err(|error| {
            Failure::new(Exit::Bug, code::BUG, "what is known of servers cannot be written").because(&error)
        })?;
        if let Some(directory) = path.parent() {
            DirBuilder::new().recursive(true).mode(0o700).create(directory).map_err(failed)?;
        }
        let fresh = path.with_extension(format!("toml.{}", std::process::id()));
        let mut file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(&fresh)
            .map_err(failed)?;
        let written = file.write_all(text.as_bytes()).and_then(|()| file.sync_all());
        written.and_then(|()| fs::rename(&fresh, &path)).map_err(|error| {
            let _ = fs::remove_file(&fresh);
            failed(error)
        })
    }

    /// The one of this name, or the current one; and the flag that names it.
    pub(crate) fn known(&self, name: Option<&str>) -> Result<(Known, String), Failure> {
        let Some(name) = name.or(self.current.as_deref()) else {
            return Err(unknown("no server is known here").help(
                "`windlass login URL --token @FILE` makes one known; or set WINDLASS_SERVER and WINDLASS_TOKEN",
            ));
        };
        let known = self.contexts.get(name).cloned().ok_or_else(|| {
            let names = self.contexts.keys().map(String::as_str);
            let near = nearest(name, names.clone()).map(|near| format!("did you mean `{near}`? "));
            let all: Vec<&str> = names.collect();
            let all = if all.is_empty() { "none yet".to_owned() } else { all.join(", ") };
            unknown(format!("there is no context `{name}`"))
                .help(format!("{}known are: {all}", near.unwrap_or_default()))
        })?;
        Ok((known, format!("--context {}", quoted(name))))
    }
}

// === impl Failure ===

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        let (message, help) = (error.to_string(), error.help());
        let failure = match &error {
            Error::Refused(problem) => {
                if problem.problems.len() > 1 {
                    let problems = problem.problems.iter().map(|it| Problem {
                        code: code::find(&it.code).unwrap_or(code::BUG),
                        address: it.address.clone(),
                        pointer: it.pointer.clone(),
                        message: it.message.clone(),
                        help: it.hint.clone(),
                    });
                    return Self::Problems(problems.collect());
                }
                let exit = if problem.status >= 500 { Exit::Store } else { Exit::Invalid };
                Self::new(exit, code::find(&problem.code).unwrap_or(code::UNREACHABLE), message)
            }
            Error::Address { .. } | Error::Token | Error::Certificates { .. } => {
                Self::new(Exit::Invalid, code::NO_CONTEXT, message)
            }
            _ => Self::new(Exit::Store, code::UNREACHABLE, message),
        };
        let failure = match std::error::Error::source(&error) {
            Some(source) => failure.because(source),
            None => failure,
        };
        match help {
            Some(help) => failure.help(help),
            None => failure,
        }
    }
}
