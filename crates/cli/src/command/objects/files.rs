//! Objects in files: read with their places, so that what a server finds wrong is drawn where it stands.

use std::path::{Path, PathBuf};

use serde_json::Value;
use windlass_contract::Problem as Said;
use windlass_lang::{Document, Findings, Source};
use windlass_model::code;
use windlass_model::name::nearest;
use windlass_model::problem::Problem;
use windlass_objects::{Kind, Scope, kinds};

use crate::exit::Exit;
use crate::failure::Failure;

/// An object as a file has it.
pub(super) struct Written {
    pub(super) kind: &'static Kind,
    pub(super) namespace: String,
    pub(super) name: String,
    pub(super) document: Value,
    source: Source,
    place: Document,
}

/// The largest file.
const MOST: u64 = 64 << 20;

/// The objects of files and folders: what others refer to first, and else in the order of the files.
pub(super) fn read(paths: &[PathBuf], namespace: &str) -> Result<Vec<Written>, Failure> {
    let (mut all, mut wrong) = (Vec::new(), Vec::new());
    for path in paths {
        for file in files(path)? {
            let (name, text) = text(&file)?;
            let source = Source::new(&name, &text);
            match windlass_lang::documents(&source) {
                Err(findings) => wrong.push(findings),
                Ok(documents) => {
                    for document in documents {
                        match written(document, &source, namespace) {
                            Ok(written) => all.push(written),
                            Err(findings) => wrong.push(findings),
                        }
                    }
                }
            }
        }
    }
    if !wrong.is_empty() {
        return Err(wrong.into());
    }
    if all.is_empty() {
        return Err(Failure::usage("there are no objects in what was given")
            .help("an object begins with `apiVersion: windlass.dev/v1` and `kind: ...`"));
    }
    let order = |kind: &Kind| kinds::all().iter().position(|one| one.plural == kind.plural);
    all.sort_by_key(|written| order(written.kind));
    Ok(all)
}

fn files(path: &Path) -> Result<Vec<PathBuf>, Failure> {
    if path.as_os_str() == "-" || !path.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let cannot = |error: std::io::Error| Failure::file("read", path, &error);
    let mut found = Vec::new();
    for entry in std::fs::read_dir(path).map_err(cannot)? {
        let entry = entry.map_err(cannot)?.path();
        let is_hidden = entry.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.'));
        let extension = entry.extension().and_then(|it| it.to_str()).unwrap_or_default();
        if is_hidden {
            continue;
        }
        if entry.is_dir() {
            found.extend(files(&entry)?);
        } else if matches!(extension, "yaml" | "yml" | "json") {
            found.push(entry);
        }
    }
    found.sort();
    Ok(found)
}

fn text(path: &Path) -> Result<(String, String), Failure> {
    use std::io::Read as _;
    let is_stdin = path.as_os_str() == "-";
    let name = if is_stdin { "<stdin>".to_owned() } else { path.display().to_string() };
    let mut bytes = Vec::new();
    let read = match is_stdin {
        true => std::io::stdin().lock().take(MOST).read_to_end(&mut bytes),
        false => std::fs::File::open(path).and_then(|file| file.take(MOST).read_to_end(&mut bytes)),
    };
    read.map_err(|error| Failure::file("read", Path::new(&name), &error))?;
    let text = windlass_lang::decode(&name, bytes)?;
    Ok((name, text))
}

fn written(document: Document, source: &Source, namespace: &str) -> Result<Written, Findings> {
    let text = |pointer: &str| document.value.pointer(pointer).and_then(Value::as_str).map(str::to_owned);
    let wrong = |problem: Problem| Findings::of(source, vec![document.found(problem, source)]);
    let missing = |key: &str| Problem::new(code::MISSING_KEY, "", "", format!("an object has a `{key}`"));
    let word = text("/kind").ok_or_else(|| wrong(missing("kind")))?;
    let found = kinds::all().iter().copied().find(|kind| kind.is_called(&word)).ok_or_else(|| {
        let names: Vec<&str> = kinds::all().iter().map(|kind| kind.name).collect();
        let near = nearest(&word, names.iter().copied()).map(|near| format!("did you mean `{near}`? "));
        let message = format!("there is no kind of objects called `{word}`");
        let help = format!("{}there are: {}", near.unwrap_or_default(), names.join(", "));
        wrong(Problem::new(code::UNKNOWN_OBJECT_KIND, "", "/kind", message).help(help))
    })?;
    let name = text("/metadata/name").ok_or_else(|| wrong(missing("metadata.name")))?;
    let own = match found.scope {
        Scope::Global => None,
        Scope::Namespaced => text("/metadata/namespace"),
    };
    Ok(Written {
        kind: found,
        namespace: own.unwrap_or_else(|| namespace.to_owned()),
        name,
        document: document.value.clone(),
        source: source.clone(),
        place: document,
    })
}

// === impl Written ===

impl Written {
    /// What a server found wrong, drawn where it stands; `None` where it is about nothing in the file.
    pub(super) fn findings(&self, said: &Said) -> Option<Failure> {
        if said.problems.is_empty() || said.status >= 500 {
            return None;
        }
        let found = said.problems.iter().map(|one| {
            let code = code::find(&one.code).unwrap_or(code::WRONG_TYPE);
            let problem = Problem::new(code, &*one.address, &*one.pointer, &*one.message);
            let problem = match &one.hint {
                Some(hint) => problem.help(hint),
                None => problem,
            };
            self.place.found(problem, &self.source)
        });
        Some(Findings::of(&self.source, found.collect()).into())
    }

    /// The failure of a request about it.
    pub(super) fn failure(&self, error: windlass_client::Error) -> Failure {
        match error.problem().and_then(|said| self.findings(said)) {
            Some(failure) => failure,
            None => error.into(),
        }
    }
}

/// The worse of two exits.
pub(super) fn worse(one: Exit, other: Exit) -> Exit {
    if other.code() > one.code() { other } else { one }
}
