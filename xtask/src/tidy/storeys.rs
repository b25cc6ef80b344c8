//! The house has four storeys and imports point down only: the table of which crate may use which.
//!
//! Read from the manifests, where an import has to be declared before it can be written.

use toml::Table;

use super::Finding;
use crate::repo::TextFile;

const RULE: &str = "storeys";

/// Each crate and what it may use of ours, from the ground up. Dev-dependencies are free.
const STOREYS: &[(&str, &[&str])] = &[
    ("model", &[]),
    ("meter", &[]),
    ("logs", &["model"]),
    ("contract", &["model"]),
    ("client", &["model", "contract"]),
    ("farm", &[]),
    ("russh-util", &[]),
    ("console", &[]),
    ("store", &["meter"]),
    ("plugin", &["model"]),
    ("wire", &["model", "plugin"]),
    ("engine", &["model"]),
    ("lang", &["model", "plugin"]),
    ("inventory", &["model", "lang"]),
    ("secrets", &["model", "lang", "plugin"]),
    ("report", &["model", "engine"]),
    ("rehearsal", &["model", "engine", "plugin", "lang", "report"]),
    ("store-fjall", &["meter", "store"]),
    ("plugins", &["model", "plugin"]),
    ("sources", &["model", "lang", "inventory"]),
    ("objects", &["model", "contract", "store", "lang", "inventory"]),
    ("agent", &["model", "plugin", "plugins", "wire"]),
    ("fleet", &["model", "plugin", "wire"]),
    ("line", &[]),
    ("rpc", &[]),
    ("outbound", &[]),
    ("oidc", &["outbound"]),
    ("enrol", &["model", "contract", "store", "line"]),
    ("dial", &["model", "plugin", "plugins", "agent", "line"]),
    ("runtime", &["model", "meter", "logs", "engine", "plugin", "store", "lang", "report"]),
    ("access", &["model", "contract", "store", "objects"]),
    ("traces", &["model", "meter", "outbound", "runtime"]),
    (
        "hub",
        &[
            "model", "contract", "meter", "plugin", "store", "line", "enrol", "objects", "access", "fleet",
            "runtime",
        ],
    ),
    (
        "api",
        &[
            "model",
            "meter",
            "contract",
            "engine",
            "plugin",
            "lang",
            "logs",
            "inventory",
            "report",
            "rehearsal",
            "store",
            "objects",
            "access",
            "runtime",
            "enrol",
            "hub",
            "rpc",
            "oidc",
            "traces",
        ],
    ),
    (
        "server",
        &[
            "model",
            "contract",
            "meter",
            "plugin",
            "store",
            "store-fjall",
            "line",
            "enrol",
            "objects",
            "access",
            "runtime",
            "hub",
            "oidc",
            "traces",
            "api",
            "console",
        ],
    ),
    (
        "windlass",
        &[
            "model",
            "logs",
            "store",
            "plugin",
            "engine",
            "lang",
            "inventory",
            "report",
            "sources",
            "store-fjall",
            "plugins",
            "fleet",
            "runtime",
            "rehearsal",
        ],
    ),
    (
        "cli",
        &[
            "model",
            "contract",
            "client",
            "logs",
            "store",
            "plugin",
            "engine",
            "lang",
            "inventory",
            "report",
            "sources",
            "store-fjall",
            "plugins",
            "fleet",
            "runtime",
            "secrets",
            "agent",
            "dial",
            "hub",
            "server",
            "objects",
            "outbound",
            "rehearsal",
            "windlass",
        ],
    ),
];

/// Checks one file, if it is the manifest of a crate of ours.
pub(super) fn check(file: &TextFile) -> Vec<Finding> {
    let Some(folder) = crate_folder(&file.path) else { return Vec::new() };
    let finding = |message: String| Finding::new(&file.path, 0, RULE, message);
    let manifest: Table = match file.text.parse() {
        Ok(manifest) => manifest,
        Err(error) => return vec![finding(format!("cannot be read: {error}"))],
    };
    let mut messages = Vec::new();
    if !inherits_lints(&manifest) {
        messages
            .push("does not inherit the workspace's lints: add `[lints]` with `workspace = true`".to_owned());
    }
    messages.extend(own_versions(&manifest).map(|name| {
        format!("`{name}` has a version of its own: put it into [workspace.dependencies] and say `workspace = true`")
    }));
    if folder != "xtask" {
        messages.extend(upward_imports(&folder, &manifest));
    }
    messages.into_iter().map(finding).collect()
}

