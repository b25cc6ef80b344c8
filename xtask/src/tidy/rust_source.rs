//! A Rust file with its parts told apart: code, comments, and where the tests begin.
//!
//! A small scanner, not a parser: rules must not mistake a word in a string or a comment for code, and need no more.

use crate::repo::TextFile;

/// A Rust file, line by line.
#[derive(Debug)]
pub(crate) struct RustSource {
    pub(crate) path: String,
    pub(crate) text: String,
    /// The lines with comments and the insides of strings blanked out.
    pub(crate) code: Vec<String>,
    /// The lines with only their comments left.
    pub(crate) comments: Vec<String>,
    /// Index of the first line of tests; the number of lines where there are none.
    tests_from: usize,
}

impl RustSource {
    pub(crate) fn of(file: &TextFile) -> Option<Self> {
        // What is made by a program follows no rules of ours.
        let is_ours = file.path.ends_with(".rs") && !file.path.contains("/src/generated/");
        is_ours.then(|| Self::new(&file.path, &file.text))
    }

    pub(crate) fn new(path: &str, text: &str) -> Self {
        let (code, comments) = separate(text);
        let tests_from = if is_test_file(path) { 0 } else { inline_tests(&code).unwrap_or(code.len()) };
        Self { path: path.into(), text: text.into(), code, comments, tests_from }
    }

    pub(crate) fn is_test(&self, index: usize) -> bool {
        index >= self.tests_from
    }

    /// The lines with their strings, but without their comments.
    pub(crate) fn uncommented(&self) -> impl Iterator<Item = String> {
        let without = |(line, comment): (&str, &String)| {
            line.chars()
                .zip(comment.chars())
                .map(|(char, comment)| if comment == ' ' { char } else { ' ' })
                .collect()
        };
        self.text.lines().zip(&self.comments).map(without)
    }

    /// Whether the line or the one above it excuses itself from a rule, and gives a reason.
    pub(crate) fn is_excused(&self, index: usize, rule: &str) -> bool {
        let marker = format!("tidy-allow: {rule}: ");
        (index.saturating_sub(1)..=index)
            .filter_map(|at| self.comments.get(at)?.split(&marker).nth(1))
            .any(|reason| !reason.trim().is_empty())
    }
}

fn is_test_file(path: &str) -> bool {
    let mut folders = path.split('/');
    folders.any(|part| matches!(part, "tests" | "tests.rs" | "benches"))
}

/// The line of `#[cfg(test)]` before a module with a body. Tests stand at the end of a file, so all below are tests.
fn inline_tests(code: &[String]) -> Option<usize> {
    (0..code.len()).find(|&index| {
        let is_attribute = code.get(index).is_some_and(|line| line.trim() == "#[cfg(test)]");
        let next = code
            .iter()
            .skip(index + 1)
            .find(|line| !line.trim().is_empty() && !line.trim().starts_with("#["));
        is_attribute && next.is_some_and(|line| line.contains("mod ") && line.contains('{'))
    })
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Code,
    LineComment,
    BlockComment { depth: usize },
    Text,
    RawText { hashes: usize },
}

fn separate(text: &str) -> (Vec<String>, Vec<String>) {
    let chars: Vec<char> = text.chars().collect();
    let (mut code, mut comments) = (String::new(), String::new());
    let mut state = State::Code;
    let mut at = 0;
    while let Some(&char) = chars.get(at) {
        let rest = chars.get(at..).unwrap_or_default();
        let (next, length) = step(state, rest, at.checked_sub(1).and_then(|before| chars.get(before)));
        for &char in rest.iter().take(length) {
            let is_comment = matches!(state, State::LineComment | State::BlockComment { .. })
                || matches!(next, State::LineComment | State::BlockComment { .. });
            // The marks around a string stay, so that `"…"` is still seen to be one.
            let is_code = state == State::Code && !is_comment;
            code.push(if char == '\n' || is_code { char } else { ' ' });
            comments.push(if char == '\n' || is_comment { char } else { ' ' });
        }
        state = if char == '\n' && state == State::LineComment { State::Code } else { next };
        at += length;
    }
    (code.lines().map(str::to_owned).collect(), comments.lines().map(str::to_owned).collect())
}

