//! The file that says where secrets come from, and the provider that it makes.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use windlass_model::name;
use windlass_plugin::{BoxFuture, Secret, SecretError, SecretProvider};

use crate::source::{Entry, Source};

/// The secrets that a file declares.
#[derive(Clone, Debug)]
pub struct SecretsFile {
    path: PathBuf,
    sources: BTreeMap<String, Source>,
}

/// Why a file declares no secrets.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}: {why}", path.display())]
pub struct FileError {
    /// The file.
    pub path: PathBuf,
    /// What is wrong with it.
    pub why: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Document {
    api_version: String,
    kind: String,
    secrets: BTreeMap<String, Entry>,
}

const API_VERSION: &str = "windlass.dev/v1";
const KIND: &str = "Secrets";

// === impl SecretsFile ===

impl SecretsFile {
    /// What a text declares; paths in it count from the directory of `path`.
    ///
    /// # Errors
    ///
    /// It is not a file of secrets, or one of them says not exactly one place.
    pub fn parse(path: &Path, text: &str) -> Result<Self, FileError> {
        let wrong = |why: String| FileError { path: path.to_owned(), why };
        let documents = windlass_lang::parse(&path.display().to_string(), text).map_err(|findings| {
            let said: Vec<&str> =
                findings.found().iter().map(|found| found.problem.message.as_str()).collect();
            wrong(said.join("; "))
        })?;
        let [document] = documents.as_slice() else {
            return Err(wrong(format!("it holds {} documents and should hold one", documents.len())));
        };
        let Document { api_version, kind, secrets } = serde_json::from_value(document.value.clone())
            .map_err(|error| {
                wrong(format!("{error}; it begins with `apiVersion: {API_VERSION}` and `kind: {KIND}`"))
            })?;
        if api_version != API_VERSION || kind != KIND {
            return Err(wrong(format!(
                "it is `{kind}` of `{api_version}`, and should be `{KIND}` of `{API_VERSION}`"
            )));
        }
        let directory = path.parent().unwrap_or(Path::new(""));
        let mut sources = BTreeMap::new();
        for (name, entry) in secrets {
            if !name::is_slug(&name) {
                return Err(wrong(format!(
                    "`{name}` cannot name a secret: use letters, digits, `-`, `_` and `.`"
                )));
            }
            let source = entry.source(directory).map_err(|why| wrong(format!("secrets.{name}: {why}")))?;
            sources.insert(name, source);
        }
        Ok(Self { path: path.to_owned(), sources })
    }
}

impl SecretProvider for SecretsFile {
    fn names(&self) -> Vec<String> {
        self.sources.keys().cloned().collect()
    }

    fn place(&self) -> String {
        self.path.display().to_string()
    }

    fn file(&self) -> Option<PathBuf> {
        std::fs::canonicalize(&self.path).ok()
    }

    fn resolve<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<Secret, SecretError>> {
        Box::pin(async move {
            let Some(source) = self.sources.get(name) else {
                return Err(SecretError::Unknown { name: name.to_owned() });
            };
            let text = source.read().await.map_err(|why| SecretError::Failed {
                name: name.to_owned(),
                from: source.to_string(),
                why,
            })?;
            if text.is_empty() {
                return Err(SecretError::Failed {
                    name: name.to_owned(),
                    from: source.to_string(),
                    why: "it is empty".to_owned(),
                });
            }
            Ok(Secret::new(text))
        })
    }
}
