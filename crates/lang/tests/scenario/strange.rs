//! Files that nobody means to write: each is answered in full, at its place, in words of ours.

use windlass_lang::{decode, load};

/// All that is wrong with a text: `line:column message (help)`.
fn said(text: &str) -> Vec<String> {
    let catalog = super::catalog();
    let Err(findings) = load("plan.yaml", text, &catalog) else { return Vec::new() };
    let source = findings.source_text().clone();
    let lines = findings.found().iter().map(|found| {
        let (line, column) = source.position(found.span.clone().unwrap().start);
        let help = found.problem.help.as_ref().map(|help| format!(" ({help})")).unwrap_or_default();
        format!("{line}:{column} {}{help}", found.problem.message)
    });
    lines.collect()
}

fn plan(name: &str, spec: &str) -> String {
    format!("apiVersion: windlass.dev/v1\nkind: Plan\nmetadata: {{name: {name}}}\nspec:\n{spec}")
}

const BLOCKS: &str = "  blocks: [{name: b, sequences: [{name: s, actions: [{name: a, use: noop}]}]}]\n";

fn block(keys: &str) -> String {
    plan(
        "p",
        &format!(
            "  blocks: [{{name: b, targets: {{nodes: [n1]}}, sequence: [{{name: a, use: noop}}], {keys}}}]\n"
        ),
    )
}

fn nodes(node: &str) -> String {
    plan(
        "p",
        &format!(
            "  blocks: [{{name: b, targets: {{nodes: [{node}]}}, sequence: [{{name: a, use: noop}}]}}]\n"
        ),
    )
}

/// What is said begins with this, without its place.
fn check(text: &str, expect: &[&str]) {
    let said = said(text);
    let said: Vec<&str> = said.iter().map(|line| line.split_once(' ').unwrap().1).collect();
    assert_eq!(said, expect, "\n{text}");
}

#[test]
fn w18_a_number_where_a_text_is_wanted_is_quoted_as_it_was_written() {
    for number in ["123", "0x10", "0o7", "-0", "1e5", "1.50", "99999999999999999999999999"] {
        let expect = format!("expected a text, got `{number}` (write it in quotes: \"{number}\")");
        check(&plan(number, BLOCKS), &[&expect]);
        check(&nodes(number), &[&expect.replace("a text,", "a text or a map,")]);
    }
    check(&plan("true", BLOCKS), &["expected a text, got `true` (write it in quotes: \"true\")"]);
    for text in ["yes", "no", "on", "off", "1_000", "2026-11-20"] {
        check(&plan(text, BLOCKS), &[]);
    }
}

#[test]
fn w18_a_text_where_a_number_is_wanted_says_what_would_do() {
    check(&block("canary: .inf"), &["expected a count such as 1, or `false`, got `.inf`"]);
    check(&block("canary: 1e400"), &["expected a count such as 1, or `false`, got `1e400`"]);
    check(&block("canary: 4294967296"), &["expected a count such as 1, or `false`, got `4294967296`"]);
    check(
        &block("canary: 99999999999999999999"),
        &["expected a count such as 1, or `false`, got `99999999999999999999`"],
    );
    check(&block("maxPer: {rack: 4294967296}"), &["4294967296 is too large; the most is 4294967295"]);
    check(
        &block("soak: 90"),
        &[
            "expected a duration such as 90s, 5m or 1h30m, got `90` (a unit is missing: 90s is so many seconds, 90m so many minutes)",
        ],
    );
    check(&block("onFailure: ndo"), &["expected one of stop, halt, undo, got `ndo` (did you mean `undo`?)"]);
    check(&block("onFailure: 5"), &["expected one of stop, halt, undo, got `5`"]);
    check(&block("failures: {max: 1, strict: yes}"), &["expected true or false, got `yes` (write true)"]);
}

#[test]
fn w18_a_default_is_not_judged_by_a_type_that_does_not_exist() {
    let param = |typed: &str| plan("p", &format!("  params: {{n: {{type: {typed}, default: 3}}}}\n{BLOCKS}"));
    let unknown = |typed: &str, help: &str| {
        format!(
            "expected one of string, int, bool, number, list, map, duration, secret, got `{typed}` ({help})"
        )
    };
    check(&param("integer"), &[&unknown("integer", "did you mean `int`?")]);
    check(&param("string"), &["expected string, got `3` (write it in quotes: \"3\")"]);
}