/// The state after the next characters, and how many those are.
fn step(state: State, rest: &[char], before: Option<&char>) -> (State, usize) {
    match (state, rest) {
        (State::Code, ['/', '/', ..]) => (State::LineComment, 2),
        (State::Code, ['/', '*', ..]) => (State::BlockComment { depth: 1 }, 2),
        (State::Code, ['"', ..]) => (State::Text, 1),
        (State::Code, ['r', ..])
            if !before.is_some_and(|c| c.is_alphanumeric() && *c != 'b' && *c != 'c' || *c == '_') =>
        {
            let hashes = rest.iter().skip(1).take_while(|c| **c == '#').count();
            if rest.get(1 + hashes) == Some(&'"') {
                (State::RawText { hashes }, hashes + 2)
            } else {
                (State::Code, 1)
            }
        }
        // A character, not a lifetime: '"' and '\'' would otherwise open or end a string.
        (State::Code, ['\'', '\\', _, '\'', ..]) => (State::Code, 4),
        (State::Code, ['\'', _, '\'', ..]) => (State::Code, 3),
        (State::LineComment, ['\n', ..]) => (State::Code, 1),
        (State::BlockComment { depth }, ['/', '*', ..]) => (State::BlockComment { depth: depth + 1 }, 2),
        (State::BlockComment { depth: 1 }, ['*', '/', ..]) => (State::Code, 2),
        (State::BlockComment { depth }, ['*', '/', ..]) => (State::BlockComment { depth: depth - 1 }, 2),
        (State::Text, ['\\', _, ..]) => (State::Text, 2),
        (State::Text, ['"', ..]) => (State::Code, 1),
        (State::RawText { hashes }, ['"', tail @ ..])
            if tail.iter().take_while(|c| **c == '#').count() >= hashes =>
        {
            (State::Code, 1 + hashes)
        }
        (state, _) => (state, 1),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(text: &str) -> String {
        RustSource::new("a.rs", text).code.join("\n")
    }

    #[test]
    fn strings_and_comments_are_not_code() {
        assert!(!code("let a = \"todo!()\";").contains("todo"));
        assert!(!code("// todo!()\nlet a = 1;").contains("todo"));
        assert!(!code("/* a /* todo!() */ b */ let a = 1;").contains("todo"));
        assert!(!code("let a = r#\"a \" todo!() \"#;").contains("todo"));
        assert!(!code("let a = br\"todo!()\";").contains("todo"));
        assert!(!code("let a = \"\\\" todo!()\";").contains("todo"));
    }

    #[test]
    fn what_follows_them_is_code() {
        assert!(code("let a = \"b\"; todo!()").contains("todo"));
        assert!(code("let a = '\"'; todo!()").contains("todo"));
        assert!(code("let a = '\\''; todo!()").contains("todo"));
        assert!(code("fn f<'a>(b: &'a str) { todo!() }").contains("todo"));
        assert!(code("/* a */ todo!()").contains("todo"));
        assert!(code("// a\ntodo!()").contains("todo"));
        assert!(code("let a = r#\"b\"#; todo!()").contains("todo"));
    }

    #[test]
    fn strings_without_comments() {
        let source = RustSource::new("a.rs", "let a = \"b\"; // c\n/* d */ e");
        let lines: Vec<String> = source.uncommented().map(|line| line.trim().to_owned()).collect();
        assert_eq!(lines, ["let a = \"b\";", "e"]);
    }

    #[test]
    fn tests_begin_at_the_inline_module_or_with_the_file() {
        let source = RustSource::new("src/a.rs", "fn a() {}\n#[cfg(test)]\nmod tests {\n}\n");
        assert!(!source.is_test(0) && source.is_test(1) && source.is_test(3));
        let source = RustSource::new("src/a.rs", "#[cfg(test)]\nmod tests;\nfn a() {}\n");
        assert!(!source.is_test(2));
        assert!(RustSource::new("src/a/tests.rs", "fn a() {}").is_test(0));
        assert!(RustSource::new("tests/a.rs", "fn a() {}").is_test(0));
    }

    #[test]
    fn an_excuse_needs_a_reason() {
        let source = RustSource::new("a.rs", "// tidy-allow: sleep: no other sign\nsleep();\n\nsleep();");
        assert!(source.is_excused(1, "sleep") && !source.is_excused(3, "sleep"));
        assert!(!RustSource::new("a.rs", "sleep(); // tidy-allow: sleep: ").is_excused(0, "sleep"));
    }
}
