//! Words that must not be in committed code.

use super::Finding;
use super::rust_source::RustSource;

const RULE: &str = "tokens";

/// What is wrong with a line, as the name by which it can be excused and the advice.
type Offence = (&'static str, &'static str);

pub(super) fn check(source: &RustSource) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (index, (code, comment)) in source.code.iter().zip(&source.comments).enumerate() {
        let mut offences = in_code(&source.path, code);
        offences.extend(in_comment(comment));
        if source.is_test(index) {
            offences.extend(in_test(code));
        }
        for (name, advice) in offences {
            if !source.is_excused(index, name) {
                findings.push(Finding::new(&source.path, index + 1, RULE, format!("{name}: {advice}")));
            }
        }
    }
    findings
}

fn in_code(path: &str, code: &str) -> Vec<Offence> {
    let mut offences: Vec<Offence> = Vec::new();
    if has_word(code, "todo!") || has_word(code, "unimplemented!") {
        offences.push(("todo", "finish it or leave it out"));
    }
    if code.contains("#[ignore") || code.contains(", ignore]") {
        offences
            .push(("ignore", "a test that cannot run here reports itself as skipped; see CONTRIBUTING.md"));
    }
    if code.contains("#[allow(") || code.contains("#![allow(") {
        offences
            .push(("allow", "use #[expect(lint, reason = \"...\")], which ends when it is no longer needed"));
    }
    if has_word(code, "unsafe") && !path.starts_with("crates/sandbox/") {
        offences.push(("unsafe", "only crates/sandbox may be unsafe"));
    }
    offences
}

fn in_comment(comment: &str) -> Vec<Offence> {
    let is_open = ["FIXME", "XXX", "TODO", "HACK"].iter().any(|word| has_word(comment, word));
    if is_open { vec![("fixme", "do it now, or write down in an issue what is open")] } else { Vec::new() }
}

fn in_test(code: &str) -> Vec<Offence> {
    if code.contains("thread::sleep(") || code.contains("time::sleep(") {
        vec![(
            "sleep",
            "wait for the sign that it happened (a channel, a watch, virtual time), not for a while",
        )]
    } else {
        Vec::new()
    }
}

fn has_word(line: &str, word: &str) -> bool {
    line.match_indices(word).any(|(at, _)| {
        let is_part = |c: char| c.is_alphanumeric() || c == '_';
        let before = line.get(..at).and_then(|text| text.chars().next_back());
        let after = line.get(at + word.len()..).and_then(|text| text.chars().next());
        !before.is_some_and(is_part) && !after.is_some_and(is_part)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check_text(path: &str, text: &str) -> Vec<String> {
        check(&RustSource::new(path, text)).into_iter().map(|finding| finding.message).collect()
    }

    #[track_caller]
    fn fails(path: &str, text: &str, name: &str) {
        let messages = check_text(path, text);
        assert_eq!(messages.len(), 1, "{text}: {messages:?}");
        assert!(messages[0].starts_with(name), "{messages:?}");
    }

    #[test]
    fn offences() {
        fails("a.rs", "fn f() { todo!() }", "todo");
        fails("a.rs", "fn f() { unimplemented!(\"x\") }", "todo");
        fails("a.rs", "// FIXME later", "fixme");
        fails("a.rs", "/* XXX */", "fixme");
        fails("a.rs", "#[ignore]", "ignore");
        fails("a.rs", "#[ignore = \"slow\"]", "ignore");
        fails("a.rs", "#[allow(dead_code)]", "allow");
        fails("a.rs", "#![allow(dead_code)]", "allow");
        fails("crates/engine/src/a.rs", "unsafe { f() }", "unsafe");
        fails("tests/a.rs", "std::thread::sleep(d);", "sleep");
        fails("tests/a.rs", "tokio::time::sleep(d).await;", "sleep");
    }

    #[test]
    fn innocent_lines() {
        for (path, text) in [
            ("a.rs", "let a = \"todo!() FIXME unsafe\";"),
            ("a.rs", "// codes look like WL-XXXX9"),
            ("a.rs", "#[expect(dead_code, reason = \"x\")]"),
            ("a.rs", "#![forbid(unsafe_code)]"),
            ("crates/sandbox/src/a.rs", "unsafe { f() }"),
            ("src/a.rs", "tokio::time::sleep(d).await;"),
            ("tests/a.rs", "// tidy-allow: sleep: the child gives no sign\nstd::thread::sleep(d);"),
        ] {
            assert_eq!(check_text(path, text), Vec::<String>::new(), "{text}");
        }
    }
}
