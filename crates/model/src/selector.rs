//! Label selectors in the syntax of Kubernetes: `a=b,c!=d,e in (x,y),f notin (z),!g,h,cores>8`.
//!
//! All requirements of a selector must hold. A node without the label fits `!=` and `notin`, as it
//! does there. Unlike there, an empty selector is an error: empty never means all.

use std::fmt;
use std::str::FromStr;

/// Requirements on labels, all of which must hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LabelSelector {
    /// The requirements, in order; at least one.
    pub requirements: Vec<Requirement>,
}

/// A requirement on one label.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Requirement {
    /// The label.
    pub key: String,
    /// What must be true of it.
    pub test: Test,
}

/// What must be true of a label.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Test {
    /// It is there.
    Exists,
    /// It is not there.
    Absent,
    /// It has one of these values.
    In(Vec<String>),
    /// It has none of these values, or is not there.
    NotIn(Vec<String>),
    /// It is a whole number above this one.
    Above(i64),
    /// It is a whole number below this one.
    Below(i64),
}

/// Why a text is no label selector.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct SelectorError(String);

// === impl LabelSelector ===

impl LabelSelector {
    /// Whether labels, looked up by their names, fit.
    pub fn matches<'a>(&self, label: impl Fn(&str) -> Option<&'a str>) -> bool {
        self.requirements.iter().all(|requirement| requirement.test.holds(label(&requirement.key)))
    }
}

impl FromStr for LabelSelector {
    type Err = SelectorError;

    fn from_str(text: &str) -> Result<Self, SelectorError> {
        let mut reader = Reader { text, rest: text };
        let mut requirements = vec![reader.requirement()?];
        while reader.take(",") {
            requirements.push(reader.requirement()?);
        }
        reader.skip();
        if reader.rest.is_empty() { Ok(Self { requirements }) } else { Err(reader.unexpected("a comma")) }
    }
}

impl fmt::Display for LabelSelector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, requirement) in self.requirements.iter().enumerate() {
            if index > 0 {
                f.write_str(",")?;
            }
            write!(f, "{requirement}")?;
        }
        Ok(())
    }
}

// === impl Requirement ===

impl fmt::Display for Requirement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let key = &self.key;
        match &self.test {
            Test::Exists => f.write_str(key),
            Test::Absent => write!(f, "!{key}"),
            Test::In(values) => match values.as_slice() {
                [value] => write!(f, "{key}={value}"),
                values => write!(f, "{key} in ({})", values.join(",")),
            },
            Test::NotIn(values) => match values.as_slice() {
                [value] => write!(f, "{key}!={value}"),
                values => write!(f, "{key} notin ({})", values.join(",")),
            },
            Test::Above(number) => write!(f, "{key}>{number}"),
            Test::Below(number) => write!(f, "{key}<{number}"),
        }
    }
}

// === impl Test ===

impl Test {
    /// Whether a label with this value, or without one, passes.
    #[must_use]
    pub fn holds(&self, value: Option<&str>) -> bool {
        let number = || value.and_then(|value| value.parse::<i64>().ok());
        match self {
            Self::Exists => value.is_some(),
            Self::Absent => value.is_none(),
            Self::In(values) => value.is_some_and(|value| values.iter().any(|one| one == value)),
            Self::NotIn(values) => value.is_none_or(|value| values.iter().all(|one| one != value)),
            Self::Above(least) => number().is_some_and(|number| number > *least),
            Self::Below(most) => number().is_some_and(|number| number < *most),
        }
    }
}

struct Reader<'a> {
    text: &'a str,
    rest: &'a str,
}

// === impl Reader ===

impl<'a> Reader<'a> {
    fn requirement(&mut self) -> Result<Requirement, SelectorError> {
        if self.take("!") {
            return Ok(Requirement { key: self.key()?, test: Test::Absent });
        }
        let key = self.key()?;
        let test = if self.take("==") || self.take_equals() {
            Test::In(vec![self.value()])
        } else if self.take("!=") {
            Test::NotIn(vec![self.value()])
        } else if self.take(">") {
            Test::Above(self.number(&key)?)
        } else if self.take("<") {
            Test::Below(self.number(&key)?)
        } else if self.take_word("in") {
            Test::In(self.values()?)
        } else if self.take_word("notin") {
            Test::NotIn(self.values()?)
        } else {
            Test::Exists
        };
        Ok(Requirement { key, test })
    }

    fn skip(&mut self) {
        self.rest = self.rest.trim_start();
    }

    fn take(&mut self, token: &str) -> bool {
        self.skip();
        match self.rest.strip_prefix(token) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    /// An equals sign that does not begin something else, such as `=~` of other tools.
    fn take_equals(&mut self) -> bool {
        self.skip();
        match self.rest.strip_prefix('=') {
            Some(rest) if !rest.starts_with(['~', '=', '!', '<', '>']) => {
                self.rest = rest;
                true
            }
            _ => false,
        }
    }

    fn take_word(&mut self, word: &str) -> bool {
        self.skip();
        match self.rest.strip_prefix(word) {
            Some(rest) if rest.starts_with(|c: char| c == '(' || c.is_whitespace()) => {
                self.rest = rest;
                true
            }
            _ => false,
        }
    }

    fn word(&mut self) -> &'a str {
        self.skip();
        let end = self.rest.find(|c: char| !is_label_char(c)).unwrap_or(self.rest.len());
        let (word, rest) = self.rest.split_at(end);
        self.rest = rest;
        word
    }

