//! Names of nodes as they are written in groups and selections: one name, a series, a glob or a `/regular expression/`.

use regex::{Regex, RegexBuilder};
use windlass_model::freeze::MAX_NODES;
use windlass_model::pattern::{self, Glob, Refused};

use crate::build::Names;
use crate::set::Ids;

/// The largest a compiled pattern may be.
const MAX_SIZE: usize = 1 << 20;

/// What names must be like.
#[derive(Debug)]
pub(crate) enum Matcher {
    Name(String),
    Series(Vec<String>),
    Globs(Vec<Glob>),
    Regex(Box<Regex>),
}

/// Which nodes fit.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Matched {
    /// The nodes: of a series in its order, else in that of the inventory.
    pub(crate) ids: Ids,
    /// Names that no node has, although they were written out.
    pub(crate) missing: Vec<String>,
}

// === impl Matcher ===

impl Matcher {
    /// Reads a name or pattern; says what is wrong with it in one sentence.
    pub(crate) fn new(text: &str) -> Result<Self, String> {
        if let Some(expression) = pattern::regex(text) {
            let regex = RegexBuilder::new(expression).size_limit(MAX_SIZE).build();
            return regex.map(|regex| Self::Regex(Box::new(regex))).map_err(|why| {
                let why = why.to_string();
                let last = why.lines().last().unwrap_or_default().trim_start_matches("error: ").to_owned();
                format!("`{text}` is no regular expression: {last}")
            });
        }
        if !pattern::is_pattern(text) {
            return Ok(Self::Name(text.to_owned()));
        }
        let refused = |why| match why {
            Refused::TooMany => format!("`{text}` stands for more than {MAX_NODES} names"),
            Refused::Malformed(why) => format!("`{text}` is no pattern: {why}"),
            Refused::NeedsInventory => format!("`{text}` is no pattern: it lacks the / at its end"),
        };
        if pattern::needs_inventory(text) || text.contains("[!") || text.contains("[^") {
            return Glob::all(text).map(Self::Globs).map_err(refused);
        }
        pattern::expand(text, MAX_NODES).map(|names| Self::Series(names.collect())).map_err(refused)
    }

    /// Whether this is one name, written out.
    pub(crate) fn is_name(&self) -> bool {
        matches!(self, Self::Name(_))
    }

    /// Whether a name fits.
    pub(crate) fn fits(&self, name: &str) -> bool {
        match self {
            Self::Name(own) => own == name,
            Self::Series(names) => names.iter().any(|own| own == name),
            Self::Globs(globs) => globs.iter().any(|glob| glob.matches(name)),
            Self::Regex(regex) => regex.is_match(name),
        }
    }

    /// The nodes whose names fit.
    pub(crate) fn find<'a>(&self, names: &Names, size: u32, name_of: impl Fn(u32) -> &'a str) -> Matched {
        let mut matched = Matched::default();
        let mut exactly = |name: &String| match names.find(name, &name_of) {
            Some(id) => matched.ids.push(id),
            None => matched.missing.push(name.clone()),
        };
        match self {
            Self::Name(name) => exactly(name),
            Self::Series(series) => series.iter().for_each(exactly),
            Self::Globs(globs) => {
                for glob in globs {
                    let candidates = names.beginning(&glob.prefix(), &name_of);
                    matched.ids.extend(candidates.iter().filter(|id| glob.matches(name_of(**id))));
                }
                matched.ids.sort_unstable();
                matched.ids.dedup();
            }
            Self::Regex(regex) => {
                matched.ids.extend((0..size).filter(|id| regex.is_match(name_of(*id))));
            }
        }
        matched
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_fit() {
        for (text, fitting, other) in [
            ("web01", &["web01"][..], &["web02", "WEB01"][..]),
            ("web[01-03]", &["web01", "web03"], &["web04", "web1"]),
            ("web*", &["web", "web01"], &["db", "aweb"]),
            ("w?b{1,2}*", &["web1", "wxb29"], &["web3"]),
            ("web[!1]", &["web2"], &["web1"]),
            ("/^web[0-9]+$/", &["web1"], &["web", "aweb1"]),
            ("/b[12]/", &["db1", "web2"], &["db3"]),
        ] {
            let matcher = Matcher::new(text).unwrap();
            assert!(fitting.iter().all(|name| matcher.fits(name)), "{text}");
            assert!(!other.iter().any(|name| matcher.fits(name)), "{text}");
        }
    }

    #[test]
    fn says_what_is_wrong() {
        for (text, expect) in [
            ("/a(/", "`/a(/` is no regular expression: unclosed group"),
            ("web[9-1]", "`web[9-1]` is no pattern: a range goes from low to high"),
            ("/web*", "`/web*` is no pattern: it lacks the / at its end"),
            ("n{1..9999999}", "`n{1..9999999}` stands for more than 1000000 names"),
        ] {
            assert_eq!(Matcher::new(text).unwrap_err(), expect);
        }
    }
}
