//! What Puppet says of a run: its summary, and the resources in its report.
//!
//! Both are YAML as Ruby writes it, always in the same way; what is needed stands on lines of its own.

use schemars::JsonSchema;
use serde::Serialize;

/// How many resources there are, and what became of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Resources {
    /// All of them.
    pub total: u64,
    /// Those that were changed.
    pub changed: u64,
    /// Those that could not be.
    pub failed: u64,
    /// Those that were not as they should be, changed or not.
    pub out_of_sync: u64,
    /// Those that were left out because others failed.
    pub skipped: u64,
    /// Those that were restarted.
    pub restarted: u64,
}

/// A summary of a run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Summary {
    pub(super) resources: Resources,
    pub(super) config_version: Option<String>,
}

/// The resources of a report.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Report {
    pub(super) changed: Vec<String>,
    pub(super) failed: Vec<String>,
}

/// How many resources are listed.
pub(super) const MOST: usize = 200;

// === impl Summary ===

impl Summary {
    pub(super) fn read(text: &str) -> Self {
        let mut summary = Self::default();
        let mut section = "";
        for line in text.lines() {
            let Some((key, value)) = line.split_once(':') else { continue };
            if !key.starts_with(' ') {
                section = key;
                continue;
            }
            let (key, value) = (key.trim(), unquoted(value.trim()));
            let resources = &mut summary.resources;
            let count = value.parse().unwrap_or_default();
            match (section, key) {
                ("version", "config") if !value.is_empty() => summary.config_version = Some(value),
                ("resources", "total") => resources.total = count,
                ("resources", "changed") => resources.changed = count,
                ("resources", "failed") => resources.failed = count,
                ("resources", "out_of_sync") => resources.out_of_sync = count,
                ("resources", "skipped") => resources.skipped = count,
                ("resources", "restarted") => resources.restarted = count,
                _ => {}
            }
        }
        summary
    }
}

// === impl Report ===

impl Report {
    pub(super) fn read(text: &str) -> Self {
        let mut report = Self::default();
        let mut resource = None;
        let lines = text.lines().skip_while(|line| *line != "resource_statuses:").skip(1);
        for line in lines.take_while(|line| line.starts_with(' ')) {
            // Fields of a resource are indented by four, what is in them by more.
            let Some(field) = line.strip_prefix("    ").filter(|field| !field.starts_with([' ', '-'])) else {
                continue;
            };
            match field.split_once(": ") {
                Some(("resource", name)) => resource = Some(unquoted(name)),
                Some(("changed", "true")) => add(&mut report.changed, resource.as_ref()),
                Some(("failed" | "failed_to_restart", "true")) => add(&mut report.failed, resource.as_ref()),
                _ => {}
            }
        }
        report
    }
}

fn add(list: &mut Vec<String>, resource: Option<&String>) {
    if let Some(resource) = resource.filter(|resource| list.len() < MOST && !list.contains(resource)) {
        list.push(resource.clone());
    }
}

/// A text of YAML on one line.
fn unquoted(text: &str) -> String {
    let inner = |quote: char| text.strip_prefix(quote).and_then(|text| text.strip_suffix(quote));
    match (inner('\''), inner('"')) {
        (Some(text), _) => text.replace("''", "'"),
        (None, Some(text)) => text.replace("\\\"", "\"").replace("\\\\", "\\"),
        (None, None) => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_summary() {
        let text = "---\nversion:\n  config: '1795919399'\n  puppet: 7.23.0\nresources:\n  changed: 2\n  corrective_change: 0\n  failed: 1\n  out_of_sync: 3\n  restarted: 0\n  skipped: 1\n  total: 11\nchanges:\n  total: 99\n";
        let summary = Summary::read(text);
        assert_eq!(summary.config_version.as_deref(), Some("1795919399"));
        assert_eq!(
            summary.resources,
            Resources { total: 11, changed: 2, failed: 1, out_of_sync: 3, skipped: 1, restarted: 0 }
        );
        assert_eq!(Summary::read("garbage"), Summary::default());
    }

    #[test]
    fn the_resources_of_a_report() {
        let text = r#"--- !ruby/object:Puppet::Transaction::Report
status: failed
logs:
    resource: No[this]
    changed: true
resource_statuses:
  File[/tmp/a b]:
    title: "/tmp/a b"
    resource: File[/tmp/a b]
    failed: false
    changed: true
    events:
    - audited: false
      changed: true
      resource: No[that]
  ? 'Notify[it''s]'
  : title: it's
    resource: 'Notify[it''s]'
    changed: true
  Exec[/bin/false]:
    resource: Exec[/bin/false]
    failed: true
    failed_to_restart: true
    changed: false
corrective_change: false
  X:
    resource: No[more]
    changed: true
"#;
        let report = Report::read(text);
        assert_eq!(report.changed, ["File[/tmp/a b]", "Notify[it's]"]);
        assert_eq!(report.failed, ["Exec[/bin/false]"]);
    }
}
