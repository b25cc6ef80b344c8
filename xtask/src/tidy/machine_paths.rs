//! No path of one person's or one build machine's in what others will read.

use super::Finding;
use crate::repo::TextFile;

const PLACES: &[&str] = &["/work/", "/root/", "/home/", "/Users/"];

pub(super) fn check(file: &TextFile) -> Vec<Finding> {
    if ![".md", ".toml", ".yaml", ".yml", ".json", ".sh"].iter().any(|end| file.path.ends_with(end)) {
        return Vec::new();
    }
    let lines = file.text.lines().enumerate();
    lines
        .filter_map(|(index, line)| {
            let place = PLACES.iter().find(|place| is_absolute_in(line, place))?;
            let message = format!("`{place}` exists on one machine only; use a relative path or a variable");
            Some(Finding::new(&file.path, index + 1, "machine-path", message))
        })
        .collect()
}

/// Whether the place begins a path here, and is not the middle of one (`crates/work/`, `example.org/home/`).
fn is_absolute_in(line: &str, place: &str) -> bool {
    line.match_indices(place).any(|(at, _)| {
        let before = line.get(..at).and_then(|text| text.chars().next_back());
        !before.is_some_and(|c| c.is_alphanumeric() || matches!(c, '.' | '_' | '-' | '}' | '~'))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn findings(path: &str, text: &str) -> usize {
        check(&TextFile { path: path.into(), text: text.into() }).len()
    }

    #[test]
    fn paths() {
        assert_eq!(findings("docs/a.md", "run `/home/me/windlass`"), 1);
        assert_eq!(findings("a.toml", "path = \"/work/x\""), 1);
        assert_eq!(findings("docs/a.md", "crates/work/src and /tmp/demo and /etc/motd"), 0);
        assert_eq!(findings("docs/a.md", "https://example.org/home/x"), 0);
        assert_eq!(findings("src/a.rs", "\"/home/me\""), 0);
    }
}
