//! Which commit a revision means, by what the other side says that it has.

/// A reference of the other side.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Meant {
    /// Its full name; `None` for a commit.
    pub(super) reference: Option<String>,
    pub(super) commit: String,
}

/// Whether a text can be a revision.
pub(super) fn is_name(text: &str) -> bool {
    let is_part = |c: char| c.is_ascii_graphic() && !"~^:?*[\\".contains(c);
    !text.is_empty()
        && !text.starts_with(['-', '/', '.'])
        && !text.ends_with(['/', '.'])
        && !text.contains("..")
        && !text.contains("@{")
        && !text.contains("//")
        && text.chars().all(is_part)
}

pub(super) fn is_commit(text: &str) -> bool {
    (text.len() == 40 || text.len() == 64) && text.bytes().all(|c| c.is_ascii_hexdigit())
}

/// What a revision means in the lines of `ls-remote`: `COMMIT\tREFERENCE`.
pub(super) fn meant(text: &str, revision: Option<&str>) -> Result<Meant, String> {
    let lines: Vec<(&str, &str)> =
        text.lines().filter_map(|line| line.split_once('\t')).map(|(commit, name)| (name, commit)).collect();
    // A tag that has a message of its own leads to a commit, which stands behind it.
    let of = |name: &str| {
        let peeled = format!("{name}^{{}}");
        let find = |name: &str| {
            lines.iter().find(|(known, _)| *known == name).map(|(_, commit)| (*commit).to_owned())
        };
        find(&peeled).or_else(|| find(name)).map(|commit| Meant { reference: Some(name.to_owned()), commit })
    };
    let Some(revision) = revision else {
        return of("HEAD").ok_or_else(|| "the repository has no commit yet".to_owned());
    };
    if revision == "HEAD" || revision.starts_with("refs/") {
        return of(revision).ok_or_else(|| format!("the repository has no `{revision}`"));
    }
    let branch = of(&format!("refs/heads/{revision}"));
    let tag = of(&format!("refs/tags/{revision}"));
    match (branch, tag) {
        (Some(branch), Some(tag)) if branch.commit != tag.commit => Err(format!(
            "`{revision}` is a branch and a tag; write `refs/heads/{revision}` or `refs/tags/{revision}`"
        )),
        (_, Some(found)) | (Some(found), None) => Ok(found),
        (None, None) if is_commit(revision) => {
            Ok(Meant { reference: None, commit: revision.to_ascii_lowercase() })
        }
        (None, None) => Err(format!("the repository has no branch, tag or whole commit `{revision}`")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const REMOTE: &str = "aaaa\tHEAD\naaaa\trefs/heads/main\nbbbb\trefs/heads/v1\ncccc\trefs/tags/v1\ndddd\trefs/tags/v2\neeee\trefs/tags/v2^{}\n";

    #[test]
    fn what_a_revision_means() {
        let commit = |revision| meant(REMOTE, revision).map(|meant| meant.commit);
        assert_eq!(commit(None), Ok("aaaa".into()));
        assert_eq!(commit(Some("main")), Ok("aaaa".into()));
        assert_eq!(commit(Some("v2")), Ok("eeee".into()), "the commit, not the tag itself");
        assert_eq!(commit(Some("refs/tags/v1")), Ok("cccc".into()));
        assert!(commit(Some("v1")).unwrap_err().contains("is a branch and a tag"));
        assert!(commit(Some("v3")).unwrap_err().contains("no branch, tag or whole commit `v3`"));
        let whole = "0123456789ABCDEF0123456789abcdef01234567";
        assert_eq!(commit(Some(whole)), Ok(whole.to_lowercase()));
        for bad in ["", "-x", "a b", "a..b", "a~1", "a:b", "a@{1}", "/a", "a^"] {
            assert!(!is_name(bad), "{bad}");
        }
    }
}
