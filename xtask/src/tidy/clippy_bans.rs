//! The pure crates share one `clippy.toml` that bans clocks, randomness, spawning and files.
//!
//! Clippy reads the nearest file only and does not merge, so every pure crate has the whole of it.

use super::Finding;
use crate::repo::TextFile;

const RULE: &str = "clippy-bans";
const MASTER: &str = ".config/clippy-pure.toml";
const ORDINARY: &str = "clippy.toml";

/// The crates in which time, chance and the outside world are arguments.
const PURE: &[&str] = &["model", "engine", "store", "plugin", "lang", "inventory", "report", "rehearsal"];

pub(super) fn check(files: &[TextFile]) -> Vec<Finding> {
    let text = |path: &str| files.iter().find(|file| file.path == path).map(|file| file.text.as_str());
    let Some(master) = text(MASTER) else {
        return vec![Finding::new(MASTER, 0, RULE, "is missing")];
    };
    let mut findings = Vec::new();
    // What is allowed in tests must not depend on the crate that the test is in.
    for line in
        text(ORDINARY).unwrap_or_default().lines().filter(|line| !master.lines().any(|known| known == *line))
    {
        findings.push(Finding::new(MASTER, 0, RULE, format!("lacks `{line}` of {ORDINARY}")));
    }
    for name in PURE {
        let path = format!("crates/{name}/clippy.toml");
        if text(&path) != Some(master) {
            findings.push(Finding::new(
                &path,
                0,
                RULE,
                format!("differs from {MASTER}: `cp {MASTER} {path}`"),
            ));
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files(master: &str, copy: &str) -> Vec<TextFile> {
        let file = |path: &str, text: &str| TextFile { path: path.into(), text: text.into() };
        let copies = PURE.iter().map(|name| file(&format!("crates/{name}/clippy.toml"), copy));
        [file(ORDINARY, "a = 1\n"), file(MASTER, master)].into_iter().chain(copies).collect()
    }

    #[test]
    fn all_agree() {
        assert_eq!(check(&files("a = 1\nb = 2\n", "a = 1\nb = 2\n")), []);
    }

    #[test]
    fn a_copy_or_the_master_differs() {
        assert_eq!(check(&files("a = 1\nb = 2\n", "a = 1\n")).len(), PURE.len());
        assert_eq!(check(&files("b = 2\n", "b = 2\n")).len(), 1);
        assert_eq!(check(&[]).len(), 1);
    }
}
