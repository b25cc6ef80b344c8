//! The lists of `deny.toml` and how a graph of crates is held against them.

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use serde::Deserialize;

use super::graph::{Graph, Package};
use super::licence;

/// The part of cargo-deny's file that we read.
#[derive(Debug, Deserialize)]
pub(super) struct Rules {
    licenses: Licenses,
    bans: Bans,
    sources: Sources,
}

#[derive(Debug, Deserialize)]
struct Licenses {
    allow: Vec<String>,
}

#[derive(Debug, Deserialize)]
struct Bans {
    skip: Vec<Entry>,
    deny: Vec<Entry>,
}

/// `name`, or `name@version` where the version may be cut short (`1` stands for every 1.x), and why it is listed.
#[derive(Debug, Deserialize)]
struct Entry {
    #[serde(rename = "crate")]
    spec: String,
    reason: String,
    /// Of a ban: the crates that may depend on it all the same.
    #[serde(default)]
    wrappers: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Sources {
    allow_registry: Vec<String>,
}

impl Entry {
    fn bans(&self, package: &Package) -> bool {
        let is_wrapped = !package.needed_by.is_empty()
            && package.needed_by.iter().all(|name| self.wrappers.contains(name));
        self.is_for(package) && !is_wrapped
    }

    fn is_for(&self, package: &Package) -> bool {
        match self.spec.split_once('@') {
            Some((name, version)) => {
                let rest = package.version.strip_prefix(version);
                name == package.name && rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
            }
            None => self.spec == package.name,
        }
    }
}

impl Rules {
    pub(super) fn parse(text: &str) -> Result<Self> {
        toml::from_str(text).context("cannot read deny.toml")
    }

    /// Every problem, in the order of the crates' names.
    pub(super) fn check(&self, graph: &Graph) -> Vec<String> {
        let theirs = graph.packages.iter().filter(|package| package.source.is_some());
        let mut problems: Vec<String> = theirs.flat_map(|package| self.check_package(package)).collect();
        problems.extend(self.duplicates(graph));
        problems.extend(self.useless_skips(graph));
        problems.sort();
        problems
    }

    fn check_package(&self, package: &Package) -> Vec<String> {
        let Package { name, version, .. } = package;
        let mut problems = Vec::new();
        let expression = package.license.as_deref().unwrap_or_default();
        if !licence::is_met(expression, &self.licenses.allow) {
            problems
                .push(format!("{name} {version}: licence `{expression}` cannot be met with those we allow"));
        }
        if let Some(entry) = self.bans.deny.iter().find(|entry| entry.bans(package)) {
            problems.push(format!("{name} {version}: banned: {}", entry.reason));
        }
        let source = package.source.as_deref().unwrap_or_default();
        let registry = source.strip_prefix("registry+");
        if !registry.is_some_and(|url| self.sources.allow_registry.iter().any(|allowed| allowed == url)) {
            problems
                .push(format!("{name} {version}: comes from `{source}`, which is not a registry we allow"));
        }
        problems
    }

    /// Names with more than one version, those on the skip list left out.
    fn duplicates(&self, graph: &Graph) -> Vec<String> {
        let mut versions: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for package in graph.packages.iter().filter(|package| !self.is_skipped(package)) {
            versions.entry(&package.name).or_default().push(&package.version);
        }
        versions.retain(|_, versions| versions.len() > 1);
        let message = |(name, versions): (&str, Vec<&str>)| {
            format!("{name}: {} versions ({}); see `cargo tree -d`", versions.len(), versions.join(", "))
        };
        versions.into_iter().map(message).collect()
    }

    fn is_skipped(&self, package: &Package) -> bool {
        self.bans.skip.iter().any(|entry| entry.is_for(package))
    }

    /// An exception that excepts nothing any more would hide the next duplicate.
    fn useless_skips(&self, graph: &Graph) -> Vec<String> {
        let is_useless = |entry: &&Entry| !graph.packages.iter().any(|package| entry.is_for(package));
        let message = |entry: &Entry| format!("{}: on the skip list, but no longer in the build", entry.spec);
        self.bans.skip.iter().filter(is_useless).map(message).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::super::graph::package;
    use super::*;

    const REGISTRY: Option<&str> = Some("registry+https://example.org/index");

    fn problems(packages: Vec<Package>) -> Vec<String> {
        let rules = r#"
            [licenses]
            allow = ["MIT"]
            [bans]
            skip = [{ crate = "old@1", reason = "waits for b" }]
            deny = [{ crate = "chrono", wrappers = ["policies"], reason = "time is jiff" }]
            [sources]
            allow-registry = ["https://example.org/index"]
        "#;
        let skipped = package("old", "1.0.0", "MIT", REGISTRY);
        let packages = packages.into_iter().chain([skipped]).collect();
        Rules::parse(rules).unwrap().check(&Graph { packages })
    }

    #[test]
    fn good_crates() {
        let ours = package("windlass-model", "0.1.0", "anything", None);
        let packages =
            vec![ours, package("a", "1.0.0", "MIT", REGISTRY), package("old", "2.0.0", "MIT", REGISTRY)];
        assert_eq!(problems(packages), Vec::<String>::new());
    }

    #[test]
    fn each_rule_finds_its_problem() {
        for (packages, word) in [
            (vec![package("a", "1.0.0", "GPL-3.0", REGISTRY)], "licence"),
            (vec![package("chrono", "0.4.0", "MIT", REGISTRY)], "time is jiff"),
            (vec![package("a", "1.0.0", "MIT", Some("git+https://example.org/a"))], "registry"),
            (
                vec![package("a", "1.0.0", "MIT", REGISTRY), package("a", "2.0.0", "MIT", REGISTRY)],
                "2 versions",
            ),
        ] {
            let found = problems(packages);
            assert_eq!(found.len(), 1, "{found:?}");
            assert!(found[0].contains(word), "{found:?}");
        }
    }

    #[test]
    fn a_ban_may_leave_out_who_wraps_it() {
        let chrono = |needed_by: &[&str]| {
            let mut chrono = package("chrono", "0.4.0", "MIT", REGISTRY);
            chrono.needed_by = needed_by.iter().map(|name| (*name).to_owned()).collect();
            vec![chrono]
        };
        assert_eq!(problems(chrono(&["policies"])), Vec::<String>::new());
        assert_eq!(problems(chrono(&["policies", "windlass-model"])).len(), 1);
    }

    #[test]
    fn an_exception_that_excepts_nothing_is_a_problem() {
        let rules = "[licenses]\nallow = []\n[bans]\nskip = [{ crate = \"a\", reason = \"b\" }]\ndeny = []\n\
                     [sources]\nallow-registry = []";
        assert_eq!(Rules::parse(rules).unwrap().check(&Graph { packages: Vec::new() }).len(), 1);
    }
}
