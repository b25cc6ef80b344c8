//! A package as a plan names it.

use super::flavour::Installed;

/// What is wanted: a name, perhaps a version, or a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Wanted {
    pub(super) name: String,
    pub(super) version: Option<String>,
    pub(super) is_file: bool,
}

// === impl Wanted ===

impl Wanted {
    pub(super) fn read(text: &str) -> Result<Self, String> {
        if text == "*" {
            return Ok(Self { name: text.into(), version: None, is_file: false });
        }
        if text.starts_with('/') {
            let is_package =
                [".deb", ".rpm", ".apk", ".pkg.tar.zst", ".pkg.tar.xz"].iter().any(|end| text.ends_with(end));
            return if is_package {
                Ok(Self { name: text.into(), version: None, is_file: true })
            } else {
                Err(format!("`{text}` is no package file"))
            };
        }
        let (name, version) = match text.split_once('=') {
            Some((name, version)) => (name, Some(version)),
            None => (text, None),
        };
        let is_name = |c: char| c.is_ascii_alphanumeric() || "+._:@-".contains(c);
        let is_version = |c: char| c.is_ascii_alphanumeric() || "+._:~^*-".contains(c);
        let begins = name.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '@');
        // A manager would take `name-` as "remove it".
        if !begins || !name.chars().all(is_name) || name.ends_with('-') {
            return Err(format!("`{name}` is no name of a package"));
        }
        match version {
            Some(version) if version.is_empty() || !version.chars().all(is_version) => {
                Err(format!("`{version}` is no version"))
            }
            version => Ok(Self { name: name.into(), version: version.map(Into::into), is_file: false }),
        }
    }

    /// Whether it is there already. Whether a file's package is, only the manager can tell.
    pub(super) fn is_met(&self, installed: &Installed) -> bool {
        let Some(versions) = installed.get(&self.name) else { return false };
        let Some(wanted) = &self.version else { return true };
        versions.iter().any(|version| match wanted.strip_suffix('*') {
            Some(beginning) => version.starts_with(beginning),
            // Without the packager's own number any of them will do; a manager that wants it says so.
            None => version
                .strip_prefix(wanted.as_str())
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('-')),
        })
    }

    /// As managers want it.
    pub(super) fn with(&self, between: &str) -> String {
        match &self.version {
            Some(version) => format!("{}{between}{version}", self.name),
            None => self.name.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_versions_and_files() {
        let read = |text| Wanted::read(text).map(|wanted| (wanted.name, wanted.version, wanted.is_file));
        assert_eq!(read("g++"), Ok(("g++".into(), None, false)));
        assert_eq!(read("nginx=1:2~rc1-3"), Ok(("nginx".into(), Some("1:2~rc1-3".into()), false)));
        assert_eq!(read("/srv/x.deb"), Ok(("/srv/x.deb".into(), None, true)));
        for bad in ["", "-y", "foo-", "a b", "x=", "x=1;2", "/srv/x", "$(id)"] {
            assert!(read(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn what_is_there_meets_it() {
        let installed = Installed::from([("nginx".into(), vec!["1.22.1-9".into()])]);
        for (text, is_met) in [
            ("nginx", true),
            ("nginx=1.22.1-9", true),
            ("nginx=1.22.*", true),
            ("nginx=1.22.1", true),
            ("nginx=1.22", false),
            ("curl", false),
        ] {
            assert_eq!(Wanted::read(text).unwrap().is_met(&installed), is_met, "{text}");
        }
    }
}
