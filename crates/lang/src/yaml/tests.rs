//! YAML as people write it, and as nobody should.

use serde_json::json;

use super::*;

fn values(text: &str) -> Vec<Value> {
    parse("plan.yaml", text).unwrap().into_iter().map(|document| document.value).collect()
}

fn refused(text: &str) -> String {
    parse("plan.yaml", text).unwrap_err().to_string()
}

#[test]
fn reads_scalars_by_the_core_schema() {
    for (text, expect) in [
        ("no", json!("no")),
        ("on", json!("on")),
        ("true", json!(true)),
        ("~", json!(null)),
        ("12", json!(12)),
        ("-12", json!(-12)),
        ("+12", json!(12)),
        ("0", json!(0)),
        ("0644", json!("0644")),
        ("0x1F", json!(31)),
        ("0o17", json!(15)),
        ("1.5", json!(1.5)),
        ("1e3", json!(1000.0)),
        ("1.2.3", json!("1.2.3")),
        ("10.0.0.1", json!("10.0.0.1")),
        ("2026-11-20", json!("2026-11-20")),
        ("1_000", json!("1_000")),
        ("18446744073709551615", json!(18_446_744_073_709_551_615_u64)),
        (".inf", json!(".inf")),
        ("--", json!("--")),
        ("1-2", json!("1-2")),
        ("\"12\"", json!("12")),
        ("'a''b'", json!("a'b")),
        ("!!str 12", json!("12")),
        ("5%", json!("5%")),
        ("12:30:45", json!("12:30:45")),
    ] {
        assert_eq!(values(&format!("k: {text}"))[0]["k"], expect, "{text}");
    }
}

#[test]
fn reads_json_and_many_documents() {
    assert_eq!(values("{\"a\": [1, {\"b\": null}]}"), [json!({"a": [1, {"b": null}]})]);
    assert_eq!(values("{\n\t\"a\": 1,\n\t\"b\": [\n\t\t2\n\t]\n}"), [json!({"a": 1, "b": [2]})]);
    assert_eq!(values("---\na: 1\n---\n---\nb: 2\n...\n"), [json!({"a": 1}), json!({"b": 2})]);
    assert_eq!(values("\u{feff}a: 1\r\nb:\r\n  - c\r\n"), [json!({"a": 1, "b": ["c"]})]);
    assert_eq!(values("a: |\r\n  x\r\n  y\r\n"), [json!({"a": "x\ny\n"})]);
    assert_eq!(values(""), [] as [Value; 0]);
}

#[test]
fn reads_anchors_and_merges() {
    let text = "base: &b {x: 1, y: 2}\nuse:\n  <<: *b\n  y: 3\nlist: [*b]\n";
    assert_eq!(
        values(text),
        [json!({"base": {"x": 1, "y": 2}, "use": {"y": 3, "x": 1}, "list": [{"x": 1, "y": 2}]})]
    );
}

#[test]
fn knows_places() {
    let text = "a:\n  - b: 1\n    c: two\n";
    let document = &parse("x", text).unwrap()[0];
    let at = |pointer: &str| {
        let located = document.spans.locate(&document.value, pointer);
        (located.key.map(|key| &text[key.bytes()]), &text[located.range.bytes()], located.exact)
    };
    assert_eq!(at("/a/0/b"), (Some("b"), "1", true));
    assert_eq!(at("/a/0/c"), (Some("c"), "two", true));
    assert!(!at("/a/0/d").2);
}

#[test]
fn refuses() {
    for (text, expect) in [
        ("a: 1\na: 2\nb: {c: 1, c: 2}\n", "2:1: WL-0109"),
        ("a: [1, 2", "WL-0102"),
        ("a:\n\t- b\n", "WL-0102"),
        ("? [a]\n: b\n", "WL-0104"),
        ("a: !foo b\n", "WL-0104"),
        ("a: *nope\n", "WL-0102"),
        ("a: &a [*a]\n", "WL-0106"),
        ("a: 'x\n", "WL-0102"),
    ] {
        let shown = refused(text);
        assert!(shown.contains(expect), "{text:?} -> {shown}");
    }
    assert_eq!(refused("a: 1\na: 2\nb: {c: 1, c: 2}\n").lines().count(), 2);
}

#[test]
fn refuses_depth() {
    let flow = format!("a: {}{}", "[".repeat(5000), "]".repeat(5000));
    assert!(refused(&flow).contains("WL-0106"), "{}", refused(&flow));
    let block: String = (0..200).map(|depth| format!("{}a:\n", "  ".repeat(depth))).collect();
    assert!(refused(&block).contains("WL-0106"), "{}", refused(&block));
    let fine = format!("{}{}", "[".repeat(64), "]".repeat(64));
    assert_eq!(values(&fine).len(), 1);
}

#[test]
fn refuses_alias_bombs() {
    let mut text = String::from("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
    for level in 1..10 {
        let below = format!("*a{}", level - 1);
        text.push_str(&format!("a{level}: &a{level} [{}]\n", vec![below; 10].join(", ")));
    }
    assert!(refused(&text).contains("WL-0106"));
}

#[test]
fn refuses_what_is_too_large_and_what_is_no_text() {
    let text = format!("a: {}", "x".repeat(MAX_BYTES));
    assert!(refused(&text).contains("WL-0106"));
    let not_text = crate::decode("p", b"a: 1\nb: \xff\xfe".to_vec()).unwrap_err();
    assert!(not_text.to_string().starts_with("p:2:4: WL-0101"), "{not_text}");
    assert!(crate::decode("p", vec![0xFF, 0xFE, b'a', 0]).unwrap_err().to_string().contains("UTF-16"));
    assert_eq!(crate::decode("p", b"\xef\xbb\xbfa: 1".to_vec()).unwrap(), "a: 1");
}
