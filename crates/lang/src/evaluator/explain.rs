//! What went wrong in a template, in one sentence that names the key.

use minijinja::{Error, ErrorKind};
use windlass_model::eval::{EvalError, EvalErrorKind, Scope};
use windlass_model::{Map, name};

use super::trace::Trace;

/// What a template can see at the top.
pub(crate) const ROOTS: [&str; 9] =
    ["params", "vars", "facts", "node", "store", "targets", "steps", "run", "secret"];
/// What the template language itself brings along.
const BUILTINS: [&str; 5] = ["range", "dict", "namespace", "loop", "self"];

/// Whether a name belongs to the template language.
pub(crate) fn is_builtin(name: &str) -> bool {
    BUILTINS.contains(&name) || name.starts_with("__")
}

/// A name that nothing can stand for.
pub(super) fn unknown(name: &str) -> String {
    let known = ROOTS.join(", ");
    format!(
        "there is no `{name}`: a text stands in quotes, and a name with a hyphen in brackets; there are: {known}"
    )
}

/// A template that does not parse.
pub(crate) fn syntax(error: &Error, source: &str) -> String {
    let what = error.detail().unwrap_or("it does not parse").to_owned();
    let what = match error.kind() {
        ErrorKind::UnknownFilter => format!("there is no {what}"),
        _ => what,
    };
    match error.range().and_then(|range| source.get(range)).filter(|part| !part.trim().is_empty()) {
        Some(part) if !what.contains(part) => {
            format!("the template does not parse at `{}`: {what}", short(part))
        }
        _ => format!("the template does not parse: {what}"),
    }
}

/// A rendering that failed.
pub(super) fn failure(error: &Error, source: &str, trace: &Trace, scope: &Scope) -> EvalError {
    match trace.unknown() {
        Some(text) => EvalError { text, kind: EvalErrorKind::Unknown },
        None => EvalError::wrong(wrong(error, source, trace, scope)),
    }
}

fn wrong(error: &Error, source: &str, trace: &Trace, scope: &Scope) -> String {
    match error.kind() {
        _ if let Some(circle) = trace.circle() => format!("`{}` cannot be rendered: {circle}", short(source)),
        ErrorKind::UndefinedError if trace.missing().is_some() => undefined(source, trace, scope),
        ErrorKind::OutOfFuel => format!("`{}` takes too many steps", short(source)),
        ErrorKind::WriteFailure => {
            format!("`{}` gives more than {} MiB", short(source), super::MAX_OUTPUT >> 20)
        }
        kind => {
            let mut what = error.detail().map_or_else(|| kind.to_string(), str::to_owned);
            let mut cause = std::error::Error::source(error);
            while let Some(deeper) = cause {
                if let Some(deeper) = deeper.downcast_ref::<Error>().and_then(Error::detail) {
                    what = format!("{what}: {deeper}");
                }
                cause = deeper.source();
            }
            // The text of a template is the plan's own, but what it computed may be secret.
            if trace.touched().is_empty() {
                format!("`{}` cannot be rendered: {what}", short(source))
            } else {
                format!("`{}` cannot be rendered: {kind}", short(source))
            }
        }
    }
}

/// A name that is not there.
pub(super) fn undefined(source: &str, trace: &Trace, scope: &Scope) -> String {
    let Some(missing) = trace.missing() else {
        return format!("`{}` gives nothing", short(source));
    };
    let untold = scope.node.as_deref().filter(|node| node.facts.is_empty());
    if let (true, Some(node)) = (missing.starts_with("facts."), untold) {
        return format!(
            "{missing} is not defined: no facts of `{}` are known; `--fresh-facts` asks for them",
            node.name
        );
    }
    let near = match missing.rsplit_once('.') {
        None => {
            if matches!(missing.as_str(), "node" | "facts") {
                return format!("{missing} is not defined: there is no target here");
            }
            name::nearest(&missing, ROOTS).map(str::to_owned)
        }
        Some((parent, key)) => {
            let keys = |map: &Map| map.keys().cloned().collect::<Vec<_>>();
            let known = match parent {
                "params" => keys(&scope.params),
                "vars" => scope.vars.keys().map(str::to_owned).collect(),
                "store" => keys(&scope.store),
                "steps" => keys(&scope.steps),
                "run" => keys(&scope.run),
                "facts" => scope.node.as_deref().map(|node| keys(&node.facts)).unwrap_or_default(),
                _ => Vec::new(),
            };
            name::nearest(key, known.iter().map(String::as_str)).map(|near| format!("{parent}.{near}"))
        }
    };
    match near {
        Some(near) => format!("{missing} is not defined; did you mean {near}?"),
        None => format!("{missing} is not defined"),
    }
}

fn short(text: &str) -> String {
    let line = text.trim().lines().next().unwrap_or("");
    if line.chars().count() > 80 || line.len() < text.trim().len() {
        return format!("{}…", line.chars().take(80).collect::<String>());
    }
    line.to_owned()
}
