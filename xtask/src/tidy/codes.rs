//! Every error code that the code can say has a page, and every page belongs to a code.

use std::collections::{BTreeMap, BTreeSet};

use super::Finding;
use super::rust_source::RustSource;
use crate::repo::TextFile;

const RULE: &str = "codes";

pub(super) fn check(files: &[TextFile], sources: &[RustSource]) -> Vec<Finding> {
    let used = used_codes(sources);
    let pages: BTreeSet<&str> = files.iter().filter_map(|file| page_code(&file.path)).collect();
    let mut findings = Vec::new();
    for (code, (path, line)) in &used {
        if !pages.contains(code.as_str()) {
            let message =
                format!("{code} has no page; write docs/errors/{code}.md: what it means and what to do");
            findings.push(Finding::new(path, *line, RULE, message));
        }
    }
    for code in pages.iter().filter(|code| !used.contains_key(**code)) {
        let message = format!("nothing in the code says {code}");
        findings.push(Finding::new(&format!("docs/errors/{code}.md"), 0, RULE, message));
    }
    findings
}

/// The codes in strings of the crates outside of tests, each with one place where it is used.
fn used_codes(sources: &[RustSource]) -> BTreeMap<String, (String, usize)> {
    let mut used = BTreeMap::new();
    for source in sources.iter().filter(|source| source.path.starts_with("crates/")) {
        for (index, line) in source.uncommented().enumerate().filter(|(index, _)| !source.is_test(*index)) {
            for code in codes_in(&line) {
                used.entry(code.to_owned()).or_insert_with(|| (source.path.clone(), index + 1));
            }
        }
    }
    used
}

fn codes_in(line: &str) -> impl Iterator<Item = &str> {
    line.match_indices("WL-").filter_map(move |(at, _)| {
        let code = line.get(at..at + 7)?;
        let is_longer =
            line.get(at + 7..).and_then(|rest| rest.chars().next()).is_some_and(char::is_alphanumeric);
        (code.chars().skip(3).all(|c| c.is_ascii_digit()) && !is_longer).then_some(code)
    })
}

fn page_code(path: &str) -> Option<&str> {
    let code = path.strip_prefix("docs/errors/")?.strip_suffix(".md")?;
    (codes_in(code).next() == Some(code)).then_some(code)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn findings(code: &str, pages: &[&str]) -> Vec<String> {
        let files: Vec<TextFile> =
            pages.iter().map(|path| TextFile { path: (*path).into(), text: String::new() }).collect();
        let sources = [RustSource::new("crates/a/src/b.rs", code)];
        check(&files, &sources).into_iter().map(|finding| finding.to_string()).collect()
    }

    #[test]
    fn a_code_and_its_page() {
        assert_eq!(
            findings("\"WL-0012\"", &["docs/errors/WL-0012.md", "docs/errors/README.md"]),
            Vec::<String>::new()
        );
    }

    #[test]
    fn a_code_without_a_page_and_a_page_without_a_code() {
        let found = findings("\"WL-0012\"", &["docs/errors/WL-0013.md"]);
        assert_eq!(found.len(), 2, "{found:?}");
        assert!(found[0].starts_with("crates/a/src/b.rs:1"), "{found:?}");
    }

    #[test]
    fn a_comment_may_give_an_example() {
        assert_eq!(findings("/// A code such as `WL-0001`.", &[]), Vec::<String>::new());
    }

    #[test]
    fn tests_may_make_up_codes() {
        assert_eq!(findings("#[cfg(test)]\nmod tests {\n\"WL-9999\"\n}", &[]), Vec::<String>::new());
    }
}
