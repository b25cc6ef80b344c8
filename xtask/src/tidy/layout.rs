//! Where things are and what they are called, so that a newcomer knows where to look.

use super::Finding;
use super::rust_source::RustSource;

const VAGUE: &[&str] = &["utils", "util", "common", "helpers", "helper", "misc", "manager"];

pub(super) fn check(source: &RustSource) -> Vec<Finding> {
    let path = &source.path;
    let mut findings = Vec::new();
    for part in path.trim_end_matches(".rs").split('/') {
        if VAGUE.contains(&part) {
            let message = format!("`{part}` says nothing; name it after what it holds");
            findings.push(Finding::new(path, 0, "layout", message));
        }
    }
    match path.rsplit('/').next() {
        Some("mod.rs") => {
            findings.push(Finding::new(path, 0, "layout", "use `foo.rs` beside `foo/`, not `foo/mod.rs`"));
        }
        Some("lib.rs") => findings.extend(check_lib(source)),
        _ => {}
    }
    findings.extend(check_opening(source));
    findings.extend(check_inline_names(source));
    findings
}

/// A `lib.rs` is a table of contents: docs, modules and uses.
fn check_lib(source: &RustSource) -> Option<Finding> {
    const ITEMS: &[&str] =
        &["fn", "struct", "enum", "union", "trait", "impl", "const", "static", "type", "macro_rules!"];
    const BEFORE: &[&str] = &["pub", "pub(crate)", "async", "unsafe", "default"];
    let line = source.code.iter().enumerate().position(|(index, line)| {
        let first = line.split_whitespace().find(|word| !BEFORE.contains(word)).unwrap_or_default();
        let word = first.split(['<', '(']).next().unwrap_or_default();
        !source.is_test(index) && ITEMS.contains(&word)
    })?;
    let message = "a lib.rs holds docs, `mod` and `use` only; move the item into a module";
    Some(Finding::new(&source.path, line + 1, "layout", message))
}

/// Every file says what it is for before anything else.
fn check_opening(source: &RustSource) -> Option<Finding> {
    let opening = source.text.lines().find(|line| {
        let line = line.trim();
        !line.is_empty() && !line.starts_with("#![")
    });
    let message = "open the file with `//!`: what it is for, what it owns, what it must not know";
    (!opening.is_some_and(|line| line.starts_with("//!")))
        .then(|| Finding::new(&source.path, 1, "layout", message))
}

fn check_inline_names(source: &RustSource) -> Vec<Finding> {
    let vague = source.code.iter().enumerate().filter_map(|(index, line)| {
        let name = line.split("mod ").nth(1)?.split([' ', ';', '{']).next()?;
        let is_declaration =
            matches!(line.split("mod ").next()?.trim(), "" | "pub" | "pub(crate)" | "pub(super)");
        (is_declaration && VAGUE.contains(&name)).then_some((index, name))
    });
    vague
        .map(|(index, name)| {
            let message = format!("module `{name}` says nothing; name it after what it holds");
            Finding::new(&source.path, index + 1, "layout", message)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn findings(path: &str, text: &str) -> usize {
        check(&RustSource::new(path, text)).len()
    }

    #[test]
    fn files_and_modules_have_telling_names() {
        assert_eq!(findings("crates/a/src/flush.rs", "//! Flushing."), 0);
        assert_eq!(findings("crates/a/src/utils.rs", "//! Things."), 1);
        assert_eq!(findings("crates/a/src/common/flush.rs", "//! Flushing."), 1);
        assert_eq!(findings("crates/a/src/a.rs", "//! A.\nmod flush;"), 0);
        assert_eq!(findings("crates/a/src/a.rs", "//! A.\nmod helpers {"), 1);
    }

    #[test]
    fn no_mod_rs() {
        assert_eq!(findings("crates/a/src/b/mod.rs", "//! B."), 1);
    }

    #[test]
    fn a_lib_is_a_table_of_contents() {
        let good = "//! A.\n#![warn(x)]\nmod b;\npub use b::{B, C};\n#[cfg(test)]\nmod tests {\nfn t() {}\n}";
        assert_eq!(findings("crates/a/src/lib.rs", good), 0);
        for item in [
            "fn f() {}",
            "pub struct S;",
            "impl S {}",
            "impl<T> S<T> {}",
            "pub async fn f() {}",
            "const A: u8 = 1;",
        ] {
            assert_eq!(findings("crates/a/src/lib.rs", &format!("//! A.\n{item}")), 1, "{item}");
        }
    }

    #[test]
    fn every_file_opens_with_its_purpose() {
        assert_eq!(findings("crates/a/src/b.rs", "#![no_main]\n//! B."), 0);
        assert_eq!(findings("crates/a/src/b.rs", "use c;\n//! B."), 1);
        assert_eq!(findings("crates/a/src/b.rs", ""), 1);
    }
}