#[test]
fn w18_series_and_patterns_that_make_no_sense_are_refused() {
    for (node, why) in [
        ("\"web[9-1]\"", "`web[9-1]` is no pattern: a range goes from low to high"),
        ("\"web[1-99999999999]\"", "`web[1-99999999999]` stands for more than 1000000 names"),
        (
            "\"web[1-999999999999999999999]\"",
            "`web[1-999999999999999999999]` is no pattern: the numbers are too large, or it has too many dashes",
        ),
        ("\"web[1-]\"", "`web[1-]` is no pattern: a range has two ends"),
        ("\"web[-5-5]\"", "`web[-5-5]` is no pattern: a range has two ends"),
        (
            "\"web[1-10,x]\"",
            "`web[1-10,x]` is no pattern: between commas stand numbers or ranges of numbers, or single letters",
        ),
        ("\"web[1-10x]\"", "`web[1-10x]` is no pattern: a range of numbers stands alone or between commas"),
        ("\"web]\"", "`web]` is no pattern: a ] has no [ before it"),
        ("\"/((/\"", "`/((/` is no regular expression: unclosed group"),
        (
            "\"/(x{1000}){1000}{1000}/\"",
            "`/(x{1000}){1000}{1000}/` is no regular expression: Compiled regex exceeds size limit of 1048576 bytes.",
        ),
    ] {
        check(&nodes(node), &[why]);
    }
    for node in ["\"web[01-2]\"", "\"web[1-3,7]\"", "\"web[abc]\"", "\"web[a-f,x]\"", "\"[::1]\""] {
        check(&nodes(node), &[]);
    }
}

#[test]
fn w18_what_is_no_yaml_does_not_hide_what_else_is_wrong() {
    let good = plan("p", BLOCKS);
    let text = format!("{}---\n{}---\n{{{{{{\n", good.replace("noop", "nop"), good.replace("Plan", "Plam"));
    assert_eq!(
        said(&text),
        [
            "5:69 there is no plugin `nop` (did you mean `noop`?)",
            "8:7 `Plam` is not a kind that is known here (did you mean `Plan`?)",
            "13:3 unclosed bracket '{' (a value that begins with {{ must stand in quotes: \"{{ params.release }}\")",
        ]
    );
    assert_eq!(
        said(&plan(
            "p",
            "  blocks: [{name: b, name: c, sequences: [{name: s, actions: [{name: a, use: nop}]}]}]\n"
        )),
        ["5:22 the key `name` is given twice", "5:78 there is no plugin `nop` (did you mean `noop`?)"]
    );
}

#[test]
fn w18_yaml_that_is_wrong_is_told_in_words_that_help() {
    let vars = |value: &str| plan("p", &format!("  vars: {{a: {value}}}\n{BLOCKS}"));
    check(
        &vars("*nope"),
        &[
            "there is no anchor `nope` before this (`&nope` makes one; a text that begins with * must stand in quotes)",
        ],
    );
    check(&vars("@x"), &["unexpected character: `@' (a text that begins with @ must stand in quotes)"]);
    check(&vars("\"abc"), &["unclosed quote (the quote that begins here has no end)"]);
    check(&vars("&a [*a]"), &["an alias stands inside of what it refers to"]);
    for nothing in ["", "---\n", "# nothing\n", "---\n---\n", "null\n", "   \n\t\n"] {
        let help = "a plan begins with `apiVersion: windlass.dev/v1` and `kind: Plan`";
        check(nothing, &[&format!("there is nothing in this file ({help})")]);
    }
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    check(&vars(&deep), &["values are nested deeper than 64"]);
}

#[test]
fn bytes_that_are_no_text_are_named() {
    let refused = |bytes: &[u8]| decode("p", bytes.to_vec()).unwrap_err().found()[0].problem.message.clone();
    let text = plan("p", BLOCKS);
    let wide = |order: fn(u16) -> [u8; 2]| text.encode_utf16().flat_map(order).collect::<Vec<u8>>();
    assert_eq!(refused(&wide(u16::to_le_bytes)), "the file is UTF-16");
    assert_eq!(refused(&wide(u16::to_be_bytes)), "the file is UTF-16");
    assert_eq!(refused(&[0xFF, 0xFE, b'a', 0]), "the file is UTF-16");
    assert_eq!(refused(&[0; 4096]), "the file is no text: there is a zero byte in it");
    assert_eq!(refused(b"a: b\nc: \0\n"), "the file is no text: there is a zero byte in it");
    assert_eq!(refused(b"a: \xE9\n"), "the file is not UTF-8 text");
    assert_eq!(decode("p", b"\xEF\xBB\xBFa: b\r\n".to_vec()).unwrap(), "a: b\r\n");
}
