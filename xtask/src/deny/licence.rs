//! Whether a licence expression (SPDX) can be met with the licences that we allow.

/// True if some choice among the alternatives needs allowed licences only.
///
/// An expression that cannot be read is not met: checks fail closed.
pub(super) fn is_met(expression: &str, allowed: &[String]) -> bool {
    // `MIT/Apache-2.0` is how crates wrote OR before expressions.
    let spaced = expression.replace('(', " ( ").replace(')', " ) ").replace('/', " OR ");
    let words: Vec<&str> = spaced.split_whitespace().collect();
    let mut parser = Parser { words: &words, allowed };
    parser.alternatives().is_some_and(|met| met && parser.words.is_empty())
}

struct Parser<'a> {
    words: &'a [&'a str],
    allowed: &'a [String],
}

impl<'a> Parser<'a> {
    /// `a OR b OR …`; None if there is no such thing here.
    fn alternatives(&mut self) -> Option<bool> {
        let mut met = self.conjunction()?;
        while self.take_if("OR") {
            met |= self.conjunction()?;
        }
        Some(met)
    }

    fn conjunction(&mut self) -> Option<bool> {
        let mut met = self.term()?;
        while self.take_if("AND") {
            met &= self.term()?;
        }
        Some(met)
    }

    fn term(&mut self) -> Option<bool> {
        if self.take_if("(") {
            let met = self.alternatives()?;
            return self.take_if(")").then_some(met);
        }
        let name = self.take()?;
        if matches!(name, "OR" | "AND" | "WITH" | ")") {
            return None;
        }
        let allowed = self.allowed;
        let is_allowed = |name: &str| allowed.iter().any(|allowed| allowed == name);
        if self.words.first() == Some(&"WITH") {
            let exception = self.words.get(1)?;
            let met = is_allowed(&format!("{name} WITH {exception}"));
            self.words = self.words.get(2..)?;
            return Some(met);
        }
        Some(is_allowed(name))
    }

    fn take(&mut self) -> Option<&'a str> {
        let (first, rest) = self.words.split_first()?;
        self.words = rest;
        Some(first)
    }

    fn take_if(&mut self, word: &str) -> bool {
        let is_next = self.words.first() == Some(&word);
        if is_next {
            self.take();
        }
        is_next
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn met(expression: &str) -> bool {
        let allowed = ["MIT", "Apache-2.0", "Unicode-3.0", "Apache-2.0 WITH LLVM-exception"];
        is_met(expression, &allowed.map(str::to_owned))
    }

    #[test]
    fn expressions_that_can_be_met() {
        for expression in [
            "MIT",
            "MIT OR GPL-3.0",
            "GPL-3.0 OR MIT",
            "MIT/Apache-2.0",
            "(MIT OR GPL-3.0) AND Unicode-3.0",
            "Apache-2.0 WITH LLVM-exception OR GPL-3.0",
            "GPL-3.0 AND MIT OR MIT",
        ] {
            assert!(met(expression), "{expression}");
        }
    }

    #[test]
    fn expressions_that_cannot() {
        for expression in [
            "GPL-3.0",
            "MIT AND GPL-3.0",
            "MIT OR Apache-2.0 AND",
            "(MIT",
            "MIT)",
            "",
            "MIT WITH some-exception",
            "GPL-3.0 AND (MIT OR Apache-2.0)",
        ] {
            assert!(!met(expression), "{expression}");
        }
    }
}
