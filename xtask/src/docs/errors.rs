//! `docs/reference/errors.md`: every error code with the title of its page.

use crate::repo::TextFile;

const HEAD: &str = "\
<!-- Made by `cargo xtask docs` from the pages in docs/errors. Do not edit. -->

# Error codes

Every failure that Windlass shows has a code that stays the same between versions. Each page says what happened, why,
and what to do.

";

pub(super) fn overview(files: &[TextFile]) -> String {
    let mut text = String::from(HEAD);
    let rows: Vec<String> = files.iter().filter_map(row).collect();
    if rows.is_empty() {
        text.push_str("There are none yet.\n");
        return text;
    }
    text.push_str("| Code | Meaning |\n|---|---|\n");
    for row in rows {
        text.push_str(&row);
    }
    text
}

/// The row of one page, from its first heading: `# WL-0012: title` or `# WL-0012 title`.
fn row(file: &TextFile) -> Option<String> {
    let code =
        file.path.strip_prefix("docs/errors/")?.strip_suffix(".md").filter(|name| name.starts_with("WL-"))?;
    let heading = file.text.lines().find_map(|line| line.strip_prefix("# "))?;
    let title =
        heading.strip_prefix(code).unwrap_or(heading).trim_start_matches([':', ' ', '-', '—', '·']).trim();
    Some(format!("| [{code}](../errors/{code}.md) | {} |\n", title.replace('|', "\\|")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(path: &str, text: &str) -> TextFile {
        TextFile { path: path.into(), text: text.into() }
    }

    #[test]
    fn a_row_for_every_page_of_a_code() {
        let text = overview(&[
            page("docs/errors/README.md", "# Errors"),
            page("docs/errors/WL-0001.md", "# WL-0001: the plan has an unknown key\n\nText."),
            page("docs/errors/WL-0002.md", "# WL-0002 — a | b"),
        ]);
        assert!(
            text.contains("| [WL-0001](../errors/WL-0001.md) | the plan has an unknown key |\n"),
            "{text}"
        );
        assert!(text.contains("| a \\| b |"), "{text}");
        assert!(!text.contains("README"), "{text}");
    }

    #[test]
    fn no_pages_is_said() {
        assert!(overview(&[]).contains("none yet"));
    }
}
