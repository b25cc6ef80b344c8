//! What is hidden, in which forms, and that it comes back as it was.

use proptest::prelude::*;
use serde_json::json;

use super::*;

fn secrets(pairs: &[(&str, &str)]) -> Secrets {
    pairs.iter().copied().collect()
}

#[track_caller]
fn check(clear: &str, text: &str, expect: &str) {
    assert_eq!(secrets(&[("pw", clear)]).redact(text), expect);
}

#[test]
fn redacts_every_form() {
    let pw = "p@ss \"wörd\"/'x'";
    for (text, expect) in [
        ("a p@ss \"wörd\"/'x' b", "a «secret:pw» b"),
        (r#"{"a":"p@ss \"wörd\"/'x'"}"#, r#"{"a":"«secret:pw/json»"}"#),
        (r#"{"a":"p@ss \"w\u00f6rd\"/'x'"}"#, r#"{"a":"«secret:pw/ascii-json»"}"#),
        ("<b>p@ss &quot;wörd&quot;/&#39;x&#39;</b>", "<b>«secret:pw/html»</b>"),
        (r#"echo 'p@ss "wörd"/'\''x'\'''"#, "echo '«secret:pw/shell»'"),
        ("?q=p%40ss%20%22w%C3%B6rd%22%2F%27x%27&r", "?q=«secret:pw/percent»&r"),
        ("?q=p%40ss%20%22w%c3%b6rd%22%2f%27x%27&r", "?q=«secret:pw/lower-percent»&r"),
        ("?q=p%40ss+%22w%C3%B6rd%22%2F%27x%27&r", "?q=«secret:pw/form»&r"),
        ("70407373202277c3b67264222f277827", "«secret:pw/hex»"),
        ("70407373202277C3B67264222F277827", "«secret:pw/upper-hex»"),
        ("cEBzcyAid8O2cmQiLyd4Jw==", "«secret:pw/base64»=="),
        // `user:` before it, `:x` behind: only bits that are those of others as well are left.
        ("dXNlcjpwQHNzICJ3w7ZyZCIvJ3gnOng=", "dXNlcjp«secret:pw/base64+2»Ong="),
    ] {
        check(pw, text, expect);
    }
    check("ab?>cd~", "YWI/PmNkfg", "«secret:pw/base64»");
    check("ab?>cd~", "YWI_PmNkfg", "«secret:pw/base64url»");
}

#[test]
fn redacts_lines_and_lines_of_base64() {
    let key = format!("-----BEGIN KEY-----\n{}\n----\n", "k".repeat(70));
    check(&key, &format!("  {}", "k".repeat(70)), "  «secret:pw/line-2»");
    check(&key, "----", "----");
    let long = "0123456789".repeat(10);
    let encoded = "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2\n\
                   Nzg5MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDEyMzQ1Njc4OQ==";
    check(&long, encoded, "«secret:pw/base64-76-1»\n«secret:pw/base64-76-2»==");
}

#[test]
fn of_several_that_fit_the_longest_is_taken_and_no_token_is_taken_apart() {
    let secrets = secrets(&[("a", "hunter"), ("b", "hunter22"), ("c", "secret"), ("d", "22x")]);
    assert_eq!(secrets.redact("hunter22x hunter2 secret"), "«secret:b»x «secret:a»2 «secret:c»");
    // What was redacted once stays as it is: the word in every token is one of the secrets.
    let once = secrets.redact("hunter secret");
    assert_eq!(secrets.redact(&once), once);
    assert_eq!(secrets.reveal_value(&json!(once)), json!("hunter secret"));
}

#[test]
fn short_texts_are_not_looked_for_and_still_come_back() {
    check("on", "it is on", "it is on");
    check("o\"", "it is o\\\"", "it is «secret:pw/json»");
    check("abc", "xabcx", "x«secret:pw»x");
    assert_eq!(secrets(&[("pw", "on")]).reveal_value(&json!("«secret:pw»!")), json!("on!"));
}

#[test]
fn the_beginning_of_a_secret_before_a_cut_is_replaced() {
    let secrets = secrets(&[("pw", "hunter22"), ("other", "hungry and tired")]);
    for (text, expect) in [
        ("no access with hunt… (exit 1)", "no access with «secret:pw»… (exit 1)"),
        ("hungry a…", "«secret:other»…"),
        ("hu…", "hu…"),
        ("hunter22…", "«secret:pw»…"),
        ("a hunter", "a hunter"),
        ("…hunt…hunger…", "…«secret:pw»…hunger…"),
    ] {
        assert_eq!(secrets.redact_message(text), expect);
    }
}

#[test]
fn a_number_is_hidden_when_it_is_all_of_a_secret() {
    let secrets = secrets(&[("pin", "4711"), ("rate", "2.50")]);
    let value = json!({"pin": 4711, "other": 47112, "text": "pin 4711", "4711": [4711.0], "rate": 2.5});
    let hidden = secrets.hide_value(&value);
    let expect = json!({"pin": "«secret:pin/number»", "other": 47112, "text": "pin «secret:pin»",
                        "«secret:pin»": [4711.0], "rate": 2.5});
    assert_eq!(hidden, expect);
    assert_eq!(secrets.reveal_value(&hidden), value);
}

#[test]
fn what_is_sealed_as_a_whole_is_not_looked_for() {
    let name = name_of_value(7, 0);
    let secrets = secrets(&[(&name, "{\"a\":\"long enough\"}")]);
    assert_eq!(secrets.get(&name), Some("{\"a\":\"long enough\"}"));
    let text = "{\"a\":\"long enough\"}";
    assert_eq!(secrets.redact(text), text);
}

#[test]
fn nobody_gets_a_secret_by_printing_its_token() {
    let secrets = secrets(&[("pw", "hunter22")]);
    for text in [
        "«secret:pw»",
        "«secret:pw/base64»",
        "«secret:»",
        "«secret:x",
        "««secret:pw»»",
        "«secret:«secret:pw»»",
    ] {
        let value =
            json!({ "said": text, "and": "hunter22", "$sealed": "@7.0", "$$sealed": [{"$sealed": 1}] });
        let hidden = secrets.hide_value(&value);
        assert!(!hidden.to_string().contains("hunter22") && sealed_as(&hidden).is_none());
        assert_eq!(secrets.reveal_value(&hidden), value, "{text}");
    }
    // Also while no secret has come up yet.
    let mut none = Secrets::default();
    none.expect_more();
    let value = json!("«secret:@7.0»");
    assert_eq!(none.reveal_value(&none.hide_value(&value)), value);
    assert_eq!(Secrets::default().hide_value(&value), value);
}

#[test]
fn knows_what_is_a_secret_and_what_holds_one() {
    let secrets = secrets(&[("pw", "hunter22")]);
    assert!(secrets.covers("hunter22") && secrets.covers("aHVudGVyMjI"));
    assert!(!secrets.covers("xhunter22") && !secrets.covers("hunter"));
    assert_eq!(secrets.tokens_of("hunter22 aHVudGVyMjI= «secret:pw»"), ["«secret:pw»", "«secret:pw/base64»"]);
}

#[test]
fn debug_shows_names_only() {
    assert_eq!(format!("{:?}", secrets(&[("pw", "hunter22")])), "{\"pw\"}");
}

#[test]
fn tells_what_belongs_to_its_run() {
    for (value, expect) in [
        (json!("«secret:»password»"), false),
        (json!([{"a": "x«secret:password»"}]), true),
        (json!({"«secret:password»": 1}), true),
        (json!(4711), false),
    ] {
        assert_eq!(holds_any(&value), expect, "{value}");
    }
    for (value, expect) in [
        (json!("«secret:password»"), false),
        (json!(["x «secret:@12.0» y"]), true),
        (json!({"$sealed": "@@12.0"}), true),
        (json!({"$sealed": "password"}), false),
        (json!({"a": 1}), false),
    ] {
        assert_eq!(is_of_its_run(&value), expect, "{value}");
    }
}

fn text() -> impl Strategy<Value = String> {
    // Few letters, so that secrets, their parts and tokens turn up in texts by chance.
    proptest::collection::vec(
        prop_oneof![
            Just("a"),
            Just("b"),
            Just("\""),
            Just("'"),
            Just("ö"),
            Just("\n"),
            Just(" "),
            Just("1"),
            Just("2"),
            Just("«secret:"),
            Just("»"),
            Just("p"),
            Just("/base64"),
            Just("/json"),
        ],
        0..24,
    )
    .prop_map(|parts| parts.concat())
}

proptest! {
    #[test]
    fn what_was_hidden_comes_back_exactly(clears in proptest::collection::vec(text(), 1..4), texts in proptest::collection::vec(text(), 0..4), number in 0..3000_u32) {
        let names = ["p", "q", "r", "s"];
        let secrets: Secrets = names.iter().copied().zip(clears.iter().map(String::as_str)).collect();
        let value = json!({"texts": texts, "joined": clears.join("a"), "number": number});
        let hidden = secrets.hide_value(&value);
        prop_assert_eq!(secrets.reveal_value(&hidden), value);
        // And nothing of them is left that is long enough to be looked for.
        if !clears.iter().any(|clear| clear.contains(OPENING)) {
            prop_assert_eq!(secrets.redact_value(&hidden), hidden);
        }
    }

    #[test]
    fn no_form_survives(clear in "[ -~]{3,40}", before in "[a-z:]{0,5}", after in "[a-z:]{0,5}") {
        let secrets = secrets(&[("pw", &clear)]);
        for (_, form) in forms(&clear) {
            if form.len() >= SHORTEST {
                let shown = secrets.redact(&format!("{before}{form}{after}"));
                prop_assert!(shown.contains("«secret:pw"), "{} in {}", form, shown);
            }
        }
    }
}
