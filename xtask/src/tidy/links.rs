//! Relative links in Markdown lead to a file or a folder of the checkout.

use std::collections::BTreeSet;

use super::Finding;
use crate::repo::TextFile;

pub(super) fn check(files: &[TextFile]) -> Vec<Finding> {
    let known = known_places(files);
    let mut findings = Vec::new();
    for file in files.iter().filter(|file| file.path.ends_with(".md")) {
        for (line, link) in links(&file.text) {
            if !resolve(&file.path, &link).is_some_and(|place| known.contains(&place)) {
                findings.push(Finding::new(&file.path, line, "links", format!("`{link}` leads nowhere")));
            }
        }
    }
    findings
}

/// Every file and every folder that holds one.
fn known_places(files: &[TextFile]) -> BTreeSet<String> {
    let mut known = BTreeSet::from([String::new()]);
    for file in files {
        for (at, _) in file.path.match_indices('/') {
            known.extend(file.path.get(..at).map(str::to_owned));
        }
        known.insert(file.path.clone());
    }
    known
}

/// The relative links `[text](target)` outside of code, with their lines from 1, without their `#fragment`.
fn links(text: &str) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    let mut is_code = false;
    for (index, line) in text.lines().enumerate() {
        if line.trim_start().starts_with("```") {
            is_code = !is_code;
        }
        if is_code {
            continue;
        }
        // Every second piece between backticks is code.
        let prose: String = line.split('`').step_by(2).collect::<Vec<_>>().join("``");
        for part in prose.split("](").skip(1) {
            let target = part.split([')', ' ']).next().unwrap_or_default();
            let path = target.split('#').next().unwrap_or_default();
            if !path.is_empty() && !path.contains("://") && !path.starts_with("mailto:") {
                found.push((index + 1, path.to_owned()));
            }
        }
    }
    found
}

fn resolve(from: &str, link: &str) -> Option<String> {
    let mut parts: Vec<&str> = if link.starts_with('/') { Vec::new() } else { from.split('/').collect() };
    parts.pop();
    for part in link.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop()?;
            }
            name => parts.push(name),
        }
    }
    Some(parts.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn findings(text: &str) -> Vec<String> {
        let file = |path: &str, text: &str| TextFile { path: path.into(), text: text.into() };
        let files = [file("README.md", ""), file("docs/guide/a.md", text), file("docs/b.svg", "")];
        check(&files).into_iter().map(|finding| finding.message).collect()
    }

    #[test]
    fn links_that_lead_somewhere() {
        for text in [
            "[a](../../README.md)",
            "[a](../b.svg \"title\")",
            "[a](a.md#part)",
            "[a](#part)",
            "[a](..)",
            "[a](/README.md)",
            "[a](https://example.org/x)",
            "`[a](nowhere.md)`",
            "```\n[a](nowhere.md)\n```",
        ] {
            assert_eq!(findings(text), Vec::<String>::new(), "{text}");
        }
    }

    #[test]
    fn links_that_do_not() {
        for text in ["[a](c.md)", "![a](../c.svg)", "[a](../../../x.md)", "a `b` [c](d.md)"] {
            assert_eq!(findings(text).len(), 1, "{text}");
        }
    }
}
