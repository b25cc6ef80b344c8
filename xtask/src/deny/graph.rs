//! The crates that the workspace is built from, as `cargo metadata` tells them.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result};
use serde::Deserialize;

/// Every crate that takes part in a build.
#[derive(Debug)]
pub(super) struct Graph {
    pub(super) packages: Vec<Package>,
}

/// One version of one crate.
#[derive(Debug, Deserialize)]
pub(super) struct Package {
    id: String,
    pub(super) name: String,
    pub(super) version: String,
    pub(super) license: Option<String>,
    /// None for the crates of the workspace.
    pub(super) source: Option<String>,
    /// The crates that depend on it directly, by name.
    #[serde(skip)]
    pub(super) needed_by: BTreeSet<String>,
}

#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
    resolve: Resolve,
}

#[derive(Deserialize)]
struct Resolve {
    nodes: Vec<Node>,
}

#[derive(Deserialize)]
struct Node {
    id: String,
    #[serde(default)]
    deps: Vec<Dependency>,
}

#[derive(Deserialize)]
struct Dependency {
    pkg: String,
}

impl Graph {
    pub(super) fn parse(json: &str) -> Result<Self> {
        let metadata: Metadata =
            serde_json::from_str(json).context("cannot read what cargo metadata says")?;
        let name_of: BTreeMap<String, String> =
            metadata.packages.iter().map(|package| (package.id.clone(), package.name.clone())).collect();
        let mut needed_by: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for node in &metadata.resolve.nodes {
            for dependency in &node.deps {
                needed_by.entry(dependency.pkg.clone()).or_default().extend(name_of.get(&node.id).cloned());
            }
        }
        let built: BTreeSet<String> = metadata.resolve.nodes.into_iter().map(|node| node.id).collect();
        let packages = metadata.packages.into_iter().filter(|package| built.contains(&package.id));
        let packages = packages.map(|package| {
            let needed_by = needed_by.remove(&package.id).unwrap_or_default();
            Package { needed_by, ..package }
        });
        let packages = packages.collect();
        Ok(Self { packages })
    }
}

#[cfg(test)]
pub(super) fn package(name: &str, version: &str, license: &str, source: Option<&str>) -> Package {
    Package {
        id: format!("{name}@{version}"),
        name: name.into(),
        version: version.into(),
        license: Some(license.into()),
        source: source.map(str::to_owned),
        needed_by: BTreeSet::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_built_counts() {
        let json = r#"{"packages": [
            {"id": "a", "name": "a", "version": "1.0.0", "license": null, "source": null},
            {"id": "b", "name": "b", "version": "1.0.0", "license": "MIT", "source": "registry+x"}
        ], "resolve": {"nodes": [{"id": "a"}]}}"#;
        let names: Vec<String> = Graph::parse(json).unwrap().packages.into_iter().map(|p| p.name).collect();
        assert_eq!(names, ["a"]);
    }
}
