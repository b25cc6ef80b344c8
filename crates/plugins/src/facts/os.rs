//! The operating system and its kernel.

use schemars::JsonSchema;
use serde::Serialize;

/// An operating system.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Os {
    /// In one word: `debian`, `alpine`, `rhel`.
    pub name: Option<String>,
    /// What it descends from, the nearest first: `rhel`, `fedora`.
    pub like: Vec<String>,
    /// Its version: `12`.
    pub version: Option<String>,
    /// What that version is called: `bookworm`.
    pub codename: Option<String>,
    /// As it calls itself.
    pub title: Option<String>,
}

/// A kernel.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Kernel {
    /// `Linux`
    pub name: String,
    /// `6.1.0-18-amd64`
    pub release: String,
    /// `x86_64`
    pub arch: String,
}

/// What an `os-release` says.
pub(super) fn parse(text: &str) -> Os {
    let value = |wanted: &str| {
        let mut lines = text.lines().filter_map(|line| line.trim().split_once('='));
        let (_, value) = lines.find(|(key, _)| *key == wanted)?;
        let value = unquoted(value);
        (!value.is_empty()).then_some(value)
    };
    Os {
        name: value("ID"),
        like: value("ID_LIKE").unwrap_or_default().split_whitespace().map(str::to_owned).collect(),
        version: value("VERSION_ID"),
        codename: value("VERSION_CODENAME"),
        title: value("PRETTY_NAME"),
    }
}

/// The kernel, from what it says of itself. It runs what we were built for.
pub(super) fn kernel(name: &str, release: &str) -> Kernel {
    Kernel {
        name: name.trim().to_owned(),
        release: release.trim().to_owned(),
        arch: std::env::consts::ARCH.to_owned(),
    }
}

/// A value as a shell would read it: quotes go, and so does the backslash before what they would give a meaning to.
fn unquoted(value: &str) -> String {
    let value = value.trim();
    let inner = |quote: char| value.strip_prefix(quote).and_then(|value| value.strip_suffix(quote));
    if let Some(inner) = inner('\'') {
        return inner.to_owned();
    }
    let Some(inner) = inner('"') else { return value.to_owned() };
    let mut out = String::with_capacity(inner.len());
    let mut chars = inner.chars();
    while let Some(char) = chars.next() {
        match char {
            '\\' => out.extend(chars.next()),
            other => out.push(other),
        }
    }
    out
}