    fn key(&mut self) -> Result<String, SelectorError> {
        match self.word() {
            "" => Err(self.unexpected("a label")),
            key => Ok(key.to_owned()),
        }
    }

    /// A value; nothing stands for the empty one, as in `zone=`.
    fn value(&mut self) -> String {
        self.word().to_owned()
    }

    fn number(&mut self, key: &str) -> Result<i64, SelectorError> {
        let word = self.word();
        word.parse().map_err(|_| {
            SelectorError(format!("after `{key}` a whole number must stand to compare with, not `{word}`"))
        })
    }

    fn values(&mut self) -> Result<Vec<String>, SelectorError> {
        if !self.take("(") {
            return Err(self.unexpected("( and a list of values"));
        }
        let mut values = vec![self.value()];
        while self.take(",") {
            values.push(self.value());
        }
        if self.take(")") { Ok(values) } else { Err(self.unexpected("a comma or )")) }
    }

    fn unexpected(&mut self, wanted: &str) -> SelectorError {
        self.skip();
        let text = self.text;
        if text.trim().is_empty() {
            return SelectorError("it is empty; write a=b, a!=b, a in (x,y), !a or a".to_owned());
        }
        match self.rest.chars().next() {
            None => SelectorError(format!("`{text}` ends where {wanted} is expected")),
            Some(_) => SelectorError(format!("`{text}` has `{}` where {wanted} is expected", self.rest)),
        }
    }
}

/// What may stand in a label's name or value in a selector. Wider than in Kubernetes, because labels are texts here.
fn is_label_char(c: char) -> bool {
    !c.is_whitespace() && !matches!(c, ',' | '(' | ')' | '=' | '!' | '<' | '>')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn holds(selector: &str) -> bool {
        let labels = [("app", "web"), ("rack", "r1"), ("cores", "16"), ("empty", "")];
        let selector: LabelSelector = selector.parse().unwrap();
        selector.matches(|key| labels.iter().find(|(name, _)| *name == key).map(|(_, value)| *value))
    }

    #[test]
    fn all_requirements_must_hold() {
        for (selector, expect) in [
            ("app=web", true),
            ("app==web", true),
            ("app=db", false),
            ("app != web", false),
            ("app!=db", true),
            ("zone!=a", true),
            ("app in (db, web)", true),
            ("app in (db)", false),
            ("app notin (db,cache)", true),
            ("zone notin (a)", true),
            ("app", true),
            ("zone", false),
            ("!zone", true),
            ("! app", false),
            ("cores>8", true),
            ("cores > 16", false),
            ("cores<17", true),
            ("app>1", false),
            ("zone<5", false),
            ("empty=", true),
            ("empty in (x,)", true),
            ("app=web,rack=r1", true),
            ("app=web , rack in (r2,r3)", false),
            ("app=web,!zone,cores>8,rack notin (r2)", true),
            ("in=x", false),
            ("notin", false),
            ("kubernetes.io/os!=linux", true),
        ] {
            assert_eq!(holds(selector), expect, "{selector}");
        }
    }

    #[test]
    fn prints_what_it_read() {
        for (text, expect) in [
            ("a == b , c!= d", "a=b,c!=d"),
            ("e in ( x , y ),f notin(z),!g,h", "e in (x,y),f!=z,!g,h"),
            ("n > 5,m<-2", "n>5,m<-2"),
        ] {
            let selector: LabelSelector = text.parse().unwrap();
            assert_eq!(selector.to_string(), expect);
            assert_eq!(expect.parse::<LabelSelector>().unwrap(), selector);
        }
    }

    #[test]
    fn refuses() {
        for (text, expect) in [
            ("", "it is empty; write a=b, a!=b, a in (x,y), !a or a"),
            (" ", "it is empty; write a=b, a!=b, a in (x,y), !a or a"),
            ("a=b,", "`a=b,` ends where a label is expected"),
            ("=b", "`=b` has `=b` where a label is expected"),
            ("a b", "`a b` has `b` where a comma is expected"),
            ("a in x", "`a in x` has `x` where ( and a list of values is expected"),
            ("a in (x", "`a in (x` ends where a comma or ) is expected"),
            ("a>x", "after `a` a whole number must stand to compare with, not `x`"),
            ("a=~b", "`a=~b` has `=~b` where a comma is expected"),
            ("a=b=c", "`a=b=c` has `=c` where a comma is expected"),
        ] {
            assert_eq!(text.parse::<LabelSelector>().unwrap_err().to_string(), expect);
        }
    }
}