/// `model` for `crates/model/Cargo.toml`.
fn crate_folder(path: &str) -> Option<String> {
    let folder = path.strip_suffix("/Cargo.toml")?;
    if folder == "xtask" {
        return Some(folder.to_owned());
    }
    folder.strip_prefix("crates/").filter(|folder| !folder.contains('/')).map(str::to_owned)
}

fn inherits_lints(manifest: &Table) -> bool {
    manifest.get("lints").and_then(|lints| lints.get("workspace")).and_then(toml::Value::as_bool)
        == Some(true)
}

fn own_versions(manifest: &Table) -> impl Iterator<Item = &String> {
    let tables = ["dependencies", "dev-dependencies", "build-dependencies"];
    let dependencies = tables.into_iter().filter_map(|table| manifest.get(table)?.as_table()).flatten();
    dependencies
        .filter(|(_, value)| value.get("workspace").and_then(toml::Value::as_bool) != Some(true))
        .map(|(name, _)| name)
}

fn upward_imports(folder: &str, manifest: &Table) -> Vec<String> {
    let Some((_, allowed)) = STOREYS.iter().find(|(name, _)| *name == folder) else {
        return vec![format!("crate `{folder}` has no storey; give it a row in xtask/src/tidy/storeys.rs")];
    };
    let dependencies = manifest.get("dependencies").and_then(toml::Value::as_table).into_iter().flatten();
    let ours = dependencies.filter_map(|(name, _)| match name.as_str() {
        "windlass" => Some("windlass"),
        name => name.strip_prefix("windlass-"),
    });
    ours.filter(|name| !allowed.contains(name))
        .map(|name| format!("`{folder}` may not use `{name}`: imports point down, see ARCHITECTURE.md"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINTS: &str = "[lints]\nworkspace = true\n";

    fn findings(path: &str, text: &str) -> Vec<String> {
        let file = TextFile { path: path.into(), text: format!("{LINTS}{text}") };
        check(&file).into_iter().map(|finding| finding.message).collect()
    }

    #[test]
    fn imports_point_down() {
        let down = "[dependencies]\nwindlass-model.workspace = true\nserde.workspace = true\n\
                    [dev-dependencies]\nwindlass-runtime.workspace = true";
        assert_eq!(findings("crates/engine/Cargo.toml", down), Vec::<String>::new());
        let up = "[dependencies]\nwindlass-engine.workspace = true";
        assert_eq!(findings("crates/model/Cargo.toml", up).len(), 1);
        assert_eq!(
            findings("crates/report/Cargo.toml", "[dependencies]\nwindlass-lang.workspace = true").len(),
            1
        );
        let facade = "[dependencies]\nwindlass.workspace = true";
        assert_eq!(findings("crates/cli/Cargo.toml", facade), Vec::<String>::new());
        assert_eq!(findings("crates/runtime/Cargo.toml", facade).len(), 1);
    }

    #[test]
    fn a_new_crate_needs_a_storey() {
        assert!(findings("crates/attic/Cargo.toml", "")[0].contains("no storey"));
        assert_eq!(findings("crates/engine/testdata/Cargo.toml", ""), Vec::<String>::new());
    }

    #[test]
    fn lints_and_versions_come_from_the_workspace() {
        let file = TextFile { path: "crates/model/Cargo.toml".into(), text: "[package]".into() };
        assert_eq!(check(&file).len(), 1);
        let own = "[dependencies]\nserde = \"1\"\n[dev-dependencies]\ninsta = { version = \"1\" }";
        assert_eq!(findings("crates/model/Cargo.toml", own).len(), 2);
    }

    #[test]
    fn nothing_stands_above_what_uses_it() {
        for (index, (name, allowed)) in STOREYS.iter().enumerate() {
            let below: Vec<&str> = STOREYS.iter().take(index).map(|(name, _)| *name).collect();
            assert!(allowed.iter().all(|used| below.contains(used)), "{name}");
        }
    }
}
