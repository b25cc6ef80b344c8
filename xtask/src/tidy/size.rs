//! Files stay small enough to be read in one sitting.

use super::Finding;
use crate::repo::TextFile;

const LIMIT: usize = 800;
const AIM: usize = 400;
const MAIN_LIMIT: usize = 50;

pub(super) fn check(file: &TextFile) -> Option<Finding> {
    let lines = counted_lines(file)?;
    let is_main = file.path.rsplit('/').next() == Some("main.rs");
    if is_main && lines > MAIN_LIMIT {
        let message =
            format!("{lines} lines; a main.rs has at most {MAIN_LIMIT}: move the work into the library");
        return Some(Finding::new(&file.path, 0, "size", message));
    }
    (lines > LIMIT).then(|| {
        let message = format!("{lines} lines; the limit is {LIMIT}: split it by what changes together");
        Finding::new(&file.path, 0, "size", message)
    })
}

/// A file that is longer than what we aim at.
pub(super) fn note(file: &TextFile) -> Option<String> {
    let lines = counted_lines(file)?;
    (lines > AIM).then(|| format!("{}: {lines} lines, more than the {AIM} we aim at", file.path))
}

/// Only what people write by hand counts.
fn counted_lines(file: &TextFile) -> Option<usize> {
    let is_written = [".rs", ".md", ".sh", ".ts", ".js", ".css"].iter().any(|end| file.path.ends_with(end));
    let is_generated = file.path.starts_with("docs/reference/")
        || file.path.contains("/snapshots/")
        || file.path.contains("/src/generated/");
    (is_written && !is_generated).then(|| file.text.lines().count())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(path: &str, lines: usize) -> TextFile {
        TextFile { path: path.into(), text: "a\n".repeat(lines) }
    }

    #[test]
    fn long_files() {
        assert_eq!(check(&file("crates/a/src/b.rs", 800)), None);
        assert!(check(&file("crates/a/src/b.rs", 801)).is_some());
        assert_eq!(check(&file("docs/reference/plan.md", 9000)), None);
        assert_eq!(check(&file("Cargo.lock", 9000)), None);
    }

    #[test]
    fn long_mains() {
        assert_eq!(check(&file("crates/a/src/main.rs", 50)), None);
        assert!(check(&file("crates/a/src/main.rs", 51)).is_some());
    }

    #[test]
    fn notes_begin_above_the_aim() {
        assert_eq!(note(&file("a.rs", 400)), None);
        assert!(note(&file("a.rs", 401)).is_some());
    }
}
